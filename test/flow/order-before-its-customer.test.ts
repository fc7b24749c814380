import { expect, test } from 'vitest';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { memorySide, MemorySystem, parkedOf, useStage, writesWhenQuiet } from './stage.js';
import { customerCatalog, orderCatalog } from './world.js';

const stage = useStage();
const orderMapping = { customer_id: 'values.customer', note: 'values.note' };

/** Customers and orders of one account: each kind is a system of its own here, since a memory system holds one kind. */
async function shop(accepts: (remote: MemoryObject) => boolean = () => true) {
  const { Customer } = customerCatalog();
  const { Order } = orderCatalog(Customer);
  const system = new MemorySystem();
  class Customers extends memorySide({ mapping: { name: 'values.name' } }) {
    override accepts(remote: MemoryObject): boolean {
      return remote.id.startsWith('cus') && accepts(remote);
    }
  }
  class Orders extends memorySide({ mapping: orderMapping }) {
    override accepts(remote: MemoryObject): boolean {
      return remote.id.startsWith('ord');
    }
  }
  Customer.register(Customers);
  Order.register(Orders);
  const world = await stage.start([Order, Customer], { memory: system });
  return { world, system, customers: world.flow.catalog(Customer), orders: world.flow.catalog(Order) };
}

const rows = () =>
  stage.db.query(`select o.note, c.name from "order" o join customer c on c.id = o.customer_id order by o.id`);

/** An event of an order comes in alone, without one for its customer. */
async function tellOrder(world: Awaited<ReturnType<typeof shop>>['world'], id: string): Promise<void> {
  await stage.db.query(
    `insert into syncflow.inbox (subscriber, event_id, remote_id, kind, payload) values ('order/memory', 'e-' || $1, $1, 'changed', '{}')`,
    [id],
  );
  await world.flow.settled();
}

test('the customer is fetched and made first, then the order', async () => {
  const { world, system } = await shop();
  system.put('cus_1', { name: 'Ada' });
  system.put('ord_1', { customer: 'cus_1', note: 'first' });
  await tellOrder(world, 'ord_1');
  expect(await rows()).toEqual([{ note: 'first', name: 'Ada' }]);
  expect(await parkedOf(world)).toEqual([]);
  expect(system.writes).toBe(0);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('many orders of one customer make one customer', async () => {
  const { world, system } = await shop();
  system.put('cus_1', { name: 'Ada' });
  for (let n = 0; n < 10; n++) system.put(`ord_${n}`, { customer: 'cus_1', note: `${n}` });
  await world.flow.sync();
  expect(await stage.db.query('select name from customer')).toEqual([{ name: 'Ada' }]);
  expect(await rows()).toHaveLength(10);
  expect(system.writes).toBe(0);
});

test('an order moves to another customer there', async () => {
  const { world, system } = await shop();
  system.put('cus_1', { name: 'Ada' });
  system.put('ord_1', { customer: 'cus_1', note: 'first' });
  await world.flow.sync();
  system.put('cus_2', { name: 'Bob' });
  system.edit('ord_1', { customer: { id: 'cus_2', object: 'customer' } }); // expanded, as some APIs do
  await world.flow.sync();
  expect(await rows()).toEqual([{ note: 'first', name: 'Bob' }]);
  expect(await parkedOf(world)).toEqual([]);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('an order whose customer is invalid is parked, and both heal when the customer is corrected', async () => {
  const { world, system } = await shop();
  system.put('cus_1', { name: '' });
  system.put('ord_1', { customer: 'cus_1', note: 'first' });
  await world.flow.sync();
  const parked = await world.flow.parked();
  expect(parked.map(({ subscriber, code }) => [subscriber, code]).sort()).toEqual([
    ['customer/memory', 'validation'],
    ['order/memory', 'reference'],
  ]);
  system.edit('cus_1', { name: 'Ada' });
  await world.flow.sync();
  expect(await rows()).toEqual([{ note: 'first', name: 'Ada' }]);
  expect(await parkedOf(world)).toEqual([]);
});

test('an order whose customer is none of ours is parked at once', async () => {
  const { world, system } = await shop((remote) => remote.values['kind'] !== 'supplier');
  system.put('cus_1', { name: 'Ada', kind: 'supplier' });
  system.put('ord_1', { customer: 'cus_1', note: 'first' });
  const settled = world.flow.sync().then(() => 'settled');
  const rounds = (async () => {
    for (let round = 0; round < 300; round++) await stage.db.query('select pg_sleep(0.01)');
    return 'still waiting';
  })();
  expect(await Promise.race([settled, rounds])).toBe('settled');
});
