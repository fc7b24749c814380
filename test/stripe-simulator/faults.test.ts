import type Stripe from 'stripe';
import { expect, test } from 'vitest';
import { OVERLAY } from '../../src/testing/stripe-simulator/index.js';
import { receiver, refusal, rig } from './harness.js';

test('dropped before: nothing happened; dropped after: it did', async () => {
  const { stripe, sim } = await rig();
  sim.faults.add({ kind: 'drop_before', times: 2, method: 'POST', path: '/v1/customers' });
  expect((await refusal(stripe.customers.create({}))).type).toBe('StripeConnectionError');
  expect(sim.state.count('customer')).toBe(0);
  sim.faults.clear();
  sim.faults.once('drop_after');
  // The SDK repeats a request once when its connection closes; the key makes that a replay.
  const made = await stripe.customers.create({ name: 'A' }, { idempotencyKey: 'k' });
  expect(made.lastResponse.headers['idempotent-replayed']).toBe('true');
  expect(sim.state.count('customer')).toBe(1);
  expect(sim.state.requests.map(({ status }) => status)).toEqual([0, 0, 0, 200]);
  expect(sim.faults.count('drop_after')).toBe(1);
});

test('500 before and after applying is kept for the key', async () => {
  const { stripe, sim } = await rig();
  sim.faults.once('error_after');
  const failed = await refusal(stripe.customers.create({ name: 'A' }, { idempotencyKey: 'a' }));
  expect([failed.status, failed.headers['stripe-should-retry']]).toEqual([500, 'false']);
  expect(sim.state.count('customer')).toBe(1);
  expect((await refusal(stripe.customers.create({ name: 'A' }, { idempotencyKey: 'a' }))).status).toBe(500);
  sim.faults.once('error_before');
  await refusal(stripe.customers.create({ name: 'B' }, { idempotencyKey: 'b' }));
  expect(
    (await refusal(stripe.customers.create({ name: 'B' }, { idempotencyKey: 'b' }))).headers['idempotent-replayed'],
  ).toBe('true');
  sim.faults.once('error_before', { stored: false });
  await refusal(stripe.customers.create({ name: 'C' }, { idempotencyKey: 'c' }));
  expect((await stripe.customers.create({ name: 'C' }, { idempotencyKey: 'c' })).name).toBe('C');
  expect(sim.state.count('customer')).toBe(2);
});

test('lock timeouts and 429s leave no record', async () => {
  const { stripe, sim } = await rig();
  sim.faults.once('lock_timeout');
  sim.faults.once('lock_timeout', { status: 409 });
  sim.faults.once('rate_limit');
  const create = (): Promise<Stripe.Customer> => stripe.customers.create({}, { idempotencyKey: 'k' });
  expect(await refusal(create())).toMatchObject({ status: 429, code: 'rate_limit' });
  const locked = await refusal(create());
  expect(locked).toMatchObject({ status: 429, code: 'lock_timeout' });
  expect(locked.headers['stripe-should-retry']).toBe('true');
  expect(await refusal(create())).toMatchObject({ status: 409, code: 'lock_timeout' });
  expect((await create()).object).toBe('customer');
});

test('rates are drawn from the seed', async () => {
  const run = async (): Promise<number[]> => {
    const { stripe, sim } = await rig({ seed: 42 });
    sim.faults.setRates({ rate_limit: 0.5 });
    for (let index = 0; index < 20; index += 1) await stripe.customers.list().catch(() => undefined);
    return sim.state.requests.map(({ status }) => status);
  };
  const first = await run();
  expect(new Set(first)).toEqual(new Set([200, 429]));
  expect(await run()).toEqual(first);
});

test('webhooks: lost, doubled, held, reordered, early, of an old version', async () => {
  const { stripe, sim } = await rig();
  const hook = await receiver();
  await stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ['*'] });
  const names = (): unknown[] => hook.events().map((event) => (event.data.object as Stripe.Customer).name);
  const create = async (name: string): Promise<void> => {
    await stripe.customers.create({ name });
  };
  const expectNames = async (expected: string[]): Promise<void> => {
    await sim.settled();
    expect(names()).toEqual(expected);
    hook.received.length = 0;
  };
  sim.faults.once('webhook_lose');
  await create('lost');
  await expectNames([]);
  sim.faults.once('webhook_duplicate');
  await create('twice');
  await expectNames(['twice', 'twice']);
  sim.faults.add({ kind: 'webhook_hold' });
  await create('held');
  await expectNames([]);
  expect(sim.state.counts().held_webhooks).toBe(1);
  sim.faults.releaseWebhooks();
  await expectNames(['held']);
  sim.faults.once('webhook_reorder');
  await Promise.all([create('first'), create('second')]);
  await sim.settled();
  const order = sim.state
    .all('event')
    .slice(-2)
    .map(({ data }) => (data as { object: { name: string } }).object.name);
  await expectNames(order.reverse());
  sim.faults.once('webhook_before_response');
  await create('early');
  expect(names()).toEqual(['early']);
});

test('an old version has the old shape of lines', async () => {
  const { stripe, sim } = await rig();
  const hook = await receiver();
  const customer = await stripe.customers.create({});
  const price = await stripe.prices.create({ currency: 'usd', unit_amount: 7, product_data: { name: 'P' } });
  const invoice = await stripe.invoices.create({ customer: customer.id });
  await stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ['invoice.updated'] });
  sim.faults.once('webhook_old_version');
  await stripe.invoices.addLines(invoice.id, { lines: [{ pricing: { price: price.id } }] });
  await sim.settled();
  const [event] = hook.events();
  expect(event?.api_version).toBe('2023-08-16');
  const object = event?.data.object as unknown as { paid: boolean; lines: { data: Record<string, unknown>[] } };
  expect(object.paid).toBe(false);
  expect(object.lines.data[0]).toMatchObject({ price: { id: price.id }, type: 'invoiceitem' });
  expect(object.lines.data[0]).not.toHaveProperty('pricing');
});

test('every entry of the overlay says why', () => {
  expect(OVERLAY.filter(({ reason }) => reason.length < 10)).toEqual([]);
});
