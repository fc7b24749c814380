/** A system can't be read: its address is wrong, its credentials are gone, it asks to be left alone. */
import { expect, test } from 'vitest';
import { blocked, retry, type Outcome } from '../../src/subscriber/outcome.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { contactCatalog, memorySide, MemorySystem, useStage } from './stage.js';

const stage = useStage();

function moodySide(mood: { error: Error | undefined; outcome: Outcome<MemoryObject> }, match: readonly string[] = []) {
  return class extends memorySide({ match }) {
    override outcomeOf(): Outcome<MemoryObject> {
      return mood.outcome;
    }
    override async changes(cursor: string | undefined) {
      if (mood.error !== undefined) throw mood.error;
      return super.changes(cursor);
    }
    override async find(query: Parameters<InstanceType<ReturnType<typeof memorySide>>['find']>[0]) {
      if (mood.error !== undefined) throw mood.error;
      return super.find(query);
    }
  };
}

test('the status says that nothing is heard from it, until it answers again; settled() waits for the first load', async () => {
  const Contact = contactCatalog();
  const mood = { error: new Error('getaddrinfo ENOTFOUND') as Error | undefined, outcome: retry('no such host', 1) };
  Contact.register(moodySide(mood));
  const world = await stage.start([Contact], { memory: new MemorySystem() });
  await expect.poll(async () => (await world.flow.status())[0]?.lastError).toMatch(/can't be read: no such host/);
  let settled = false;
  const settling = world.flow.settled().then(() => (settled = true));
  await expect(world.flow.sync()).rejects.toMatchObject({ name: 'SyncflowError', code: 'subscriber' });
  expect(settled).toBe(false);
  mood.error = undefined;
  await settling;
  expect((await world.flow.status())[0]?.lastError).toBeUndefined();
  expect(world.events.some(({ name }) => name === 'error')).toBe(true);
});

test('refused credentials that `find` meets hold the subscriber; its records are not parked', async () => {
  const Contact = contactCatalog();
  const mood = { error: undefined as Error | undefined, outcome: blocked('401', 50) as Outcome<MemoryObject> };
  Contact.register(moodySide(mood, ['email']));
  const world = await stage.start([Contact], { memory: new MemorySystem() });
  await world.flow.settled();
  mood.error = new Error('401');
  await world.flow.catalog(Contact).save({ name: 'Ada', email: 'ada@example.com' });
  await expect.poll(() => world.events.filter(({ name }) => name === 'retried' || name === 'parked').length).toBe(0);
  mood.error = undefined;
  await world.flow.settled();
  expect(await world.flow.parked()).toEqual([]);
  expect((await world.flow.status())[0]?.inAgreement).toBe(1);
});

test('a subscriber that is held is seen in the status, and a retry ends it', async () => {
  const Contact = contactCatalog();
  const mood = { error: undefined as Error | undefined, outcome: blocked('401') as Outcome<MemoryObject> };
  Contact.register(moodySide(mood, ['email']));
  const world = await stage.start([Contact], { memory: new MemorySystem() }, { pollIntervalMs: 10 });
  await world.flow.settled();
  // Its changes can't be read either, and that may be noticed first: neither hides the other.
  mood.error = new Error('401');
  await expect.poll(async () => (await world.flow.status())[0]?.lastError).toMatch(/can't be read: 401$/);
  await world.flow.catalog(Contact).save({ name: 'Ada', email: 'ada@example.com' });
  await expect
    .poll(async () => (await world.flow.status())[0]?.lastError)
    .toMatch(/^blocked \(credentials or quota\) until/);
  mood.error = undefined;
  await world.flow.retry({ subscriber: 'contact/memory' });
  await world.flow.settled();
  await expect.poll(async () => (await world.flow.status())[0]).toMatchObject({ inAgreement: 1, lastError: undefined });
});
