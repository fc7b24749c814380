import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultRetry, retryDelayMs } from '../../src/outward/retry.js';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const attempts = fc.integer({ min: 0, max: 1000 });

describe('the delay before the next attempt', () => {
  test('lies between half and the whole of the exponential, and never beyond the bound', () => {
    fc.assert(
      fc.property(
        attempts,
        random,
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 1, max: 1_000_000 }),
        (tries, chance, baseMs, maxMs) => {
          const delay = retryDelayMs(tries, undefined, { baseMs, maxMs, maxAttempts: 9 }, () => chance);
          const whole = Math.min(maxMs, baseMs * 2 ** Math.min(30, Math.max(0, tries - 1)));
          expect(delay).toBeGreaterThanOrEqual(Math.floor(whole / 2));
          expect(delay).toBeLessThanOrEqual(maxMs);
          expect(Number.isSafeInteger(delay)).toBe(true);
        },
      ),
    );
  });

  test('is never less than what the remote asked for', () => {
    fc.assert(
      fc.property(attempts, random, fc.integer({ min: 0, max: 10_000_000 }), (tries, chance, askedMs) => {
        expect(retryDelayMs(tries, askedMs, defaultRetry, () => chance)).toBeGreaterThanOrEqual(askedMs);
      }),
    );
  });

  test('doesn’t shrink from one attempt to the next', () => {
    fc.assert(
      fc.property(attempts, random, (tries, chance) => {
        const at = (n: number): number => retryDelayMs(n, undefined, defaultRetry, () => chance);
        expect(at(tries + 1)).toBeGreaterThanOrEqual(at(tries));
      }),
    );
  });

  test('the default gives up within an hour', () => {
    let total = 0;
    for (let tries = 1; tries < defaultRetry.maxAttempts; tries++)
      total += retryDelayMs(tries, undefined, defaultRetry, () => 0.999);
    expect(total).toBeLessThan(3_600_000);
    expect(total).toBeGreaterThan(300_000);
  });
});
