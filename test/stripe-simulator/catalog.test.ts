import { expect, test } from 'vitest';
import { refusal, rig } from './harness.js';

test('a product with its default price, expanded', async () => {
  const { stripe } = await rig();
  const product = await stripe.products.create({
    id: 'gauge',
    name: 'Gauge',
    default_price_data: { currency: 'sek', unit_amount: 19900, metadata: { a: 'b' } },
    expand: ['default_price'],
  });
  expect(product.default_price).toMatchObject({
    object: 'price',
    unit_amount: 19900,
    product: 'gauge',
    type: 'one_time',
  });
  expect((await stripe.products.retrieve('gauge')).default_price).toMatch(/^price_1/);
  const listed = await stripe.products.list({ expand: ['data.default_price'] });
  expect(listed.data[0]?.default_price).toMatchObject({ currency: 'sek' });
  expect((await refusal(stripe.products.create({ id: 'gauge', name: 'x' }))).code).toBe('resource_already_exists');
  expect((await refusal(stripe.products.del('gauge'))).message).toMatch(/one or more user-created prices/);
  expect((await refusal(stripe.products.retrieve('gauge', { expand: ['name'] }))).message).toMatch(
    /cannot be expanded/,
  );
  const bare = await stripe.products.create({ name: 'Bare' });
  expect(await stripe.products.del(bare.id)).toMatchObject({ deleted: true });
  expect((await refusal(stripe.products.retrieve(bare.id))).status).toBe(404);
});

test('prices: immutable amounts, decimals, lookup keys that move', async () => {
  const { stripe, sim } = await rig();
  const product = await stripe.products.create({ name: 'P' });
  const first = await stripe.prices.create({
    product: product.id,
    currency: 'eur',
    unit_amount: 500,
    lookup_key: 'std',
  });
  expect((await refusal(stripe.prices.update(first.id, { unit_amount: 600 } as never))).code).toBe('parameter_unknown');
  const params = { product: product.id, currency: 'eur', unit_amount_decimal: '12.5' as never, lookup_key: 'std' };
  expect((await refusal(stripe.prices.create(params))).message).toMatch(/already uses that lookup key/);
  const second = await stripe.prices.create({ ...params, transfer_lookup_key: true });
  expect(second.unit_amount).toBeNull();
  expect(String(second.unit_amount_decimal)).toBe('12.5');
  expect(sim.state.get('price', first.id)?.lookup_key).toBeNull();
  expect((await stripe.prices.list({ lookup_keys: ['std'] })).data.map(({ id }) => id)).toEqual([second.id]);
  expect((await stripe.prices.list({ product: product.id, limit: 1 })).has_more).toBe(true);
  expect(
    (await refusal(stripe.prices.create({ currency: 'xyz', product: product.id, unit_amount: 1 }))).message,
  ).toMatch(/^Invalid currency: xyz/);
  const inline = await stripe.prices.create({ currency: 'eur', unit_amount: 1, product_data: { name: 'Inline' } });
  expect(sim.state.get('product', inline.product as string)?.name).toBe('Inline');
  await stripe.products.update(product.id, { default_price: second.id });
  expect((await refusal(stripe.prices.update(second.id, { active: false }))).message).toMatch(/default price/);
});

test('a failed request leaves nothing behind', async () => {
  const { stripe, sim } = await rig();
  const half = stripe.prices.create({ currency: 'eur', product_data: { name: 'Half' } });
  expect((await refusal(half)).code).toBe('parameter_missing');
  expect(sim.state.count('product')).toBe(0);
  expect(sim.state.count('event')).toBe(0);
});
