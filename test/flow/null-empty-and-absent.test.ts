import { expect, test } from 'vitest';
import { emptyAsNull } from '../../src/subscriber/lens.js';
import {
  contactCatalog,
  contactMapping,
  memorySide,
  MemorySystem,
  only,
  useStage,
  writesWhenQuiet,
  type Side,
} from './stage.js';

const stage = useStage();

async function oneContact(city: string | null, side: Side = {}) {
  const Contact = contactCatalog();
  Contact.register(memorySide(side));
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', city });
  await world.flow.sync();
  const { id } = only(system);
  /** The remote's city, or its absence. */
  const show = (values: { city?: unknown }): void => {
    const { city: _dropped, ...rest } = only(system).values;
    system.put(id, { ...rest, ...values });
  };
  return { world, contacts, ada, system, show };
}

test.each([
  { from: 'Oldtown', shows: { city: null }, ends: null },
  { from: 'Oldtown', shows: { city: '' }, ends: '' },
  { from: 'Oldtown', shows: {}, ends: null },
  { from: '', shows: { city: null }, ends: null },
  { from: '', shows: {}, ends: null },
  { from: null, shows: { city: '' }, ends: '' },
  { from: null, shows: {}, ends: null },
])('$from in the hub, then $shows there: the hub ends with $ends', async ({ from, shows, ends }) => {
  const { world, contacts, ada, system, show } = await oneContact(from);
  show(shows);
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: ends });
  expect(system.writes).toBe(1);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
  expect(only(system).values['city']).toBe(shows.city);
});

test.each([
  { from: 'Oldtown', to: null },
  { from: 'Oldtown', to: '' },
  { from: '', to: null },
  { from: null, to: '' },
])('the hub goes from $from to $to: the remote is told just that', async ({ from, to }) => {
  const { world, contacts, ada, system } = await oneContact(from);
  await contacts.save({ id: ada.id, city: to });
  await world.flow.sync();
  expect(only(system).values['city']).toBe(to);
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: to });
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('a remote that shows null as absent, and "" as null, is left in peace', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  system.normalise = ({ city, email, ...rest }) => ({
    ...rest,
    ...(city === null ? {} : { city }),
    email: email === '' ? null : email,
  });
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', city: null, email: '' });
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual(ada);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
  system.edit(only(system).id, { name: 'Countess' });
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, name: 'Countess' });
  expect(system.writes).toBe(1);
});

test('under emptyAsNull the remote’s "" is the hub’s null', async () => {
  const side: Side = { mapping: { ...contactMapping, city: { remote: 'values.city', via: emptyAsNull } } };
  const { world, contacts, ada, system, show } = await oneContact('Oldtown', side);
  show({ city: '' });
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: null });
  expect(only(system).values['city']).toBe('');
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});
