/** Canonical values: whatever comes in is refused as `mapping`, or has one text that means the same. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromCanonical, toCanonical, type ColumnType } from '../../src/catalog/values.js';
import { SyncflowError } from '../../src/errors.js';
import { runs } from './runs.js';

const types: readonly ColumnType[] = [
  { kind: 'text' },
  { kind: 'integer' },
  { kind: 'bigint' },
  { kind: 'float' },
  { kind: 'boolean' },
  { kind: 'date' },
  { kind: 'timestamp' },
  { kind: 'uuid' },
  { kind: 'json' },
  { kind: 'decimal' },
  { kind: 'decimal', precision: 10, scale: 0 },
  { kind: 'decimal', precision: 12, scale: 2 },
  { kind: 'decimal', precision: 30, scale: 10 },
];

const twoDigits = (min: number, max: number) => fc.integer({ min, max }).map((n) => String(n).padStart(2, '0'));
const day = fc
  .tuple(fc.integer({ min: 0, max: 20_000 }), twoDigits(0, 14), twoDigits(0, 33))
  .map(([year, month, date]) => `${String(year).padStart(4, '0')}-${month}-${date}`);
const zone = fc.constantFrom('', 'Z', 'z', '+00', '-05:30', '+0545', '+14:00', '-24:00', '+99:99');
const moment = fc
  .tuple(day, fc.constantFrom('T', ' ', 't'), twoDigits(0, 25), twoDigits(0, 61), twoDigits(0, 61), zone)
  .chain(([date, between, hours, minutes, seconds, offset]) =>
    fc
      .stringMatching(/^(\.\d{0,9})?$/)
      .map((fraction) => `${date}${between}${hours}:${minutes}:${seconds}${fraction}${offset}`),
  );
const decimalText = fc.stringMatching(/^[+-]?\d{0,30}(\.\d{0,12})?$/);

/** What mappings, apps and remotes hand over: the fitting, the almost fitting, and anything else. */
const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withSparseArray: true }),
  fc.jsonValue(),
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.bigInt(),
  fc.date(),
  fc.uuid(),
  day,
  moment,
  decimalText,
);

type Canonical = { readonly text: string | null } | { readonly refused: true };

function canonical(type: ColumnType, value: unknown): Canonical {
  try {
    return { text: toCanonical(type, value) };
  } catch (error) {
    if (error instanceof SyncflowError && error.code === 'mapping') return { refused: true };
    throw error;
  }
}

const textOf = (type: ColumnType, value: unknown): string | null | undefined => {
  const found = canonical(type, value);
  return 'text' in found ? found.text : undefined;
};

describe.each(types)('$kind $scale', (type) => {
  test('any value whatsoever is refused as `mapping`, or its text comes back as it was', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = textOf(type, value);
        if (text === undefined) return;
        if (text === null) {
          expect(value ?? null).toBeNull();
          return;
        }
        const back = fromCanonical(type, text);
        expect(toCanonical(type, back)).toBe(text);
        expect(fromCanonical(type, toCanonical(type, back))).toEqual(back);
      }),
      runs(375),
    );
  });

  test('no message tells the value', () => {
    fc.assert(
      fc.property(fc.constantFrom('canary@example.com', 'CANARY 12', '12.CANARY'), (value) => {
        try {
          toCanonical(type, value);
        } catch (error) {
          expect(String(error)).not.toMatch(/canary/i);
        }
      }),
    );
  });
});

/** A decimal as a fraction of 10^scale. */
function rational(text: string): { digits: bigint; scale: number } {
  const [whole = '', fraction = ''] = text.trim().replace(/^[+-]/, '').split('.');
  const sign = text.trim().startsWith('-') ? -1n : 1n;
  return { digits: sign * BigInt(`${whole}${fraction}` || '0'), scale: fraction.length };
}

function sameNumber(one: string, other: string): boolean {
  const [a, b] = [rational(one), rational(other)];
  return a.digits * 10n ** BigInt(b.scale) === b.digits * 10n ** BigInt(a.scale);
}

