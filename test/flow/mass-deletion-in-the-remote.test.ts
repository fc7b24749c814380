import { expect, test } from 'vitest';
import {
  contactCatalog,
  delivery,
  forgetfulSide,
  memorySide,
  MemorySystem,
  useStage,
  writesWhenQuiet,
} from './stage.js';

const stage = useStage();
const brake = { count: 5, share: 0.2, windowSeconds: 3600 };

async function twenty(side = memorySide()) {
  const Contact = contactCatalog();
  Contact.register(side, { brake });
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  for (let n = 0; n < 20; n++) await world.flow.catalog(Contact).save({ name: `contact ${n}` });
  await world.flow.sync();
  const count = async (): Promise<number> =>
    (await stage.db.query<{ count: number }>('select count(*)::int as count from contact'))[0]?.count ?? 0;
  return { world, system, count };
}

test('a few deletions pass', async () => {
  const { world, system, count } = await twenty();
  for (const id of [...system.objects.keys()].slice(0, 3)) system.remove(id);
  await world.flow.sync();
  expect(await count()).toBe(17);
  expect(await world.flow.parked()).toEqual([]);
});

test('many are held, whatever was deleted by then, until they are released', async () => {
  const { world, system, count } = await twenty();
  for (const id of [...system.objects.keys()]) system.remove(id);
  await world.flow.sync();
  expect(await count()).toBeGreaterThan(0);
  const parked = await world.flow.parked();
  expect(parked.length).toBe(await count());
  expect(new Set(parked.map((one) => one.code))).toEqual(new Set(['brake']));
  expect(await world.flow.retry()).toBe(0);
  await world.flow.release('contact/memory');
  await world.flow.sync();
  expect(await count()).toBe(0);
  expect(await world.flow.parked()).toEqual([]);
  expect(system.writes).toBe(20);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('of a mass that the brake doesn’t allow none is deleted', async () => {
  const { world, system, count } = await twenty();
  for (const id of [...system.objects.keys()]) system.remove(id);
  await world.flow.sync();
  expect(await count()).toBe(20);
});

test('held deletions heal when the remotes are restored', async () => {
  const { world, system, count } = await twenty();
  const all = [...system.objects.values()];
  for (const { id } of all) system.remove(id);
  await world.flow.sync();
  const left = await count();
  for (const { id, values } of all) system.put(id, { ...values });
  await world.flow.sync();
  expect(await count()).toBe(left);
  expect((await world.flow.parked()).filter((one) => one.code === 'brake')).toEqual([]);
});

test('many are held and released in a system that answers 404', async () => {
  const { world, system, count } = await twenty(forgetfulSide({ capabilities: { polling: false } }));
  const events = [...system.objects.keys()].map((remoteId) => ({ id: remoteId, remoteId, kind: 'deleted' as const }));
  for (const { remoteId } of events) system.remove(remoteId);
  await world.flow.receive('memory', delivery(events));
  await world.flow.settled();
  await world.flow.release('contact/memory');
  await world.flow.settled();
  expect(await world.flow.parked()).toEqual([]);
  expect(await count()).toBe(0);
});
