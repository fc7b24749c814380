/** Inward sync and a transaction of a user lock two rows in opposite orders: the user's goes on, ours is made again. */
import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.js';
import type { RecordKey } from '../../src/catalog/key.js';
import { MemorySubscriber } from '../../src/testing/memory-system/index.js';
import { hasPostgres, TestPostgres } from '../setup/hub.js';
import { settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

describe.skipIf(!hasPostgres)('postgres', { timeout: 60_000 }, () => {
  let db: TestPostgres;
  beforeAll(async () => {
    db = await TestPostgres.create();
  }, 60_000);
  afterAll(() => db.close());

  test('what was edited there arrives once the user is through; neither edit is lost', async () => {
    const Base = Catalog({
      name: 'account',
      key: 'id',
      fields: { id: z.int(), name: z.string(), changes: z.int() },
    });
    class Accounts extends Base {
      /** Changes of the first are counted in the second. */
      override async save(...[record, change]: Parameters<InstanceType<typeof Base>['save']>): Promise<RecordKey> {
        const key = await super.save(record, change);
        if (record.id === 1) await change.tx.query('update account set changes = changes + 1 where id = 2');
        return key;
      }
    }
    class MemoryAccounts extends MemorySubscriber<typeof Accounts> {
      override readonly mapping = this.map({ name: { remote: 'values.name', authority: 'remote' } });
    }
    Accounts.register(MemoryAccounts);
    const system = new MemorySystem();
    const world = await startOn(db, [Accounts], { memory: system }, { retry: { baseMs: 10, maxMs: 50 } });
    await db.query(`insert into account (id, name, changes) values (1, 'Ada', 0), (2, 'Sum', 0)`);
    await settle(world);
    const [id = ''] = [...system.objects.values()].flatMap((one) => (one.values['name'] === 'Ada' ? [one.id] : []));

    const user = await db.transaction(async (tx) => {
      // ours is to find the deadlock, so that it is known which of the two gives way
      await tx.query(`set local deadlock_timeout = '1h'`);
      await tx.query(`update account set changes = changes + 10 where id = 2`);
      system.edit(id, { name: 'Ada Lovelace' });
      void world.flow.sync().catch(() => undefined);
      // it has the first row, and waits for the second
      await expect
        .poll(
          () =>
            db.query(`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`),
          {
            timeout: 20_000,
          },
        )
        .toHaveLength(1);
      await tx.query(`update account set changes = changes + 100 where id = 1`);
      return 'committed';
    });
    expect(user).toBe('committed');
    await world.flow.sync();
    await settle(world);
    expect(await db.query('select id::int, name, changes::int from account order by id')).toEqual([
      { id: 1, name: 'Ada Lovelace', changes: 100 },
      { id: 2, name: 'Sum', changes: 11 },
    ]);
    expect(world.events.filter(({ name }) => name === 'retried').length).toBeGreaterThan(0);
    expect(await world.flow.parked()).toEqual([]);
    await world.flow.stop();
  });
});
