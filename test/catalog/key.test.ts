import fc from 'fast-check';
import { z } from 'zod';
import { describe, expect, test } from 'vitest';
import { Catalog, toRecordKey, type CatalogDefinition } from '../../src/catalog/catalog.js';
import { decimal, timestamp } from '../../src/catalog/fields.js';
import { formatKey, keyFields, keyOfRecord, parseKey, showKey } from '../../src/catalog/key.js';

const Composite = Catalog({
  name: 'composite',
  key: ['tenant', 'number', 'big', 'at', 'price'],
  fields: {
    tenant: z.string(),
    number: z.int(),
    big: z.bigint(),
    at: timestamp(),
    price: decimal(10, 2),
    note: z.string().nullable(),
  },
}).definition as unknown as CatalogDefinition;

describe('keys', () => {
  test('are JSON, spaced as Postgres spaces it, and come back', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 4 }), (parts) => {
        const key = formatKey(parts);
        expect(parseKey(key)).toEqual(parts);
        expect(JSON.parse(key)).toEqual(parts);
        expect(formatKey(parseKey(key))).toBe(key);
      }),
    );
    expect(formatKey(['acme', '7'])).toBe('["acme", "7"]');
    expect(formatKey(['a"b\\c', 'é/\u2028'])).toBe('["a\\"b\\\\c", "é/\u2028"]');
  });

  test('different parts have different keys', () => {
    const parts = fc.array(fc.string(), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        expect(formatKey(one) === formatKey(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });

  test('of a record, and its fields again', () => {
    const record = {
      tenant: 'acme',
      number: 7,
      big: 2n ** 60n,
      at: '2026-01-31T10:30:00+01:00',
      price: '1.5',
      note: null,
    };
    const key = keyOfRecord(Composite, record);
    expect(key).toBe('["acme", "7", "1152921504606846976", "2026-01-31T09:30:00Z", "1.50"]');
    expect(keyFields(Composite, key)).toEqual({
      tenant: 'acme',
      number: 7,
      big: 2n ** 60n,
      at: '2026-01-31T09:30:00Z',
      price: '1.50',
    });
    expect(keyOfRecord(Composite, keyFields(Composite, key))).toBe(key);
    expect(showKey(key)).toBe('acme/7/1152921504606846976/2026-01-31T09:30:00Z/1.50');
  });

  test('a missing part is refused with its name', () => {
    expect(() => keyOfRecord(Composite, { tenant: 'acme' })).toThrow(/"number" is missing/);
    expect(() => toRecordKey(Composite, 7)).toThrow(expect.objectContaining({ code: 'mapping' }) as Error);
  });

  test('a single key is taken bare or as an object', () => {
    const single = Catalog({ name: 'single', key: 'id', fields: { id: z.int() } })
      .definition as unknown as CatalogDefinition;
    expect([toRecordKey(single, 7), toRecordKey(single, { id: 7 })]).toEqual(['["7"]', '["7"]']);
    for (const wrong of ['7', 7n, 1.5, null, undefined, {}])
      expect(() => toRecordKey(single, wrong)).toThrow(expect.objectContaining({ code: 'mapping' }) as Error);
  });
});
