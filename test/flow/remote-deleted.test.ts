import { expect, test } from 'vitest';
import type { Policies } from '../../src/subscriber/policy.js';
import { contactCatalog, memorySide, MemorySystem, only, parkedOf, useStage, writesWhenQuiet } from './stage.js';

const stage = useStage();

async function deletedThere(policies: Partial<Policies> = {}) {
  const Contact = contactCatalog();
  Contact.register(memorySide(), { policies });
  Contact.register(memorySide(), { as: 'other', account: 'other' });
  const [system, other] = [new MemorySystem(), new MemorySystem()];
  const world = await stage.start([Contact], { memory: system, other });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada' });
  await world.flow.sync();
  system.remove(only(system).id);
  await world.flow.sync();
  return { world, contacts, ada, system, other };
}

test('the record goes, and its remotes elsewhere', async () => {
  const { world, contacts, ada, system, other } = await deletedThere();
  expect(await contacts.get(ada.id)).toBeUndefined();
  expect(other.objects.size).toBe(0);
  expect([system.writes, other.writes]).toEqual([1, 2]);
  expect(await parkedOf(world)).toEqual([]);
  expect(await writesWhenQuiet(world, [system, other])).toBe(0);
});

test.each(['unlink', 'ignore'] as const)('under "%s" the record stays, and stays apart', async (deleteInward) => {
  const { world, contacts, ada, system, other } = await deletedThere({ deleteInward });
  expect(await contacts.get(ada.id)).toEqual(ada);
  expect(other.objects.size).toBe(1);
  await contacts.save({ id: ada.id, name: 'Countess' });
  await world.flow.sync();
  expect(system.objects.size).toBe(0);
  expect(only(other).values).toMatchObject({ name: 'Countess' });
  expect([system.writes, other.writes]).toEqual([1, 2]);
  expect(await parkedOf(world)).toEqual([]);
});

// Bug: the tombstone that `applyDeletion` leaves under "unlink" and "ignore" keeps its key, and a link in the state `gone` is never
// made due again: another record of that key is never carried to this system.
test.fails('under "unlink" a record inserted later under the same key is carried over', async () => {
  const { world, contacts, ada, system } = await deletedThere({ deleteInward: 'unlink' });
  await contacts.delete(ada.id);
  await world.flow.sync();
  await stage.db.query(`insert into contact (id, name) values ($1, 'Other')`, [ada.id]);
  await world.flow.sync();
  expect(only(system).values).toMatchObject({ name: 'Other' });
});

test('under "park" the record stays and is parked', async () => {
  const { world, contacts, ada, system, other } = await deletedThere({ deleteInward: 'park' });
  expect(await contacts.get(ada.id)).toEqual(ada);
  expect(await parkedOf(world)).toEqual([{ subscriber: 'contact/memory', key: `["${ada.id}"]`, code: 'policy' }]);
  expect([system.writes, other.writes]).toEqual([1, 1]);
});

// Bug: `applyDeletion` asks for the policy (and the brake) before it asks whether there still is a record. With the record deleted
// here as well the two sides agree, but the link stays parked for good: `retry` only parks it again.
test.fails('under "park" the parked record heals when it is deleted here, too', async () => {
  const { world, contacts, ada } = await deletedThere({ deleteInward: 'park' });
  await contacts.delete(ada.id);
  await world.flow.sync();
  expect(await parkedOf(world)).toEqual([]);
});

test('a record deleted on both sides at once is simply gone', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const ada = await world.flow.catalog(Contact).save({ name: 'Ada' });
  await world.flow.sync();
  await world.flow.unsubscribe('contact/memory');
  await world.flow.catalog(Contact).delete(ada.id);
  system.remove(only(system).id);
  await world.flow.sync();
  await world.flow.resubscribe('contact/memory');
  await world.flow.sync();
  expect(await parkedOf(world)).toEqual([]);
  expect(await world.flow.conflicts()).toEqual([]);
  expect(system.writes).toBe(1);
});

// Bug: a link in the state `excluded` that has a key (the record left the subscriber's `where`, `leave: 'keep'`) is "not synced any
// more", yet `applyDeletion` doesn't ask for the state or for `where`: the deletion of the kept remote deletes the hub's record.
test.fails('a record that left the subscriber’s scope isn’t touched by the deletion of its former remote', async () => {
  const Contact = contactCatalog();
  class Scoped extends memorySide() {
    override where(record: { readonly note?: unknown }): boolean {
      return record.note !== 'private';
    }
  }
  Contact.register(Scoped);
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada' });
  await world.flow.sync();
  await contacts.save({ id: ada.id, note: 'private' });
  await world.flow.sync();
  system.remove(only(system).id);
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, note: 'private' });
});
