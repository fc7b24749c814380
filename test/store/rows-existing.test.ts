import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureTable, readShape } from '../../src/catalog/table.js';
import { json, timestamp } from '../../src/catalog/fields.js';
import { formatKey } from '../../src/catalog/key.js';
import type { Database, Queryable } from '../../src/store/database.js';
import { hubs } from '../setup/hub.js';
import { Catalog, rowsOf } from './rows-support.js';

describe.each(hubs)('rows of a table that was there before, on $name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  test("an existing table's own types: int4, varchar, enum, domain, timestamp, whatever the session's settings", async () => {
    await db.execute(`
      create type "My Mood" as enum ('happy', 'sad');
      create domain short as varchar(10) check (value <> 'bad');
      create table own (id int4 primary key, name varchar(20), mood "My Mood", d short, at timestamp, atz timestamptz, j json, c char(5))`);
    const definition = Catalog({
      name: 'own',
      key: 'id',
      fields: {
        id: z.int(),
        name: z.string().nullable(),
        mood: z.enum(['happy', 'sad']).nullable(),
        d: z.string().nullable(),
        at: timestamp().nullable(),
        atz: timestamp().nullable(),
        j: json(z.unknown()).nullable(),
        c: z.string().nullable(),
      },
    }).definition;
    expect(await ensureTable(db, definition)).toBe('fits');
    expect(await readShape(db, definition)).toEqual({
      columns: {
        id: 'int4',
        name: 'varchar',
        mood: '"public"."My Mood"',
        d: 'varchar',
        at: 'timestamp',
        atz: 'timestamptz',
        j: 'json',
        c: 'bpchar',
      },
    });
    const rows = await rowsOf(db, definition);
    const record = {
      id: 1,
      name: 'n',
      mood: 'sad',
      d: 'ok',
      at: '2026-07-01T12:00:00.5Z',
      atz: '2026-07-01T12:00:00.5Z',
      j: { a: 1 },
      c: 'ab',
    };
    await db.transaction(async (tx) => {
      await tx.query("set local timezone = 'America/New_York'");
      await tx.query("set local datestyle = 'German'");
      await tx.query("set local intervalstyle = 'iso_8601'");
      const key = await rows.write(tx, record, undefined);
      expect((await rows.load(tx, [key], { lock: 'all' })).get(key)).toEqual(record);
      expect(await rows.findBy(tx, { mood: 'sad', at: record.at, atz: record.atz }, 2)).toEqual([key]);
    });
    await expect(rows.write(db, { ...record, id: 2, name: 'x'.repeat(21) }, undefined)).rejects.toMatchObject({
      code: 'mapping',
    });
    await expect(rows.write(db, { ...record, id: 2 ** 40 }, undefined)).rejects.toMatchObject({ code: 'mapping' });
  });

  test('500 keys of a table of 100,000 use its primary key', { timeout: 60_000 }, async () => {
    await db.execute(
      "create table many (id bigint primary key, name text); insert into many select i, 'n' || i from generate_series(1, 100000) i; create table many_line (id bigint primary key, many_id bigint not null); create index on many_line (many_id); insert into many_line select i, i from generate_series(1, 100000) i; analyze many; analyze many_line",
    );
    const definition = Catalog({
      name: 'many',
      key: 'id',
      fields: { id: z.int(), name: z.string().nullable() },
      children: {
        lines: { table: 'many_line', key: 'id', parent: 'many_id', fields: { id: z.int(), many_id: z.int() } },
      },
    }).definition;
    const rows = await rowsOf(db, definition);
    const keys = Array.from({ length: 500 }, (_, index) => formatKey([String(index * 199 + 1)]));
    const plans: string[] = [];
    const explaining: Queryable = {
      query: async (statement, params) => {
        const text = typeof statement === 'string' ? statement : statement.text;
        const lines = await db.query<Record<string, string>>(`explain ${text}`, params);
        plans.push(lines.map((line) => line['QUERY PLAN']).join('\n'));
        return db.query(statement, params);
      },
    };
    expect((await rows.load(explaining, keys)).size).toBe(500);
    await rows.page(explaining, keys[10], 100);
    for (const plan of plans) {
      expect(plan).toMatch(/Index (Only )?Scan using many_pkey/);
      expect(plan).not.toMatch(/Seq Scan/);
    }
  });
});
