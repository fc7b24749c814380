import { describe, expect, it } from 'vitest';
import type { StripeCustomer } from '../../src/connectors/stripe/index.js';
import { StripeCustomers } from './catalogs.js';
import { createOf, deleteOf, updateOf, world } from './support.js';

const ada = {
  email: 'ada@example.com',
  name: 'Ada Lovelace',
  metadata: { company: 'Engines' },
  address: { city: 'London', line1: null },
};

async function setup() {
  const rig = await world();
  return { ...rig, customers: new StripeCustomers(rig.context('customer/stripe')) };
}

async function created(customers: StripeCustomers): Promise<StripeCustomer> {
  const outcome = await customers.push(createOf(ada, { idempotencyKey: 'create' }));
  if (outcome.kind !== 'done' || outcome.remote === undefined) throw new Error(JSON.stringify(outcome));
  return outcome.remote;
}

describe('a Stripe customer', () => {
  it('is created with our marker and read back as JSON', async () => {
    const { customers, sim } = await setup();
    const remote = await created(customers);
    expect(remote).toMatchObject({
      email: 'ada@example.com',
      name: 'Ada Lovelace',
      address: { city: 'London', line1: null },
    });
    expect(remote.metadata).toEqual({
      company: 'Engines',
      syncflow_key: '["1"]',
      syncflow_catalog: 'customer',
      syncflow_env: 'test',
    });
    expect(customers.keyOf(remote)).toBe('["1"]');
    expect(await customers.look(remote.id, 'live')).toEqual({ kind: 'found', remote });
    expect(sim.state.count('customer')).toBe(1);
  });

  it('belongs to us only in our environment and catalog', async () => {
    const { customers, context } = await setup();
    const remote = await created(customers);
    expect(new StripeCustomers(context('customer/stripe', 'staging')).keyOf(remote)).toBeUndefined();
    expect(new StripeCustomers(context('supplier/stripe')).keyOf(remote)).toBeUndefined();
    expect(new StripeCustomers(context('customer/second')).keyOf(remote)).toBe('["1"]');
  });

  it('is created once, however often the operation is sent', async () => {
    const { customers, sim } = await setup();
    const first = await created(customers);
    expect((await created(customers)).id).toBe(first.id);
    expect(sim.state.count('customer')).toBe(1);
  });

  it('keeps members of the address that are not mapped', async () => {
    const { customers, sim } = await setup();
    const { id } = await created(customers);
    sim.dashboard.customers.update(id, {
      address: { city: 'London', line1: 'Old Road 1', postal_code: 'N1', country: 'GB' },
    });
    const outcome = await customers.push(
      updateOf(id, { address: { city: 'Paris' } }, { values: { address: { city: 'Paris', line1: 'Old Road 1' } } }),
    );
    expect(outcome).toMatchObject({
      kind: 'done',
      remote: { address: { city: 'Paris', line1: 'Old Road 1', postal_code: 'N1', country: 'GB' } },
    });
  });

  it('unsets what is null, in place and in hashes', async () => {
    const { customers } = await setup();
    const { id } = await created(customers);
    const changed = { email: null, name: null, metadata: { company: null }, address: { city: null } };
    const outcome = await customers.push(
      updateOf(id, changed, { values: { ...changed, address: { city: null, line1: null } } }),
    );
    expect(outcome).toMatchObject({ kind: 'done', remote: { email: null, name: null, address: null } });
    if (outcome.kind === 'done') expect(outcome.remote?.metadata).not.toHaveProperty('company');
  });

  it('refuses a key that Stripe does not take, naming it', async () => {
    const { customers } = await setup();
    const { id } = await created(customers);
    const outcome = await customers.push(updateOf(id, { created: 5 }));
    expect(outcome).toMatchObject({ kind: 'rejected' });
    expect(JSON.stringify(outcome)).toContain('created of customer');
  });

  it('is gone once deleted, whoever deleted it', async () => {
    const { customers, sim } = await setup();
    const { id } = await created(customers);
    expect(await customers.push(deleteOf(id))).toEqual({ kind: 'done', remoteId: id });
    expect(await customers.look(id, 'live')).toEqual({ kind: 'gone' });
    expect(await customers.push(deleteOf(id))).toEqual({ kind: 'gone' });
    expect(await customers.push(updateOf(id, { email: 'x@example.com' }))).toEqual({ kind: 'gone' });
    expect(sim.state.count('customer')).toBe(0);
  });

  it('that never was is missing, not gone', async () => {
    const { customers } = await setup();
    expect(await customers.look('cus_nobody', 'live')).toMatchObject({ kind: 'missing' });
    expect(await customers.push(updateOf('cus_nobody', { email: 'x@example.com' }))).toMatchObject({ kind: 'missing' });
  });

  it('is found by marker at once and by e-mail', async () => {
    const { customers, sim, clock } = await setup();
    sim.dashboard.customers.create({ email: 'ada@example.com', name: 'Another' });
    const remote = await created(customers);
    for (let index = 0; index < 120; index++) sim.dashboard.customers.create({ email: `${index}@example.com` });
    expect((await customers.find({ by: 'key', key: '["1"]' })).map((one) => one.id)).toEqual([remote.id]);
    expect(await customers.find({ by: 'key', key: '["2"]' })).toEqual([]);
    expect(await customers.find({ by: 'match', values: { email: 'ada@example.com' } })).toHaveLength(2);
    expect(await customers.find({ by: 'match', values: { email: 'ada@example.com', name: 'Another' } })).toHaveLength(
      1,
    );
    expect(await customers.find({ by: 'match', values: { email: null } })).toEqual([]);
    clock.advance(8 * 86_400);
    expect(await customers.find({ by: 'key', key: '["1"]' })).toEqual([]);
  });

  it('is listed page by page, even when the last one of a page is deleted meanwhile', async () => {
    const { customers, sim, clock } = await setup();
    for (let index = 0; index < 150; index++) {
      sim.dashboard.customers.create({ name: String(index) });
      clock.advance(1);
    }
    const first = await customers.list(undefined);
    expect(first.remotes).toHaveLength(100);
    sim.dashboard.customers.del(first.remotes.at(-1)?.id ?? '');
    const second = await customers.list(first.cursor);
    expect(second.cursor).toBeUndefined();
    expect(new Set([...first.remotes, ...second.remotes].map((one) => one.id)).size).toBe(150);
  });
});
