import { expect, test } from 'vitest';
import { contactCatalog, memorySide, MemorySystem, only, parkedOf, useStage, writesWhenQuiet } from './stage.js';

const stage = useStage();

test('two remotes that normalise in opposite ways, each some time after its answer: parked with the reason', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide(), { as: 'lower', account: 'lower' });
  Contact.register(memorySide(), { as: 'upper', account: 'upper' });
  const [lower, upper] = [new MemorySystem(), new MemorySystem()];
  const world = await stage.start([Contact], { lower, upper });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada' });
  await world.flow.sync();
  let rounds = 0;
  while ((await world.flow.parked()).length === 0 && rounds < 60) {
    rounds += 1;
    for (const [system, form] of [
      [lower, (name: string) => name.toLowerCase()],
      [upper, (name: string) => name.toUpperCase()],
    ] as const) {
      const { id, values } = only(system);
      const name = String(values['name']);
      if (form(name) !== name) system.edit(id, { name: form(name) });
      await world.flow.sync();
    }
  }
  expect(rounds).toBeLessThan(20);
  const [parked] = await world.flow.parked();
  expect(parked).toMatchObject({ code: 'loop', key: `["${ada.id}"]` });
  expect(parked?.reason).toMatch(/name.*undo each other/);
  expect(await writesWhenQuiet(world, [lower, upper])).toBe(0);
  const history = await stage.db.query(`select 1 from syncflow.history where key = $1 and event = 'record-updated'`, [
    `["${ada.id}"]`,
  ]);
  expect(history.length).toBeGreaterThan(4);
});

test('a person who toggles a field there now and then is no loop', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', city: 'Paris' });
  await world.flow.sync();
  for (let edit = 0; edit < 12; edit++) {
    const city = edit % 2 === 0 ? 'London' : 'Paris';
    system.edit(only(system).id, { city });
    await world.flow.sync();
    expect(await parkedOf(world)).toEqual([]);
    expect(await contacts.get(ada.id)).toMatchObject({ city });
  }
});

test('two people who set a field back now and then, one here and one there, are no loop', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', city: 'Paris' });
  await world.flow.sync();
  const round = async (): Promise<void> => {
    system.edit(only(system).id, { city: 'London' });
    await world.flow.sync();
    if ((await world.flow.parked()).length > 0) return;
    await contacts.save({ id: ada.id, city: 'Paris' });
    await world.flow.sync();
  };
  for (let edit = 0; edit < 9; edit++) {
    await round();
    // half an hour goes by
    await stage.db.query(`update syncflow.link set flips = json_build_object('city', (select
      json_agg(json_build_object('value', one->>'value', 'atMs', (one->>'atMs')::float8 - 1800000)) from json_array_elements(flips->'city') one))
      where flips->'city' is not null`);
  }
  expect(await parkedOf(world)).toEqual([]);
  for (let edit = 0; edit < 9; edit++) await round(); // and now in a minute
  expect(await parkedOf(world)).toMatchObject([{ code: 'loop' }]);
});
