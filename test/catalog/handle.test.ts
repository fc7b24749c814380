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
