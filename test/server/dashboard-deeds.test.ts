/** Long actions of the dashboard: what somebody began there can be ended there, and is told of so. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Deeds } from '../../src/server/dashboard/deeds.js';
import { Live } from '../../src/server/dashboard/live.js';
import { Reads } from '../../src/server/dashboard/reads.js';
import { makeFlow } from './support.js';

const { flow } = makeFlow();
beforeAll(() => flow.prepare(), 60_000);
afterAll(() => flow.stop());

const subscriber = 'customer/memory';

test.each([
  ['verify', 'verify'],
  ['repair', 'verify'],
  ['plan', 'plan'],
])('a %s is told of as %s, and stopped as that', async (action, kind) => {
  const live = new Live(flow, new Reads(flow), { pause: () => new Promise(() => undefined) });
  const deeds = new Deeds(flow, live);
  const ended = new Promise<void>((resolve) => {
    void deeds.begin({ action, by: 'ada', subscriber }, 'It is begun', (signal) => {
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          resolve();
          reject(new Error('aborted'));
        });
      });
    });
  });
  await expect.poll(() => deeds.isUnderWay(action, subscriber)).toBe(true);
  await expect.poll(() => stopped(deeds, kind)).toBe(`The ${kind} of ${subscriber} is stopped`);
  await ended;
  await expect.poll(() => deeds.outcome(subscriber, [action])?.code).toBe('stopped');
  expect(await stopped(deeds, kind)).toBe(`No ${kind} of ${subscriber} is under way here`);
});

async function stopped(deeds: Deeds, kind: string): Promise<string> {
  return (await deeds.stop('ada', subscriber, kind)).said;
}
