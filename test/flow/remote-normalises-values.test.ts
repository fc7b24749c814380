import { expect, test } from 'vitest';
import {
  conflictsOf,
  contactCatalog,
  contactMapping,
  memorySide,
  MemorySystem,
  only,
  parkedOf,
  useStage,
  writesWhenQuiet,
} from './stage.js';

const stage = useStage();

const text = (change: (value: string) => string) => (values: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string' && name !== 'marker' ? change(value) : value,
    ]),
  );

test.each([
  { what: 'lower-cases', change: (value: string) => value.toLowerCase(), shows: '  ada lovelace ' },
  { what: 'trims', change: (value: string) => value.trim(), shows: 'Ada Lovelace' },
  { what: 'cuts', change: (value: string) => value.slice(0, 5), shows: '  Ada' },
])('a remote that $what keeps its form, the hub keeps its own', async ({ change, shows }) => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  system.normalise = text(change);
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: '  Ada Lovelace ', city: 'X' });
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual(ada);
  expect(only(system).values['name']).toBe(shows);
  expect(await writesWhenQuiet(world, [system])).toBe(0);

  // an edit there of another field leaves the pair alone
  system.edit(only(system).id, { city: 'Y' });
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: change('Y') });
  expect(system.writes).toBe(1);
  expect(await conflictsOf(world)).toEqual([]);
});

test('a remote that rounds keeps its pair, and an edit below its precision goes out once', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide({ mapping: { ...contactMapping, note: 'values.note' } }));
  const system = new MemorySystem();
  system.normalise = (values) => ({
    ...values,
    note: values['note'] == null ? null : Number(values['note']).toFixed(2),
  });
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', note: '19.994' });
  await world.flow.sync();
  expect(only(system).values['note']).toBe('19.99');
  await contacts.save({ id: ada.id, note: '19.991' });
  await world.flow.sync();
  expect(only(system).values['note']).toBe('19.99');
  expect(await contacts.get(ada.id)).toMatchObject({ note: '19.991' });
  expect(system.writes).toBe(2);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('two remotes that normalise in opposite ways as they answer leave each other in peace', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide(), { as: 'lower', account: 'lower' });
  Contact.register(memorySide(), { as: 'upper', account: 'upper' });
  const [lower, upper] = [new MemorySystem(), new MemorySystem()];
  lower.normalise = text((value) => value.toLowerCase());
  upper.normalise = text((value) => value.toUpperCase());
  const world = await stage.start([Contact], { lower, upper });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada' });
  await world.flow.sync();
  lower.edit(only(lower).id, { name: 'Countess' });
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toMatchObject({ name: 'countess' });
  expect(only(upper).values['name']).toBe('COUNTESS');
  expect(await writesWhenQuiet(world, [lower, upper])).toBe(0);
  expect([lower.writes, upper.writes]).toEqual([1, 2]);
  expect(await parkedOf(world)).toEqual([]);
});
