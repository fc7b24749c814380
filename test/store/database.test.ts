import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sqlState, transactionAgain, type Database } from '../../src/store/database.js';
import { PostgresDatabase } from '../../src/store/postgres.js';
import { hasPostgres, hubs, postgresUrl, TestPostgres } from '../setup/hub.js';

describe.each(hubs)('the database interface on $name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
    await db.execute('create table t (id int primary key, v text)');
  }, 60_000);
  afterAll(() => db.close());

  test('a transaction that met a deadlock is begun anew, three times at most; any other error is thrown', async () => {
    const states: string[] = [];
    const failing = (state: string, times: number): Promise<unknown> =>
      transactionAgain(db, async (tx) => {
        states.push(state);
        if (states.length <= times)
          await tx.query(`do $$ begin raise exception 'no' using errcode = '${state}'; end $$`);
        return tx.query('select 1');
      }).catch((error: unknown) => sqlState(error));
    expect(await failing('40P01', 2)).toHaveLength(1);
    expect(states.splice(0)).toHaveLength(3);
    expect(await failing('40P01', 9)).toBe('40P01');
    expect(states.splice(0)).toHaveLength(3);
    expect(await failing('55P03', 9)).toBe('55P03');
    expect(states).toHaveLength(1);
  });

  test('values come the same way from every driver', async () => {
    const [row] =
      await db.query(`select true as bool, 1::int2 as int2, 2::int4 as int4, 3::int8 as int8, 0.5::float4 as float4, 0.1::float8 as float8,
      1.50::numeric as numeric, '{"b": 1,"a":2}'::json as json, '{"b":1,"a":2}'::jsonb as jsonb, '2026-01-02'::date as date,
      '2026-01-02T03:04:05.123456Z'::timestamp as timestamp, 'x'::text as text, 'c'::"char" as "char", null::int as nothing,
      array[1, 2] as list, 7::oid as oid, '0e37df36-f698-11e6-8dd4-cb9ced3df976'::uuid as uuid`);
    expect(row).toEqual({
      bool: true,
      int2: 1,
      int4: 2,
      int8: '3',
      float4: 0.5,
      float8: 0.1,
      numeric: '1.50',
      json: '{"b": 1,"a":2}',
      jsonb: '{"a": 2, "b": 1}',
      date: '2026-01-02',
      timestamp: '2026-01-02 03:04:05.123456',
      text: 'x',
      char: 'c',
      nothing: null,
      list: '{1,2}',
      oid: 7,
      uuid: '0e37df36-f698-11e6-8dd4-cb9ced3df976',
    });
    const [time] = await db.query<{ at: unknown }>('select now() as at');
    expect(typeof time?.at).toBe('string');
  });

  test('parameters go in the same way to every driver', async () => {
    const [row] = await db.query(
      'select $1::int8 as big, $2::bool as flag, $3::jsonb as json, $4::timestamptz is null as nothing, $5::int4 as n, $6::numeric as d, $7::json as text, $8::text as t',
      ['9223372036854775807', 'true', '{"a":[1]}', null, 5, '1.10', '"x"', 'y'],
    );
    expect(row).toEqual({
      big: '9223372036854775807',
      flag: true,
      json: '{"a": [1]}',
      nothing: true,
      n: 5,
      d: '1.10',
      text: '"x"',
      t: 'y',
    });
    expect(await db.query('select $1::bool as a, $2::float8 as b', [false, 1.5])).toEqual([{ a: false, b: 1.5 }]);
  });

  test('named statements may be repeated, and their errors carry the SQLSTATE', async () => {
    const statement = { name: 'test_one', text: 'select $1::int4 + 1 as n' };
    expect(await db.query(statement, [1])).toEqual([{ n: 2 }]);
    expect(await db.query(statement, [2])).toEqual([{ n: 3 }]);
    const error = await db.query('select 1/0').catch((one: unknown) => one);
    expect(sqlState(error)).toBe('22012');
    expect(sqlState(await db.query('select * from nowhere').catch((one: unknown) => one))).toBe('42P01');
  });

  test('a transaction commits, rolls back, and has the right settings', async () => {
    const settings = await db.transaction(
      async (tx) => {
        await tx.query("insert into t values (1, 'kept')");
        return tx.query(
          "select current_setting('lock_timeout') as wait, current_setting('row_security') as rls, current_setting('transaction_isolation') as level",
        );
      },
      { lockTimeoutMs: 1234 },
    );
    expect(settings).toEqual([{ wait: '1234ms', rls: 'off', level: 'read committed' }]);
    const failed = db.transaction(async (tx) => {
      await tx.query("insert into t values (2, 'lost')");
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await db.query('select id from t')).toEqual([{ id: 1 }]);
    expect(await db.query("select current_setting('lock_timeout') as wait")).toEqual([{ wait: '0' }]);
  });

  test('a failure that was swallowed is not a commit', async () => {
    const swallowed = db.transaction(async (tx) => {
      await tx.query("insert into t values (3, 'lost')");
      await tx.query('select 1/0').catch(() => undefined);
    });
    await expect(swallowed).rejects.toMatchObject({
      code: 'database',
      message: expect.stringContaining('rolled back') as string,
    });
    expect(await db.query('select 1 from t where id = 3')).toEqual([]);
    await db.transaction(async (tx) => {
      await tx.query('savepoint s');
      await tx.query('select 1/0').catch(() => undefined);
      await tx.query('rollback to savepoint s');
      await tx.query("insert into t values (4, 'kept')");
    });
    expect(await db.query('select id from t where id = 4')).toHaveLength(1);
  });

  test('a query after the end of its transaction is refused', async () => {
    const tx = await db.transaction(async (one) => one);
    await expect(tx.query('select 1')).rejects.toMatchObject({ code: 'usage' });
  });

  test('several statements are executed as one transaction', async () => {
    await expect(db.execute("insert into t values (50, 'a'); insert into t values (50, 'b')")).rejects.toMatchObject({
      code: '23505',
    });
    expect(await db.query('select 1 from t where id = 50')).toEqual([]);
    await db.execute("insert into t values (51, 'a'); insert into t values (52, 'b')");
    expect(await db.query('select 1 from t where id in (51, 52)')).toHaveLength(2);
  });

  test("queries wait while another's transaction is open, and nothing is lost", async () => {
    const order: string[] = [];
    let letGo = (): void => undefined;
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    let started = (): void => undefined;
    const inside = new Promise<void>((resolve) => (started = resolve));
    const first = db.transaction(async (tx) => {
      await tx.query("insert into t values (60, 'first')");
      started();
      await gate;
      order.push('first');
    });
    await inside;
    const others = Promise.all(
      Array.from({ length: 20 }, (_, index) => db.query('insert into t values ($1, $2)', [70 + index, 'x'])),
    );
    letGo();
    await Promise.all([first, others]);
    expect(await db.query('select 1 from t where id >= 60')).toHaveLength(21);
    expect(order).toEqual(['first']);
  });

  test('notifications arrive after the commit; a callback that throws or queries does no harm', async () => {
    let heard = (): void => undefined;
    const once = new Promise<void>((resolve) => (heard = resolve));
    const stop = await db.listen('odd "channel', () => {
      void db.query('select 1').then(heard);
      throw new Error('a bug of the callback');
    });
    await db.transaction(async (tx) => {
      await tx.query('notify "odd ""channel"');
    });
    await once;
    await stop?.();
    await stop?.();
  });
});

