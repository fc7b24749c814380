import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Catalog, type Row } from '../../src/catalog/catalog.js';
import type { Database } from '../../src/store/database.js';
import { MemorySubscriber } from '../../src/testing/memory-system/index.js';
import type { Policies } from '../../src/subscriber/policy.js';
import { prune } from '../../src/maintenance/pruner.js';
import { hubs } from '../setup/hub.js';
import { callsOf, contactCatalog, expectAgreement, remoteValues, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  async function scene(name: string, policies: Partial<Policies>) {
    const { Contact, MemoryContact } = contactCatalog(name);
    class Local extends MemoryContact {
      override where(record: Row<typeof Contact>): boolean {
        return record.city !== 'elsewhere';
      }
    }
    Contact.register(Local, { policies });
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    const links = () =>
      db.query<{ state: string; parked_code: string | null }>(
        `select state, parked_code from syncflow.link where subscriber = '${name}/memory'`,
      );
    return { world, system, contacts: world.flow.catalog(Contact), links };
  }

  test('createOutward "park" and "ignore" create nothing', async () => {
    const parking = await scene('create_park', { createOutward: 'park' });
    await parking.contacts.save({ name: 'Ada' });
    await settle(parking.world);
    expect(await parking.links()).toEqual([{ state: 'new', parked_code: 'policy' }]);
    expect(parking.system.writes).toBe(0);
    await parking.world.flow.stop();

    const ignoring = await scene('create_ignore', { createOutward: 'ignore' });
    const ada = await ignoring.contacts.save({ name: 'Ada' });
    await settle(ignoring.world);
    expect(await ignoring.links()).toEqual([{ state: 'excluded', parked_code: null }]);
    await ignoring.contacts.delete(ada.id);
    await settle(ignoring.world);
    expect(await ignoring.links()).toEqual([]);
    expect(ignoring.system.writes).toBe(0);
  });

  test('deleteOutward "unlink": the remote stays and its edits are nobody’s business', async () => {
    const { world, contacts, system } = await scene('delete_unlink', { deleteOutward: 'unlink' });
    const ada = await contacts.save({ name: 'Ada' });
    await settle(world);
    await contacts.delete(ada.id);
    await settle(world);
    const [id = ''] = system.objects.keys();
    system.edit(id, { city: 'London' });
    await world.flow.sync();
    expect(system.objects.size).toBe(1);
    expect(await contacts.get(ada.id)).toBeUndefined();
    expect(callsOf(system, 'delete')).toBe(0);
    // however long ago that was
    await db.execute(`update syncflow.link set settled_at = settled_at - interval '1 year'`);
    await prune(db);
    system.edit(id, { city: 'Rome' });
    await world.flow.sync();
    await settle(world);
    expect(await db.query('select id from delete_unlink')).toEqual([]);
  });

  test('deleteOutward "park" holds it', async () => {
    const parking = await scene('delete_park', { deleteOutward: 'park' });
    const ada = await parking.contacts.save({ name: 'Ada' });
    await settle(parking.world);
    await parking.contacts.delete(ada.id);
    await settle(parking.world);
    expect(await parking.links()).toEqual([{ state: 'linked', parked_code: 'policy' }]);
    expect(parking.system.objects.size).toBe(1);
  });

  // the look on return settles with nothing due (owes() in apply.ts)
  test('deleteOutward "ignore" leaves it, and the record may come back', async () => {
    const ignoring = await scene('delete_ignore', { deleteOutward: 'ignore' });
    await ignoring.contacts.save({ id: 1, name: 'Ada' });
    await settle(ignoring.world);
    await ignoring.contacts.delete(1);
    await settle(ignoring.world);
    expect(ignoring.system.objects.size).toBe(1);
    await ignoring.contacts.save({ id: 1, name: 'Ada', email: 'back@x' });
    await settle(ignoring.world);
    await settle(ignoring.world);
    await ignoring.world.flow.sync();
    await expectAgreement(db, 'delete_ignore', ignoring.system);
    expect(remoteValues(ignoring.system)).toMatchObject([{ email: 'back@x' }]);
  });

  test('a record that never was in `where` is not created; when it enters it is', async () => {
    const { world, contacts, system } = await scene('where_enter', {});
    const ada = await contacts.save({ name: 'Ada', city: 'elsewhere' });
    await settle(world);
    expect(system.writes).toBe(0);
    await contacts.save({ id: ada.id, city: 'London' });
    await settle(world);
    await expectAgreement(db, 'where_enter', system);
  });

  // the look on return settles with nothing due (owes() in apply.ts)
  test('leaving `where` with "keep": the remote stays as it is, and is caught up on return', async () => {
    const { world, contacts, system } = await scene('leave_keep', { leave: 'keep' });
    const ada = await contacts.save({ name: 'Ada', email: 'a@x', city: 'London' });
    await settle(world);
    await contacts.save({ id: ada.id, city: 'elsewhere' });
    await settle(world);
    await contacts.save({ id: ada.id, email: 'b@x' });
    await settle(world);
    expect(remoteValues(system)).toMatchObject([{ email: 'a@x', city: 'London' }]);
    await contacts.save({ id: ada.id, city: 'London' });
    await settle(world);
    await expectAgreement(db, 'leave_keep', system);
    expect(remoteValues(system)).toMatchObject([{ email: 'b@x', city: 'London' }]);
    expect(callsOf(system, 'create')).toBe(1);
  });

  test('leaving `where` with "delete": the remote goes, and a new one comes on return', async () => {
    const { world, contacts, system } = await scene('leave_delete', { leave: 'delete' });
    const ada = await contacts.save({ name: 'Ada', city: 'London' });
    await settle(world);
    await contacts.save({ id: ada.id, city: 'elsewhere' });
    await settle(world);
    await world.flow.sync();
    expect(system.objects.size).toBe(0);
    expect(await contacts.get(ada.id)).toMatchObject({ city: 'elsewhere' });
    await contacts.save({ id: ada.id, city: 'London' });
    await settle(world);
    await expectAgreement(db, 'leave_delete', system);
  });

  // observe() answers a look at a record outside of `where` with `excluded` and nothing due, also where `leave` is "delete"
  test('leaving `where` with "delete", and the delete times out without effect: it is made again', async () => {
    const { world, contacts, system } = await scene('leave_delete_lost', { leave: 'delete' });
    const ada = await contacts.save({ name: 'Ada', city: 'London' });
    await settle(world);
    system.faults.push({ call: 'delete', kind: 'throws' });
    await contacts.save({ id: ada.id, city: 'elsewhere' });
    await settle(world);
    await world.flow.sync();
    expect(system.objects.size).toBe(0);
  });

  test('a soft-deleted row counts as deleted; restoring it creates a remote', async () => {
    class Person extends Catalog({
      name: 'soft',
      key: 'id',
      fields: { id: z.int(), name: z.string(), deleted_at: z.iso.datetime().nullable() },
      softDelete: 'deleted_at',
    }) {}
    class MemoryPerson extends MemorySubscriber<typeof Person> {
      override readonly mapping = this.map({ name: 'values.name' });
    }
    Person.register(MemoryPerson);
    const system = new MemorySystem();
    const world = await startOn(db, [Person], { memory: system });
    await world.flow.catalog(Person).save({ id: 1, name: 'Ada' });
    await settle(world);
    await world.flow.catalog(Person).delete(1);
    await settle(world);
    expect(system.objects.size).toBe(0);
    expect(await db.query('select 1 from soft')).toHaveLength(1);
    await db.query('update soft set deleted_at = null');
    await settle(world);
    expect(remoteValues(system)).toMatchObject([{ name: 'Ada' }]);
    expect(callsOf(system, 'create')).toBe(2);
  });
});
