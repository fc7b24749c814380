import { expect, test } from 'vitest';
import {
  atOnce,
  conflictsOf,
  contactCatalog,
  memorySide,
  MemorySystem,
  only,
  useStage,
  writesWhenQuiet,
} from './stage.js';

const stage = useStage();

test('edits of different fields merge without loss, and without a conflict', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', email: 'ada@example.com', city: 'Oldtown', note: 'not mapped' });
  await world.flow.sync();
  await atOnce(world, 'contact/memory', async () => {
    await contacts.save({ id: ada.id, name: 'Ada Lovelace' });
    system.edit(only(system).id, { city: 'London', own: 'of the system' });
  });
  expect(await contacts.get(ada.id)).toEqual({ ...ada, name: 'Ada Lovelace', city: 'London' });
  expect(only(system).values).toEqual({
    name: 'Ada Lovelace',
    email: 'ada@example.com',
    city: 'London',
    own: 'of the system',
    marker: `["${ada.id}"]`,
  });
  expect(system.writes).toBe(2);
  expect(await conflictsOf(world)).toEqual([]);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('several edits on both sides before anybody looks become one write', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada' });
  await world.flow.sync();
  await atOnce(world, 'contact/memory', async () => {
    for (const name of ['Ada L', 'Ada Lo', 'Ada Lovelace']) await contacts.save({ id: ada.id, name });
    for (const city of ['Paris', 'Rome', 'London']) system.edit(only(system).id, { city });
  });
  expect(await contacts.get(ada.id)).toEqual({ ...ada, name: 'Ada Lovelace', city: 'London' });
  expect(only(system).values).toMatchObject({ name: 'Ada Lovelace', city: 'London' });
  expect(system.writes).toBe(2);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});
