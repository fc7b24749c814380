import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, fromCanonical, toCanonical, type ColumnType, type Json } from '../../src/catalog/values.js';

const kind = (name: Exclude<ColumnType['kind'], 'decimal'>): ColumnType => ({ kind: name });
const refused = expect.objectContaining({ code: 'mapping' }) as Error;

const types: { what: string; type: ColumnType; values: fc.Arbitrary<unknown> }[] = [
  { what: 'text', type: kind('text'), values: fc.string({ unit: 'binary' }) },
  { what: 'integer', type: kind('integer'), values: fc.maxSafeInteger().map((n) => (n === 0 ? 0 : n)) },
  { what: 'bigint', type: kind('bigint'), values: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { what: 'float', type: kind('float'), values: fc.double().map((n) => (n === 0 ? 0 : n)) },
  { what: 'boolean', type: kind('boolean'), values: fc.boolean() },
  { what: 'uuid', type: kind('uuid'), values: fc.uuid() },
  {
    what: 'date',
    type: kind('date'),
    values: fc
      .date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') })
      .map((d) => d.toISOString().slice(0, 10)),
  },
  { what: 'json', type: kind('json'), values: fc.jsonValue().filter((value) => value !== null) },
];

describe.each(types)('$what', ({ type, values }) => {
  test('comes back from its canonical text, which is stable', () => {
    fc.assert(
      fc.property(values, (value) => {
        const text = toCanonical(type, value);
        const back = fromCanonical(type, text);
        expect(typeof text).toBe('string');
        expect(back).toEqual(type.kind === 'json' ? JSON.parse(JSON.stringify(value)) : value);
        expect(toCanonical(type, back)).toBe(text);
      }),
    );
  });

  test('null and absent are null', () => {
    expect([toCanonical(type, null), toCanonical(type, undefined), fromCanonical(type, null)]).toEqual([
      null,
      null,
      null,
    ]);
  });
});

describe('decimals', () => {
  const type: ColumnType = { kind: 'decimal', precision: 30, scale: 4 };
  const free: ColumnType = { kind: 'decimal' };
  const digits = fc.stringMatching(/^[0-9]{1,20}$/);
  const written = fc.tuple(
    fc.constantFrom('', '+', '-'),
    digits,
    fc.option(fc.stringMatching(/^[0-9]{0,4}$/), { nil: undefined }),
  );

  test('every way to write a number has one canonical text', () => {
    fc.assert(
      fc.property(written, ([sign, whole, fraction]) => {
        const text = `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}`;
        const canonical = toCanonical(type, text) ?? '';
        expect(canonical).toMatch(/^-?(0|[1-9]\d*)\.\d{4}$/);
        expect(toCanonical(type, canonical)).toBe(canonical);
        expect(
          toCanonical(type, `0${whole}${fraction === undefined ? '' : `.${fraction}0`}`.replace(/(\.\d{4})0$/, '$1')),
        ).toBe(canonical.replace('-', ''));
        const scaled = (one: string): bigint => BigInt(one.replace('.', ''));
        expect(scaled(canonical)).toBe(BigInt(`${sign === '-' ? '-' : ''}${whole}${(fraction ?? '').padEnd(4, '0')}`));
        expect(toCanonical(free, canonical)).toBe(toCanonical(free, text));
      }),
    );
  });

  test.each([
    ['1', '1.0000'],
    [1.5, '1.5000'],
    ['-0.00', '0.0000'],
    ['-0', '0.0000'],
    ['.5', '0.5000'],
    ['5.', '5.0000'],
    ['007', '7.0000'],
    [' 1.50 ', '1.5000'],
  ])('%j is %s', (value, text) => {
    expect(toCanonical(type, value)).toBe(text);
  });

  test.each([
    '',
    '.',
    '-',
    '1e3',
    '1,5',
    '1.23456',
    '0x1',
    'NaN',
    'Infinity',
    1e21,
    1e-7,
    Number.NaN,
    Infinity,
    true,
    {},
    [],
    '1 2',
    '--1',
  ])('%j is refused', (value) => {
    expect(() => toCanonical(type, value)).toThrow(refused);
  });
});

describe('timestamps', () => {
  const type = kind('timestamp');
  test('every zone of one moment has one canonical text, with its microseconds', () => {
    const moment = fc.date({ noInvalidDate: true, min: new Date('1000-01-02'), max: new Date('9999-12-30') });
    fc.assert(
      fc.property(
        moment,
        fc.integer({ min: 0, max: 999_999 }),
        fc.integer({ min: -14 * 60, max: 14 * 60 }),
        (date, micros, zone) => {
          const fraction = String(micros).padStart(6, '0');
          const seconds = new Date(Math.floor(date.getTime() / 1000) * 1000);
          const local = new Date(seconds.getTime() + zone * 60_000).toISOString().slice(0, 19);
          const hours = String(Math.floor(Math.abs(zone) / 60)).padStart(2, '0');
          const minutes = String(Math.abs(zone) % 60).padStart(2, '0');
          const utc = `${seconds.toISOString().slice(0, 19)}.${fraction}Z`;
          const there = `${local}.${fraction}${zone < 0 ? '-' : '+'}${hours}:${minutes}`;
          const canonical = toCanonical(type, utc) ?? '';
          expect(toCanonical(type, there)).toBe(canonical);
          expect(toCanonical(type, there.replace('T', ' '))).toBe(canonical);
          expect(fromCanonical(type, canonical)).toBe(canonical);
          expect(canonical).toBe(utc.replace(/\.?0+Z$/, 'Z').replace(/(T\d\d:\d\d)Z$/, '$1:00Z'));
        },
      ),
    );
  });

  test.each([
    ['2026-01-31T09:30:00Z', '2026-01-31T09:30:00Z'],
    ['2026-01-31 09:30:00+00', '2026-01-31T09:30:00Z'],
    ['2026-01-31T09:30Z', '2026-01-31T09:30:00Z'],
    ['2026-01-31T09:30:00.120000Z', '2026-01-31T09:30:00.12Z'],
    ['2026-01-31T09:30:00.123456789Z', '2026-01-31T09:30:00.123456Z'],
    ['2026-01-31T09:30:00.000001-0500', '2026-01-31T14:30:00.000001Z'],
    ['2026-01-01T00:30:00+05:30', '2025-12-31T19:00:00Z'],
    [new Date('2026-01-31T09:30:00.120Z'), '2026-01-31T09:30:00.12Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
  ])('%s is %s', (value, text) => {
    expect(toCanonical(type, value)).toBe(text);
  });

  test.each([
    '',
    'now',
    '2026-01-31',
    '2026-13-01T00:00:00Z',
    '2026-01-32T00:00:00Z',
    '2026-01-01T25:00:00Z',
    '2026-01-01T00:61:00Z',
    0,
    1_700_000_000,
    {},
  ])('%j is refused', (value) => {
    expect(() => toCanonical(type, value)).toThrow(refused);
  });
  test('a Date that is none is refused', () => {
    expect(() => toCanonical(type, new Date(Number.NaN))).toThrow();
  });

  test.each(['2026-02-30T00:00:00Z', '2026-02-29T12:00:00+01:00', '2026-04-31T00:00:00Z'])(
    '%s, a day that isn’t, is refused',
    (value) => {
      expect(() => toCanonical(type, value)).toThrow(refused);
    },
  );
  test('a Date that is none is a mapping error', () => {
    expect(() => toCanonical(type, new Date(Number.NaN))).toThrow(refused);
  });
});

describe('values of the wrong type are refused, never coerced', () => {
  const wrong: Record<string, unknown[]> = {
    text: [1, true, {}, [], 1n],
    integer: ['1', 1.5, Number.NaN, Infinity, 2 ** 53, true, 1n, {}],
    bigint: ['1', 1.5, 2 ** 53, true, {}],
    float: ['1', true, 1n, {}],
    boolean: ['true', 1, 0, 't', {}],
    uuid: [1, {}],
    date: [1, '2026-1-1', '01.02.2026', '2026-01-01T00:00:00Z', new Date(), {}],
  };
  test.each(Object.entries(wrong))('%s', (name, values) => {
    for (const value of values)
      expect(() => toCanonical({ kind: name } as ColumnType, value), String(value)).toThrow(refused);
  });

  test('the message doesn’t hold the value: it may be personal', () => {
    expect(() => toCanonical(kind('integer'), 'ada@example.com')).toThrow(/^(?!.*ada@).*$/);
  });
});

describe('canonical JSON', () => {
  test('doesn’t depend on the order of keys, and means the same', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse()) as Json;
        expect(canonicalJson(reversed)).toBe(canonicalJson(object as Json));
        expect(JSON.parse(canonicalJson(object as Json))).toEqual(JSON.parse(JSON.stringify(object)));
      }),
    );
  });

  test('absent members don’t count, null ones do', () => {
    expect(canonicalJson({ a: undefined, b: null })).toBe('{"b":null}');
    expect(canonicalJson(undefined)).toBe('null');
    expect(canonicalJson(JSON.parse('{"__proto__":1,"a":-0}') as Json)).toBe('{"__proto__":1,"a":0}');
  });
});
