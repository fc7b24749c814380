/** What a record meets that can't go on, beside others that can. */
import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.js';
import type { Database } from '../../src/store/database.js';
import type { CreateOperation } from '../../src/subscriber/base.js';
import { blocked, rejected, retry, type Outcome } from '../../src/subscriber/outcome.js';
import { MemorySubscriber, type MemoryObject } from '../../src/testing/memory-system/index.js';
import { hubs } from '../setup/hub.js';
import { callsOf, contactCatalog, emitted, expectAgreement, remoteValues, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  test('one that the remote always refuses, beside 200 that it takes', async () => {
    const { Contact, MemoryContact } = contactCatalog('one_fails');
    let tries = 0;
    let open = false;
    class Picky extends MemoryContact {
      override async create(operation: CreateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
        if (operation.key !== '["100"]' || open) return super.create(operation);
        tries += 1;
        return retry('always busy');
      }
    }
    Contact.register(Picky);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system }, { retry: { baseMs: 1, maxMs: 2, maxAttempts: 5 } });
    await db.query(`insert into one_fails (id, name) select i, 'N' || i from generate_series(1, 201) i`);
    await settle(world, 30_000);
    expect(system.objects.size).toBe(200);
    expect(callsOf(system, 'create')).toBe(200);
    expect(tries).toBe(5);
    expect(await world.flow.parked({ subscriber: 'one_fails/memory' })).toMatchObject([
      { key: '["100"]', code: 'failed' },
    ]);
    open = true;
    expect(await world.flow.retry({ subscriber: 'one_fails/memory' })).toBe(1);
    await settle(world);
    await expectAgreement(db, 'one_fails', system);
    expect(world.events.filter(({ name }) => name === 'healed')).toHaveLength(1);
  });

  test('refused twice for being too many (429): sent again after a while, once', async () => {
    const { Contact, MemoryContact } = contactCatalog('too_many');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    system.faults.push({ call: 'create', kind: 'refused' }, { call: 'create', kind: 'refused' });
    await world.flow.catalog(Contact).save({ name: 'Ada' });
    await settle(world);
    await expectAgreement(db, 'too_many', system);
    expect(callsOf(system, 'create')).toBe(3);
    expect(world.events.map(({ name }) => name).filter((name) => name !== 'linked')).toEqual([
      'retried',
      'retried',
      'pushed',
      'healed',
    ]);
  });

  test('an invalid row parks and heals when it is edited', async () => {
    const { Contact, MemoryContact } = contactCatalog('invalid');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await db.query(`insert into invalid (id, name) values (1, ''), (2, 'Grace')`);
    await settle(world);
    expect(await world.flow.parked({ subscriber: 'invalid/memory' })).toMatchObject([
      { key: '["1"]', code: 'validation' },
    ]);
    expect(remoteValues(system)).toMatchObject([{ name: 'Grace' }]);
    await db.query(`update invalid set name = 'Ada' where id = 1`);
    await settle(world);
    await expectAgreement(db, 'invalid', system);
  });

  test('what the remote rejects is parked, not sent again until somebody asks', async () => {
    const { Contact, MemoryContact } = contactCatalog('refused');
    class Strict extends MemoryContact {
      override async create(operation: CreateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
        return operation.values.values?.['email'] === 'bad' ? rejected('not an address') : super.create(operation);
      }
    }
    Contact.register(Strict);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    const ada = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'bad' });
    await settle(world);
    expect(await world.flow.parked({ subscriber: 'refused/memory' })).toMatchObject([
      { code: 'rejected', reason: 'not an address' },
    ]);
    await world.flow.retry();
    await settle(world);
    expect(await world.flow.parked({ subscriber: 'refused/memory' })).toMatchObject([{ code: 'rejected' }]);
    await world.flow.catalog(Contact).save({ id: ada.id, email: 'good' });
    await settle(world);
    await expectAgreement(db, 'refused', system);
  });

  test('a lens that throws parks its record only', async () => {
    class Price extends Catalog({ name: 'lens_throws', key: 'id', fields: { id: z.int(), amount: z.int() } }) {}
    class MemoryPrice extends MemorySubscriber<typeof Price> {
      override readonly mapping = this.map({
        amount: {
          remote: 'values.amount',
          via: {
            put: (amount: number): number => {
              if (amount < 0) throw new Error('a price is never negative');
              return amount;
            },
            get: (amount: number): number => amount,
          },
        },
      });
    }
    Price.register(MemoryPrice);
    const system = new MemorySystem();
    const world = await startOn(db, [Price], { memory: system });
    await db.query('insert into lens_throws (id, amount) values (1, -5), (2, 7)');
    await settle(world);
    const [parked] = await world.flow.parked({ subscriber: 'lens_throws/memory' });
    expect(parked).toMatchObject({ key: '["1"]', code: 'mapping' });
    expect(parked?.reason).toContain('amount');
    await db.query('update lens_throws set amount = 5 where id = 1');
    await settle(world);
    expect(
      remoteValues(system)
        .map(({ amount }) => amount)
        .sort(),
    ).toEqual([5, 7]);
  });

  test('a `where` or an `extract` that throws doesn’t stop the others', async () => {
    const { Contact, MemoryContact } = contactCatalog('where_throws');
    class Odd extends MemoryContact {
      override where(record: { readonly name: string }): boolean {
        if (record.name === 'boom') throw new Error('boom');
        return true;
      }
    }
    Contact.register(Odd);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system }, { retry: { baseMs: 1, maxMs: 2, maxAttempts: 3 } });
    await db.query(`insert into where_throws (id, name) values (1, 'boom'), (2, 'Grace')`);
    await settle(world);
    expect(remoteValues(system)).toMatchObject([{ name: 'Grace' }]);
    expect(await world.flow.parked({ subscriber: 'where_throws/memory' })).toMatchObject([
      { key: '["1"]', code: 'failed' },
    ]);
  });

  // blockedResult only delays the one link: every other link of the subscriber is still tried, batch after batch
  test('a blocked account (credentials, quota) holds the whole subscriber', async () => {
    const { Contact, MemoryContact } = contactCatalog('blocked');
    let calls = 0;
    class Locked extends MemoryContact {
      override readonly capabilities = { ...memoryCapabilities, concurrency: 2 };
      override async create(_operation: CreateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
        calls += 1;
        return blocked('the password has expired', 3_600_000);
      }
    }
    Contact.register(Locked);
    const world = await startOn(db, [Contact], { memory: new MemorySystem() }, { batchSize: 5 });
    await db.query(`insert into blocked (id, name) select i, 'N' || i from generate_series(1, 40) i`);
    await emitted(world, 'blocked');
    const looks = (): number => world.mortal.statements.filter((text) => text.includes('lease_owner = $3')).length;
    const before = looks();
    await expect.poll(looks, { timeout: 10_000 }).toBeGreaterThan(before + 10);
    expect(calls).toBeLessThanOrEqual(5);
  });
});

const memoryCapabilities = {
  batchSize: 1,
  concurrency: 8,
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
