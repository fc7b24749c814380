import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Catalog, decimalOf, type AnyRecord, type CatalogDefinition } from './rows-support.js';
import { ensureTable } from '../../src/catalog/table.js';
import { decimal, json, references, timestamp } from '../../src/catalog/fields.js';
import { formatKey } from '../../src/catalog/key.js';
import type { Database, Queryable } from '../../src/store/database.js';
import { HubRows } from '../../src/store/rows.js';
import { rowsOf } from './rows-support.js';
import { hubs } from '../setup/hub.js';

const Kinds = Catalog({
  name: 'kinds',
  key: 'id',
  fields: {
    id: z.int(),
    text: z.string().nullable(),
    big: z.bigint().nullable(),
    float: z.number().nullable(),
    flag: z.boolean().nullable(),
    day: z.iso.date().nullable(),
    at: timestamp().nullable(),
    uuid: z.uuid().nullable(),
    money: decimal(10, 2).nullable(),
    huge: decimalOf().nullable(),
    json: json(z.unknown()).nullable(),
    colour: z.enum(['red', 'blue']).nullable(),
    note: z.string().optional(),
  },
});

const Invoice = Catalog({
  name: 'invoice',
  key: 'id',
  fields: { id: z.int(), total: decimal(10, 2), gone_at: timestamp().nullable() },
  children: {
    lines: {
      table: 'invoice_line',
      key: 'line_id',
      parent: 'invoice_id',
      fields: { line_id: z.int(), invoice_id: z.int(), what: z.string(), amount: decimal(10, 2).nullable() },
    },
  },
});

