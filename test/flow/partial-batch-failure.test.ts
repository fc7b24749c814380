/** Systems with a batch call: its parts succeed and fail one by one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.js';
import type { AnyOperation } from '../../src/subscriber/base.js';
import { rejected, type Outcome } from '../../src/subscriber/outcome.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { hubs } from '../setup/hub.js';
import { contactCatalog, expectAgreement, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

type PushMany = (
  operations: readonly AnyOperation<MemoryObject>[],
  one: (operation: AnyOperation<MemoryObject>) => Promise<Outcome<MemoryObject>>,
) => Promise<readonly Outcome<MemoryObject>[]>;

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  async function scene(name: string, pushMany: PushMany) {
    const { Contact, MemoryContact } = contactCatalog(name);
    const sizes: number[] = [];
    class Batched extends MemoryContact {
      override readonly capabilities = {
        batchSize: 10,
        concurrency: 4,
        idempotencyHours: undefined,
        marker: true,
        chosenId: false,
        conditional: false,
        history: false,
        deletes: 'hard',
        webhooks: false,
        polling: true,
        listing: true,
      } as const;
      override async pushMany(
        operations: readonly AnyOperation<MemoryObject>[],
      ): Promise<readonly Outcome<MemoryObject>[]> {
        sizes.push(operations.length);
        return pushMany(operations, (operation) => this.push(operation));
      }
    }
    Contact.register(Batched);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await db.query(`insert into ${name} (id, name, email) select i, 'N' || i, i || '@x' from generate_series(1, 35) i`);
    await settle(world);
    return { world, system, sizes };
  }

  test('done in another order than asked, answered in the order asked', async () => {
    const { system, sizes } = await scene('batch_shuffled', async (operations, one) => {
      const outcomes = new Map<AnyOperation<MemoryObject>, Outcome<MemoryObject>>();
      for (const operation of [...operations].reverse()) outcomes.set(operation, await one(operation));
      return operations.map((operation) => outcomes.get(operation) as Outcome<MemoryObject>);
    });
    await expectAgreement(db, 'batch_shuffled', system);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
    expect(system.writes).toBe(35);
  });

  test('some of a batch are rejected: they are parked, the others are in agreement', async () => {
    const { world, system } = await scene('batch_partial', async (operations, one) =>
      Promise.all(
        operations.map(async (operation) =>
          Number(/\d+/.exec(operation.key)?.[0]) % 7 === 0 ? rejected('no sevens') : one(operation),
        ),
      ),
    );
    expect(system.objects.size).toBe(30);
    expect(await world.flow.parked({ subscriber: 'batch_partial/memory', code: 'rejected' })).toHaveLength(5);
  });

  test('fewer answers than operations: the rest is looked up, nothing is doubled', async () => {
    let short = true;
    const { system } = await scene('batch_short', async (operations, one) => {
      const outcomes = await Promise.all(operations.map((operation) => one(operation)));
      if (!short || operations.length < 2) return outcomes;
      short = false;
      return outcomes.slice(0, 2);
    });
    await expectAgreement(db, 'batch_short', system);
    expect(system.writes).toBe(35);
  });

  test('the batch call throws after it took effect: everything is looked up, nothing is doubled', async () => {
    let thrown = false;
    const { system } = await scene('batch_throws', async (operations, one) => {
      const outcomes = await Promise.all(operations.map((operation) => one(operation)));
      if (thrown) return outcomes;
      thrown = true;
      throw new Error('connection reset');
    });
    await expectAgreement(db, 'batch_throws', system);
    expect(system.writes).toBe(35);
  });
});
