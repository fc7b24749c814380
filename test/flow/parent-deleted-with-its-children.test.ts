/** A customer is deleted together with its orders, in a system that refuses to delete a customer which has orders. */
import { expect, test } from 'vitest';
import type { DeleteOperation, SubscriberContext } from '../../src/subscriber/base.js';
import { rejected, retry, type Outcome } from '../../src/subscriber/outcome.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { memorySide, MemorySystem, useStage, writesWhenQuiet } from './stage.js';
import { customerCatalog, orderCatalog } from './world.js';

const stage = useStage();

/** Customers and orders are systems of their own here, since a memory system holds one kind. */
async function shop() {
  const { Customer } = customerCatalog();
  const { Order } = orderCatalog(Customer);
  const customers = new MemorySystem();
  const orders = new MemorySystem();
  const busy = { orders: 0 };
  class Customers extends memorySide({ mapping: { name: 'values.name' } }) {
    override async delete(operation: DeleteOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
      const isUsed = [...orders.objects.values()].some(({ values }) => values['customer'] === operation.remoteId);
      return isUsed ? rejected('409: the customer has orders') : super.delete(operation);
    }
  }
  class Orders extends memorySide({ mapping: { customer_id: 'values.customer', note: 'values.note' } }) {
    constructor(context: SubscriberContext<MemorySystem>) {
      super({ ...context, account: orders });
    }
    override async delete(operation: DeleteOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
      return busy.orders-- > 0 ? retry('busy', 50) : super.delete(operation);
    }
  }
  Customer.register(Customers);
  Order.register(Orders);
  const world = await stage.start([Order, Customer], { memory: customers });
  const ada = await world.flow.catalog(Customer).save({ name: 'Ada' });
  const bob = await world.flow.catalog(Customer).save({ name: 'Bob' });
  for (const note of ['first', 'second']) await world.flow.catalog(Order).save({ customer_id: ada.id, note });
  await world.flow.sync();
  expect([customers.objects.size, orders.objects.size]).toEqual([2, 2]);
  return { world, customers, orders, busy, ada, bob };
}

test('its orders are deleted first, however long that takes', async () => {
  const { world, customers, orders, busy } = await shop();
  busy.orders = 5;
  await stage.db.execute(`delete from "order"; delete from customer where name = 'Ada'`);
  await world.flow.settled();
  expect(await world.flow.parked()).toEqual([]);
  expect([customers.objects.size, orders.objects.size]).toEqual([1, 0]);
  expect(await writesWhenQuiet(world, [customers, orders])).toBe(0);
});

test('orders that were given to another customer are told so first', async () => {
  const { world, customers, orders, bob } = await shop();
  await stage.db.execute(`update "order" set customer_id = ${bob.id}; delete from customer where name = 'Ada'`);
  await world.flow.settled();
  expect(await world.flow.parked()).toEqual([]);
  expect([customers.objects.size, orders.objects.size]).toEqual([1, 2]);
});