describe.each(hubs)('hub rows on $name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  async function make(definition: CatalogDefinition): Promise<HubRows> {
    await ensureTable(db, definition);
    return rowsOf(db, definition);
  }

  async function roundTrip(rows: HubRows, record: AnyRecord): Promise<AnyRecord | undefined> {
    const key = await rows.write(db, record, undefined);
    return (await rows.load(db, [key])).get(key);
  }

  test('every kind of column comes back as it was written', async () => {
    const rows = await make(Kinds.definition);
    const record = {
      id: 9007199254740991,
      text: 'quote " back \\ line\nbreak , comma \u00e9 \u{1f600} \u2028 {} \t\u0001',
      big: 9223372036854775807n,
      float: 0.1 + 0.2,
      flag: false,
      day: '2026-02-28',
      at: '2026-01-31T09:30:00.123456Z',
      uuid: '0e37df36-f698-11e6-8dd4-cb9ced3df976',
      money: '12345678.90',
      huge: '123456789012345678901234567890.123456789012345678901234567891',
      json: { b: [1, null, { z: '\u00e9"\\' }], a: { nested: true, empty: '' }, n: 12.5 },
      colour: 'red',
    };
    expect(await roundTrip(rows, record)).toEqual(record);
  });

  test('null, absent and empty stay three things', async () => {
    const rows = await make(Kinds.definition);
    const empty = {
      id: 1,
      text: '',
      big: null,
      float: null,
      flag: null,
      day: null,
      at: null,
      uuid: null,
      money: null,
      huge: null,
      json: null,
      colour: null,
    };
    expect(await roundTrip(rows, { id: 1, text: '' })).toEqual(empty);
    expect(await roundTrip(rows, { ...empty, id: 2, text: null, note: '' })).toEqual({
      ...empty,
      id: 2,
      text: null,
      note: '',
    });
    expect(await roundTrip(rows, { id: 3, json: null, float: -0 })).toMatchObject({ json: null, float: 0 });
  });

  test('an optional field that is set to undefined is put back to its default; one that is missing is left alone', async () => {
    const rows = await make(Kinds.definition);
    const key = await rows.write(db, { id: 10, note: 'x', text: 'a' }, undefined);
    const before = (await rows.load(db, [key])).get(key);
    await rows.write(db, { id: 10, text: 'b' }, before);
    const second = (await rows.load(db, [key])).get(key);
    expect(second).toMatchObject({ note: 'x', text: 'b' });
    await rows.write(db, { ...second, note: undefined }, second);
    expect((await rows.load(db, [key])).get(key)).not.toHaveProperty('note');
  });

  test.each([
    ['NUL in text', { text: 'a\0b' }, /text.*NUL/],
    ['NUL in json', { json: { a: 'x\0' } }, /json.*NUL/],
    ['half a surrogate pair', { text: 'a\ud800' }, /text.*surrogate/],
    ['a number in a text field', { text: 5 }, /text/],
  ])('%s is refused with a clear error', async (_name, values, message) => {
    const rows = await make(Kinds.definition);
    const attempt = rows.write(db, { id: 77, ...values }, undefined);
    await expect(attempt).rejects.toMatchObject({ code: 'mapping', message: expect.stringMatching(message) as string });
  });

  test('backslash-u0000 written out in json is not NUL', async () => {
    const rows = await make(Kinds.definition);
    expect(await roundTrip(rows, { id: 78, json: { a: '\\u0000' } })).toMatchObject({ json: { a: '\\u0000' } });
  });

  test('a value that doesn’t fit a reference says so', async () => {
    class Owner extends Catalog({ name: 'owner', key: 'id', fields: { id: z.int() } }) {}
    class Owned extends Catalog({
      name: 'owned',
      key: 'id',
      fields: { id: z.int(), owner_id: references(Owner) },
    }) {}
    await make(Owner.definition);
    const rows = await make(Owned.definition);
    await expect(rows.write(db, { id: 1, owner_id: 'o-7' }, undefined)).rejects.toMatchObject({
      code: 'mapping',
      message: expect.stringContaining('the field "owner_id" (a reference to owner)') as string,
    });
  });

  test('a generated key comes back, and is not taken twice', async () => {
    const rows = await make(
      Catalog({ name: 'generated', key: 'id', fields: { id: z.int(), name: z.string() } }).definition,
    );
    const first = await rows.write(db, { name: 'a' }, undefined);
    const second = await rows.write(db, { name: 'b' }, undefined);
    expect(first).not.toBe(second);
    expect((await rows.load(db, [first, second])).size).toBe(2);
    const uuids = await make(
      Catalog({ name: 'generated_uuid', key: 'id', fields: { id: z.uuid(), name: z.string() } }).definition,
    );
    expect(await uuids.write(db, { name: 'a' }, undefined)).toMatch(/^\["[0-9a-f-]{36}"\]$/);
  });

  test('names with quotes, reserved words, spaces and unicode; a composite key', async () => {
    const definition = Catalog({
      name: 'odd',
      schema: 'sch"ema',
      table: 'select * "from" t; --',
      key: ['user', 'na"me'],
      fields: {
        user: z.int(),
        'na"me': z.string(),
        table: z.string().nullable(),
        'gr\u00f6\u00dfe \u{1f600}': z.string().nullable(),
        k0: z.string().nullable(),
      },
    }).definition;
    const rows = await make(definition);
    const key = await rows.write(
      db,
      { user: 7, 'na"me': 'a", "b\\', table: 'x', 'gr\u00f6\u00dfe \u{1f600}': 'y', k0: 'z' },
      undefined,
    );
    expect(key).toBe(formatKey(['7', 'a", "b\\']));
    expect((await rows.load(db, [key])).get(key)).toEqual({
      user: 7,
      'na"me': 'a", "b\\',
      table: 'x',
      'gr\u00f6\u00dfe \u{1f600}': 'y',
      k0: 'z',
    });
    expect(await rows.findBy(db, { 'na"me': 'a", "b\\', k0: 'z' }, 10)).toEqual([key]);
    const before = (await rows.load(db, [key])).get(key);
    const moved = await rows.write(db, { ...before, user: 8 }, before);
    expect(moved).toBe(formatKey(['8', 'a", "b\\']));
    await rows.remove(db, moved);
    expect(await rows.count(db)).toBe(0);
  });

  test('pages through all keys in key order', async () => {
    const rows = await make(
      Catalog({ name: 'paged', key: ['a', 'b'], fields: { a: z.int(), b: z.string() } }).definition,
    );
    await db.query("insert into paged select i % 5, 'k' || i from generate_series(1, 53) i");
    const seen: string[] = [];
    for (
      let page = await rows.page(db, undefined, 10);
      page.keys.length > 0;
      page = await rows.page(db, page.keys.at(-1), 10)
    )
      seen.push(...page.keys);
    expect(seen).toHaveLength(53);
    expect(new Set(seen).size).toBe(53);
  });

  test('finds by values, null-safe; no values find nothing', async () => {
    const rows = await make(
      Catalog({
        name: 'found',
        key: 'id',
        fields: { id: z.int(), a: z.string().nullable(), j: json(z.unknown()).nullable() },
      }).definition,
    );
    const one = await rows.write(db, { a: 'x', j: { b: 1, a: 2 } }, undefined);
    const two = await rows.write(db, { a: null, j: null }, undefined);
    expect(await rows.findBy(db, { a: 'x' }, 10)).toEqual([one]);
    expect(await rows.findBy(db, { j: { a: 2, b: 1 } }, 10)).toEqual([one]);
    expect(await rows.findBy(db, { a: null, j: null }, 10)).toEqual([two]);
    expect(await rows.findBy(db, {}, 10)).toEqual([]);
    await expect(rows.findBy(db, { nope: 1 }, 10)).rejects.toMatchObject({ code: 'config' });
  });

  test('child rows: inserted, changed, deleted, and untouched when not given', async () => {
    const rows = await make(Invoice.definition);
    const key = await rows.write(
      db,
      {
        total: '10.00',
        lines: [{ what: 'a', amount: '1.00' }, { what: 'b' }, { amount: null, what: 'c', invoice_id: 999 }],
      },
      undefined,
    );
    const first = (await rows.load(db, [key])).get(key);
    const lines = first?.['lines'] as AnyRecord[];
    expect(lines.map((line) => [line['what'], line['amount']])).toEqual([
      ['a', '1.00'],
      ['b', null],
      ['c', null],
    ]);
    const [a, b] = lines;
    await rows.write(db, { ...first, lines: [{ ...b, what: 'B' }, { ...a }, { line_id: 500, what: 'd' }] }, first);
    const second = (await rows.load(db, [key])).get(key);
    expect((second?.['lines'] as AnyRecord[]).map((line) => line['what'])).toEqual(['a', 'B', 'd']);
    await rows.write(db, { id: second?.['id'], total: '11.00' }, second);
    const third = (await rows.load(db, [key], {})).get(key);
    expect(third).toMatchObject({ total: '11.00' });
    expect(third?.['lines']).toHaveLength(3);
    const locked = await db.transaction((tx) => rows.load(tx, [key], { lock: 'all' }));
    expect(locked.get(key)).toEqual(third);
    await rows.remove(db, key);
    expect(await db.query('select * from invoice_line')).toEqual([]);
    await rows.remove(db, key);
  });

  test('an update writes only what differs', async () => {
    const rows = await make(Invoice.definition);
    const key = await rows.write(db, { total: '1.00', lines: [{ what: 'a' }] }, undefined);
    const record = (await rows.load(db, [key])).get(key) ?? {};
    const queries: string[] = [];
    const spy: Queryable = {
      query: (statement, params) => {
        queries.push(typeof statement === 'string' ? statement : statement.text);
        return db.query(statement, params);
      },
    };
    await rows.write(spy, { ...record, total: '1' }, record);
    expect(queries).toEqual([]);
    await rows.write(spy, { ...record, gone_at: '2026-01-01T00:00:00Z' }, record);
    expect(queries).toHaveLength(1);
    expect(queries[0]).not.toContain('total');
    await rows.remove(db, key);
    await expect(rows.write(db, { ...record, total: '2.00' }, record)).rejects.toMatchObject({
      code: 'database',
      hint: expect.stringContaining('load') as string,
    });
  });

  test('soft delete sets the field once, and the row is still returned', async () => {
    for (const field of ['gone_at', 'is_gone'] as const) {
      const definition = Catalog({
        name: `soft_${field}`,
        key: 'id',
        softDelete: field,
        fields: { id: z.int(), gone_at: timestamp().nullable(), is_gone: z.boolean().nullable() },
      }).definition;
      const rows = await make(definition);
      const key = await rows.write(db, {}, undefined);
      expect(rows.isSoftDeleted((await rows.load(db, [key])).get(key) ?? {})).toBe(false);
      await rows.remove(db, key);
      const once = (await rows.load(db, [key])).get(key);
      expect(rows.isSoftDeleted(once ?? {})).toBe(true);
      await rows.remove(db, key);
      expect((await rows.load(db, [key])).get(key)).toEqual(once);
    }
  });

  test('keys of every kind equal the canonical key', async () => {
    const at = Catalog({
      name: 'key_at',
      key: ['at', 'day', 'money', 'flag'],
      fields: { at: timestamp(), day: z.iso.date(), money: decimal(8, 2), flag: z.boolean() },
    }).definition;
    const rows = await make(at);
    for (const [at_, money] of [
      ['2026-01-01T00:00:00Z', '1.5'],
      ['2026-01-01T10:00:00.1Z', '100'],
      ['2026-01-01T10:00:00.123456Z', '-0.10'],
    ] as const) {
      const key = await rows.write(db, { at: at_, day: '2026-01-01', money, flag: true }, undefined);
      expect([...(await rows.load(db, [key])).keys()]).toEqual([key]);
      expect((await rows.page(db, undefined, 100)).keys).toContain(key);
    }
    expect((await rows.page(db, (await rows.page(db, undefined, 1)).keys[0], 100)).keys).toHaveLength(2);
  });

  test('references get a foreign key where the table exists', async () => {
    const Parent = Catalog({ name: 'parent', key: 'id', fields: { id: z.int() } });
    const child = Catalog({
      name: 'child',
      key: 'id',
      fields: { id: z.int(), parent_id: references(Parent) },
    }).definition;
    await ensureTable(db, Parent.definition);
    await ensureTable(db, child);
    const rows = await rowsOf(db, child);
    await expect(rows.write(db, { parent_id: 5 }, undefined)).rejects.toMatchObject({ code: '23503' });
  });
});
