/**
 * A batch costs the same, however long the backlog is from which it is taken. Left alone, the planner took a backlog that it had not
 * heard of for a handful of rows, and read and sorted all of it for every batch: half an hour for a million rows.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routeMarks } from '../../src/outward/route.js';
import type { Database, Queryable, TransactionOptions } from '../../src/store/database.js';
import { claimFromBacklog } from '../../src/store/links.js';
import { migrate } from '../../src/store/migrate.js';
import { hubs } from '../setup/hub.js';

const backlog = 5_000;
const batch = 20;

describe.each(hubs)('a backlog on $name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
    await migrate(db);
    // nobody has analyzed these tables, as when a statement of the user's has just filled them
    await db.query(
      `insert into syncflow.mark (catalog, key, op) select 'c', '["' || n || '"]', 'I' from generate_series(1, ${backlog}) n`,
    );
    await db.query(
      `insert into syncflow.link (subscriber, key, due_at) select 's/x', '["' || n || '"]', clock_timestamp() from generate_series(1, ${backlog}) n`,
    );
  }, 60_000);
  afterAll(() => db.close());

  /** Counts the rows of a table that a transaction has read. */
  const watchedDatabase = (table: string) => {
    const watched = {
      ...boundMethods(db),
      read: Number.NaN,
      transaction: <T>(work: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T> =>
        db.transaction(async (tx) => {
          const result = await work(tx);
          const [row] = await tx.query<{ rows: number }>(
            `select (seq_tup_read + idx_tup_fetch)::int4 as rows from pg_stat_xact_user_tables where schemaname = 'syncflow' and relname = '${table}'`,
          );
          watched.read = row?.rows ?? Number.NaN;
          return result;
        }, options),
    };
    return watched;
  };

  test('links are claimed from its head', async () => {
    const watched = watchedDatabase('link');
    const claim = { subscriber: 's/x', limit: batch, owner: 'w', leaseMs: 60_000 };
    expect(await claimFromBacklog(watched, claim)).toHaveLength(batch);
    expect(watched.read).toBeLessThan(10 * batch);
  });

  test('marks are routed from its head', async () => {
    const watched = watchedDatabase('mark');
    expect((await routeMarks(watched, ['c'], [], batch)).count).toBe(batch);
    expect(watched.read).toBeLessThan(10 * batch);
  });
});

/** A database's methods, bound to it. */
function boundMethods(db: Database): Database {
  return {
    description: db.description,
    shared: db.shared,
    open: () => db.open(),
    query: (statement, params) => db.query(statement, params),
    transaction: (work, options) => db.transaction(work, options),
    execute: (sql) => db.execute(sql),
    listen: (channel, onNotify) => db.listen(channel, onNotify),
    close: () => db.close(),
  };
}
