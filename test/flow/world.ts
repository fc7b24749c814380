/** A small world for flow tests: a hub, two catalogs, and systems in memory. */
import { z } from 'zod';
import { Catalog, type CatalogClass } from '../../src/catalog/catalog.js';
import { references } from '../../src/catalog/fields.js';
import type { Database } from '../../src/store/database.js';
import { MemorySubscriber, MemorySystem } from '../../src/testing/memory-system/index.js';
import { Syncflow, type SyncflowOptions } from '../../src/syncflow.js';
import type { SyncflowEvents } from '../../src/events.js';

export function customerCatalog() {
  class Customer extends Catalog({
    name: 'customer',
    key: 'id',
    fields: { id: z.int(), email: z.string().nullable(), name: z.string().min(1), city: z.string().nullable() },
  }) {}
  class MemoryCustomer extends MemorySubscriber<typeof Customer> {
    override readonly mapping = this.map({
      email: 'values.email',
      name: { remote: 'values.name', authority: 'latest' },
      city: { remote: 'values.city', authority: 'remote' },
    });
  }
  return { Customer, MemoryCustomer };
}

export function orderCatalog(Customer: ReturnType<typeof customerCatalog>['Customer']) {
  class Order extends Catalog({
    name: 'order',
    key: 'id',
    fields: { id: z.int(), customer_id: references(Customer), note: z.string().nullable() },
  }) {}
  class MemoryOrder extends MemorySubscriber<typeof Order> {
    override readonly mapping = this.map({ customer_id: 'values.customer', note: 'values.note' });
  }
  return { Order, MemoryOrder };
}

export interface World {
  readonly flow: Syncflow;
  readonly db: Database;
  readonly events: { readonly name: string; readonly event: unknown }[];
}

/** Starts a Syncflow that never sleeps long and notes every event. */
export async function startFlow(
  db: Database,
  catalogs: readonly CatalogClass[],
  accounts: Record<string, unknown>,
  options: Partial<SyncflowOptions> = {},
): Promise<World> {
  const flow = new Syncflow({
    database: db,
    catalogs,
    accounts,
    wakeIntervalMs: 20,
    pollIntervalMs: 20,
    retry: { baseMs: 1, maxMs: 5 },
    ...options,
  });
  const events: World['events'] = [];
  const names: (keyof SyncflowEvents)[] = [
    'pushed',
    'applied',
    'linked',
    'conflict',
    'parked',
    'healed',
    'retried',
    'blocked',
    'verified',
    'retention',
    'error',
  ];
  for (const name of names) flow.on(name, (event) => events.push({ name, event }));
  await flow.start();
  return { flow, db, events };
}

export { MemorySystem };
