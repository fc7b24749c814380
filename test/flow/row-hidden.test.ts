/** A row that isn't there without a DELETE: absent is not deleted. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.js';
import { hubs } from '../setup/hub.js';
import { callsOf, contactCatalog, expectAgreement, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  // overridden() (observe.ts) writes the remote's edit into the pair beside the hub's old value, as if they agreed: when the row is
  // back, the two differ for good and nobody is told
  test('removed with triggers off, then its remote is edited: parked, the remote stays, nothing is made anew', async () => {
    const { Contact, MemoryContact } = contactCatalog('hidden');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await world.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: 'a@x' });
    await settle(world);
    await db.execute('set local session_replication_role = replica; delete from hidden where id = 1');
    const [id = ''] = system.objects.keys();
    system.edit(id, { email: 'there@x' });
    await world.flow.sync();
    expect((await world.flow.parked({ subscriber: 'hidden/memory' })).map(({ code }) => code)).toEqual(['row-missing']);
    expect(callsOf(system, 'delete')).toBe(0);
    expect(await db.query('select 1 from hidden')).toEqual([]);
    await world.flow.retry();
    await settle(world);
    expect((await world.flow.parked({ subscriber: 'hidden/memory' })).map(({ code }) => code)).toEqual(['row-missing']);

    // it comes back, with triggers on: healed. The remote's edit was of a field where the hub has the say.
    await world.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: 'a@x' });
    await settle(world);
    await world.flow.sync();
    await expectAgreement(db, 'hidden', system);
    expect(system.objects.size).toBe(1);
  });

  test('a statement that touches the hidden row elsewhere is no proof either', async () => {
    const { Contact, MemoryContact } = contactCatalog('hidden_marked');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await world.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: 'a@x' });
    await settle(world);
    await world.flow.pause('hidden_marked/memory');
    await world.flow.catalog(Contact).save({ id: 1, email: 'b@x' });
    await db.execute('set local session_replication_role = replica; delete from hidden_marked where id = 1');
    await world.flow.resume('hidden_marked/memory');
    await settle(world);
    expect((await world.flow.parked({ subscriber: 'hidden_marked/memory' })).map(({ code }) => code)).toEqual([
      'row-missing',
    ]);
    expect(system.objects.size).toBe(1);
    expect(system.writes).toBe(1);
  });

  // deleted_at of the first deletion survives, where marks are routed out of order or the row came back with triggers off
  test('deleted, back with triggers off, hidden again: the old proof is not used', async () => {
    const { Contact, MemoryContact } = contactCatalog('hidden_twice');
    Contact.register(MemoryContact, { policies: { deleteOutward: 'park' } });
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await world.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: 'a@x' });
    await settle(world);
    await world.flow.catalog(Contact).delete(1);
    await settle(world);
    expect((await world.flow.parked({ subscriber: 'hidden_twice/memory' })).map(({ code }) => code)).toEqual([
      'policy',
    ]);
    await world.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: 'b@x' });
    await settle(world);
    await db.execute('set local session_replication_role = replica; delete from hidden_twice where id = 1');
    const [id = ''] = system.objects.keys();
    system.edit(id, { city: 'London' });
    await world.flow.sync();
    expect((await world.flow.parked({ subscriber: 'hidden_twice/memory' })).map(({ code }) => code)).toEqual([
      'row-missing',
    ]);
    expect(system.objects.size).toBe(1);
  });
});
