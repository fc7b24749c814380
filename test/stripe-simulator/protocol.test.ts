import { expect, test } from 'vitest';
import { raw, refusal, rig, TestClock } from './harness.js';

const form = (key: string): Record<string, string> => ({ 'Idempotency-Key': key });

test('a key replays its answer, for a day', async () => {
  const { stripe, sim, clock } = await rig();
  const first = await stripe.customers.create({ name: 'A' }, { idempotencyKey: 'k' });
  const again = await stripe.customers.create({ name: 'A' }, { idempotencyKey: 'k' });
  expect(again.id).toBe(first.id);
  expect(again.lastResponse.headers['idempotent-replayed']).toBe('true');
  expect(again.lastResponse.headers['original-request']).toBe(first.lastResponse.requestId);
  expect(sim.state.requests.map(({ replayed }) => replayed)).toEqual([false, true]);
  clock.advance(86_401);
  expect((await stripe.customers.create({ name: 'A' }, { idempotencyKey: 'k' })).id).not.toBe(first.id);
});

test('a key used for something else is an error', async () => {
  const { stripe } = await rig();
  const { id } = await stripe.customers.create({ name: 'A' }, { idempotencyKey: 'k' });
  const other = await refusal(stripe.customers.create({ name: 'B' }, { idempotencyKey: 'k' }));
  expect(other).toMatchObject({ status: 400, type: 'StripeIdempotencyError' });
  expect(other.message).toMatch(/^Keys for idempotent requests can only be used with the same parameters/);
  expect((await refusal(stripe.customers.update(id, { name: 'A' }, { idempotencyKey: 'k' }))).message).toMatch(
    /same endpoint/,
  );
});

test('refused by validation: the key stays free; refused while running: the refusal is kept', async () => {
  const { stripe, sim } = await rig();
  await refusal(stripe.customers.create({ nme: 'A' } as never, { idempotencyKey: 'k' }));
  expect((await stripe.customers.create({ name: 'A' }, { idempotencyKey: 'k' })).name).toBe('A');
  const pay = { customer: 'cus_none' };
  await refusal(stripe.invoices.create(pay, { idempotencyKey: 'i' }));
  const replay = await refusal(stripe.invoices.create(pay, { idempotencyKey: 'i' }));
  expect([replay.code, replay.headers['idempotent-replayed']]).toEqual(['resource_missing', 'true']);
  expect(sim.state.counts().idempotency_keys).toBe(2);
});

test('a key in use answers 409', async () => {
  const { sim } = await rig();
  sim.faults.once('delay_before', { delayMs: 30 });
  const slow = raw(sim, 'POST', '/v1/customers', 'name=A', form('k'));
  const fast = raw(sim, 'POST', '/v1/customers', 'name=A', form('k'));
  const answers = await Promise.all([slow, fast]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  expect(answers.find(({ status }) => status === 409)?.json.error?.code).toBe('idempotency_key_in_use');
  expect(sim.state.count('customer')).toBe(1);
});

test('the sandbox’s rate limit refuses without a trace and refills', async () => {
  const clock = new TestClock();
  const { stripe, sim } = await rig({ rateLimit: { perSecond: 5, perEndpointPerSecond: 3 } }, clock);
  for (let index = 0; index < 3; index += 1) await stripe.customers.create({});
  const refused = await refusal(stripe.customers.create({}, { idempotencyKey: 'k' }));
  expect(refused).toMatchObject({ status: 429, code: 'rate_limit', type: 'StripeRateLimitError' });
  expect(refused.headers['stripe-rate-limited-reason']).toBe('endpoint-rate');
  await stripe.products.list();
  await stripe.products.list();
  const global = await raw(sim, 'GET', '/v1/prices');
  expect(global.headers.get('stripe-rate-limited-reason')).toBe('global-rate');
  clock.advance(1);
  expect((await stripe.customers.create({}, { idempotencyKey: 'k' })).lastResponse.headers).not.toHaveProperty(
    'idempotent-replayed',
  );
});

test('by default the limit is 25 a second', async () => {
  const clock = new TestClock();
  const { StripeSimulator } = await import('../../src/testing/stripe-simulator/index.js');
  const sim = new StripeSimulator({ clock });
  await sim.start();
  const statuses = await Promise.all(
    Array.from({ length: 30 }, () => raw(sim, 'GET', '/v1/account').then(({ status }) => status)),
  );
  expect(statuses.filter((status) => status === 429)).toHaveLength(5);
  await sim.stop();
  await sim.stop();
});

test('forms: bare brackets, Unicode, plus signs', async () => {
  const { sim } = await rig();
  const { id } = sim.dashboard.customers.create({ name: 'A' });
  const body = `customer=${id as string}&expand[]=customer&description=a+b%2Bc%20%F0%9F%8C%B5`;
  const made = await raw(sim, 'POST', '/v1/invoices', body);
  expect(made.json).toMatchObject({ customer: { name: 'A' }, description: 'a b+c 🌵' });
  expect(
    (await raw(sim, 'GET', `/v1/invoices?customer=${id as string}&expand[]=data.customer`)).json.data,
  ).toHaveLength(1);
  expect((await raw(sim, 'POST', '/v1/customers', 'name=%FF')).status).toBe(400);
  expect((await raw(sim, 'POST', '/v1/customers', `name=${'x'.repeat(2_200_000)}`)).status).toBe(413);
});

test('the control endpoint shows and does what the class does', async () => {
  const { sim, stripe } = await rig();
  const { id } = await stripe.customers.create({ name: 'A' });
  const edit = JSON.stringify({ method: 'POST', path: `/v1/customers/${id}`, params: { name: 'B' } });
  expect((await raw(sim, 'POST', '/_simulator/dashboard', edit)).json).toMatchObject({ id, name: 'B' });
  expect((await raw(sim, 'GET', '/_simulator/state')).json).toMatchObject({ customer: [{ id, name: 'B' }] });
  expect((await raw(sim, 'GET', '/_simulator/requests')).json).toMatchObject({
    count: 1,
    data: [{ method: 'POST', status: 200 }],
  });
  await raw(sim, 'POST', '/_simulator/faults', JSON.stringify({ kind: 'error_before', times: 1 }));
  expect((await refusal(stripe.customers.list())).status).toBe(500);
  expect((await raw(sim, 'POST', '/_simulator/faults/rates', '{"rate_limit":1}')).status).toBe(200);
  expect((await refusal(stripe.customers.list())).code).toBe('rate_limit');
  await raw(sim, 'POST', '/_simulator/faults/clear', '{}');
  expect((await stripe.customers.list()).data).toHaveLength(1);
  expect((await raw(sim, 'POST', '/_simulator/faults', '{"kind":"nonsense"}')).status).toBe(400);
  expect((await raw(sim, 'POST', '/_simulator/settled', '{}')).json).toEqual({ settled: true });
  expect((await raw(sim, 'GET', '/_simulator/counts')).json).toMatchObject({ customer: 1, event: 2 });
});
