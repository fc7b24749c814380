import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Catalog, type CatalogClass } from '../../src/catalog/catalog.js';
import { references, referencesLater } from '../../src/catalog/fields.js';
import type { Database } from '../../src/store/database.js';
import { MemorySubscriber } from '../../src/testing/memory-system/index.js';
import { hubs } from '../setup/hub.js';
import { callsOf, hurry, remoteValues, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

function family(prefix: string) {
  class Customer extends Catalog({
    name: `${prefix}_customer`,
    key: 'id',
    fields: { id: z.int(), name: z.string().nullable() },
  }) {}
  class MemoryCustomer extends MemorySubscriber<typeof Customer> {
    override readonly mapping = this.map({ name: 'values.name' });
    override where(record: { readonly name: unknown }): boolean {
      return record.name !== 'private';
    }
    override accepts(remote: { readonly values: Readonly<Record<string, unknown>> }): boolean {
      return !('customer' in remote.values);
    }
  }
  class Invoice extends Catalog({
    name: `${prefix}_invoice`,
    key: 'id',
    fields: { id: z.int(), customer_id: references(Customer), note: z.string().nullable() },
  }) {}
  class MemoryInvoice extends MemorySubscriber<typeof Invoice> {
    override readonly mapping = this.map({ customer_id: 'values.customer', note: 'values.note' });
    override accepts(remote: { readonly values: Readonly<Record<string, unknown>> }): boolean {
      return 'customer' in remote.values;
    }
  }
  Customer.register(MemoryCustomer);
  Invoice.register(MemoryInvoice);
  return { Customer, Invoice };
}

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  const insertBoth = (prefix: string, name = 'Ada') =>
    db.execute(
      `insert into ${prefix}_customer (id, name) values (1, '${name}'); insert into ${prefix}_invoice (id, customer_id, note) values (1, 1, 'first')`,
    );

  test('an invoice waits for its customer, whatever the order, and is created once', async () => {
    const { Customer, Invoice } = family('wait');
    const system = new MemorySystem();
    const world = await startOn(db, [Invoice, Customer], { memory: system });
    system.faults.push({ call: 'create', kind: 'refused' }, { call: 'create', kind: 'refused' });
    await insertBoth('wait');
    await settle(world);
    const customer = [...system.objects.values()].find(({ values }) => values['name'] === 'Ada');
    expect(remoteValues(system).filter((values) => 'customer' in values)).toMatchObject([
      { customer: customer?.id, note: 'first' },
    ]);
    expect(system.objects.size).toBe(2);
    expect(callsOf(system, 'create')).toBe(4);
  });

  test('a parked customer parks its invoice, and heals it when it heals', async () => {
    const { Customer, Invoice } = family('stuck');
    const system = new MemorySystem();
    const world = await startOn(db, [Customer, Invoice], { memory: system });
    system.faults.push({ call: 'create', kind: 'rejected' });
    await insertBoth('stuck');
    await settle(world);
    const parked = async () =>
      (await world.flow.parked())
        .filter(({ subscriber }) => subscriber.startsWith('stuck'))
        .map(({ subscriber, code }) => `${subscriber} ${code}`)
        .sort();
    expect(await parked()).toEqual(['stuck_customer/memory rejected', 'stuck_invoice/memory reference']);
    expect(system.objects.size).toBe(0);
    await world.flow.retry({ subscriber: 'stuck_customer/memory' });
    await settle(world);
    expect(await parked()).toEqual([]);
    expect(system.objects.size).toBe(2);
  });

  test('a customer that its subscriber leaves out parks the invoice with the reason; taking it in heals', async () => {
    const { Customer, Invoice } = family('left_out');
    const system = new MemorySystem();
    const world = await startOn(db, [Customer, Invoice], { memory: system });
    await insertBoth('left_out', 'private');
    await settle(world);
    const parked = (await world.flow.parked()).filter(({ subscriber }) => subscriber.startsWith('left_out'));
    expect(parked).toMatchObject([{ subscriber: 'left_out_invoice/memory', code: 'reference' }]);
    expect(parked[0]?.reason).toContain('left_out_customer');
    await world.flow.catalog(Customer).save({ id: 1, name: 'public' });
    await settle(world);
    expect(system.objects.size).toBe(2);
  });

  // plan() only knows "wait": the design's "cycles: create without, then patch" is not there
  test.fails('two records that refer to each other: created without, then patched', async () => {
    class Node extends Catalog({
      name: 'cycle_node',
      key: 'id',
      fields: {
        id: z.int(),
        name: z.string(),
        other_id: referencesLater((): CatalogClass => Node as never, z.int().nullable()),
      },
    }) {}
    class MemoryNode extends MemorySubscriber<typeof Node> {
      override readonly mapping = this.map({ name: 'values.name', other_id: 'values.other' });
    }
    Node.register(MemoryNode);
    const system = new MemorySystem();
    const world = await startOn(db, [Node], { memory: system });
    await db.query(`insert into cycle_node (id, name, other_id) values (1, 'A', 2), (2, 'B', 1)`);
    await expect
      .poll(
        async () => {
          await hurry(db); // the fall-back of waiting links, 8 × 15 s
          return (await db.query('select 1 from syncflow.link where due_at is not null')).length;
        },
        { timeout: 10_000 },
      )
      .toBe(0);
    expect(await world.flow.parked({ subscriber: 'cycle_node/memory' })).toEqual([]);
    expect(system.objects.size).toBe(2);
  });
});
