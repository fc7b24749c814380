/** A deploy maps one more field: on existing links that is a first load of the field. */
import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.js';
import type { Database } from '../../src/store/database.js';
import { MemorySubscriber } from '../../src/testing/memory-system/index.js';
import { hubs } from '../setup/hub.js';
import { callsOf, remoteValues, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

function versions(name: string) {
  const spec = {
    name,
    key: 'id',
    fields: { id: z.int(), email: z.string().nullable(), city: z.string().nullable() },
  } as const;
  class Before extends Catalog(spec) {}
  class MemoryBefore extends MemorySubscriber<typeof Before> {
    override readonly mapping = this.map({ email: 'values.email' });
  }
  class After extends Catalog(spec) {}
  class MemoryAfter extends MemorySubscriber<typeof After> {
    override readonly mapping = this.map({ email: 'values.email', city: 'values.city' });
  }
  Before.register(MemoryBefore);
  After.register(MemoryAfter);
  return { Before, After };
}

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  async function deployed(name: string) {
    const { Before, After } = versions(name);
    const system = new MemorySystem();
    const before = await startOn(db, [Before], { memory: system });
    const contacts = before.flow.catalog(Before);
    await contacts.save({ id: 1, email: 'only-here', city: 'London' });
    await contacts.save({ id: 2, email: 'only-there' });
    await contacts.save({ id: 3, email: 'both', city: 'Paris' });
    await contacts.save({ id: 4, email: 'neither' });
    await settle(before);
    for (const { id, values } of [...system.objects.values()]) {
      if (values['email'] === 'only-there') system.edit(id, { city: 'Rome' });
      if (values['email'] === 'both') system.edit(id, { city: 'Oslo' });
    }
    await before.flow.sync();
    await before.flow.stop();
    const world = await startOn(db, [After], { memory: system });
    return { world, system, contacts: world.flow.catalog(After) };
  }
  const cities = (system: MemorySystem): Record<string, unknown> =>
    Object.fromEntries(remoteValues(system).map(({ email, city }): [string, unknown] => [String(email), city]));
  const firstLoad = { 'only-here': 'London', 'only-there': 'Rome', both: 'Paris', neither: undefined };

  test('the field is loaded when its record is next looked at: an empty side takes the other’s value, a difference is a conflict', async () => {
    const { world, system, contacts } = await deployed('mapped_later');
    await world.flow.rescan('mapped_later/memory');
    await settle(world);
    expect(cities(system)).toEqual(firstLoad);
    expect(await contacts.get(2)).toMatchObject({ city: 'Rome' });
    expect(await world.flow.conflicts({ subscriber: 'mapped_later/memory' })).toMatchObject([
      { key: '["3"]', unit: 'city', hub: '"Paris"', remote: '"Oslo"', winner: 'hub' },
    ]);
    expect(callsOf(system, 'create')).toBe(4);
  });

  // nobody makes the links due when the mapping has changed; until a record is edited its new field isn't synced
  test('by itself, at the next start', async () => {
    const { world, system } = await deployed('mapped_by_itself');
    await settle(world);
    expect(cities(system)).toEqual(firstLoad);
  });

  test('an edit of the new field, before anything else, goes out', async () => {
    const { world, system, contacts } = await deployed('mapped_edited');
    await contacts.save({ id: 1, city: 'Bath' });
    await settle(world);
    expect(cities(system)).toMatchObject({ 'only-here': 'Bath' });
  });

  // needsLook sends the pass to a look, and that settles with nothing due (owes() in apply.ts)
  test('an edit of an old field, on a link that has yet to load the new one, goes out', async () => {
    const { world, system, contacts } = await deployed('mapped_old_edited');
    await contacts.save({ id: 4, email: 'changed' });
    await settle(world);
    expect(cities(system)).toHaveProperty('changed');
  });
});
