/** A system that is away, or asks for patience, longer than a record has attempts. */
import { expect, test } from 'vitest';
import { systemClock } from '../../src/engine/environment.js';
import type { CreateOperation, Query } from '../../src/subscriber/base.js';
import { retry, throttled, unknown, type Outcome } from '../../src/subscriber/outcome.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { contactCatalog, memorySide, MemorySystem, useStage } from './stage.js';

const stage = useStage();
const patience = { baseMs: 1, maxMs: 5, maxAttempts: 5 };

/** Contacts in a system whose creates are answered as told, and a clock that can be put forward. */
async function start(
  answer: (operation: CreateOperation<MemoryObject>) => Outcome<MemoryObject> | undefined,
  isAway = (): boolean => false,
) {
  const Contact = contactCatalog();
  Contact.register(
    class extends memorySide({ capabilities: { polling: false } }) {
      override async create(operation: CreateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
        return answer(operation) ?? super.create(operation);
      }
      override async find(query: Query<MemoryObject>): Promise<readonly MemoryObject[]> {
        if (isAway()) throw new Error('no such host');
        return super.find(query);
      }
    },
  );
  const clock = { ...systemClock, aheadMs: 0, now: () => new Date(Date.now() + clock.aheadMs) };
  const world = await stage.start([Contact], { memory: new MemorySystem() }, { retry: patience, clock });
  await world.flow.settled();
  return { world, clock, contacts: world.flow.catalog(Contact) };
}

const retried = (world: { events: readonly { name: string }[] }): number =>
  world.events.filter(({ name }) => name === 'retried').length;

test.each([
  ['it can’t be reached', () => retry('no such host')],
  ['its answers are lost', () => unknown('timed out')],
])('an outage longer than all attempts parks nothing (%s)', async (_how, failure) => {
  let isAway = true;
  const { world, clock, contacts } = await start(
    () => (isAway ? failure() : undefined),
    () => isAway,
  );
  clock.aheadMs = 3_600_000;
  await contacts.save({ name: 'Ada' });
  await contacts.save({ name: 'Bob' });
  await expect.poll(() => retried(world)).toBeGreaterThan(3 * patience.maxAttempts);
  expect(await world.flow.parked()).toEqual([]);
  isAway = false;
  await world.flow.settled();
  expect((await world.flow.status())[0]).toMatchObject({ inAgreement: 2, parked: 0, lastError: undefined });
});

test('a rate limit parks nothing, however often it strikes, while others get through', async () => {
  let strikes = 0;
  const { world, contacts } = await start(({ key }) =>
    key === '["1"]' && ++strikes <= 3 * patience.maxAttempts ? throttled('429') : undefined,
  );
  await contacts.save({ id: 1, name: 'Ada' });
  await contacts.save({ id: 2, name: 'Bob' });
  await world.flow.settled();
  expect(strikes).toBe(3 * patience.maxAttempts + 1);
  expect((await world.flow.status())[0]).toMatchObject({ inAgreement: 2, parked: 0 });
});

test('a record that fails while others get through is parked after its last attempt', async () => {
  let tries = 0;
  const { world, contacts } = await start(({ key }) => (key === '["1"]' && ++tries > 0 ? retry('busy') : undefined));
  await contacts.save({ id: 1, name: 'Ada' });
  await contacts.save({ id: 2, name: 'Bob' });
  await world.flow.settled();
  expect(tries).toBe(patience.maxAttempts);
  expect(await world.flow.parked()).toMatchObject([{ code: 'failed' }]);
});