describe('exactness', () => {
  test('a decimal has the number that was written; two texts are equal where the numbers are', () => {
    const free: ColumnType = { kind: 'decimal' };
    fc.assert(
      fc.property(decimalText, decimalText, (one, other) => {
        const [a, b] = [textOf(free, one), textOf(free, other)];
        if (typeof a !== 'string' || typeof b !== 'string') return;
        expect(sameNumber(one, a)).toBe(true);
        expect(a === b).toBe(sameNumber(one, other));
      }),
      runs(500),
    );
  });

  test('a limited decimal is never rounded: it is exact or refused', () => {
    const limited: ColumnType = { kind: 'decimal', precision: 12, scale: 2 };
    fc.assert(
      fc.property(decimalText, (value) => {
        const text = textOf(limited, value);
        if (typeof text === 'string') expect(sameNumber(value, text)).toBe(true);
      }),
      runs(500),
    );
  });

  test('a JavaScript number becomes just the decimal that it prints, or is refused', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const text = textOf({ kind: 'decimal' }, value);
        if (typeof text === 'string') expect(Number(text)).toBe(value === 0 ? 0 : value);
      }),
      runs(250),
    );
  });

  test('a date is a day of the calendar, as it was written', () => {
    fc.assert(
      fc.property(day, (value) => {
        const text = textOf({ kind: 'date' }, value);
        const date = new Date(`${value}T00:00:00Z`);
        const exists = value.length === 10 && !value.startsWith('0000') && !Number.isNaN(date.getTime());
        if (exists) expect(text === value).toBe(date.toISOString().startsWith(value));
        if (typeof text === 'string') expect(text).toBe(value);
      }),
      runs(500),
    );
  });

  test('a timestamp keeps day, time and microseconds that exist; what doesn’t exist is refused', () => {
    fc.assert(
      fc.property(moment, (value) => {
        const text = textOf({ kind: 'timestamp' }, value);
        if (typeof text !== 'string') return;
        const [, year = '', month = '', date = '', hours = '', minutes = '', seconds = '', fraction = '', at = ''] =
          /^(\d+)-(\d\d)-(\d\d).(\d\d):(\d\d):(\d\d)(?:\.(\d*))?(.*)$/.exec(value) ?? [];
        const parts = [year, month, date, hours, minutes, seconds].map(Number) as [
          number,
          number,
          number,
          number,
          number,
          number,
        ];
        const local = new Date(0);
        local.setUTCFullYear(parts[0], parts[1] - 1, parts[2]);
        local.setUTCHours(parts[3], parts[4], parts[5]);
        // 24:00:00 is the next midnight in ISO 8601
        if (parts[3] < 24) expect([local.getUTCMonth() + 1, local.getUTCDate()]).toEqual([parts[1], parts[2]]);
        const [, sign = '+', zoneHours = '0', zoneMinutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(at) ?? [];
        const offset = (sign === '-' ? -1 : 1) * (Number(zoneHours) * 60 + (Number(zoneMinutes) || 0)) * 60_000;
        const [shown = '', micros = ''] = text.replace(/Z$/, '').split('.');
        expect(Date.parse(`${shown}Z`)).toBe(local.getTime() - offset);
        expect(micros.padEnd(6, '0')).toBe(fraction.slice(0, 6).padEnd(6, '0'));
      }),
      runs(750),
    );
  });
});

describe('equality of canonical texts', () => {
  test('is an equivalence that JSON values, numbers and moments agree with', () => {
    const json: ColumnType = { kind: 'json' };
    const values = fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null);
    fc.assert(
      fc.property(values, values, (one, other) => {
        const equal = textOf(json, one) === textOf(json, other);
        expect(textOf(json, structuredClone(one))).toBe(textOf(json, one)); // reflexive, by value
        expect(textOf(json, other) === textOf(json, one)).toBe(equal);
        const normal = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;
        let alike = true;
        try {
          expect(normal(one)).toEqual(normal(other));
        } catch {
          alike = false;
        }
        expect(equal).toBe(alike);
      }),
      runs(250),
    );
  });

  test('different values of a kind have different texts', () => {
    const kinds: readonly (readonly [ColumnType, fc.Arbitrary<unknown>])[] = [
      [{ kind: 'text' }, fc.string({ unit: 'binary' })],
      [{ kind: 'integer' }, fc.maxSafeInteger()],
      [{ kind: 'bigint' }, fc.bigInt()],
      [{ kind: 'float' }, fc.double()],
      [{ kind: 'boolean' }, fc.boolean()],
    ];
    for (const [type, values] of kinds) {
      fc.assert(
        fc.property(values, values, (one, other) => {
          const same = one === other || (Number.isNaN(one) && Number.isNaN(other));
          expect(textOf(type, one) === textOf(type, other)).toBe(same);
        }),
      );
    }
  });
});
