/** Waits between attempts stay within their bounds, whatever they are given. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { retryDelayMs, type RetryOptions } from '../../src/outward/retry.js';
import { runs } from './runs.js';

const options: fc.Arbitrary<RetryOptions> = fc.record({
  baseMs: fc.integer({ min: 1, max: 1_000_000 }),
  maxMs: fc.integer({ min: 1, max: 86_400_000 }),
  maxAttempts: fc.integer({ min: 1, max: 100 }),
});
const attempts = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.nat(), fc.integer());
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const asked = fc.option(
  fc.oneof(fc.integer({ min: -1_000, max: 10_000_000 }), fc.double({ min: 0, max: 1e9, noNaN: true })),
  { nil: undefined },
);

test('a whole number of ms: at least half the exponential and what was asked, at most the larger of bound and asked', () => {
  fc.assert(
    fc.property(attempts, asked, options, chance, (tries, askedMs, given, random) => {
      const delay = retryDelayMs(tries, askedMs, given, () => random);
      const whole = Math.min(given.maxMs, given.baseMs * 2 ** Math.min(30, Math.max(0, tries - 1)));
      expect(Number.isSafeInteger(delay)).toBe(true);
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeGreaterThanOrEqual(Math.floor(Math.max(whole / 2, askedMs ?? 0)));
      expect(delay).toBeLessThanOrEqual(Math.ceil(Math.max(given.maxMs, askedMs ?? 0)));
    }),
    runs(750),
  );
});

test('luck spreads it over half of the wait, and more attempts never make it shorter', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 60 }), options, chance, chance, (tries, given, one, other) => {
      const at = (attempt: number, random: number): number => retryDelayMs(attempt, undefined, given, () => random);
      expect(at(tries + 1, one)).toBeGreaterThanOrEqual(at(tries, one));
      if (one < other) expect(at(tries, one)).toBeLessThanOrEqual(at(tries, other));
      expect(at(tries, 0) * 2).toBeGreaterThanOrEqual(at(tries, one) - 1);
    }),
    runs(250),
  );
});
