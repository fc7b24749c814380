/** Edits in Stripe that nobody has told us of yet, and a write of ours that touches their neighbours: none is lost. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { Catalog, type CatalogClass } from '../../src/catalog/catalog.js';
import { decimal } from '../../src/catalog/fields.js';
import {
  StripeCustomerSubscriber,
  StripeProductSubscriber,
  type StripeCustomer,
} from '../../src/connectors/stripe/index.js';
import { minorUnits } from '../../src/subscriber/lens.js';
import type { Lane } from '../../src/subscriber/base.js';
import { conflictsOf, useStage } from '../flow/stage.js';
import { idOf, world } from './support.js';

const stage = useStage();

const customerFields = {
  id: z.int(),
  name: z.string().nullable(),
  city: z.string().nullable(),
  street: z.string().nullable(),
  to_city: z.string().nullable(),
  to_name: z.string().nullable(),
};

async function start(catalog: CatalogClass) {
  const rig = await world();
  return { ...rig, world: await stage.start([catalog], { stripe: rig.account }) };
}

async function customers(meanwhile?: () => (remoteId: string) => void) {
  class Customer extends Catalog({ name: 'customer', key: 'id', fields: customerFields }) {}
  class Customers extends StripeCustomerSubscriber<typeof Customer> {
    override readonly mapping = this.map({
      name: 'name',
      city: 'address.city',
      street: 'address.line1',
      to_name: 'shipping.name',
      to_city: 'shipping.address.city',
    });
    /** Somebody edits between what the update reads and its write. */
    protected override async retrieve(remoteId: string, lane: Lane): Promise<StripeCustomer | undefined> {
      const shown = await super.retrieve(remoteId, lane);
      meanwhile?.()(remoteId);
      return shown;
    }
  }
  Customer.register(Customers);
  const rig = await start(Customer);
  const rows = rig.world.flow.catalog(Customer);
  const ada = await rows.save({ name: 'Ada', city: 'A', street: 'Old Road', to_city: 'C', to_name: 'Ada' });
  await rig.world.flow.sync();
  const id = idOf(rig.sim.state.all('customer')[0]);
  const shown = () => rig.sim.dashboard.customers.retrieve(id);
  return { ...rig, rows, ada, id, shown };
}

test('an edit of one part of an address, and another part edited here: both stand', async () => {
  const { world: here, rows, ada, id, sim, shown } = await customers();
  sim.dashboard.customers.update(id, {
    address: { city: 'B', line1: 'Old Road', postal_code: 'N1' },
    shipping: { name: 'Ada', address: { city: 'D' } },
  });
  await rows.save({ id: ada.id, street: 'New Road', to_name: 'Ada L.' });
  await here.flow.settled();
  expect(shown()).toMatchObject({
    address: { city: 'B', line1: 'New Road', postal_code: 'N1' },
    shipping: { name: 'Ada L.', address: { city: 'D' } },
  });
  await here.flow.sync();
  expect(await rows.get(ada.id)).toMatchObject({ city: 'B', street: 'New Road', to_city: 'D', to_name: 'Ada L.' });
  expect(await conflictsOf(here)).toEqual([]);
});

test('one that falls between what we read and our write is logged', async () => {
  let edits: ((remoteId: string) => void)[] = [];
  const { world: here, rows, ada, sim, shown } = await customers(() => edits.shift() ?? (() => undefined));
  edits = [(remoteId) => sim.dashboard.customers.update(remoteId, { address: { city: 'B', line1: 'Old Road' } })];
  await rows.save({ id: ada.id, street: 'New Road' });
  await here.flow.settled();
  expect(shown()).toMatchObject({ address: { city: 'A', line1: 'New Road' } });
  await here.flow.sync();
  expect(await rows.get(ada.id)).toMatchObject({ city: 'A', street: 'New Road' });
  expect(await conflictsOf(here)).toMatchObject([{ unit: 'city', hub: '"A"', remote: '"B"', winner: 'hub' }]);
});

test('a price that was replaced there is not replaced by ours without a word', async () => {
  class Product extends Catalog({
    name: 'product',
    key: 'id',
    fields: { id: z.int(), name: z.string(), price: decimal(12, 2).nullable() },
  }) {}
  class Products extends StripeProductSubscriber<typeof Product> {
    override readonly currency = 'eur';
    override readonly mapping = this.map({
      name: 'name',
      price: { remote: 'default_price.unit_amount', via: minorUnits(2) },
    });
  }
  Product.register(Products);
  const { world: here, sim } = await start(Product);
  const rows = here.flow.catalog(Product);
  const pen = await rows.save({ name: 'Pen', price: '19.90' });
  const free = await rows.save({ name: 'Sample', price: null });
  await here.flow.sync();
  for (const id of sim.state.all('product').map(idOf)) {
    const price = sim.dashboard.prices.create({ product: id, currency: 'eur', unit_amount: 3000 });
    sim.dashboard.products.update(id, { default_price: idOf(price) });
  }
  await rows.save({ id: pen.id, price: '25.00' });
  await rows.save({ id: free.id, price: '25.00' });
  await here.flow.settled();
  await here.flow.sync();
  // the hub has the authority: its price stands, and what it overrode is logged
  expect(await rows.get(pen.id)).toMatchObject({ price: '25.00' });
  const prices = sim.state
    .all('product')
    .map((product) => sim.state.get('price', idOf({ id: product['default_price'] })));
  expect(prices).toMatchObject([{ unit_amount: 2500 }, { unit_amount: 2500 }]);
  expect(await conflictsOf(here)).toMatchObject([
    { unit: 'price', hub: '"25.00"', remote: '3000', winner: 'hub' },
    { unit: 'price', hub: '"25.00"', remote: '3000', winner: 'hub' },
  ]);
});
