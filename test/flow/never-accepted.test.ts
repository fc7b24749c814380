import { expect, test } from 'vitest';
import type { UpdateOperation } from '../../src/subscriber/base.js';
import { gone, stale, type Outcome } from '../../src/subscriber/outcome.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { contactCatalog, memorySide, MemorySystem, only, useStage, writesWhenQuiet } from './stage.js';

const stage = useStage();
const retry = { baseMs: 1, maxMs: 5, maxAttempts: 6 };

/** A system that answers so many updates with something that a look then contradicts. */
async function contradicting(outcome: () => Outcome<MemoryObject>, times: number) {
  let answers = 0;
  const Contact = contactCatalog();
  class Contradicting extends memorySide() {
    override async update(operation: UpdateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
      answers += 1;
      return answers > times ? super.update(operation) : outcome();
    }
  }
  Contact.register(Contradicting);
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system }, { retry });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada' });
  await world.flow.sync();
  await contacts.save({ id: ada.id, city: 'London' });
  await world.flow.settled();
  return { world, system, answers: () => answers };
}

test.each([
  ['stale', () => stale<MemoryObject>()],
  ['gone', () => gone()],
] as const)('a remote that answers "%s" to every update: parked after the last attempt', async (_kind, outcome) => {
  const { world, system, answers } = await contradicting(outcome, Number.POSITIVE_INFINITY);
  expect(await world.flow.parked()).toMatchObject([{ code: 'failed' }]);
  expect(answers()).toBe(retry.maxAttempts);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('a remote that is ahead of us a few times gets the edit all the same', async () => {
  const { world, system } = await contradicting(() => stale(), 3);
  expect(await world.flow.parked()).toEqual([]);
  expect(only(system).values).toMatchObject({ city: 'London' });
  expect(world.events.filter((one) => one.name === 'healed')).toHaveLength(1);
});

test('a create whose answer is lost every time and that has no effect: parked after the last attempt', async () => {
  let creates = 0;
  const Contact = contactCatalog();
  class Lossy extends memorySide() {
    override async create(): Promise<Outcome<MemoryObject>> {
      creates += 1;
      return { kind: 'unknown', reason: 'the answer was lost' };
    }
  }
  Contact.register(Lossy);
  const world = await stage.start([Contact], { memory: new MemorySystem() }, { retry });
  await world.flow.catalog(Contact).save({ name: 'Ada' });
  await world.flow.settled();
  expect(await world.flow.parked()).toMatchObject([{ code: 'failed' }]);
  expect(creates).toBe(retry.maxAttempts / 2);
});
