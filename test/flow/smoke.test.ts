import { afterEach, expect, test } from 'vitest';
import { EmbeddedDatabase } from '../../src/store/embedded.js';
import { customerCatalog, MemorySystem, startFlow, type World } from './world.js';

let world: World | undefined;
afterEach(async () => {
  await world?.flow.stop();
});

test('a record goes out, an edit there comes back', async () => {
  const { Customer, MemoryCustomer } = customerCatalog();
  Customer.register(MemoryCustomer);
  const system = new MemorySystem();
  world = await startFlow(new EmbeddedDatabase(), [Customer], { memory: system });
  const { flow } = world;
  const ada = await flow.catalog(Customer).save({ name: 'Ada', email: 'ada@example.com' });
  await flow.settled();
  expect([...system.objects.values()].map((one) => one.values)).toEqual([
    { name: 'Ada', email: 'ada@example.com', city: null, marker: `["${ada.id}"]` },
  ]);
  const [id = ''] = system.objects.keys();
  system.edit(id, { city: 'London' });
  await flow.sync();
  expect(await flow.catalog(Customer).get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(system.writes).toBe(1);
  expect(world.events.map((one) => one.name)).toEqual(['pushed', 'applied']);
});
