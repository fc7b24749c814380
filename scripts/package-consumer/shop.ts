/** Syncs one record with a system in memory, both ways: what a user's first script does, from the installed package. */
import assert from 'node:assert/strict';
import { Catalog, Syncflow } from 'syncflow';
import { MemorySubscriber, MemorySystem } from 'syncflow/testing';
import { z } from 'zod';

class Customer extends Catalog({
  name: 'customer',
  key: 'id',
  fields: { id: z.int(), email: z.string().nullable(), name: z.string().min(1) },
}) {}

class MemoryCustomer extends MemorySubscriber<typeof Customer> {
  override readonly mapping = this.map({ email: 'values.email', name: { remote: 'values.name', authority: 'latest' } });
}

Customer.register(MemoryCustomer);

const system = new MemorySystem();
const flow = new Syncflow({
  database: 'memory:',
  catalogs: [Customer],
  accounts: { memory: system },
  wakeIntervalMs: 20,
  pollIntervalMs: 20,
});
await flow.start();
try {
  const ada = await flow.catalog(Customer).save({ name: 'Ada', email: 'ada@example.com' });
  await flow.settled();
  const [remote] = system.objects.values();
  assert.equal(remote?.values['email'], 'ada@example.com');
  system.edit(remote.id, { name: 'Ada Lovelace' });
  await flow.sync();
  assert.equal((await flow.catalog(Customer).get(ada.id))?.name, 'Ada Lovelace');
  assert.equal(system.objects.size, 1);
} finally {
  await flow.stop();
}