test.each(hubs)('closing twice is safe, and a closed hub says so ($name)', { timeout: 60_000 }, async (hub) => {
  const db = await hub.open();
  await Promise.all([db.close(), db.close()]);
  await db.close();
  await expect(db.query('select 1')).rejects.toMatchObject({ code: 'database' });
});

describe('trouble with a Postgres server', { timeout: 60_000 }, () => {
  const failing = async (url: string): Promise<unknown> => {
    const db = new PostgresDatabase({ url });
    try {
      return await db.open().catch((error: unknown) => error);
    } finally {
      await db.close();
    }
  };

  test('a server that is not there is named, without the password', async () => {
    const error = await failing('postgres://me:se%40cret@127.0.0.1:1/hub');
    expect(error).toMatchObject({ code: 'database', hint: expect.stringContaining('running') as string });
    expect((error as Error).message).toContain('127.0.0.1:1/hub');
    expect(JSON.stringify([error, (error as Error).message])).not.toMatch(/se(%40|@)cret|me:/);
  });

  test('a URL that is none is refused without repeating it', () => {
    expect(() => new PostgresDatabase({ url: 'user:secret@host/db' })).toThrow(/URL/);
    expect(() => new PostgresDatabase({ url: 'user:secret@host/db' })).not.toThrow(/secret/);
    expect(() => new PostgresDatabase({ url: 'mysql://host/db' })).toThrow(/begins with/);
  });

  test.skipIf(!hasPostgres)('an unknown database and an unknown role', async () => {
    const url = new URL(postgresUrl);
    url.pathname = '/syncflow_nowhere';
    expect(await failing(url.href)).toMatchObject({
      code: 'database',
      hint: expect.stringContaining('Create the database') as string,
    });
    url.pathname = '/postgres';
    url.username = 'syncflow_nobody';
    expect(await failing(url.href)).toMatchObject({ code: 'database' });
  });

  test.skipIf(!hasPostgres)('a connection that the server ends is replaced, in and outside a transaction', async () => {
    const db = await TestPostgres.create();
    const killer = new PostgresDatabase({ url: db.url, poolSize: 1 });
    try {
      const [mine] = await db.query<{ pid: number }>('select pg_backend_pid() as pid');
      await killer.query('select pg_terminate_backend($1)', [mine?.pid ?? 0]);
      await db.query('select 1').catch(() => undefined); // it may or may not have noticed yet
      expect(await db.query('select 1 as n')).toEqual([{ n: 1 }]);
      const broken = db.transaction(async (tx) => {
        const [own] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
        await killer.query('select pg_terminate_backend($1)', [own?.pid ?? 0]);
        await tx.query('select 1');
      });
      await expect(broken).rejects.toMatchObject({
        code: 'database',
        hint: expect.stringContaining('rolled back') as string,
      });
      expect(await db.query('select 1 as n')).toEqual([{ n: 1 }]);
    } finally {
      await killer.close();
      await db.close();
    }
  });

  test.skipIf(!hasPostgres)(
    'listening goes on after its connection was ended, and rings once for what was missed',
    async () => {
      const db = await TestPostgres.create();
      try {
        let ring = (): void => undefined;
        const next = (): Promise<void> => new Promise((resolve) => (ring = resolve));
        let heard = next();
        const stop = await db.listen('bell', () => ring());
        await db.query('notify bell');
        await heard;
        heard = next();
        await db.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen%'",
        );
        await heard; // the ring after the reconnection
        heard = next();
        await db.query('notify bell');
        await heard;
        await stop?.();
      } finally {
        await db.close();
      }
    },
  );

  test.skipIf(!hasPostgres)('behind a pooler there are no named statements and no listening', async () => {
    const db = new PostgresDatabase({ url: postgresUrl, poolSize: 1, namedStatements: false });
    try {
      expect(await db.listen('x', () => undefined)).toBeUndefined();
      await db.query({ name: 'pooled', text: 'select 1' });
      expect(await db.query('select name from pg_prepared_statements')).toEqual([]);
    } finally {
      await db.close();
    }
  });

  test.skipIf(!hasPostgres)(
    'rows that a policy would leave out are an error, in a transaction and outside of one',
    async () => {
      const owner = await TestPostgres.create();
      const role = `syncflow_policy_${process.pid}`;
      const url = new URL(owner.url);
      url.username = role;
      const db = new PostgresDatabase({ url: url.href, poolSize: 1 });
      try {
        await owner.execute(`create table t (id int primary key); insert into t values (1), (2);
        create role ${role} login; grant select on t to ${role};
        alter table t enable row level security; create policy one on t using (id = 1)`);
        const state = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => sqlState(error));
        expect(await state(db.query('select id from t'))).toBe('42501');
        expect(await state(db.transaction((tx) => tx.query('select id from t')))).toBe('42501');
      } finally {
        await db.close();
        await owner.execute(`drop owned by ${role}; drop role ${role}`);
        await owner.close();
      }
    },
  );

  test.skipIf(!hasPostgres)('waiting for a locked row ends with the lock time-out', async () => {
    const db = await TestPostgres.create();
    try {
      await db.execute('create table t (id int primary key); insert into t values (1)');
      const blocked = db.transaction(async (tx) => {
        await tx.query('select 1 from t for update');
        return db
          .transaction((other) => other.query('select 1 from t for update'), { lockTimeoutMs: 20 })
          .catch((error: unknown) => error);
      });
      expect(sqlState(await blocked)).toBe('55P03');
    } finally {
      await db.close();
    }
  });
});
