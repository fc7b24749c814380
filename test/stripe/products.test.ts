import { describe, expect, it } from 'vitest';
import type { StripeProduct } from '../../src/connectors/stripe/index.js';
import { StripeProducts } from './catalogs.js';
import { createOf, deleteOf, newSteps, updateOf, world } from './support.js';

const pen = { name: 'Pen', metadata: { sku: 'P-1' }, default_price: { unit_amount: 1990, currency: 'eur' } };

async function setup() {
  const rig = await world();
  const products = new StripeProducts(rig.context('product/stripe'));
  const create = async (values: object = pen): Promise<StripeProduct> => {
    const outcome = await products.push(createOf(values));
    if (outcome.kind !== 'done' || outcome.remote === undefined) throw new Error(JSON.stringify(outcome));
    return outcome.remote;
  };
  return { ...rig, products, create };
}

const dearer = { default_price: { unit_amount: 2500 } };
const values = { ...pen, default_price: { unit_amount: 2500, currency: 'eur' } };

describe('a Stripe product', () => {
  it('is created with its price in one call, decimals as text', async () => {
    const { create, sim, products } = await setup();
    const remote = await create();
    expect(remote.default_price).toMatchObject({ unit_amount: 1990, unit_amount_decimal: '1990', currency: 'eur' });
    expect(sim.state.requests.map((one) => one.path)).toEqual(['/v1/products']);
    expect(await products.look(remote.id, 'live')).toEqual({ kind: 'found', remote });
    expect((await products.list(undefined)).remotes).toEqual([remote]);
  });

  it('may have no price, and get one later', async () => {
    const { create, products } = await setup();
    const remote = await create({ name: 'Pen', default_price: { unit_amount: null, currency: null } });
    expect(remote.default_price).toBeNull();
    expect(await products.push(updateOf(remote.id, dearer, { values }))).toMatchObject({
      kind: 'done',
      remote: { default_price: { unit_amount: 2500, currency: 'eur' } },
    });
  });

  it('needs a currency for its price', async () => {
    const { products, sim } = await setup();
    const outcome = await products.push(createOf({ name: 'Pen', default_price: { unit_amount: 5, currency: null } }));
    expect(outcome).toMatchObject({ kind: 'rejected' });
    expect(JSON.stringify(outcome)).toContain('default_price.currency');
    expect(sim.state.requestCount).toBe(0);
  });

  it('gets a new price for a new amount: lookup key carried over, the old one off', async () => {
    const { create, products, sim } = await setup();
    const { id, default_price: old } = await create();
    sim.dashboard.prices.update(old?.id ?? '', { lookup_key: 'pen', nickname: 'Standard', metadata: { tier: 'a' } });
    const outcome = await products.push(
      updateOf(id, { ...dearer, name: 'Fountain pen' }, { values: { ...values, name: 'Fountain pen' }, known: pen }),
    );
    expect(outcome).toMatchObject({
      kind: 'done',
      remote: {
        name: 'Fountain pen',
        default_price: { unit_amount: 2500, lookup_key: 'pen', nickname: 'Standard', metadata: { tier: 'a' } },
      },
    });
    expect(sim.state.get('price', old?.id ?? '')).toMatchObject({ active: false, lookup_key: null });
    expect(sim.state.count('price')).toBe(2);
  });

  it.each(['new price', 'product', 'old price off'])('goes on after a crash behind the step "%s"', async (name) => {
    const { create, products, sim } = await setup();
    const { id } = await create();
    const steps = { ...newSteps(), crash: { name, when: 'after' as const } };
    const first = updateOf<StripeProduct>(id, dearer, { values, known: pen, steps, idempotencyKey: 'update' });
    expect((await products.push(first)).kind).toBe('unknown');
    const { crash: _, ...rest } = steps;
    const again = updateOf<StripeProduct>(id, dearer, {
      values,
      known: pen,
      steps: rest,
      idempotencyKey: 'update',
      resumed: true,
    });
    expect(await products.push(again)).toMatchObject({
      kind: 'done',
      remote: { default_price: { unit_amount: 2500 } },
    });
    expect(sim.state.count('price')).toBe(2);
    expect(sim.state.all('price').filter((price) => price.active === true)).toHaveLength(1);
  });

  it('can lose its price', async () => {
    const { create, products, sim } = await setup();
    const { id } = await create();
    const none = { default_price: { unit_amount: null } };
    const outcome = await products.push(
      updateOf(id, none, { values: { ...pen, default_price: { unit_amount: null, currency: 'eur' } }, known: pen }),
    );
    expect(outcome).toMatchObject({ kind: 'done', remote: { default_price: null } });
    expect(sim.state.all('price').filter((price) => price.active === true)).toEqual([]);
  });

  it('is archived for a deleted record, and does not come back by itself', async () => {
    const { create, products, sim } = await setup();
    const { id } = await create();
    expect(products.capabilities.deletes).toBe('archive');
    expect(await products.push(deleteOf(id))).toMatchObject({ kind: 'done', remote: { active: false } });
    const sight = await products.look(id, 'live');
    if (sight.kind !== 'found') throw new Error(sight.kind);
    expect(products.accepts(sight.remote)).toBe(false);
    expect(products.keyOf(sight.remote)).toBeUndefined();
    expect(await products.find({ by: 'key', key: '["1"]' })).toEqual([]);
    sim.dashboard.products.update(id, { active: true });
    const back = await products.look(id, 'live');
    if (back.kind !== 'found') throw new Error(back.kind);
    expect(products.accepts(back.remote)).toBe(true);
  });

  it('is told of by the events of its price', async () => {
    const { create, products, sim, clock } = await setup();
    const { cursor } = await products.changes(undefined);
    const { id, default_price: price } = await create();
    clock.advance(5);
    sim.dashboard.prices.update(price?.id ?? '', { nickname: 'N' });
    const { events } = await products.changes(cursor);
    expect(events.map((event) => [event.remoteId, event.kind, event.snapshot])).toEqual([
      [id, 'changed', undefined],
      [id, 'changed', undefined],
      [id, 'changed', undefined],
    ]);
  });
});
