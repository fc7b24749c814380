/** A system with a history tells afterwards what a write of ours overwrote. Where its value is the one that counts, that is too late. */
import { expect, test } from 'vitest';
import type { MappingSpec } from '../../src/subscriber/mapping.js';
import { conflictsOf, contactCatalog, memorySide, MemorySystem, only, useStage, writesWhenQuiet } from './stage.js';

const stage = useStage();

async function withHistory(city: MappingSpec[string]) {
  const Contact = contactCatalog();
  Contact.register(
    memorySide({
      mapping: { name: 'values.name', email: 'values.email', city },
      capabilities: { history: true, polling: false },
    }),
  );
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', city: 'Oldtown' });
  await world.flow.settled();
  system.calls.length = 0;
  system.edit(only(system).id, { city: 'Remoton' }); // nobody told us
  return { world, contacts, ada, system };
}

test.each([
  ['authority remote', 'remote' as const],
  ['authority function', () => 'remote' as const],
])('%s: the remote’s unseen edit stands, and the hub takes it', async (rule, authority) => {
  const { world, contacts, ada, system } = await withHistory({ remote: 'values.city', authority });
  await contacts.save({ id: ada.id, city: 'London' });
  await world.flow.settled();
  expect(only(system).values['city']).toBe('Remoton');
  expect(await contacts.get(ada.id)).toMatchObject({ city: 'Remoton' });
  expect(await conflictsOf(world)).toMatchObject([
    { unit: 'city', hub: '"London"', remote: '"Remoton"', winner: 'remote' },
  ]);
  expect((await world.flow.conflicts())[0]?.rule).toBe(rule);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('a write that sends none of its fields costs no look', async () => {
  const { world, contacts, ada, system } = await withHistory({ remote: 'values.city', authority: 'remote' });
  await contacts.save({ id: ada.id, name: 'Ada Lovelace' });
  await world.flow.settled();
  expect(system.calls.map(({ call }) => call)).toEqual(['update']);
});
