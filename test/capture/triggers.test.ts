import { z } from 'zod';
import { asleepSeconds, bulkIds } from '../../src/store/marks.js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Catalog, type CatalogDefinition } from '../../src/catalog/catalog.js';
import { ensureTable } from '../../src/catalog/table.js';
import { decimal, timestamp } from '../../src/catalog/fields.js';
import { formatKey } from '../../src/catalog/key.js';
import { installTriggers, triggerFunctionsSql } from '../../src/capture/triggers.js';
import type { Database } from '../../src/store/database.js';
import { migrate } from '../../src/store/migrate.js';
import { hubs } from '../setup/hub.js';
import { counter, installedCount, Item, short, takeMarks } from './support.js';

const Order = Catalog({
  name: 'order',
  key: 'id',
  fields: { id: z.string(), total: decimal(8, 2).nullable() },
  children: {
    lines: {
      table: 'order_line',
      key: 'id',
      parent: 'order_id',
      fields: { id: z.int(), order_id: z.string(), what: z.string().nullable() },
    },
  },
}).definition;

describe.each(hubs)('capture on $name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
    await migrate(db);
    for (const definition of [Item, Order]) await ensureTable(db, definition);
    await installTriggers(db, [Item, Order]);
  }, 60_000);
  afterEach(async () => {
    await db.execute(
      'truncate item; truncate "order" cascade; delete from syncflow.mark; delete from syncflow.sleeper',
    );
  });
  afterAll(() => db.close());

  test('insert, update, delete, change of key and truncate leave their marks', async () => {
    await db.query("insert into item (id, name, edited_at) values (1, 'a', now()), (2, 'b', null)");
    expect(short(await takeMarks(db))).toEqual(['I ["1"]', 'I ["2"]']);
    await db.query("update item set name = 'c'");
    expect(short(await takeMarks(db)).sort()).toEqual(['U ["1"]', 'U ["2"]']);
    await db.query('update item set id = 9 where id = 2');
    expect(short(await takeMarks(db))).toEqual(['K ["2"]>["9"]', 'U ["9"]']);
    await db.query('delete from item where id = 1');
    expect(short(await takeMarks(db))).toEqual(['D ["1"]']);
    await db.query('truncate item');
    expect(short(await takeMarks(db))).toEqual(['T all']);
    await db.query("insert into item (id) values (1) on conflict (id) do update set name = 'x'");
    await db.query("insert into item (id) values (1) on conflict (id) do update set name = 'x'");
    expect(short(await takeMarks(db))).toEqual(['I ["1"]', 'U ["1"]']);
  });

  test('the marks of a mass update have ids above all others, however late those come', async () => {
    await db.query(`insert into item (id, name) select n, 'x' from generate_series(1001, 2000) n`);
    await db.execute('delete from syncflow.mark');
    await db.query(`update item set name = 'y' where id between 1001 and 2000`);
    await db.query(`update item set name = 'z' where id between 1001 and 1999`);
    await db.query(`delete from item where id between 1001 and 2000`);
    const marks = await db.query<{ op: string; bulk: boolean; count: number }>(
      `select op::text as op, id >= ${bulkIds} as bulk, count(*)::int as count from syncflow.mark group by 1, 2 order by 1, 2`,
    );
    expect(marks).toEqual([
      { op: 'D', bulk: false, count: 1000 },
      { op: 'U', bulk: false, count: 999 },
      { op: 'U', bulk: true, count: 1000 },
    ]);
    await db.execute('delete from syncflow.mark');
  });

  test('a statement that touches no row marks nothing and rings nobody', async () => {
    await db.query("insert into syncflow.sleeper (worker) values ('w')");
    const rings = counter();
    const stop = await db.listen('syncflow', rings.ring);
    await db.query('update item set name = null where id = -1');
    await db.query('delete from item where id = -1');
    await db.query('insert into item (id) select 1 where false');
    expect(await takeMarks(db)).toEqual([]);
    await db.query("notify syncflow, 'end of test'");
    await rings.reached(1);
    expect(rings.count()).toBe(1);
    await stop?.();
  });

  test('a worker that sleeps is rung once per transaction, after the commit; else nobody is', async () => {
    const rings = counter();
    const stop = await db.listen('syncflow', rings.ring);
    await db.query('insert into item (id) values (1)');
    await db.query("insert into syncflow.sleeper (worker) values ('w')");
    await db.transaction(async (tx) => {
      await tx.query('insert into item (id) values (2)');
      await tx.query('insert into item (id) values (3)');
    });
    await rings.reached(1);
    await db.query('notify syncflow');
    await rings.reached(2);
    expect(rings.count()).toBe(2);
    await stop?.();
  });

  test('a worker that died in its sleep is rung no more', async () => {
    const rings = counter();
    const stop = await db.listen('syncflow', rings.ring);
    await db.query(
      `insert into syncflow.sleeper (worker, since) values ('w', clock_timestamp() - interval '${asleepSeconds + 1} s')`,
    );
    await db.query('insert into item (id) values (1)');
    await db.query('notify syncflow');
    await rings.reached(1);
    await db.query("update syncflow.sleeper set since = clock_timestamp() where worker = 'w'");
    await db.query('insert into item (id) values (2)');
    await rings.reached(2);
    await stop?.();
  });

  test('rows that a foreign key carries along are not settled by whoever made the statement', async () => {
    await db.execute(`alter table item add constraint item_name unique (name), add constraint item_origin foreign key (origin)
      references item (name) on update cascade`);
    try {
      await db.execute(
        `insert into item (id, name) values (911, 'boss'); insert into item (id, name, origin) values (912, 'b', 'boss')`,
      );
      await takeMarks(db);
      await db.transaction(async (tx) => {
        await tx.query(
          `select set_config('syncflow.settles', '["item/x"]', true), set_config('syncflow.settled_keys', '["[\\"911\\"]"]', true),
            set_config('syncflow.settled_rows', 'updates', true)`,
        );
        await tx.query(`update item set name = 'chief' where id = 911`);
      });
      const marks = (await takeMarks(db)).map(
        ({ key, except_subscribers: except }) => `${key ?? ''} ${except ?? 'all'}`,
      );
      expect(marks.sort()).toEqual(['["911"] ["item/x"]', '["912"] all']);
    } finally {
      await db.execute(
        `alter table item drop constraint item_origin, drop constraint item_name; delete from item where id > 900`,
      );
      await takeMarks(db);
    }
  });

  test('what a user’s trigger writes within a statement is not settled by whoever made the statement', async () => {
    await db.execute(`create or replace function touch_other() returns trigger language plpgsql as $$ begin
        if new.name = 'mine' then update item set name = 'touched' where name = 'other'; update item set name = 'mine too' where id = new.id; end if;
        return null; end $$;
      create trigger touch_other after update on item for each row execute function touch_other()`);
    try {
      await db.execute(`insert into item (id, name) values (901, 'x'), (902, 'other')`);
      await takeMarks(db);
      await db.transaction(async (tx) => {
        await tx.query(
          `select set_config('syncflow.settles', '["item/x"]', true), set_config('syncflow.settled_keys', '["[\\"901\\"]"]', true),
            set_config('syncflow.settled_rows', 'updates', true)`,
        );
        await tx.query(`update item set name = 'mine' where id = 901`);
      });
      const marks = (await takeMarks(db)).map(
        ({ key, except_subscribers: except }) => `${key ?? ''} ${except ?? 'all'}`,
      );
      expect(marks.sort()).toEqual(['["901"] ["item/x"]', '["901"] all', '["902"] all']);
    } finally {
      await db.execute('drop trigger touch_other on item; drop function touch_other; delete from item where id > 900');
      await takeMarks(db);
    }
  });

  test('origin, exceptions and time of the edit come from the transaction', async () => {
    await db.transaction(async (tx) => {
      await tx.query(
        "select set_config('syncflow.origin', 'item/stripe', true), set_config('syncflow.except', '[\"item/x\"]', true)",
      );
      await tx.query("select set_config('syncflow.edited_at', '2020-01-02T03:04:05.678901Z', true)");
      await tx.query('insert into item (id) values (1)');
    });
    const at = await db.query(
      "select to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') as at from syncflow.mark",
    );
    expect(at).toEqual([{ at: '2020-01-02T03:04:05.678901' }]);
    expect(await takeMarks(db)).toMatchObject([{ origin: 'item/stripe', except_subscribers: '["item/x"]' }]);
    await db.query('insert into item (id) values (2)');
    const [mark] = await takeMarks(db);
    expect(mark).toMatchObject({ except_subscribers: null });
    expect(mark?.origin).toMatch(/^@postgres( \(syncflow\))?$/);
  });

  test('who writes past the library is named: the role that logged in, and its application', async () => {
    await db.transaction(async (tx) => {
      await tx.query("select set_config('application_name', 'psql', true)");
      await tx.query("insert into item (id, name) values (7, 'x')");
    });
    expect(await takeMarks(db)).toMatchObject([{ origin: '@postgres (psql)' }]);
  });

  test('a change of a child row marks its old and its new parent, once', async () => {
    await db.query(`insert into "order" (id) values ('a'), ('b'), ('c')`);
    await takeMarks(db);
    await db.query("insert into order_line (order_id) values ('a'), ('a'), ('b')");
    expect(short(await takeMarks(db)).sort()).toEqual(['U ["a"]', 'U ["b"]']);
    await db.query("update order_line set order_id = 'c' where order_id = 'b'");
    expect(short(await takeMarks(db)).sort()).toEqual(['U ["b"]', 'U ["c"]']);
    await db.query("delete from order_line where order_id = 'c'");
    expect(short(await takeMarks(db))).toEqual(['U ["c"]']);
    await db.query('truncate order_line');
    expect(await takeMarks(db)).toMatchObject([{ catalog: 'order', key: null, op: 'U' }]);
    await db.query("insert into order_line (order_id) values ('a')");
    await takeMarks(db);
    await db.query(`delete from "order" where id = 'a'`);
    expect(short(await takeMarks(db))).toContain('D ["a"]');
  });

  test('rows whose keys one statement changes are marked as one, those of the next as another', async () => {
    const statements = async () => {
      const rows = await db.query<{ key: string; statement: string }>(
        `select key, statement from syncflow.mark where op = 'K' order by id`,
      );
      await db.execute('delete from syncflow.mark');
      const names = [...new Set(rows.map((row) => row.statement))];
      return rows.map((row) => `${row.key} ${names.indexOf(row.statement)}`);
    };
    await db.query('insert into item (id) select generate_series(1, 3)');
    await db.query('update item set id = id + 10');
    await db.query('update item set id = id + 10 where id = 11');
    expect(await statements()).toEqual(['["11"] 0', '["12"] 0', '["13"] 0', '["21"] 1']);
    await db.transaction(async (tx) => {
      await tx.query('update item set id = id - 10 where id > 20');
      await tx.query('update item set name = id::text');
      await tx.query('update item set id = id + 10');
    });
    expect(await statements()).toEqual(['["11"] 0', '["22"] 1', '["23"] 1', '["21"] 1']);
    // in one message, and with the foreign key of another catalog that follows row by row
    await db.execute(`insert into "order" (id) values ('a'), ('b')`);
    await db.execute(`alter table order_line drop constraint order_line_order_id_fkey,
        add constraint order_line_order_id_fkey foreign key (order_id) references "order" on update cascade on delete cascade;
      insert into order_line (id, order_id) values (1, 'a'), (2, 'b');
      update "order" set id = id || 'x'; update "order" set id = id || 'y'`);
    expect(await statements()).toEqual(['["ax"] 0', '["bx"] 0', '["axy"] 1', '["bxy"] 1']);
  });

  test.each([
    'plain',
    'a"b',
    'back\\slash',
    "it's",
    'new\nline\r\ttab',
    'comma, ["x"]',
    '\u00e9\u00df\u{1f600}\u4e2d',
    '\u2028\u2029\u007f\u0080',
    '\u0001\b\f\u001f',
    '',
    ' ',
    '{}',
    'null',
  ])('the key of %j is the same in SQL and in code', async (text) => {
    await db.query('insert into "order" (id) values ($1)', [text]);
    await db.query(`update "order" set id = id || 'x'`);
    expect(await takeMarks(db)).toMatchObject([
      { op: 'I', key: formatKey([text]) },
      { op: 'K', old_key: formatKey([text]), key: formatKey([`${text}x`]) },
      { op: 'U', key: formatKey([`${text}x`]) },
    ]);
  });

  test('composite keys of every kind, names with quotes, and names longer than Postgres allows', async () => {
    const definition = Catalog({
      name: `a-${'very-'.repeat(15)}long-name`,
      table: 'odd "table"',
      key: ['a"b', 'at', 'money', 'select'],
      fields: { 'a"b': z.string(), at: timestamp(), money: decimal(8, 2), select: z.bigint() },
    }).definition;
    await ensureTable(db, definition);
    await installTriggers(db, [definition]);
    await db.query('insert into "odd ""table""" values ($1, $2, $3, $4)', [
      'x, "y"',
      '2026-01-01T10:00:00.120Z',
      '1.5',
      '9223372036854775807',
    ]);
    await db.query('update "odd ""table""" set money = 1.50');
    await db.query('update "odd ""table""" set money = 2');
    const key = (money: string): string =>
      formatKey(['x, "y"', '2026-01-01T10:00:00.12Z', money, '9223372036854775807']);
    expect(short(await takeMarks(db))).toEqual([
      `I ${key('1.50')}`,
      `U ${key('1.50')}`,
      `K ${key('1.50')}>${key('2.00')}`,
      `U ${key('2.00')}`,
    ]);
    expect(await installedCount(db, definition.table)).toBe(5);
    expect(triggerFunctionsSql(definition)).toContain('set search_path = pg_catalog, pg_temp');
  });

  test('installing twice changes nothing, and puts back what was disabled, dropped or altered', async () => {
    const versions = () => db.query('select oid::text, xmin::text from pg_trigger where not tgisinternal order by oid');
    const before = await versions();
    await installTriggers(db, [Item, Order]);
    expect(await versions()).toEqual(before);
    await db.execute(
      'alter table item disable trigger syncflow_insert_item; drop trigger syncflow_delete_item on item',
    );
    await installTriggers(db, [Item, Order]);
    await db.query('insert into item (id) values (1)');
    await db.query('delete from item');
    expect(short(await takeMarks(db))).toEqual(['I ["1"]', 'D ["1"]']);
  });

  test('a catalog that moves to another table leaves the old one working, without triggers', async () => {
    const old = Catalog({ name: 'moving', table: 'moving_old', key: 'id', fields: { id: z.int() } }).definition;
    const fresh = Catalog({
      name: 'moving',
      table: 'moving_new',
      key: 'code',
      fields: { code: z.string() },
    }).definition;
    for (const definition of [old, fresh]) {
      await ensureTable(db, definition);
      await installTriggers(db, [definition]);
    }
    await db.execute("insert into moving_old (id) values (1); insert into moving_new (code) values ('x')");
    expect(short(await takeMarks(db))).toEqual(['I ["x"]']);
    expect(await installedCount(db, 'moving_old')).toBe(0);
  });

  test('a partitioned table is captured, whichever partition a write names', async () => {
    await db.execute(`
      create table parted (region text, id int, note text, primary key (region, id)) partition by list (region);
      create table parted_eu partition of parted for values in ('eu');
      create table parted_us partition of parted for values in ('us')`);
    const definition = Catalog({
      name: 'parted',
      key: ['region', 'id'],
      fields: { region: z.string(), id: z.int(), note: z.string().nullable() },
    }).definition;
    expect(await ensureTable(db, definition)).toBe('fits');
    await installTriggers(db, [definition]);
    await installTriggers(db, [definition]);
    await db.query("insert into parted values ('eu', 1), ('us', 2)");
    await db.query("insert into parted_eu values ('eu', 3)");
    expect(short(await takeMarks(db)).sort()).toEqual(['I ["eu", "1"]', 'I ["eu", "3"]', 'I ["us", "2"]']);
    await db.query("update parted set note = 'x' where id = 1");
    await db.query("update parted_us set note = 'y'");
    expect(short(await takeMarks(db))).toEqual(['U ["eu", "1"]', 'U ["us", "2"]']);
    await db.query('update parted set id = 4 where id = 3');
    expect(short(await takeMarks(db))).toEqual(['K ["eu", "3"]>["eu", "4"]', 'U ["eu", "4"]', 'D ["eu", "3"]']);
    await db.query("update parted set region = 'us' where id = 1");
    expect(short(await takeMarks(db))).toEqual(['U ["us", "1"]', 'D ["eu", "1"]']);
    await db.query('delete from parted_us');
    expect(short(await takeMarks(db)).sort()).toEqual(['D ["us", "1"]', 'D ["us", "2"]']);
    await db.query('truncate parted');
    expect(new Set(short(await takeMarks(db)))).toEqual(new Set(['T all']));
  });

  test("what triggers can't capture is refused", async () => {
    await db.execute(`
      create view a_view as select 1 as id;
      create table base (id int primary key); create table heir () inherits (base);
      create table whole (id int primary key) partition by list (id); create table part partition of whole for values in (1)`);
    const refusal = async (table: string): Promise<unknown> => {
      const definition: CatalogDefinition = Catalog({
        name: `refused_${table}`,
        table,
        key: 'id',
        fields: { id: z.int() },
      }).definition;
      return installTriggers(db, [definition]).catch((error: unknown) => error);
    };
    expect(await refusal('a_view')).toMatchObject({
      code: 'table',
      message: expect.stringContaining('a view') as string,
    });
    expect(await refusal('base')).toMatchObject({
      code: 'table',
      message: expect.stringContaining('inheritance') as string,
    });
    expect(await refusal('heir')).toMatchObject({
      code: 'table',
      message: expect.stringContaining('inheritance') as string,
    });
    expect(await refusal('part')).toMatchObject({
      code: 'table',
      message: expect.stringContaining('partition') as string,
    });
    expect(await refusal('missing')).toMatchObject({
      code: 'table',
      message: expect.stringContaining('no such table') as string,
    });
  });
});
