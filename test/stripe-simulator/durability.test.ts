import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { StripeSimulator } from '../../src/testing/stripe-simulator/index.js';
import { receiver, rig, TestClock } from './harness.js';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'stripe-simulator-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('reopening restores objects, order, events, keys and endpoints', async () => {
  const dataDir = folder();
  const clock = new TestClock();
  const first = await rig({ dataDir }, clock);
  const customer = await first.stripe.customers.create({ name: 'A', email: 'a@example.com' }, { idempotencyKey: 'k' });
  const invoice = await first.stripe.invoices.create({ customer: customer.id });
  await first.stripe.invoices.addLines(invoice.id, { lines: [{ amount: 1 }, { amount: 2 }] });
  const gone = await first.stripe.customers.create({ name: 'gone' });
  await first.stripe.customers.del(gone.id);
  const before = first.sim.state.dump();
  await first.sim.stop();

  const { sim, stripe } = await rig({ dataDir }, clock);
  expect(sim.state.dump()).toEqual(before);
  const replayed = await stripe.customers.create({ name: 'A', email: 'a@example.com' }, { idempotencyKey: 'k' });
  expect([replayed.id, replayed.lastResponse.headers['idempotent-replayed']]).toEqual([customer.id, 'true']);
  expect(await stripe.customers.retrieve(gone.id)).toMatchObject({ deleted: true });
  expect((await stripe.invoices.listLineItems(invoice.id)).data.map(({ amount }) => amount)).toEqual([1, 2]);
  const fresh = await stripe.customers.create({ name: 'fresh' });
  expect(JSON.stringify(before)).not.toContain(fresh.id);
  clock.advance(61);
  expect((await stripe.customers.search({ query: "name:'A'" })).data).toHaveLength(1);
});

test('a torn last line is dropped and written over; a damaged middle is not passed over', async () => {
  const dataDir = folder();
  const file = join(dataDir, 'stripe-journal.jsonl');
  const first = await rig({ dataDir });
  await first.stripe.customers.create({ name: 'A' });
  await first.sim.stop();
  appendFileSync(file, '{"at":1,"counter":9,"put":[["cust');
  const second = await rig({ dataDir });
  expect(second.sim.state.count('customer')).toBe(1);
  await second.stripe.customers.create({ name: 'B' });
  await second.sim.stop();
  const third = await rig({ dataDir });
  expect(third.sim.state.all('customer').map(({ name }) => name)).toEqual(['A', 'B']);
  await third.sim.stop();
  writeFileSync(file, `garbage\n${readFileSync(file, 'utf8')}`);
  expect(() => new StripeSimulator({ dataDir })).toThrow(/damaged/);
});

test('what was written before the answer was lost is there after a restart', async () => {
  const dataDir = folder();
  const first = await rig({ dataDir });
  first.sim.faults.add({ kind: 'drop_after' });
  await expect(first.stripe.customers.create({ name: 'A' })).rejects.toThrow();
  await first.sim.stop();
  const second = await rig({ dataDir });
  expect(second.sim.state.all('customer').map(({ name }) => name)).toEqual(['A']);
});

test('undelivered webhooks go out after reopening, delivered ones do not', async () => {
  const dataDir = folder();
  const hook = await receiver();
  const first = await rig({ dataDir });
  await first.stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ['*'] });
  await first.stripe.customers.create({ name: 'delivered' });
  await first.sim.settled();
  first.sim.faults.add({ kind: 'webhook_hold' });
  await first.stripe.customers.create({ name: 'held' });
  await first.sim.settled();
  expect(hook.received).toHaveLength(1);
  await first.sim.stop();
  const second = await rig({ dataDir });
  await second.sim.settled();
  expect(hook.received).toHaveLength(2);
  expect(second.sim.state.counts().pending_webhooks).toBe(0);
});

test('starting and stopping twice is harmless, and stopped is not the end', async () => {
  const { sim, stripe } = await rig();
  await Promise.all([sim.start(), sim.start()]);
  await stripe.customers.create({});
  const { port } = sim;
  await Promise.all([sim.stop(), sim.stop()]);
  await sim.start();
  expect(sim.port).toBe(port);
  expect((await stripe.customers.list()).data).toHaveLength(1);
});
