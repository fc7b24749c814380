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

  /** Records that refer to records of their own kind. */
  async function nodes(prefix: string, required = false) {
    const other = required ? z.int() : z.int().nullable();
    class Node extends Catalog({
      name: `${prefix}_node`,
      key: 'id',
      fields: { id: z.int(), name: z.string(), other_id: referencesLater((): CatalogClass => Node as never, other) },
    }) {}
    class MemoryNode extends MemorySubscriber<typeof Node> {
      override readonly mapping = this.map({ name: 'values.name', other_id: 'values.other' });
    }
    Node.register(MemoryNode);
    const system = new MemorySystem();
    const world = await startOn(db, [Node], { memory: system });
    const insert = (rows: string) => db.query(`insert into ${prefix}_node (id, name, other_id) values ${rows}`);
    /** Who refers to whom there, by name. */
    const there = () => {
      const nameOf = (id: unknown): unknown => system.objects.get(id as string)?.values['name'] ?? null;
      return Object.fromEntries(
        remoteValues(system).map((values) => [values['name'] as string, nameOf(values['other'])]),
      );
    };
    const parked = () => world.flow.parked({ subscriber: `${prefix}_node/memory` });
    return { system, world, insert, there, parked };
  }

  test.each([
    ['two', 'cycle_two', `(1, 'A', 2), (2, 'B', 1)`, { A: 'B', B: 'A' }],
    [
      'three, and one that refers to them',
      'cycle_three',
      `(1, 'A', 2), (2, 'B', 3), (3, 'C', 1), (4, 'D', 1)`,
      { A: 'B', B: 'C', C: 'A', D: 'A' },
    ],
    ['one that refers to itself', 'cycle_self', `(1, 'A', 1)`, { A: 'A' }],
  ] as const)('references in a circle: %s: created without, then patched', async (_, prefix, rows, expected) => {
    const { system, world, insert, there, parked } = await nodes(prefix);
    await insert(rows);
    await settle(world); // well before the fall-back of waiting links, which is 15 s
    expect(there()).toEqual(expected);
    expect(await parked()).toEqual([]);
    expect(callsOf(system, 'create')).toBe(Object.keys(expected).length);
    const { writes } = system;
    expect(writes).toBeLessThanOrEqual(2 * Object.keys(expected).length);
    await world.flow.sync();
    expect(system.writes).toBe(writes);
    expect(await db.query(`select count(distinct other_id)::int as n from ${prefix}_node`)).toEqual([
      { n: new Set(Object.values(expected)).size },
    ]);
    await world.flow.stop();
  });

  test('the second of a circle comes long after the first', async () => {
    // without a foreign key
    await db.execute('create table cycle_late_node (id bigint primary key, name text not null, other_id bigint)');
    const { world, insert, there, parked } = await nodes('cycle_late');
    await insert(`(1, 'A', 2)`);
    await expect
      .poll(() =>
        db.query(`select 1 from syncflow.link where subscriber = 'cycle_late_node/memory' and waits_for is not null`),
      )
      .toHaveLength(1);
    await insert(`(2, 'B', 1)`);
    await settle(world);
    expect(there()).toEqual({ A: 'B', B: 'A' });
    expect(await parked()).toEqual([]);
    await world.flow.stop();
  });

  test('the answer to a create without is lost: the reference is told all the same', async () => {
    const { system, world, insert, there } = await nodes('cycle_lost');
    system.faults.push({ call: 'create', kind: 'answer-lost' }, { call: 'create', kind: 'answer-lost' });
    await insert(`(1, 'A', 2), (2, 'B', 1)`);
    await settle(world);
    expect(there()).toEqual({ A: 'B', B: 'A' });
    expect(system.objects.size).toBe(2);
    await world.flow.stop();
  });

  test('a circle in which only one can do without: that one goes first', async () => {
    class Person extends Catalog({
      name: 'cycle_person',
      key: 'id',
      fields: { id: z.int(), invoice_id: referencesLater((): CatalogClass => Bill as never, z.int().nullable()) },
    }) {}
    class Bill extends Catalog({
      name: 'cycle_bill',
      key: 'id',
      fields: { id: z.int(), person_id: references(Person) },
    }) {}
    class MemoryPerson extends MemorySubscriber<typeof Person> {
      override readonly mapping = this.map({ invoice_id: 'values.bill' });
      override accepts({ values }: { readonly values: Readonly<Record<string, unknown>> }): boolean {
        return !('person' in values);
      }
    }
    class MemoryBill extends MemorySubscriber<typeof Bill> {
      override readonly mapping = this.map({ person_id: 'values.person' });
      override accepts({ values }: { readonly values: Readonly<Record<string, unknown>> }): boolean {
        return 'person' in values;
      }
    }
    Person.register(MemoryPerson);
    Bill.register(MemoryBill);
    const system = new MemorySystem();
    const world = await startOn(db, [Person, Bill], { memory: system });
    await db.transaction(async (tx) => {
      await tx.query('insert into cycle_person (id) values (1)');
      await tx.query('insert into cycle_bill (id, person_id) values (1, 1)');
      await tx.query('update cycle_person set invoice_id = 1');
    });
    await settle(world);
    const [person, bill] = remoteValues(system);
    const [personId, billId] = system.objects.keys();
    expect(person).toMatchObject({ bill: billId });
    expect(bill).toMatchObject({ person: personId });
    expect(system.writes).toBe(3);
    await world.flow.stop();
  });

  test('a customer whose row came back while its remote was being deleted: its invoice waits for the new remote', async () => {
    const { Customer, Invoice } = family('parent_back');
    const system = new MemorySystem();
    const world = await startOn(db, [Invoice, Customer], { memory: system });
    await db.execute(`insert into parent_back_customer (id, name) values (1, 'Ada')`);
    await settle(world);
    system.beforeAnswer = async () => {
      system.beforeAnswer = undefined;
      await insertBoth('parent_back', 'Ada again');
      await expect
        .poll(() =>
          db.query(`select 1 from syncflow.link where subscriber = 'parent_back_invoice/memory' and fence > 1`),
        )
        .toHaveLength(1);
    };
    await db.execute(`delete from parent_back_customer`);
    await settle(world);
    const [customer] = [...system.objects.values()].filter(({ values }) => values['name'] === 'Ada again');
    expect(remoteValues(system)).toContainEqual(expect.objectContaining({ customer: customer?.id, note: 'first' }));
    expect(system.objects.size).toBe(2);
    await world.flow.stop();
  });

  test('a circle in which nobody can do without is parked', async () => {
    const { system, world, insert, parked } = await nodes('cycle_stuck', true);
    await insert(`(1, 'A', 2), (2, 'B', 1)`);
    await expect
      .poll(
        async () => {
          await hurry(db); // the fall-back of waiting links, 8 × 15 s
          return parked();
        },
        { timeout: 10_000 },
      )
      .toHaveLength(2);
    expect((await parked()).map(({ code }) => code)).toEqual(['reference', 'reference']);
    expect(system.objects.size).toBe(0);
    await world.flow.stop();
  });
});
