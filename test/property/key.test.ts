/** Keys: one text for one key, whatever its parts hold. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { Catalog, toRecordKey, type CatalogDefinition } from '../../src/catalog/catalog.js';
import { formatKey, keyFields, keyOfRecord, parseKey, showKey } from '../../src/catalog/key.js';
import { childMarker } from '../../src/merge/children.js';
import { timestamp, decimal } from '../../src/catalog/fields.js';
import { recordKey } from '../../src/cli/context.js';
import { runs } from './runs.js';

const nasty = fc.constantFrom(
  '',
  '"',
  '["',
  '"]',
  '", "',
  '\\',
  '\\"',
  '[',
  ']',
  ',',
  '/',
  '\u2028',
  '\ud800',
  '\0',
  '💥',
  'é',
  '"é',
);
const part = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  nasty,
  fc.array(nasty).map((list) => list.join('')),
);
const parts = fc.array(part, { minLength: 1, maxLength: 4 });

test('any parts come back, and no two different keys have the same text', () => {
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      expect(parseKey(formatKey(one))).toEqual(one);
      const alike = one.length === other.length && one.every((text, index) => text === other[index]);
      expect(formatKey(one) === formatKey(other)).toBe(alike);
    }),
    runs(750),
  );
});

test('parts can’t be moved over the border between two of them', () => {
  fc.assert(
    fc.property(part, part, part, (a, b, c) => {
      if (b === '') return;
      expect(formatKey([a + b, c])).not.toBe(formatKey([a, b + c]));
      expect(formatKey([a, b])).not.toBe(formatKey([a + b]));
    }),
    runs(250),
  );
});

const Composite = Catalog({
  name: 'composite',
  key: ['tenant', 'number', 'big', 'at', 'price', 'flag'],
  fields: {
    tenant: z.string(),
    number: z.int(),
    big: z.bigint(),
    at: timestamp(),
    price: decimal(10, 2),
    flag: z.boolean(),
  },
}).definition as unknown as CatalogDefinition;

const keyRecord = fc.record({
  tenant: part,
  number: fc.maxSafeInteger(),
  big: fc.bigInt(),
  at: fc
    .date({ noInvalidDate: true, min: new Date('1000-01-01'), max: new Date('9999-12-30') })
    .map((date) => date.toISOString()),
  price: fc.integer({ min: -1e6, max: 1e6 }).map((cents) => (cents / 100).toFixed(2)),
  flag: fc.boolean(),
});

test('the key of a record gives its key fields, and these the key', () => {
  fc.assert(
    fc.property(keyRecord, keyRecord, (one, other) => {
      const key = keyOfRecord(Composite, one);
      expect(keyOfRecord(Composite, keyFields(Composite, key))).toBe(key);
      expect(keyOfRecord(Composite, { ...one, more: 'ignored' })).toBe(key);
      expect(toRecordKey(Composite, one)).toBe(key);
      const fields = (row: typeof one): string =>
        JSON.stringify(keyFields(Composite, keyOfRecord(Composite, row)), bigints);
      expect(keyOfRecord(Composite, other) === key).toBe(fields(one) === fields(other));
      expect(showKey(key)).toContain(one.tenant);
    }),
  );
});

function bigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

test('markers: different keys have different ones, and each is read back as the key it stands for', () => {
  const read = (marker: string): string => (marker.startsWith('["') ? marker : formatKey([marker]));
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      expect(read(childMarker(formatKey(one)))).toBe(formatKey(one));
      if (formatKey(one) !== formatKey(other))
        expect(childMarker(formatKey(one))).not.toBe(childMarker(formatKey(other)));
    }),
    runs(500),
  );
});

test('a key on a command line is a key, or a usage error', () => {
  fc.assert(
    fc.property(fc.oneof(part, fc.json(), parts.map(formatKey)), (text) => {
      let key: string;
      try {
        key = recordKey(text);
      } catch (error) {
        expect(error).toMatchObject({ code: 'usage' });
        return;
      }
      expect(formatKey(parseKey(key))).toBe(key);
      if (!text.startsWith('[')) expect(parseKey(key)).toEqual([text]);
    }),
    runs(250),
  );
});
