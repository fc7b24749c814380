import { expect, test } from 'vitest';
import type { Policies } from '../../src/subscriber/policy.js';
import {
  atOnce,
  contactCatalog,
  memorySide,
  MemorySystem,
  only,
  parkedOf,
  useStage,
  writesWhenQuiet,
} from './stage.js';

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

test('under "unlink" a record inserted later under the same key is carried over', async () => {
  const { world, contacts, ada, system } = await deletedThere({ deleteInward: 'unlink' });
  await contacts.delete(ada.id);
  await world.flow.sync();
  await stage.db.query(`insert into contact (id, name) values ($1, 'Other')`, [ada.id]);
  await world.flow.sync();
  expect(only(system).values).toMatchObject({ name: 'Other' });
});

test.each(['delete from contact', 'truncate contact'])(
  'under "unlink" a record inserted under the same key right after "%s" is carried over',
  async (statement) => {
    const { world, ada, system } = await deletedThere({ deleteInward: 'unlink' });
    await stage.db.transaction(async (tx) => {
      await tx.query(statement);
      await tx.query(`insert into contact (id, name) values ($1, 'Other')`, [ada.id]);
    });
    await world.flow.sync();
    expect(only(system).values).toMatchObject({ name: 'Other' });
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  },
);

test('under "park" the record stays and is parked', async () => {
  const { world, contacts, ada, system, other } = await deletedThere({ deleteInward: 'park' });
  expect(await contacts.get(ada.id)).toEqual(ada);
  expect(await parkedOf(world)).toEqual([{ subscriber: 'contact/memory', key: `["${ada.id}"]`, code: 'policy' }]);
  expect([system.writes, other.writes]).toEqual([1, 1]);
});

test('under "park" the parked record heals when it is deleted here, too', async () => {
  const { world, contacts, ada, system, other } = await deletedThere({ deleteInward: 'park' });
  await contacts.delete(ada.id);
  await world.flow.sync();
  expect(await parkedOf(world)).toEqual([]);
  expect(await writesWhenQuiet(world, [system, other])).toBe(0);
});

test('a record deleted on both sides at once is simply gone', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const ada = await world.flow.catalog(Contact).save({ name: 'Ada' });
  await world.flow.sync();
  await world.flow.pause('contact/memory');
  await world.flow.catalog(Contact).delete(ada.id);
  system.remove(only(system).id);
  await world.flow.sync();
  await world.flow.resume('contact/memory');
  await world.flow.sync();
  expect(await parkedOf(world)).toEqual([]);
  expect(await world.flow.conflicts()).toEqual([]);
  expect(system.writes).toBe(1);
});

test('a record that left the subscriber’s scope isn’t touched by the deletion of its former remote', async () => {
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
  expect(await parkedOf(world)).toEqual([]);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
  // back in scope, it gets a remote of its own again
  await contacts.save({ id: ada.id, note: 'public' });
  await world.flow.sync();
  expect(only(system).values).toMatchObject({ name: 'Ada' });
});

test('nor is one that has just left it, and was not looked at since', async () => {
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
  await atOnce(world, 'contact/memory', async () => {
    await contacts.save({ id: ada.id, note: 'private' });
    system.remove(only(system).id);
  });
  expect(await contacts.get(ada.id)).toEqual({ ...ada, note: 'private' });
  expect(await parkedOf(world)).toEqual([]);
});
