import { describe, expect, test } from 'vitest';
import { parseKey } from '../../src/catalog/key.js';
import { hubs } from '../setup/hub.js';
import {
  conflictsOf,
  contactCatalog,
  memorySide,
  MemorySystem,
  only,
  parkedOf,
  useStage,
  writesWhenQuiet,
} from './stage.js';

describe.each(hubs)('on $name', (hub) => {
  const stage = useStage(hub);

  async function twoSystems() {
    const Contact = contactCatalog();
    Contact.register(memorySide(), { as: 'a', account: 'a' });
    Contact.register(memorySide(), { as: 'b', account: 'b' });
    const [a, b] = [new MemorySystem(), new MemorySystem()];
    const world = await stage.start([Contact], { a, b });
    const contacts = world.flow.catalog(Contact);
    const ada = await contacts.save({ name: 'Ada', email: 'ada@example.com' });
    await world.flow.sync();
    return { world, contacts, ada, a, b };
  }

  test('an edit in either system reaches the hub and the other, and then all is quiet', async () => {
    const { world, contacts, ada, a, b } = await twoSystems();
    expect([a.writes, b.writes]).toEqual([1, 1]);

    a.edit(only(a).id, { city: 'London' });
    await world.flow.sync();
    expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
    expect(only(b).values).toMatchObject({ city: 'London', name: 'Ada' });
    expect([a.writes, b.writes]).toEqual([1, 2]);

    b.edit(only(b).id, { name: 'Ada Lovelace' });
    await world.flow.sync();
    expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London', name: 'Ada Lovelace' });
    expect(only(a).values).toMatchObject({ city: 'London', name: 'Ada Lovelace' });
    expect([a.writes, b.writes]).toEqual([2, 2]);

    expect(await writesWhenQuiet(world, [a, b])).toBe(0);
    expect(await conflictsOf(world)).toEqual([]);
    expect(await parkedOf(world)).toEqual([]);
  });

  test('a new object in one system becomes a record, and an object of the other', async () => {
    const { world, contacts, a, b } = await twoSystems();
    a.put('from-a', { name: 'Grace', email: null, city: 'New York' });
    await world.flow.sync();
    const grace = [...b.objects.values()].find((one) => one.values['name'] === 'Grace');
    const id = Number(parseKey(String(grace?.values['marker']))[0]);
    expect(await contacts.get(id)).toEqual({ id, name: 'Grace', email: null, city: 'New York', note: null });
    expect([a.writes, b.writes]).toEqual([1, 2]);
    expect(a.objects.get('from-a')?.values).toEqual({ name: 'Grace', email: null, city: 'New York' });
    expect(await writesWhenQuiet(world, [a, b])).toBe(0);
  });

  test('the same edit in both systems is no conflict and costs no write', async () => {
    const { world, contacts, ada, a, b } = await twoSystems();
    a.edit(only(a).id, { city: 'Paris' });
    b.edit(only(b).id, { city: 'Paris' });
    await world.flow.sync();
    expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'Paris' });
    expect(await writesWhenQuiet(world, [a, b])).toBe(0);
    expect([only(a).values['city'], only(b).values['city']]).toEqual(['Paris', 'Paris']);
    expect(await conflictsOf(world)).toEqual([]);
  });

  test('different edits of one field in two systems end in agreement, with the loser in the log', async () => {
    const { world, contacts, ada, a, b } = await twoSystems();
    await world.flow.pause('contact/a');
    await world.flow.pause('contact/b');
    a.edit(only(a).id, { city: 'Paris' });
    b.edit(only(b).id, { city: 'Rome' });
    await world.flow.sync();
    await world.flow.resume('contact/a');
    await world.flow.sync();
    await world.flow.resume('contact/b');
    await world.flow.sync();
    expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'Paris' });
    expect([only(a).values['city'], only(b).values['city']]).toEqual(['Paris', 'Paris']);
    expect(await conflictsOf(world)).toEqual([
      { subscriber: 'contact/b', unit: 'city', base: null, hub: '"Paris"', remote: '"Rome"', winner: 'hub' },
    ]);
    expect(await writesWhenQuiet(world, [a, b])).toBe(0);
  });
});
