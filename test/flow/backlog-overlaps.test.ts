/** While the calls of one batch are under way the next one is claimed and planned; the system sees no more calls at once than it allows. */
import { expect, test } from 'vitest';
import { contactCatalog, memorySide, MemorySystem, useStage } from './stage.js';

const stage = useStage();

test('a backlog is claimed ahead, within the limit of calls', { timeout: 60_000 }, async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide({ capabilities: { concurrency: 3 } }), { as: 'memory', account: 'memory' });
  const system = new MemorySystem();
  const held: (() => void)[] = [];
  let most = 0;
  system.beforeAnswer = () =>
    new Promise((answer) => {
      held.push(answer);
      most = Math.max(most, held.length);
    });
  const { flow, db } = await stage.start([Contact], { memory: system }, { batchSize: 5 });
  await db.query(`insert into contact (id, name) select n, 'N' || n from generate_series(1, 20) n`);
  const leased = async (): Promise<number | undefined> => {
    const [row] = await db.query<{ n: number }>(
      'select count(*)::int4 as n from syncflow.link where lease_until is not null',
    );
    return row?.n;
  };
  // the first batch waits for its answers: the second is there already, a third isn't
  await expect.poll(leased).toBe(10);
  await expect.poll(() => held.length).toBe(3);
  system.beforeAnswer = undefined;
  const second = new Set(held);
  for (const answer of second) answer();
  await flow.settled();
  expect(most).toBe(3);
  expect(system.writes).toBe(20);
  expect(await leased()).toBe(0);
});

test('where the account says how often it can be asked, no more is claimed than soon goes out', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide(), { as: 'memory', account: 'memory' });
  class Slow extends MemorySystem {
    quota() {
      return { perSecond: 16, used: 0, waiting: 0 };
    }
  }
  const system = new Slow();
  const held: (() => void)[] = [];
  system.beforeAnswer = () => new Promise((answer) => held.push(answer));
  const { flow, db } = await stage.start([Contact], { memory: system });
  await db.query(`insert into contact (id, name) select n, 'N' || n from generate_series(1, 20) n`);
  const leased = async (): Promise<unknown[]> => db.query('select id from syncflow.link where lease_until is not null');
  // two passes of a quarter of a second together
  await expect.poll(leased).toHaveLength(4);
  // what is edited meanwhile costs no call of its own
  await db.query(`update contact set city = 'Oslo'`);
  system.beforeAnswer = undefined;
  for (const answer of held.splice(0)) answer();
  await flow.settled();
  expect(system.writes).toBe(24);
  expect([...system.objects.values()].every(({ values }) => values['city'] === 'Oslo')).toBe(true);
});
