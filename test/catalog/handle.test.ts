/** The app's own writes that the hub refuses, on both drivers. */
import { z } from 'zod';
import { describe, expect, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.js';
import { references } from '../../src/catalog/fields.js';
import { useStage } from '../flow/stage.js';
import { hubs } from '../setup/hub.js';

class Client extends Catalog({
  name: 'client',
  key: 'id',
  fields: { id: z.int(), email: z.string().nullable(), level: z.int().nullable() },
}) {}
class Order extends Catalog({
  name: 'order',
  key: 'id',
  table: 'sales_order',
  fields: { id: z.int(), client_id: references(Client) },
}) {}

describe.each(hubs)('$name: what breaks a constraint says which, and what to do', (hub) => {
  const stage = useStage(hub);

  async function shop() {
    const { flow } = await stage.start([Client, Order], {});
    await stage.db.execute(
      'alter table client add constraint one_email unique (email), add constraint some_level check (level > 0)',
    );
    return { clients: flow.catalog(Client), orders: flow.catalog(Order) };
  }

  test('a client that orders still refer to is not deleted', async () => {
    const { clients, orders } = await shop();
    const ada = await clients.save({ email: 'ada@example.com' });
    const order = await orders.save({ client_id: ada.id });
    await expect(clients.delete(ada.id)).rejects.toMatchObject({
      name: 'SyncflowError',
      code: 'validation',
      message: expect.stringMatching(
        /^client: rows of "sales_order" still refer to it: the constraint "sales_order_client_id/,
      ) as string,
      hint: 'Nothing was written. Delete those of "sales_order" first, or let them refer to another record.',
      cause: expect.objectContaining({ code: '23503' }) as Error,
    });
    await orders.delete(order.id);
    expect(await clients.delete(ada.id)).toBe(true);
  });

  test('an order of a client that isn’t there', async () => {
    const { orders } = await shop();
    await expect(orders.save({ client_id: 77 })).rejects.toMatchObject({
      code: 'validation',
      message: expect.stringContaining('order: a record that it refers to is not there') as string,
      hint: expect.stringContaining('first') as string,
    });
  });

  test('a value that must be unique, and one that a check refuses', async () => {
    const { clients } = await shop();
    await clients.save({ email: 'ada@example.com' });
    const twice = clients.save({ email: 'ada@example.com' });
    await expect(twice).rejects.toMatchObject({
      code: 'validation',
      message: 'client: "client" has a record with this value already: the constraint "one_email"',
    });
    await expect(clients.save({ level: -1 })).rejects.toMatchObject({
      code: 'validation',
      message: 'client: "client" refuses the values: the constraint "some_level"',
      context: { constraint: 'some_level' },
    });
  });
});

const stage = useStage();

test('a record is changed and gets a new child row, without its key and its parent', async () => {
  class Invoice extends Catalog({
    name: 'invoice',
    key: 'id',
    fields: { id: z.int(), number: z.string(), note: z.string().nullable() },
    children: {
      lines: {
        table: 'invoice_line',
        key: 'id',
        parent: 'invoice_id',
        fields: { id: z.int(), invoice_id: z.int(), sku: z.string(), qty: z.int() },
      },
    },
  }) {}
  const { flow } = await stage.start([Invoice], {});
  const invoices = flow.catalog(Invoice);
  const { id, lines } = await invoices.save({ number: 'R-1', lines: [{ sku: 'pen', qty: 1 }] });
  const saved = await invoices.save({ id, lines: [...lines, { sku: 'ink', qty: 2 }] });
  expect(saved).toMatchObject({
    number: 'R-1',
    lines: [
      { sku: 'pen', qty: 1, invoice_id: id },
      { sku: 'ink', qty: 2, invoice_id: id },
    ],
  });
  // @ts-expect-error a line has no "amount"
  const wrong: Parameters<typeof invoices.save>[0] = { id, lines: [{ sku: 'pen', amount: 2 }] };
  // @ts-expect-error a quantity is a number
  const text: Parameters<typeof invoices.save>[0] = { id, lines: [{ qty: '2' }] };
  expect([wrong, text]).toHaveLength(2);
});
