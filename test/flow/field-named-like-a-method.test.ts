import { z } from 'zod';
import { describe, expect, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.js';
import { hubs } from '../setup/hub.js';
import { memorySide, MemorySystem, only, useStage, writesWhenQuiet } from './stage.js';

describe.each(hubs)('on $name', (hub) => {
  const stage = useStage(hub);

  test('fields called "constructor" and "valueOf" are fields like any other', async () => {
    class Building extends Catalog({
      name: 'building',
      key: 'id',
      fields: { id: z.int(), constructor: z.string().nullable(), valueOf: z.string().nullable() },
    }) {}
    Building.register(
      memorySide({
        mapping: { constructor: 'values.builder', valueOf: 'values.worth' },
      }),
    );
    const system = new MemorySystem();
    const world = await stage.start([Building], { memory: system });
    const buildings = world.flow.catalog(Building);
    const { id } = await buildings.save({ constructor: 'Ada', valueOf: null });
    await world.flow.sync();
    expect(only(system).values).toMatchObject({ builder: 'Ada', worth: null });
    system.edit(only(system).id, { worth: 'much' });
    await stage.db.query(`update building set constructor = 'Grace'`);
    await world.flow.sync();
    expect(await buildings.get(id)).toEqual({ id, constructor: 'Grace', valueOf: 'much' });
    expect(only(system).values).toMatchObject({ builder: 'Grace', worth: 'much' });
    expect(await writesWhenQuiet(world, [system])).toBe(0);
    expect(await world.flow.conflicts()).toEqual([]);
  });
});
