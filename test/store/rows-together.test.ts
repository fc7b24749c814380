/** Many rows written together become what each would have become alone, and leave the same marks: on every hub, the one in memory too. */
import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decimal, json, timestamp } from '../../src/catalog/fields.js';
import { systemClock } from '../../src/engine/environment.js';
import { formatKey, parseKey } from '../../src/catalog/key.js';
import { groundOf } from '../../src/engine/ground.js';
import type { Database, Queryable } from '../../src/store/database.js';
import { announceWriter, claimMarks } from '../../src/store/marks.js';
import { HubRows, type RowWrite } from '../../src/store/rows.js';
import { MemoryHub } from '../simulation/memory-hub/hub.js';
import { hubs } from '../setup/hub.js';
import { Catalog, type AnyRecord, type CatalogDefinition } from './rows-support.js';

const Part = Catalog({
  name: 'part',
  key: 'id',
  fields: {
    id: z.int(),
    name: z.string(),
    price: decimal(10, 2).nullable(),
    seen: timestamp().nullable(),
    data: json(z.unknown()).nullable(),
    note: z.string().optional(),
  },
  children: {
    lots: { table: 'part_lot', key: 'id', parent: 'part', fields: { id: z.int(), part: z.int(), size: z.int() } },
  },
}).definition;

const Place = Catalog({
  name: 'place',
  key: ['select', 'from "x"'],
  fields: { select: z.string(), 'from "x"': z.int(), name: z.string().nullable() },
}).definition;

const all: readonly { readonly name: string; readonly open: () => Promise<Database> }[] = [
  { name: 'memory', open: async () => new MemoryHub(systemClock) },
  ...hubs,
];

