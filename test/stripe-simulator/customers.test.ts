import { expect, test } from 'vitest';
import { raw, refusal, rig } from './harness.js';

test('a customer is created with Stripe’s shape, updated, listed and deleted', async () => {
  const { stripe, sim } = await rig();
  const made = await stripe.customers.create({
    name: 'Ada',
    email: 'Ada@Example.com',
    address: { line1: 'A', city: 'B' },
  });
  expect(made).toMatchObject({
    object: 'customer',
    email: 'Ada@Example.com',
    livemode: false,
    metadata: {},
    discount: null,
  });
  expect(made.address).toEqual({ line1: 'A', city: 'B', country: null, line2: null, postal_code: null, state: null });
  const updated = await stripe.customers.update(made.id, { address: { line1: 'C' }, name: '' });
  expect(updated.address?.city).toBeNull();
  expect(updated.name).toBeNull();
  expect((await stripe.customers.list({ email: 'Ada@Example.com' })).data).toHaveLength(1);
  expect((await stripe.customers.list({ email: 'ada@example.com' })).data).toHaveLength(0);
  expect(await stripe.customers.del(made.id)).toMatchObject({ id: made.id, deleted: true });
  expect(await stripe.customers.retrieve(made.id)).toEqual(
    expect.objectContaining({ id: made.id, object: 'customer', deleted: true }),
  );
  expect((await refusal(stripe.customers.update(made.id, { name: 'x' }))).code).toBe('resource_missing');
  expect((await stripe.customers.list()).data).toHaveLength(0);
  expect(sim.state.count('customer')).toBe(0);
});

test('metadata merges, unsets and has limits', async () => {
  const { stripe } = await rig();
  const { id } = await stripe.customers.create({ metadata: { a: '1', b: '2', n: 3 } });
  expect((await stripe.customers.update(id, { metadata: { a: '', c: 'x' } })).metadata).toEqual({
    b: '2',
    n: '3',
    c: 'x',
  });
  expect((await stripe.customers.update(id, { metadata: '' })).metadata).toEqual({});
  const long = await refusal(stripe.customers.update(id, { metadata: { k: 'v'.repeat(501) } }));
  expect(long.message).toMatch(/^Metadata values can have up to 500 characters/);
  expect((await refusal(stripe.customers.update(id, { metadata: { ['k'.repeat(41)]: 'v' } }))).message).toMatch(
    /40 characters/,
  );
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, 'v']));
  expect((await refusal(stripe.customers.update(id, { metadata: many }))).message).toMatch(/50 metadata keys/);
});

test('requests are validated in Stripe’s words', async () => {
  const { stripe, sim } = await rig();
  const unknown = await refusal(stripe.customers.create({ descripton: 'x' } as never));
  expect(unknown).toMatchObject({
    status: 400,
    code: 'parameter_unknown',
    param: 'descripton',
    message: 'Received unknown parameter: descripton. Did you mean description?',
  });
  expect((await refusal(stripe.customers.create({ email: 'nope' }))).code).toBe('email_invalid');
  expect((await refusal(stripe.customers.create({ address: { zip: '1' } as never }))).param).toBe('address[zip]');
  expect((await refusal(stripe.products.create({} as never))).code).toBe('parameter_missing');
  expect((await refusal(stripe.products.create({ name: '' }))).code).toBe('parameter_invalid_empty');
  expect((await refusal(stripe.customers.create({ tax_exempt: 'maybe' }))).message).toBe(
    'Invalid tax_exempt: must be one of exempt, none, or reverse',
  );
  expect((await raw(sim, 'POST', '/v1/customers', 'balance=abc')).json.error).toMatchObject({
    code: 'parameter_invalid_integer',
    param: 'balance',
  });
  const missing = await refusal(stripe.customers.retrieve('cus_none'));
  expect(missing).toMatchObject({
    status: 404,
    code: 'resource_missing',
    param: 'id',
    message: "No such customer: 'cus_none'",
  });
  expect(await refusal(stripe.invoices.create({ customer: 'cus_none' }))).toMatchObject({
    status: 400,
    param: 'customer',
  });
  expect((await raw(sim, 'GET', '/v1/nothing')).json.error?.message).toMatch(
    /^Unrecognized request URL \(GET: \/v1\/nothing\)/,
  );
  expect((await raw(sim, 'POST', '/v1/customers', 'metadata[__proto__]=1')).status).toBe(400);
  expect((await raw(sim, 'POST', '/v1/customers', `metadata${'[a]'.repeat(20)}=1`)).status).toBe(400);
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  expect(sim.state.count('customer')).toBe(0);
});

