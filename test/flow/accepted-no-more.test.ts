/** A remote that is linked, and that its subscriber wouldn't take in any more: the pair goes on. Others like it leave no trace. */
import { expect, test } from 'vitest';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { conflictsOf, contactCatalog, memorySide, MemorySystem, only, useStage, writesWhenQuiet } from './stage.js';

const stage = useStage();

async function setup({ polling }: { polling: boolean }) {
  const Contact = contactCatalog();
  class Here extends memorySide({ capabilities: { polling } }) {
    override accepts({ values }: MemoryObject): boolean {
      return values['city'] !== 'Elsewhere';
    }
  }
  Contact.register(Here, { as: 'memory' });
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', city: 'London' });
  await world.flow.sync();
  return { world, contacts, ada, system };
}

test.each([
  ['an event tells of it', true],
  ['a listing shows it', false],
])('%s: its edits come in', async (_how, polling) => {
  const { world, contacts, ada, system } = await setup({ polling });
  const look = async (): Promise<void> => {
    if (!polling) await world.flow.rescan('contact/memory');
    await world.flow.sync();
  };
  system.edit(only(system).id, { city: 'Elsewhere', name: 'Ada L.' });
  await look();
  expect(await contacts.get(ada.id)).toMatchObject({ city: 'Elsewhere', name: 'Ada L.' });
  system.edit(only(system).id, { name: 'Ada Lovelace' });
  await look();
  expect(await contacts.get(ada.id)).toMatchObject({ name: 'Ada Lovelace' });
  expect(await conflictsOf(world)).toEqual([]);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});
