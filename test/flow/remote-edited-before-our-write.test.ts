/** Somebody edited the remote, and nobody told us of it before our own write. */
import { expect, test } from 'vitest';
import { conflictsOf, contactCatalog, memorySide, MemorySystem, only, useStage, writesWhenQuiet } from './stage.js';

const stage = useStage();

async function oneContact() {
  const Contact = contactCatalog();
  Contact.register(memorySide({}));
  const system = new MemorySystem();
  // it is polled only when the test says so
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', city: 'Oldtown' });
  await world.flow.sync();
  return { world, contacts, ada, system, id: only(system).id };
}

test('the same field: the remote is read before a blind update, so that the lost value is in the log', async () => {
  const { world, contacts, ada, system, id } = await oneContact();
  system.edit(id, { name: 'Countess' });
  system.forgetChanges(); // no event will ever tell of it
  await contacts.save({ id: ada.id, name: 'Ada Lovelace' });
  await world.flow.settled();
  const [conflict] = await conflictsOf(world);
  expect(conflict).toMatchObject({
    unit: 'name',
    hub: JSON.stringify('Ada Lovelace'),
    remote: JSON.stringify('Countess'),
  });
  expect(only(system).values['name']).toBe((await contacts.get(ada.id))?.name);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('another field: both edits survive', async () => {
  const { world, contacts, ada, system, id } = await oneContact();
  system.edit(id, { city: 'London' });
  system.forgetChanges();
  await contacts.save({ id: ada.id, name: 'Ada Lovelace' });
  await world.flow.settled();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, name: 'Ada Lovelace', city: 'London' });
  expect(only(system).values).toMatchObject({ name: 'Ada Lovelace', city: 'London' });
  expect(await conflictsOf(world)).toEqual([]);
});

test('deleted there: not written to, and the deletion comes here', async () => {
  const { world, contacts, ada, system, id } = await oneContact();
  system.remove(id);
  system.forgetChanges();
  await contacts.save({ id: ada.id, name: 'Ada Lovelace' });
  await world.flow.settled();
  expect(await world.flow.parked()).toMatchObject([{ code: 'delete-conflict' }]);
  expect(system.calls.filter(({ call }) => call === 'update')).toEqual([]);
});
