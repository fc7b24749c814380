/** A key that is mapped both ways is changed in a remote: the record moves, and its pair with it. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { memorySide, MemorySystem, parkedOf, useStage, writesWhenQuiet } from './stage.js';

const stage = useStage();

function people() {
  class Person extends Catalog({ name: 'person', key: 'code', fields: { code: z.string(), name: z.string() } }) {}
  const mapping = { code: 'values.code', name: 'values.name' };
  Person.register(memorySide({ mapping, capabilities: { marker: false } }), { as: 'one', account: 'one' });
  Person.register(memorySide({ mapping, capabilities: { marker: false } }), { as: 'two', account: 'two' });
  return Person;
}

test('the remote is neither deleted nor doubled, and the other systems hear of it', async () => {
  const [one, two] = [new MemorySystem(), new MemorySystem()];
  const world = await stage.start([people()], { one, two });
  for (const n of [1, 2, 3]) one.put(`r${n}`, { code: `A${n}`, name: `N${n}` });
  await world.flow.sync();
  await world.flow.sync();
  expect(two.objects.size).toBe(3);
  one.edit('r1', { code: 'B1' });
  await world.flow.sync();
  one.edit('r2', { code: 'B2' });
  one.edit('r3', { code: 'A1' }); // a key that was free since
  await world.flow.sync();
  await world.flow.sync();
  const codes = (system: MemorySystem) => [...system.objects.values()].map(({ values }) => values['code']).sort();
  expect(
    (await stage.db.query<{ code: string }>('select code from person order by code')).map(({ code }) => code),
  ).toEqual(['A1', 'B1', 'B2']);
  expect(codes(one)).toEqual(['A1', 'B1', 'B2']);
  expect(codes(two)).toEqual(['A1', 'B1', 'B2']);
  expect([...one.objects.keys()].sort()).toEqual(['r1', 'r2', 'r3']);
  expect(await parkedOf(world)).toEqual([]);
  expect(await writesWhenQuiet(world, [one, two])).toBe(0);
});
