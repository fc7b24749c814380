import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureTable } from '../../src/catalog/table.js';
import { installTriggers } from '../../src/capture/triggers.js';
import { migrate } from '../../src/store/migrate.js';
import { PostgresDatabase } from '../../src/store/postgres.js';
import { hasPostgres, TestPostgres } from '../setup/hub.js';
import { installedCount, Item, short, takeMarks } from './support.js';

describe.skipIf(!hasPostgres)('capture on a shared Postgres', { timeout: 60_000 }, () => {
  let db: TestPostgres;
  beforeAll(async () => {
    db = await TestPostgres.create();
    await migrate(db);
    await ensureTable(db, Item);
    await installTriggers(db, [Item]);
  }, 60_000);
  afterAll(() => db.close());

  test("a role without rights on the schema syncflow writes the user's table, and is captured", async () => {
    const role = `syncflow_app_${process.pid}`;
    await db.execute(`create role ${role} login; grant select, insert, update, delete, truncate on item to ${role}`);
    const url = new URL(db.url);
    url.username = role;
    const app = new PostgresDatabase({ url: url.href, poolSize: 1 });
    try {
      await app.query('insert into item (id) values (1)');
      await app.query("update item set name = 'x'");
      await app.query('update item set id = 2');
      await app.query('delete from item');
      await app.query('truncate item');
      await expect(app.query('select * from syncflow.mark')).rejects.toMatchObject({ code: '42501' });
      expect(short(await takeMarks(db))).toEqual([
        'I ["1"]',
        'U ["1"]',
        'K ["1"]>["2"]',
        'U ["2"]',
        'D ["2"]',
        'T all',
      ]);
      await installTriggers(app, [Item]); // nothing to do
      await db.execute('drop trigger syncflow_insert_item on item');
      await expect(installTriggers(app, [Item])).rejects.toMatchObject({
        code: 'table',
        hint: expect.stringContaining('grant trigger') as string,
      });
      await installTriggers(db, [Item]);
    } finally {
      await app.close();
      await db.execute(`drop owned by ${role}; drop role ${role}`);
    }
  });

  test("a temporary table or a search_path of the writer can't take the place of the mark table", async () => {
    await db.transaction(async (tx) => {
      await tx.query('create temporary table sleeper (worker text) on commit drop');
      await tx.query('set local search_path = pg_temp, public');
      await tx.query('insert into public.item (id) values (11)');
    });
    expect(short(await takeMarks(db))).toEqual(['I ["11"]']);
  });

  test('marks of an open transaction are invisible to others, and appear with its commit', async () => {
    await db.transaction(async (tx) => {
      await tx.query('insert into item (id) values (21)');
      expect(await tx.query('select 1 from syncflow.mark')).toHaveLength(1);
      expect(await db.query('select 1 from syncflow.mark')).toHaveLength(0);
    });
    expect(short(await takeMarks(db))).toEqual(['I ["21"]']);
    await db
      .transaction(async (tx) => {
        await tx.query('insert into item (id) values (22)');
        throw new Error('changed my mind');
      })
      .catch(() => undefined);
    expect(await takeMarks(db)).toEqual([]);
  });

  test('many processes may install at once', async () => {
    const others = Array.from({ length: 4 }, () => new PostgresDatabase({ url: db.url, poolSize: 1 }));
    await db.execute('drop trigger syncflow_insert_item on item');
    await Promise.all(others.map((other) => installTriggers(other, [Item])));
    await Promise.all(others.map((other) => other.close()));
    expect(await installedCount(db, 'item')).toBe(5);
  });
});
