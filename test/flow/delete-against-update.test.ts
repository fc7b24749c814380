import { expect, test } from 'vitest';
import {
  atOnce,
  conflictsOf,
  contactCatalog,
  memorySide,
  MemorySystem,
  only,
  parkedOf,
  useStage,
  writesWhenQuiet,
} from './stage.js';

const stage = useStage();

async function oneContact() {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', city: 'Oldtown' });
  await world.flow.sync();
  return { world, contacts, ada, system, id: only(system).id };
}

test('edited here, deleted there: parked, and the edit stays', async () => {
  const { world, contacts, ada, system, id } = await oneContact();
  await atOnce(world, 'contact/memory', async () => {
    await contacts.save({ id: ada.id, city: 'London' });
    system.remove(id);
  });
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  const parked = await world.flow.parked();
  expect(parked).toMatchObject([{ code: 'delete-conflict', key: `["${ada.id}"]` }]);
  expect(parked[0]?.reason).toMatch(/city/);
  expect(system.writes).toBe(1);
  expect(system.objects.size).toBe(0);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('edited here, deleted there, and a person decides for the edit: a new remote, and the old one stays dead', async () => {
  const { world, contacts, ada, system, id } = await oneContact();
  await atOnce(world, 'contact/memory', async () => {
    await contacts.save({ id: ada.id, city: 'London' });
    system.remove(id);
  });
  const [parked] = await world.flow.parked();
  expect(await world.flow.retry({ id: parked?.id ?? '', as: 'create' })).toBe(1);
  await world.flow.sync();
  expect(await world.flow.parked()).toEqual([]);
  expect(only(system).id).not.toBe(id);
  expect(only(system).values).toMatchObject({ name: 'Ada', city: 'London' });
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(await writesWhenQuiet(world, [system])).toBe(0);
  expect(await world.flow.retry({ id: parked?.id ?? '', as: 'create' })).toBe(0);
  await expect(world.flow.retry({ as: 'create' })).rejects.toThrow('one record');
});

test('edited here, deleted there, and then deleted here: gone', async () => {
  const { world, contacts, ada, system, id } = await oneContact();
  await atOnce(world, 'contact/memory', async () => {
    await contacts.save({ id: ada.id, city: 'London' });
    system.remove(id);
  });
  await contacts.delete(ada.id);
  await world.flow.sync();
  expect(await parkedOf(world)).toEqual([]);
  expect(system.writes).toBe(1);
});

test('an update that meets a deleted remote doesn’t make it again by itself', async () => {
  const { world, contacts, ada, system, id } = await oneContact();
  system.objects.delete(id);
  system.deleted.add(id); // nobody was told
  await contacts.save({ id: ada.id, city: 'London' });
  await world.flow.settled();
  expect(await parkedOf(world)).toMatchObject([{ code: 'delete-conflict' }]);
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(system.objects.size).toBe(0);
});

test('an edit of a field that isn’t mapped doesn’t stand in the way of a deletion', async () => {
  const { world, contacts, ada, system, id } = await oneContact();
  await atOnce(world, 'contact/memory', async () => {
    await contacts.save({ id: ada.id, note: 'ours alone' });
    system.remove(id);
  });
  expect(await contacts.get(ada.id)).toBeUndefined();
  expect(await parkedOf(world)).toEqual([]);
});

test.each(['before', 'after'])(
  'deleted here, edited there, told %s the delete: gone, and the edit is in the log',
  async (when) => {
    const { world, contacts, ada, system, id } = await oneContact();
    await world.flow.pause('contact/memory');
    await contacts.delete(ada.id);
    system.edit(id, { city: 'London' });
    if (when === 'before') await world.flow.sync();
    await world.flow.resume('contact/memory');
    await world.flow.sync();
    expect(system.objects.size).toBe(0);
    expect(await contacts.get(ada.id)).toBeUndefined();
    expect(await conflictsOf(world)).toEqual([
      { subscriber: 'contact/memory', unit: 'city', base: '"Oldtown"', hub: null, remote: '"London"', winner: 'hub' },
    ]);
    expect(system.writes).toBe(2);
    expect(await parkedOf(world)).toEqual([]);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  },
);

test('deleted and inserted again under the same key at once: the same remote takes the new values', async () => {
  const { world, ada, system, id } = await oneContact();
  await stage.db.transaction(async (tx) => {
    await tx.query('delete from contact where id = $1', [ada.id]);
    await tx.query(`insert into contact (id, name) values ($1, 'Other')`, [ada.id]);
  });
  await world.flow.sync();
  expect(only(system)).toMatchObject({ id, values: { name: 'Other', city: null } });
  expect(system.writes).toBe(2);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});
