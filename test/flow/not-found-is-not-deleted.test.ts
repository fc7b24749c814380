import { expect, test } from 'vitest';
import {
  contactCatalog,
  delivery,
  forgetfulSide,
  MemorySystem,
  only,
  parkedOf,
  useStage,
  writesWhenQuiet,
} from './stage.js';

const stage = useStage();

/** In a system that answers 404 for what is deleted and for what we may not see. Events come by webhook alone. */
async function oneContact() {
  const Contact = contactCatalog();
  Contact.register(forgetfulSide({ capabilities: { polling: false } }));
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', city: 'Oldtown' });
  await world.flow.sync();
  const object = only(system);
  const tell = async (id: string, kind: 'changed' | 'deleted') => {
    await world.flow.receive('memory', delivery([{ id, remoteId: object.id, kind }]));
    await world.flow.settled();
  };
  return { world, contacts, ada, system, object, tell };
}

test('a 404 without proof parks the record; it heals when the remote is seen again', async () => {
  const { world, contacts, ada, system, object, tell } = await oneContact();
  system.objects.delete(object.id); // hidden: a permission was lost
  await tell('1', 'changed');
  expect(await contacts.get(ada.id)).toEqual(ada);
  expect(await parkedOf(world)).toMatchObject([{ code: 'remote-missing' }]);
  system.objects.set(object.id, { ...object, values: { ...object.values, city: 'London' } });
  await tell('2', 'changed');
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(await parkedOf(world)).toEqual([]);
  expect(system.writes).toBe(1);
});

test('an empty listing deletes nothing', async () => {
  const { world, contacts, ada, system } = await oneContact();
  system.objects.clear();
  await world.flow.rescan('contact/memory');
  await world.flow.settled();
  expect(await contacts.get(ada.id)).toEqual(ada);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('an event that says "deleted" and a 404 together are proof', async () => {
  const { world, contacts, ada, system, object, tell } = await oneContact();
  system.remove(object.id);
  await tell('1', 'deleted');
  expect(await contacts.get(ada.id)).toBeUndefined();
  expect(await parkedOf(world)).toEqual([]);
  expect(system.writes).toBe(1);
});

test('an event that says "deleted" of a remote that is there deletes nothing, then or later', async () => {
  const { world, contacts, ada, system, object, tell } = await oneContact();
  await tell('1', 'deleted');
  expect(await contacts.get(ada.id)).toEqual(ada);
  system.objects.delete(object.id);
  await tell('2', 'changed');
  expect(await contacts.get(ada.id)).toEqual(ada);
  expect(await parkedOf(world)).toMatchObject([{ code: 'remote-missing' }]);
});

test('the proof of a deletion outlives a fetch that failed', async () => {
  const { world, contacts, ada, system, object, tell } = await oneContact();
  system.remove(object.id);
  system.faults.push({ call: 'fetch', kind: 'refused' });
  await tell('1', 'deleted');
  expect(await parkedOf(world)).toEqual([]);
  expect(await contacts.get(ada.id)).toBeUndefined();
});

test('the proof of a deletion outlives a delete-conflict', async () => {
  const { world, contacts, ada, system, object, tell } = await oneContact();
  await world.flow.pause('contact/memory');
  await contacts.save({ id: ada.id, city: 'London' });
  system.remove(object.id);
  await tell('1', 'deleted');
  await world.flow.resume('contact/memory');
  await world.flow.settled();
  expect(await parkedOf(world)).toMatchObject([{ code: 'delete-conflict' }]);
  // the edit is taken back: nothing stands in the way any more
  await contacts.save({ id: ada.id, city: 'Oldtown' });
  await world.flow.settled();
  expect(await contacts.get(ada.id)).toBeUndefined();
});
