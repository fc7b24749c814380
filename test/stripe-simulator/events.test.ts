import Stripe from 'stripe';
import { expect, test } from 'vitest';
import { receiver, refusal, rig } from './harness.js';

test('an update reports only what changed, with the request that caused it', async () => {
  const { stripe, sim } = await rig();
  const { id } = await stripe.customers.create({ name: 'A', address: { city: 'X', line1: 'L' }, metadata: { a: '1' } });
  await stripe.customers.update(
    id,
    { name: 'B', address: { city: 'Y', line1: 'L' }, metadata: { b: '2' } },
    { idempotencyKey: 'mine' },
  );
  await stripe.customers.update(id, { name: 'B' });
  const events = (await stripe.events.list({ limit: 100 })).data;
  expect(events.map(({ type }) => type)).toEqual(['customer.updated', 'customer.created']);
  const [updated, created] = events;
  expect(updated?.data.previous_attributes).toEqual({ name: 'A', address: { city: 'X' }, metadata: { b: null } });
  expect(updated?.data.object).toMatchObject({ name: 'B', metadata: { a: '1', b: '2' } });
  expect(updated?.request).toEqual({ id: sim.state.requests[1]?.id, idempotency_key: 'mine' });
  expect(created?.data).not.toHaveProperty('previous_attributes');
  expect(Number.isInteger(created?.created)).toBe(true);
});

test('events are filtered, and forgotten after 30 days', async () => {
  const { stripe, clock } = await rig();
  const { id } = await stripe.customers.create({});
  await stripe.products.create({ name: 'P', default_price_data: { currency: 'usd', unit_amount: 1 } });
  await stripe.customers.del(id);
  const types = async (params: Stripe.EventListParams): Promise<string[]> =>
    (await stripe.events.list(params)).data.map(({ type }) => type);
  expect(await types({})).toEqual(['customer.deleted', 'price.created', 'product.created', 'customer.created']);
  expect(await types({ type: 'customer.*' })).toEqual(['customer.deleted', 'customer.created']);
  expect(await types({ types: ['price.created', 'product.created'] })).toEqual(['price.created', 'product.created']);
  expect(await types({ created: { gt: Math.floor(clock.ms / 1000) } })).toEqual([]);
  expect(await types({ delivery_success: false })).toEqual([]);
  const [newest] = (await stripe.events.list({ limit: 1 })).data;
  expect((await stripe.events.retrieve(newest?.id ?? '')).id).toBe(newest?.id);
  clock.advance(31 * 86_400);
  expect(await types({})).toEqual([]);
  expect((await refusal(stripe.events.retrieve(newest?.id ?? ''))).status).toBe(404);
});

test('an invoice’s life is reported in order', async () => {
  const { stripe, sim } = await rig();
  const customer = await stripe.customers.create({});
  const invoice = await stripe.invoices.create({ customer: customer.id });
  await stripe.invoices.addLines(invoice.id, { lines: [{ amount: 5 }] });
  await stripe.invoices.pay(invoice.id, { paid_out_of_band: true });
  const events = sim.state.all('event');
  expect(events.map(({ type }) => type)).toEqual([
    'customer.created',
    'customer.updated',
    'invoice.created',
    'invoiceitem.created',
    'invoice.updated',
    'customer.updated',
    'invoice.finalized',
    'invoice.updated',
    'invoice.paid',
    'invoice.payment_succeeded',
    'invoice.updated',
  ]);
  const finalized = events[7] as unknown as Stripe.Event;
  expect(finalized.data.previous_attributes).toMatchObject({
    status: 'draft',
    number: null,
    status_transitions: { finalized_at: null },
  });
});

test('webhooks are signed, pretty-printed and sent to who asked for them', async () => {
  const { stripe, sim, clock } = await rig();
  const hook = await receiver();
  const endpoint = await stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ['customer.created'] });
  expect(endpoint.secret).toMatch(/^whsec_.{32}$/);
  expect(await stripe.webhookEndpoints.retrieve(endpoint.id)).not.toHaveProperty('secret');
  const { id } = await stripe.customers.create({ name: 'Å' });
  await stripe.customers.update(id, { name: 'B' });
  await sim.settled();
  expect(hook.types()).toEqual(['customer.created']);
  const { body, signature } = hook.received[0] ?? { body: '', signature: '' };
  const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret ?? '', 300, undefined, clock.ms);
  expect(event.data.object).toMatchObject({ id, name: 'Å' });
  expect(body.startsWith('{\n  "id": "evt_1')).toBe(true);
  expect(() =>
    stripe.webhooks.constructEvent(`${body} `, signature, endpoint.secret ?? '', 300, undefined, clock.ms),
  ).toThrow(Stripe.errors.StripeSignatureVerificationError);
  expect((await stripe.events.list({ delivery_success: true, type: 'customer.created' })).data).toHaveLength(1);
  await stripe.webhookEndpoints.update(endpoint.id, { disabled: true });
  await stripe.customers.create({});
  await stripe.webhookEndpoints.update(endpoint.id, { disabled: false, enabled_events: ['*'] });
  await stripe.customers.del(id);
  await sim.settled();
  expect(hook.types()).toEqual(['customer.created', 'customer.deleted']);
  expect((await refusal(stripe.webhookEndpoints.create({ url: 'nowhere', enabled_events: ['*'] }))).code).toBe(
    'url_invalid',
  );
});

test('a failed delivery is tried again, and given up in the end', async () => {
  const { stripe, sim } = await rig();
  const hook = await receiver();
  await stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ['*'] });
  hook.answers.push(500, 302);
  await stripe.customers.create({});
  await sim.settled();
  expect(hook.types()).toEqual(['customer.created', 'customer.created', 'customer.created']);
  expect(sim.state.all('event')[0]?.pending_webhooks).toBe(0);
  hook.answers.push(500, 500, 500);
  await stripe.customers.create({});
  await sim.settled();
  expect(hook.received).toHaveLength(6);
  expect(sim.state.all('event')[1]?.pending_webhooks).toBe(1);
  expect((await stripe.events.list({ delivery_success: false })).data).toHaveLength(1);
});

test('a dashboard edit is reported like any other, but is not one of ours', async () => {
  const { stripe, sim } = await rig();
  const { id } = await stripe.customers.create({ name: 'A' }, { idempotencyKey: 'ours' });
  sim.faults.add({ kind: 'error_before' });
  sim.dashboard.customers.update(id, { name: 'By hand', metadata: { x: null } });
  expect(() => sim.dashboard.customers.update(id, { nam: 'x' })).toThrow(/unknown parameter: nam/);
  const event = sim.state.all('event')[1] as unknown as Stripe.Event;
  expect(event).toMatchObject({ type: 'customer.updated', data: { previous_attributes: { name: 'A' } } });
  expect(event.request?.idempotency_key).not.toBe('ours');
  expect(sim.state.requests).toHaveLength(1);
});
