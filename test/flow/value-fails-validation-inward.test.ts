import { expect, test } from 'vitest';
import {
  conflictsOf,
  contactCatalog,
  memorySide,
  MemorySystem,
  only,
  parkedOf,
  useStage,
  writesWhenQuiet,
  type Side,
} from './stage.js';

const stage = useStage();

/** The name is made empty there, which the catalog forbids; the city is changed with it. */
async function emptiedName(side: Side = {}) {
  const Contact = contactCatalog();
  Contact.register(memorySide(side));
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', city: 'Oldtown' });
  await world.flow.sync();
  system.edit(only(system).id, { name: '', city: 'London' });
  await world.flow.sync();
  return { world, contacts, ada, system, id: only(system).id };
}

test('is parked with the reason, and nothing is written on either side', async () => {
  const { world, contacts, ada, system } = await emptiedName();
  expect(await contacts.get(ada.id)).toEqual(ada);
  expect(only(system).values).toMatchObject({ name: '', city: 'London' });
  const parked = await world.flow.parked();
  expect(parked).toMatchObject([{ code: 'validation', key: `["${ada.id}"]` }]);
  expect(parked[0]?.reason).toMatch(/name/);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('heals when it is corrected there', async () => {
  const { world, contacts, ada, system, id } = await emptiedName();
  system.edit(id, { name: 'Countess' });
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, name: 'Countess', city: 'London' });
  expect(await parkedOf(world)).toEqual([]);
  expect(world.events.some((one) => one.name === 'healed')).toBe(true);
  expect(system.writes).toBe(1);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('heals when it is put back there to what it was', async () => {
  const { world, contacts, ada, system, id } = await emptiedName();
  system.edit(id, { name: 'Ada' });
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(await parkedOf(world)).toEqual([]);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('heals when the field is edited here: the hub has the authority', async () => {
  const { world, contacts, ada, system } = await emptiedName();
  await contacts.save({ id: ada.id, name: 'Countess' });
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, name: 'Countess', city: 'London' });
  expect(only(system).values).toMatchObject({ name: 'Countess', city: 'London' });
  expect(await conflictsOf(world)).toEqual([
    { subscriber: 'contact/memory', unit: 'name', base: '"Ada"', hub: '"Countess"', remote: '""', winner: 'hub' },
  ]);
  expect(await parkedOf(world)).toEqual([]);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('stays parked, with nothing lost, when another field is edited here; then heals there', async () => {
  const { world, contacts, ada, system, id } = await emptiedName();
  await contacts.save({ id: ada.id, email: 'ada@example.com' });
  await world.flow.sync();
  expect(await parkedOf(world)).toMatchObject([{ code: 'validation' }]);
  system.edit(id, { name: 'Countess' });
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, name: 'Countess', city: 'London', email: 'ada@example.com' });
  expect(only(system).values).toMatchObject({ name: 'Countess', city: 'London', email: 'ada@example.com' });
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('a new object without a required field is parked, and becomes a record once it has it', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  system.put('nameless', { email: 'x@example.com' });
  await world.flow.sync();
  expect(await stage.db.query('select 1 from contact')).toEqual([]);
  expect(await world.flow.parked()).toMatchObject([{ code: 'validation', key: null, remoteId: 'nameless' }]);
  system.edit('nameless', { name: 'Xenia' });
  await world.flow.sync();
  expect(await stage.db.query('select name, email from contact')).toEqual([{ name: 'Xenia', email: 'x@example.com' }]);
  expect(await parkedOf(world)).toEqual([]);
  expect(system.writes).toBe(0);
});

test('a custom rule of the catalog is asked about the merged record', async () => {
  const Base = contactCatalog();
  class Contact extends Base {
    override validate(record: Parameters<InstanceType<typeof Base>['validate']>[0]) {
      const problems = record.city === record.name ? [{ field: 'city', problem: 'equals the name' }] : [];
      return [...super.validate(record), ...problems];
    }
  }
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const ada = await world.flow.catalog(Contact).save({ name: 'Ada', city: 'Oldtown' });
  await world.flow.sync();
  await world.flow.pause('contact/memory');
  await world.flow.catalog(Contact).save({ id: ada.id, name: 'Paris' });
  system.edit(only(system).id, { city: 'Paris' });
  await world.flow.sync();
  await world.flow.resume('contact/memory');
  await world.flow.sync();
  const parked = await world.flow.parked();
  expect(parked).toMatchObject([{ code: 'validation' }]);
  expect(parked[0]?.reason).toMatch(/equals the name/);
  expect(await world.flow.catalog(Contact).get(ada.id)).toEqual({ ...ada, name: 'Paris' });
});

test('that comes with the answer to our own write: the remote’s form of what we sent is no edit of it', async () => {
  const Contact = contactCatalog();
  // it tells afterwards what a write overwrote: no look before the write
  Contact.register(memorySide({ capabilities: { history: true } }));
  const system = new MemorySystem();
  const loud = (value: unknown): unknown => (typeof value === 'string' ? value.toUpperCase() : value);
  system.normalise = (values) => ({ ...values, city: loud(values['city']) });
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', city: 'Oldtown' });
  await world.flow.sync();
  const { id } = only(system);
  system.edit(id, { name: '' });
  await contacts.save({ id: ada.id, city: 'London' });
  await world.flow.settled();
  expect(await parkedOf(world)).toMatchObject([{ code: 'validation' }]);
  system.edit(id, { name: 'Countess' });
  await world.flow.pause('contact/memory');
  await contacts.save({ id: ada.id, city: 'Paris' });
  await world.flow.sync();
  await world.flow.resume('contact/memory');
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toMatchObject({ name: 'Countess', city: 'Paris' });
  expect(await conflictsOf(world)).toEqual([]);
  expect(only(system).values).toMatchObject({ city: 'PARIS' });
});