test('parameters Stripe knows but the simulator does not act on are refused, not swallowed', async () => {
  const { stripe } = await rig();
  const { code, param } = await refusal(stripe.customers.create({ tax_id_data: [{ type: 'eu_vat', value: 'SE1' }] }));
  expect([code, param]).toEqual(['simulator_unsupported', 'tax_id_data']);
});

test('keys are checked, in Bearer and in Basic', async () => {
  const { sim } = await rig({ apiKeys: ['sk_test_mine'] });
  const basic = (key: string): Record<string, string> => ({
    Authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}`,
  });
  expect((await raw(sim, 'GET', '/v1/account', undefined, basic('sk_test_mine'))).status).toBe(200);
  const wrong = await raw(sim, 'GET', '/v1/account', undefined, basic('sk_test_other'));
  expect(wrong.status).toBe(401);
  expect(wrong.json.error?.type).toBe('invalid_request_error');
  expect((await raw(sim, 'GET', '/v1/account', undefined, { Authorization: '' })).status).toBe(401);
});

test('lists page both ways and auto-paginate, newest first', async () => {
  const { stripe, clock } = await rig();
  const ids: string[] = [];
  for (let index = 0; index < 25; index += 1) {
    ids.unshift((await stripe.customers.create({ name: `c${index}` })).id);
    clock.advance(1);
  }
  const seen: string[] = [];
  for await (const customer of stripe.customers.list({ limit: 7 })) seen.push(customer.id);
  expect(seen).toEqual(ids);
  const page = await stripe.customers.list({ limit: 3, starting_after: ids[4] ?? '' });
  expect(page.data.map(({ id }) => id)).toEqual(ids.slice(5, 8));
  expect(page.has_more).toBe(true);
  const back = await stripe.customers.list({ limit: 3, ending_before: ids[4] ?? '' });
  expect(back.data.map(({ id }) => id)).toEqual(ids.slice(1, 4));
  const since = Math.floor(clock.ms / 1000) - 3;
  expect((await stripe.customers.list({ created: { gte: since } })).data).toHaveLength(3);
  expect(await refusal(stripe.customers.list({ starting_after: 'cus_none' }))).toMatchObject({
    code: 'resource_missing',
    param: 'starting_after',
  });
  expect((await refusal(stripe.customers.list({ limit: 101 }))).param).toBe('limit');
});

test('search sees a write only after the lag', async () => {
  const { stripe, clock } = await rig();
  const { id } = await stripe.customers.create({ email: 'x@example.com', metadata: { ref: "o'1" } });
  const query = "metadata['ref']:'o\\'1' AND email:'x@example.com'";
  expect((await stripe.customers.search({ query })).data).toEqual([]);
  clock.advance(61);
  expect((await stripe.customers.search({ query })).data.map((found) => found.id)).toEqual([id]);
  expect((await stripe.customers.search({ query: "-email:'x@example.com'" })).data).toEqual([]);
  expect((await refusal(stripe.customers.search({ query: 'nonsense' }))).status).toBe(400);
  expect((await refusal(stripe.customers.search({ query: "shoe:'42'" }))).message).toMatch(/unsupported search field/);
});