describe.each(all)('rows written together on $name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeEach(async () => {
    db = await hub.open();
    await groundOf(db).migrate();
  }, 60_000);
  afterEach(() => db.close());

  async function make(definition: CatalogDefinition): Promise<HubRows> {
    const rows = new HubRows(definition, await groundOf(db).prepareTables(definition));
    await groundOf(db).capture([definition]);
    return rows;
  }

  async function marksOf(name: string): Promise<string[]> {
    const marks = await db.transaction((tx) => claimMarks(tx, [name], 1000));
    return marks.map(({ op, key, except_subscribers: except }) => `${op} ${key ?? ''}${except ?? ''}`).sort();
  }

  test('inserts of several shapes: keys are generated in their order, and go with their records', async () => {
    const rows = await make(Part);
    const records: AnyRecord[] = Array.from({ length: 40 }, (_, n) => ({
      name: `part ${n}`,
      ...(n % 3 === 0 ? { price: `${n}.50`, note: 'x' } : {}),
      ...(n % 7 === 0 ? { data: { n: [n, null, '"'] }, seen: '2026-01-01T00:00:00.123456Z' } : {}),
      ...(n % 10 === 0 ? { lots: [{ size: n }, { size: n + 1 }] } : {}),
    }));
    const keys = await db.transaction((tx) =>
      rows.writeAll(
        tx,
        records.map((record) => ({ record, before: undefined })),
      ),
    );
    expect(keys).toEqual(records.map((_, n) => `["${n + 1}"]`));
    const loaded = await rows.load(db, keys);
    for (const [n, key] of keys.entries()) {
      const { lots, ...fields } = records[n] ?? {};
      expect(loaded.get(key)).toMatchObject({ price: null, data: null, seen: null, ...fields });
      expect((loaded.get(key)?.['lots'] as AnyRecord[]).map(({ size }) => size)).toEqual(
        ((lots ?? []) as AnyRecord[]).map(({ size }) => size),
      );
    }
  });

  /** Writes the same changes on rows made alike, by `write` of each or by `writeAll`. */
  async function changed(rows: HubRows, together: boolean): Promise<{ rows: AnyRecord[]; marks: string[] }> {
    const keys: string[] = [];
    for (let n = 0; n < 12; n++)
      keys.push(await rows.write(db, { name: `part ${n}`, price: '1.00', note: 'n', lots: [{ size: 1 }] }, undefined));
    await marksOf('part');
    const before = await rows.load(db, keys);
    const changes = keys.map((key, n): RowWrite => {
      const row = before.get(key) ?? {};
      if (n === 3) return { record: { ...row }, before: row };
      if (n % 4 === 0) return { record: { ...row, note: undefined, price: null }, before: row };
      if (n % 4 === 1) return { record: { ...row, name: `new ${n}`, data: [n] }, before: row };
      return {
        record: { ...row, name: `new ${n}`, lots: [...(row['lots'] as AnyRecord[]), { size: n }] },
        before: row,
      };
    });
    await db.transaction(async (tx: Queryable) => {
      if (together) expect(await rows.writeAll(tx, changes)).toEqual(keys);
      else for (const { record, before: row } of changes) await rows.write(tx, record, row);
    });
    const after = await rows.load(db, keys);
    const first = Number(parseKey(keys[0] ?? '')[0]);
    const relative = (text: string): string => text.replace(/\d+/, (id) => String(Number(id) - first));
    const shown = keys.map((key) => {
      const { id: _id, lots, ...fields } = after.get(key) ?? {};
      return { ...fields, sizes: (lots as AnyRecord[]).map(({ size }) => size) };
    });
    return { rows: shown, marks: [...new Set((await marksOf('part')).map(relative))].sort() };
  }

  test('updates of several shapes, of fields and of child rows: as one by one', async () => {
    const rows = await make(Part);
    const alone = await changed(rows, false);
    expect(alone.rows[4]).toMatchObject({ price: null });
    expect(await changed(rows, true)).toEqual(alone);
  });

  test('a composite key with odd names', async () => {
    const rows = await make(Place);
    const places = ['a', 'b', 'a'].map((select, n) => ({ select, 'from "x"': n, name: null }));
    const keys = await rows.writeAll(
      db,
      places.map((record) => ({ record, before: undefined })),
    );
    expect(keys).toEqual(places.map((place) => formatKey([place.select, String(place['from "x"'])])));
    const changes = places.map((before, n) => ({ before, record: { ...before, name: `n${n}` } }));
    expect(await rows.writeAll(db, changes)).toEqual(keys);
    const after = await rows.load(db, keys);
    expect(keys.map((key) => after.get(key)?.['name'])).toEqual(['n0', 'n1', 'n2']);
  });

  test('a row that is gone: nothing passes for written', async () => {
    const rows = await make(Part);
    const keys = await rows.writeAll(
      db,
      ['a', 'b'].map((name) => ({ record: { name }, before: undefined })),
    );
    const before = await rows.load(db, keys);
    await rows.remove(db, keys[0] ?? '');
    const changes = keys.map((key) => ({ before: before.get(key), record: { ...before.get(key), name: 'c' } }));
    await expect(db.transaction((tx) => rows.writeAll(tx, changes))).rejects.toMatchObject({ code: 'database' });
    expect((await rows.load(db, keys)).get(keys[1] ?? '')).toMatchObject({ name: 'b' });
  });

  test('whoever settles what it writes is excepted from its marks, and from no other', async () => {
    const rows = await make(Part);
    const other = await rows.write(db, { name: 'other' }, undefined);
    await marksOf('part');
    const settles = (keys: readonly string[]) => ({ subscriber: 'part/a', keys, rows: 'updates and inserts' }) as const;
    await db.transaction(async (tx) => {
      await announceWriter(tx, { origin: 'part/a', editedAt: undefined, settles: settles([]) });
      const keys = await rows.writeAll(tx, [{ record: { name: 'a' }, before: undefined }]);
      await announceWriter(tx, { origin: 'part/a', editedAt: undefined, settles: settles(keys) });
      const before = await rows.load(tx, [...keys, other]);
      await rows.writeAll(
        tx,
        [...before.values()].map((row) => ({ record: { ...row, name: 'changed' }, before: row })),
      );
      await announceWriter(tx, { origin: 'part/a', editedAt: undefined });
      await rows.writeAll(tx, [{ record: { name: 'b' }, before: undefined }]);
    });
    await rows.write(db, { name: 'c' }, undefined);
    expect(await marksOf('part')).toEqual(['I ["2"]["part/a"]', 'I ["3"]', 'I ["4"]', 'U ["1"]', 'U ["2"]["part/a"]']);
  });
});
