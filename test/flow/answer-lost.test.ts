/** A write took effect and its answer was lost: what each kind of system lets us find out. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.js';
import type { CreateOperation, Query } from '../../src/subscriber/base.js';
import type { Outcome, Sight } from '../../src/subscriber/outcome.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { hubs } from '../setup/hub.js';
import { callsOf, contactCatalog, emitted, expectAgreement, remoteValues, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  test('create, in a system with markers: found by the marker, created once', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_marker');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    system.faults.push({ call: 'create', kind: 'answer-lost' });
    await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    await world.flow.sync();
    await expectAgreement(db, 'lost_marker', system);
    expect(system.writes).toBe(1);
    await world.flow.stop();
  });

  test('create, not applied after all: sent again once it is known', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_not_applied');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    system.faults.push({ call: 'create', kind: 'throws' });
    await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    await expectAgreement(db, 'lost_not_applied', system);
    expect(callsOf(system, 'create')).toBe(2);
    await world.flow.stop();
  });

  test('create, and the look-up fails several times: nothing is sent until it succeeds', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_find_fails');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    system.faults.push(
      { call: 'create', kind: 'answer-lost' },
      { call: 'find', kind: 'refused' },
      { call: 'find', kind: 'refused' },
      { call: 'find', kind: 'refused' },
    );
    await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    await expectAgreement(db, 'lost_find_fails', system);
    expect(system.writes).toBe(1);
    await world.flow.stop();
  });

  test('create, in a system with idempotency keys only: the same key and body are replayed', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_idempotent');
    const answers = new Map<string, string>();
    const keys: string[] = [];
    class Idempotent extends MemoryContact {
      override readonly capabilities = { ...leastMemory, idempotencyHours: 24 };
      override async create(operation: CreateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
        keys.push(operation.idempotencyKey);
        const known = answers.get(operation.idempotencyKey);
        const object = known === undefined ? undefined : this.account.objects.get(known);
        if (object !== undefined) return { kind: 'done', remoteId: object.id, remote: object };
        const before = new Set(this.account.objects.keys());
        const outcome = await super.create(operation);
        for (const id of this.account.objects.keys()) if (!before.has(id)) answers.set(operation.idempotencyKey, id);
        return outcome;
      }
    }
    Contact.register(Idempotent);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    system.faults.push({ call: 'create', kind: 'answer-lost' });
    await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    await expectAgreement(db, 'lost_idempotent', system);
    expect(system.writes).toBe(1);
    expect(keys.length).toBeGreaterThan(1);
    expect(new Set(keys).size).toBe(1);
    await world.flow.stop();
  });

  test('create, and its replay is refused: that says nothing of the first request', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_then_refused');
    class Idempotent extends MemoryContact {
      override readonly capabilities = { ...leastMemory, idempotencyHours: 24, listing: false, polling: false };
      override async create(operation: CreateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
        const [first] = this.account.objects.values();
        if (first === undefined || this.account.faults.length > 0) return super.create(operation);
        return { kind: 'done', remoteId: first.id, remote: first };
      }
    }
    Contact.register(Idempotent);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    system.faults.push({ call: 'create', kind: 'answer-lost' }, { call: 'create', kind: 'rejected' });
    const ada = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    expect((await world.flow.parked()).map(({ code }) => code)).toEqual(['unknown-create']);
    await world.flow.catalog(Contact).save({ id: ada.id, email: 'b@x' });
    await settle(world);
    expect([...system.objects.values()]).toMatchObject([{ values: { name: 'Ada', email: 'b@x' } }]);
    expect(await world.flow.parked()).toEqual([]);
    await world.flow.stop();
  });

  test('create, in a system that can only be searched by match units', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_match');
    class Matching extends MemoryContact {
      override readonly capabilities = leastMemory;
      override readonly match = ['email'];
    }
    Contact.register(Matching);
    const system = new MemorySystem();
    // other values than those matched by may be normalised
    system.normalise = (values) => ({
      ...values,
      name: typeof values['name'] === 'string' ? values['name'].toUpperCase() : values['name'],
    });
    const world = await startOn(db, [Contact], { memory: system });
    system.faults.push({ call: 'create', kind: 'answer-lost' });
    await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    expect(system.objects.size).toBe(1);
    expect(callsOf(system, 'create')).toBe(1);
    const [row] = await db.query<{ name: string }>('select name from lost_match');
    expect(remoteValues(system)[0]).toMatchObject({ email: 'a@x', name: 'ADA' });
    expect(['Ada', 'ADA']).toContain(row?.name);
    await world.flow.stop();
  });

  test('the same while nothing is paired yet: the record that comes next shows whether the system hides what it has', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_first_hidden');
    const system = new MemorySystem();
    const isHidden = (): boolean => callsOf(system, 'create') < 5;
    class Hiding extends MemoryContact {
      override readonly capabilities = leastMemory;
      override readonly match = ['email'];
      override async find(query: Query<MemoryObject>): Promise<readonly MemoryObject[]> {
        return isHidden() ? [] : super.find(query);
      }
      override async fetch(remoteId: string): Promise<Sight<MemoryObject>> {
        return isHidden() ? { kind: 'missing', reason: '404' } : super.fetch(remoteId);
      }
    }
    Contact.register(Hiding);
    system.faults.push(
      { call: 'create', kind: 'answer-lost' },
      ...[1, 2, 3].map(() => ({ call: 'create', kind: 'refused' }) as const),
    );
    const options = { retry: { baseMs: 20, maxMs: 20 }, batchSize: 1 };
    const world = await startOn(db, [Contact], { memory: system }, options);
    await db.query(`insert into lost_first_hidden (id, name, email) values (1, 'Ada', 'a@x'), (2, 'Bob', 'b@x')`);
    await settle(world);
    await expectAgreement(db, 'lost_first_hidden', system);
    expect(system.objects.size).toBe(2);
    await world.flow.stop();
  });

  test('create, searched by match units while a permission is lost: an empty answer proves nothing', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_match_hidden');
    let hidden = 0;
    class Hiding extends MemoryContact {
      override readonly capabilities = leastMemory;
      override readonly match = ['email'];
      override async find(query: Query<MemoryObject>): Promise<readonly MemoryObject[]> {
        return hidden-- > 0 ? [] : super.find(query);
      }
      override async fetch(remoteId: string): Promise<Sight<MemoryObject>> {
        return hidden-- > 0 ? { kind: 'missing', reason: '404' } : super.fetch(remoteId);
      }
    }
    Contact.register(Hiding);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system }, { retry: { baseMs: 1, maxMs: 1 } });
    await world.flow.catalog(Contact).save({ name: 'Bob', email: 'b@x' });
    await settle(world);
    system.faults.push({ call: 'create', kind: 'answer-lost' });
    system.beforeAnswer = async () => {
      hidden = 4;
    };
    await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    expect(callsOf(system, 'create')).toBe(2);
    await expectAgreement(db, 'lost_match_hidden', system);
    await world.flow.stop();
  });

  // findCreated (resolve.ts) takes whatever matches, also a remote that another record is linked to; the unique index then
  // fails the commit of the whole batch, for ever.
  test('create, searched by match units, when another record with the same ones is linked already', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_match_taken');
    class Matching extends MemoryContact {
      override readonly capabilities = leastMemory;
      override readonly match = ['email'];
    }
    Contact.register(Matching);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await world.flow.catalog(Contact).save({ name: 'Ada', email: 'same@x' });
    await settle(world);
    system.faults.push({ call: 'create', kind: 'throws' });
    await world.flow.catalog(Contact).save({ name: 'Ada', email: 'same@x' });
    try {
      await settle(world, 3000);
      expect(world.events.filter(({ name }) => name === 'error')).toEqual([]);
      await expectAgreement(db, 'lost_match_taken', system);
    } finally {
      await world.flow.stop();
    }
  });

  test('create, in a system that offers nothing: parked, and never sent twice', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_nothing');
    class Bare extends MemoryContact {
      override readonly capabilities = { ...leastMemory, listing: false, polling: false };
    }
    Contact.register(Bare);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    system.faults.push({ call: 'create', kind: 'answer-lost' });
    const ada = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    expect(
      (await world.flow.parked())
        .filter(({ subscriber }) => subscriber === 'lost_nothing/memory')
        .map(({ code }) => code),
    ).toEqual(['unknown-create']);
    await world.flow.retry({ subscriber: 'lost_nothing/memory' });
    await settle(world);
    await world.flow.catalog(Contact).save({ id: ada.id, email: 'b@x' });
    await settle(world);
    expect((await world.flow.parked({ subscriber: 'lost_nothing/memory' })).map(({ code }) => code)).toEqual([
      'unknown-create',
    ]);
    expect(callsOf(system, 'create')).toBe(1);
    expect(system.objects.size).toBe(1);
    // a person has looked there, and cleared it away
    system.objects.clear();
    const [parked] = await world.flow.parked({ subscriber: 'lost_nothing/memory' });
    expect(await world.flow.retry({ id: parked?.id ?? '', as: 'create' })).toBe(1);
    await settle(world);
    expect(await world.flow.parked({ subscriber: 'lost_nothing/memory' })).toEqual([]);
    expect([...system.objects.values()]).toMatchObject([{ values: { email: 'b@x' } }]);
    await world.flow.stop();
  });

  test('a create that nobody can look up holds new remotes, which may be what it made, until it is decided', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_and_found');
    class Bare extends MemoryContact {
      override readonly capabilities = { ...leastMemory, listing: false };
      override keyOf(): undefined {
        return undefined;
      }
    }
    Contact.register(Bare);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    system.faults.push({ call: 'create', kind: 'answer-lost' });
    await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await world.flow.sync();
    system.put('new', { name: 'Bob', email: 'b@x' });
    await world.flow.sync();
    const codes = async () => (await world.flow.parked()).map(({ code }) => code).sort();
    expect(new Set(await codes())).toEqual(new Set(['ambiguous', 'unknown-create']));
    for (const id of system.objects.keys()) if (id !== 'new') system.remove(id);
    const [parked] = await world.flow.parked({ code: 'unknown-create' });
    expect(await world.flow.retry({ id: parked?.id ?? '', as: 'create' })).toBe(1);
    await world.flow.sync();
    expect(await codes()).toEqual([]);
    expect(system.objects.size).toBe(2);
    await world.flow.stop();
  });

  test('update: the remote is looked at, and not written again', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_update');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    const ada = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    system.faults.push({ call: 'update', kind: 'answer-lost' });
    await world.flow.catalog(Contact).save({ id: ada.id, email: 'b@x' });
    await settle(world);
    await expectAgreement(db, 'lost_update', system);
    expect(callsOf(system, 'update')).toBe(1);
    expect(await world.flow.conflicts({ subscriber: 'lost_update/memory' })).toEqual([]);
    await world.flow.stop();
  });

  // lookAfter (resolve.ts) merges with what was sent as the base, although it was never applied: the remote's old value then looks
  // like an edit made there after ours, and it overwrites the user's edit in the hub
  test('update that was not applied: sent again, the edit is not undone', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_update_not_applied');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    const ada = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    system.faults.push({ call: 'update', kind: 'throws' });
    await world.flow.catalog(Contact).save({ id: ada.id, email: 'b@x' });
    await settle(world);
    await world.flow.sync();
    expect(await world.flow.catalog(Contact).get(ada.id)).toMatchObject({ email: 'b@x' });
    expect(remoteValues(system)).toMatchObject([{ email: 'b@x' }]);
    await expectAgreement(db, 'lost_update_not_applied', system);
    await world.flow.stop();
  });

  // the same
  test('update that was not applied, of a field where the remote has the say: the edit is not undone', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_update_city');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    const ada = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x', city: 'Paris' });
    await settle(world);
    system.faults.push({ call: 'update', kind: 'throws' });
    await world.flow.catalog(Contact).save({ id: ada.id, city: 'London' });
    await settle(world);
    expect(await world.flow.catalog(Contact).get(ada.id)).toMatchObject({ city: 'London' });
    await expectAgreement(db, 'lost_update_city', system);
    await world.flow.stop();
  });

  test('delete: gone there, gone here, and nothing is sent again', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_delete');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    const ada = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    system.faults.push({ call: 'delete', kind: 'answer-lost' });
    await world.flow.catalog(Contact).delete(ada.id);
    await settle(world);
    await expectAgreement(db, 'lost_delete', system);
    expect(callsOf(system, 'delete')).toBe(1);
    await world.flow.stop();
  });

  test('delete, in a system that answers 404 for what is deleted: ours is the reason, and nothing is parked', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_delete_forgotten');
    class Forgetful extends MemoryContact {
      override async fetch(remoteId: string): Promise<Sight<MemoryObject>> {
        const sight = await super.fetch(remoteId);
        return sight.kind === 'gone' ? { kind: 'missing', reason: '404' } : sight;
      }
    }
    Contact.register(Forgetful);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system }, { retry: { baseMs: 1, maxMs: 1 } });
    const ada = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    system.faults.push({ call: 'delete', kind: 'answer-lost' });
    await world.flow.catalog(Contact).delete(ada.id);
    await settle(world);
    expect(await world.flow.parked()).toEqual([]);
    await expectAgreement(db, 'lost_delete_forgotten', system);
    expect(callsOf(system, 'delete')).toBe(1);
    await world.flow.stop();
  });

  test('delete that was not applied, and its remote is hidden for a moment: sent again once it shows', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_delete_hidden');
    let hiddenFor = 3;
    class Hidden extends MemoryContact {
      override async fetch(remoteId: string): Promise<Sight<MemoryObject>> {
        const isHidden = this.account.calls.some(({ call }) => call === 'delete') && hiddenFor-- > 0;
        return isHidden ? { kind: 'missing', reason: '404' } : super.fetch(remoteId);
      }
    }
    Contact.register(Hidden);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system }, { retry: { baseMs: 1, maxMs: 1 } });
    const ada = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    system.faults.push({ call: 'delete', kind: 'throws' });
    await world.flow.catalog(Contact).delete(ada.id);
    await settle(world);
    expect(system.objects.size).toBe(0);
    expect(callsOf(system, 'delete')).toBe(2);
    await world.flow.stop();
  });

  test('delete that was not applied: sent again', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_delete_not_applied');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    const ada = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    system.faults.push({ call: 'delete', kind: 'throws' });
    await world.flow.catalog(Contact).delete(ada.id);
    await settle(world);
    await expectAgreement(db, 'lost_delete_not_applied', system);
    expect(system.objects.size).toBe(0);
    await world.flow.stop();
  });

  // owes() again: the look after the recovery settles the link, and the edit is not due any more
  test('create, and the record is edited before the recovery: one remote, with the edit', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_then_edited');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system }, { retry: { baseMs: 600_000, maxMs: 600_000 } });
    system.faults.push({ call: 'create', kind: 'answer-lost' });
    const ada = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await emitted(world, 'retried');
    await world.flow.catalog(Contact).save({ id: ada.id, email: 'b@x' });
    await settle(world);
    await expectAgreement(db, 'lost_then_edited', system);
    expect(remoteValues(system)).toMatchObject([{ email: 'b@x' }]);
    expect(callsOf(system, 'create')).toBe(1);
    await world.flow.stop();
  });

  // owes() again
  test('update, and the record is edited before the recovery: the edit arrives', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_update_then_edited');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system }, { retry: { baseMs: 600_000, maxMs: 600_000 } });
    const ada = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    system.faults.push({ call: 'update', kind: 'answer-lost' });
    await world.flow.catalog(Contact).save({ id: ada.id, email: 'b@x' });
    await emitted(world, 'retried');
    await world.flow.catalog(Contact).save({ id: ada.id, email: 'c@x' });
    await settle(world);
    await expectAgreement(db, 'lost_update_then_edited', system);
    expect(remoteValues(system)).toMatchObject([{ email: 'c@x' }]);
    await world.flow.stop();
  });

  test('create, and the record is deleted before the recovery: nothing is left on either side', async () => {
    const { Contact, MemoryContact } = contactCatalog('lost_then_deleted');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system }, { retry: { baseMs: 600_000, maxMs: 600_000 } });
    system.faults.push({ call: 'create', kind: 'answer-lost' });
    const ada = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await emitted(world, 'retried');
    await world.flow.catalog(Contact).delete(ada.id);
    await settle(world);
    expect(system.objects.size).toBe(0);
    await expectAgreement(db, 'lost_then_deleted', system);
    await world.flow.stop();
  });
});

const leastMemory = {
  batchSize: 1,
  concurrency: 8,
  idempotencyHours: undefined,
  marker: false,
  chosenId: false,
  conditional: false,
  history: false,
  deletes: 'hard',
  webhooks: false,
  polling: true,
  listing: true,
} as const;
