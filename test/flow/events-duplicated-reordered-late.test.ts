import { expect, test } from 'vitest';
import {
  conflictsOf,
  contactCatalog,
  delivery,
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
  const { id } = only(system);
  const tell = (events: Parameters<typeof delivery>[0]) => world.flow.receive('memory', delivery(events));
  return { world, contacts, ada, system, id, tell };
}

test('a repeated delivery is recognised', async () => {
  const { world, contacts, ada, system, id, tell } = await oneContact();
  system.edit(id, { city: 'London' });
  const event = { id: 'one', remoteId: id, kind: 'changed' } as const;
  expect(await tell([event])).toEqual({ fresh: 1 });
  expect(await tell([event])).toEqual({ fresh: 0 });
  await world.flow.settled();
  expect(await tell([event, event])).toEqual({ fresh: 0 });
  await world.flow.settled();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('two events of one id in a single delivery are one', async () => {
  const { tell, id } = await oneContact();
  const event = { id: 'one', remoteId: id, kind: 'changed' } as const;
  expect(await tell([event, event])).toEqual({ fresh: 1 });
});

test('reordered events with snapshots end with the state that is, not the one told last', async () => {
  const { world, contacts, ada, system, id, tell } = await oneContact();
  const snapshots = ['Paris', 'Rome', 'London'].map((city) => system.edit(id, { city }));
  const events = snapshots.map((snapshot, index) => ({
    id: `edit ${index}`,
    remoteId: id,
    kind: 'changed' as const,
    snapshot,
    at: snapshot.editedAt,
  }));
  for (const event of [...events].reverse()) {
    await tell([event]);
    await world.flow.settled();
  }
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(only(system).values).toMatchObject({ city: 'London' });
  expect(await conflictsOf(world)).toEqual([]);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('an old snapshot that arrives after our own write changes nothing', async () => {
  const { world, contacts, ada, system, id, tell } = await oneContact();
  const snapshot = only(system);
  await contacts.save({ id: ada.id, city: 'London' });
  await world.flow.settled();
  await tell([{ id: 'late', remoteId: id, kind: 'changed', snapshot, at: snapshot.editedAt }]);
  await world.flow.settled();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(only(system).values).toMatchObject({ city: 'London' });
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test.each(['with a snapshot', 'without one'])('a late event %s after a delete brings nothing back', async (how) => {
  const { world, contacts, ada, system, id, tell } = await oneContact();
  const snapshot = only(system);
  await contacts.delete(ada.id);
  await world.flow.sync();
  expect(system.objects.size).toBe(0);
  await tell([{ id: 'late', remoteId: id, kind: 'changed', ...(how === 'with a snapshot' ? { snapshot } : {}) }]);
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toBeUndefined();
  expect(await stage.db.query('select 1 from contact')).toEqual([]);
  expect(system.objects.size).toBe(0);
  expect(system.writes).toBe(2);
  expect(await parkedOf(world)).toEqual([]);
});

test('a late event after a delete there brings nothing back', async () => {
  const { world, contacts, ada, system, id, tell } = await oneContact();
  const snapshot = only(system);
  system.remove(id);
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toBeUndefined();
  await tell([{ id: 'late', remoteId: id, kind: 'changed', snapshot }]);
  await world.flow.sync();
  expect(await stage.db.query('select 1 from contact')).toEqual([]);
  expect(system.writes).toBe(1);
});

test('the deletion told before the change that preceded it', async () => {
  const { world, contacts, ada, system, id, tell } = await oneContact();
  const snapshot = system.edit(id, { city: 'London' });
  system.remove(id);
  await tell([{ id: '2', remoteId: id, kind: 'deleted' }]);
  await tell([{ id: '1', remoteId: id, kind: 'changed', snapshot }]);
  await world.flow.settled();
  expect(await contacts.get(ada.id)).toBeUndefined();
  expect(system.writes).toBe(1);
});

test('a remote that was made and deleted before we heard of it leaves nothing', async () => {
  const { world, system, tell } = await oneContact();
  const snapshot = system.put('brief', { name: 'Brief' });
  system.remove('brief');
  await tell([
    { id: '2', remoteId: 'brief', kind: 'deleted' },
    { id: '1', remoteId: 'brief', kind: 'changed', snapshot },
  ]);
  await world.flow.sync();
  expect(await stage.db.query(`select 1 from contact where name = 'Brief'`)).toEqual([]);
  expect(await stage.db.query(`select 1 from syncflow.link where remote_id = 'brief'`)).toEqual([]);
});

test('a record inserted again under the key of a deleted one gets a remote of its own', async () => {
  const { world, ada, system, id } = await oneContact();
  await stage.db.transaction(async (tx) => {
    await tx.query('delete from contact where id = $1', [ada.id]);
  });
  await world.flow.settled();
  await stage.db.query(`insert into contact (id, name) values ($1, 'Other')`, [ada.id]);
  await world.flow.sync();
  expect(only(system).values).toMatchObject({ name: 'Other', marker: `["${ada.id}"]` });
  expect(only(system).id).not.toBe(id);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

async function copiedThere(withSnapshot: boolean) {
  const { world, system, tell } = await oneContact();
  const snapshot = system.put('copy', only(system).values);
  await tell([{ id: 'copied', remoteId: 'copy', kind: 'changed', ...(withSnapshot ? { snapshot } : {}) }]);
  await world.flow.settled();
  return { world, system };
}

test('a copy there that bears our marker is parked as a twin', async () => {
  const { world, system } = await copiedThere(false);
  expect(await parkedOf(world)).toEqual([{ subscriber: 'contact/memory', key: null, code: 'twin' }]);
  expect(await stage.db.query('select 1 from contact')).toHaveLength(1);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('a copy there that bears our marker, told with a snapshot, is parked as a twin', async () => {
  const { world } = await copiedThere(true);
  expect(await parkedOf(world)).toEqual([{ subscriber: 'contact/memory', key: null, code: 'twin' }]);
});

test('a remote that bears the marker of a record that isn’t here is parked, and taken over when the record comes', async () => {
  const { world, system, tell } = await oneContact();
  const snapshot = system.put('orphan', { name: 'Grace', email: null, city: null, marker: '["1815"]' });
  await tell([{ id: 'orphaned', remoteId: 'orphan', kind: 'changed', snapshot }]);
  await world.flow.settled();
  expect(await parkedOf(world)).toEqual([{ subscriber: 'contact/memory', key: null, code: 'twin' }]);
  expect(await stage.db.query('select 1 from contact')).toHaveLength(1);
  await stage.db.query(`insert into contact (id, name) values (1815, 'Grace')`);
  await world.flow.settled();
  expect(system.objects.size).toBe(2);
  await world.flow.retry();
  await world.flow.settled();
  expect(await parkedOf(world)).toEqual([]);
  expect(system.objects.size).toBe(2);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('an event of a remote that was deleted with its record leaves nothing', async () => {
  const { world, contacts, ada, system, id, tell } = await oneContact();
  const snapshot = only(system);
  await contacts.delete(ada.id);
  await world.flow.sync();
  system.deleted.delete(id); // the system forgets its dead
  await stage.db.query('delete from syncflow.link'); // and so do we, after 90 days
  await tell([{ id: 'very late', remoteId: id, kind: 'changed', snapshot }]);
  await world.flow.settled();
  expect(await stage.db.query('select 1 from contact')).toEqual([]);
  expect(await parkedOf(world)).toEqual([]);
  expect(system.writes).toBe(2);
});
