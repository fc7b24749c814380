/** The system in memory does what it claims. */
import { test } from 'vitest';
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { conformance, MemorySubscriber, MemorySystem } from '../../src/testing/index.js';

class Customer extends Catalog({
  name: 'customer',
  key: 'id',
  fields: { id: z.int(), name: z.string().min(1), email: z.email().nullable(), score: z.int().nullable() },
}) {}

class MemoryCustomer extends MemorySubscriber<typeof Customer> {
  override readonly match = ['email'];
  override readonly mapping = this.map({ name: 'values.name', email: 'values.email', score: 'values.score' });
}

for (const { name, skip, run } of conformance({
  catalog: Customer,
  subscriber: MemoryCustomer,
  account: new MemorySystem(),
}))
  test.skipIf(skip !== undefined)(name, run);
