import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.js';
import { decimal, json, referencesLater, timestamp } from '../../src/catalog/fields.js';
import { alignKeySequences, ensureTable, readShape } from '../../src/catalog/table.js';
import { SyncflowError } from '../../src/errors.js';
import type { Database } from '../../src/store/database.js';
import { hubs } from '../setup/hub.js';

describe.each(hubs)('catalog tables on $name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  test('what was created fits, child tables and self reference included', async () => {
    const definition = Catalog({
      name: 'everything',
      key: 'id',
      fields: {
        id: z.uuid(),
        text: z.string(),
        n: z.int().nullable(),
        f: z.number().optional(),
        b: z.boolean().default(false),
        d: z.iso.date(),
        t: timestamp(),
        m: decimal(12, 3),
        j: json(z.unknown()).nullable(),
        boss: referencesLater(() => Self, z.uuid()).nullable(),
      },
      children: {
        lines: {
          table: 'everything_line',
          key: 'id',
          parent: 'everything_id',
          fields: { id: z.bigint(), everything_id: z.uuid() },
        },
      },
    }).definition;
    const Self = Catalog({ name: 'self', table: 'everything', key: 'id', fields: { id: z.uuid() } });
    expect(await readShape(db, definition)).toBeUndefined();
    expect(await ensureTable(db, definition)).toBe('created');
    expect(await ensureTable(db, definition)).toBe('fits');
    await db.execute('drop table everything_line');
    expect(await ensureTable(db, definition)).toBe('created');
    const foreign = await db.query(
      "select confrelid::regclass::text as target from pg_constraint where contype = 'f' order by conrelid::regclass::text",
    );
    expect(foreign).toEqual([{ target: 'everything' }, { target: 'everything' }]);
  });

  test('every difference is named in one message', async () => {
    await db.execute(`
      create domain whole as int check (value > 0);
      create table differs (
        id int, code int not null, amount numeric(8, 1), big numeric(5, 2), name varchar(10) not null, extra text not null, fine text not null default 'x',
        also int generated always as identity, w whole, ok text not null default '')`);
    const definition = Catalog({
      name: 'differs',
      key: 'id',
      fields: {
        id: z.int(),
        code: z.string(),
        amount: decimal(8, 2),
        big: decimal(8, 2),
        name: z.string().nullable(),
        gone: z.boolean(),
        w: z.int(),
        ok: z.string().optional(),
      },
    }).definition;
    const error = await ensureTable(db, definition).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(SyncflowError);
    expect(error).toMatchObject({ code: 'table' });
    const lines = (error as Error).message.split('\n').slice(1);
    expect(lines).toEqual([
      '- "public"."differs": column "code" is integer, which can\'t hold text (needs text or varchar or bpchar or citext or name)',
      '- "public"."differs": column "amount" is numeric(8,1), which would round numeric(8, 2)',
      '- "public"."differs": column "big" is numeric(5,2), which can\'t hold every numeric(8, 2)',
      '- "public"."differs": column "name" is NOT NULL without a default, but the field may be absent or null',
      '- "public"."differs": column "gone" missing: it should be boolean',
      '- "public"."differs": column "extra" is NOT NULL without a default, and not a field of the catalog: new rows from remotes would fail (name it in leftOut if a trigger fills it)',
      '- "public"."differs": the key (id) has no primary key or unique index of exactly these columns',
      '- "public"."differs": column "id" is part of the key, but may be NULL',
    ]);
  });

  test('a view is no table; a partial or wider unique index is no key', async () => {
    await db.execute(`
      create view seen as select 1 as id;
      create table partly (id int not null, gone boolean); create unique index on partly (id) where not gone; create unique index on partly (id, gone);
      create table good (b int not null, a text not null, unique (a, b))`);
    const fields = { id: z.int() };
    await expect(ensureTable(db, Catalog({ name: 'seen', key: 'id', fields }).definition)).rejects.toThrow(/a view/);
    await expect(ensureTable(db, Catalog({ name: 'partly', key: 'id', fields }).definition)).rejects.toThrow(
      /unique index/,
    );
    const good = Catalog({ name: 'good', key: ['b', 'a'], fields: { a: z.string(), b: z.int() } }).definition;
    expect(await ensureTable(db, good)).toBe('fits');
  });

  test('made twice at once, it is made once', async () => {
    const definition = Catalog({ name: 'raced', schema: 'raced', key: 'id', fields: { id: z.int() } }).definition;
    const results = await Promise.all([
      ensureTable(db, definition),
      ensureTable(db, definition),
      ensureTable(db, definition),
    ]);
    expect(results).toContain('created');
    expect(await ensureTable(db, definition)).toBe('fits');
  });

  test('generated keys go on after imported ones', async () => {
    const definition = Catalog({
      name: 'imported',
      table: 'Imported "rows"',
      key: 'Id',
      fields: { Id: z.int() },
      children: { lines: { table: 'imported_line', key: 'id', parent: 'of', fields: { id: z.uuid(), of: z.int() } } },
    }).definition;
    await ensureTable(db, definition);
    await alignKeySequences(db, definition);
    await db.query('insert into "Imported ""rows""" values (1), (2), (500)');
    await alignKeySequences(db, definition);
    expect(await db.query('insert into "Imported ""rows""" default values returning "Id" as id')).toEqual([
      { id: '501' },
    ]);
  });
});
