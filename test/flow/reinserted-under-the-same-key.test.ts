import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.js';
import { hubs } from '../setup/hub.js';
import { contactCatalog, expectAgreement, marksRouted, remoteValues, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  test('before the delete was pushed: the remote stays and is updated', async () => {
    const { Contact, MemoryContact } = contactCatalog('again_before');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await world.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: 'a@x' });
    await settle(world);
    const [first] = system.objects.keys();
    await world.flow.pause('again_before/memory');
    await db.query(`delete from again_before where id = 1`);
    await db.query(`insert into again_before (id, name, email) values (1, 'Ada', 'b@x')`);
    await world.flow.resume('again_before/memory');
    await settle(world);
    await expectAgreement(db, 'again_before', system);
    expect([...system.objects.keys()]).toEqual([first]);
    await world.flow.stop();
  });

  test('after the delete was pushed: a new remote', async () => {
    const { Contact, MemoryContact } = contactCatalog('again_after');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await world.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: 'a@x' });
    await settle(world);
    await world.flow.catalog(Contact).delete(1);
    await settle(world);
    expect(system.objects.size).toBe(0);
    await world.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: 'b@x' });
    await settle(world);
    await world.flow.sync();
    await expectAgreement(db, 'again_after', system);
    expect(remoteValues(system)).toMatchObject([{ email: 'b@x' }]);
    await world.flow.stop();
  });

  // tombstone() (deletion.ts) lets go of the key although the generation has moved on: the mark of the insert is spent on the
  // link that becomes the tombstone, and nobody pushes the new record
  test('while the delete is being pushed: a new remote', async () => {
    const { Contact, MemoryContact } = contactCatalog('again_while');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await world.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: 'a@x' });
    await settle(world);
    system.beforeAnswer = async () => {
      system.beforeAnswer = undefined;
      await world.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: 'b@x' });
      await marksRouted(db);
    };
    await world.flow.catalog(Contact).delete(1);
    await settle(world);
    await world.flow.sync();
    await world.flow.stop();
    expect(remoteValues(system)).toMatchObject([{ email: 'b@x' }]);
    await expectAgreement(db, 'again_while', system);
  });

  test('while the delete is being pushed, and its answer is lost: a new remote', async () => {
    const { Contact, MemoryContact } = contactCatalog('again_lost');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await world.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: 'a@x' });
    await settle(world);
    system.faults.push({ call: 'delete', kind: 'answer-lost' });
    system.beforeAnswer = async () => {
      system.beforeAnswer = undefined;
      await world.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: 'b@x' });
      await marksRouted(db);
    };
    await world.flow.catalog(Contact).delete(1);
    await settle(world);
    expect(remoteValues(system)).toMatchObject([{ email: 'b@x' }]);
    await expectAgreement(db, 'again_lost', system);
  });

  test('with another key for the same person: two lives, two remotes', async () => {
    const { Contact, MemoryContact } = contactCatalog('again_other');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await world.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: 'a@x' });
    await settle(world);
    await db.execute(
      `delete from again_other where id = 1; insert into again_other (id, name, email) values (2, 'Ada', 'a@x')`,
    );
    await settle(world);
    await expectAgreement(db, 'again_other', system);
    expect(system.deleted.size).toBe(1);
    await world.flow.stop();
  });
});
