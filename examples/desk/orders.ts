/** Orders of a help desk, whose ids are integers and whose lines are objects of their own: an update takes several calls. */
import { z } from 'zod';
// In a project of yours: from 'syncflow'
import {
  Catalog,
  done,
  found,
  integerId,
  leastCapabilities,
  references,
  SubscriberBase,
  type CreateOperation,
  type DeleteOperation,
  type Json,
  type Outcome,
  type Sight,
  type UpdateOperation,
} from '../../src/index.js';

export class Client extends Catalog({
  name: 'client',
  key: 'id',
  fields: { id: z.int(), name: z.string().min(1) },
}) {}

export class Order extends Catalog({
  name: 'order',
  key: 'id',
  table: 'sales_order',
  fields: { id: z.int(), number: z.string(), client_id: references(Client) },
  children: {
    lines: {
      table: 'sales_order_line',
      key: 'id',
      parent: 'order_id',
      fields: { id: z.int(), order_id: z.int(), sku: z.string(), qty: z.int() },
    },
  },
}) {}

/** An order as the desk shows it. `etag` comes in a header; the account adds it. */
export interface DeskOrder {
  readonly id: number;
  readonly etag: string;
  readonly number: string;
  readonly client_id: number;
  readonly lines: readonly { readonly id: number; readonly sku: string; readonly qty: number; readonly ref: string }[];
}

/** The client of the desk: makes a call and gives the object of its answer. */
export interface DeskAccount {
  call(
    method: string,
    path: string,
    options?: { readonly body?: Json; readonly ifMatch?: string | undefined; readonly key?: string },
  ): Promise<DeskOrder>;
}

export class DeskOrderSubscriber extends SubscriberBase<typeof Order, DeskOrder, DeskAccount> {
  static readonly system = 'desk';
  override readonly capabilities = { ...leastCapabilities, conditional: true };
  override readonly mapping = this.map({
    number: 'number',
    client_id: { remote: 'client_id', via: integerId },
    lines: { remote: 'lines', id: 'id', marker: 'ref', units: { sku: 'sku', qty: 'qty' } },
  });

  override versionOf(remote: DeskOrder): string {
    return remote.etag;
  }

  override async create({ values, children, idempotencyKey }: CreateOperation<DeskOrder>): Promise<Outcome<DeskOrder>> {
    const lines = (children.lines?.add ?? []).map((line) => line.values);
    const body = { ...(values as Record<string, Json>), lines };
    const order = await this.account.call('POST', '/orders', { body, key: idempotencyKey });
    return done(String(order.id), order);
  }

  override async update(operation: UpdateOperation<DeskOrder>): Promise<Outcome<DeskOrder>> {
    const { remoteId, changed, children } = operation;
    const order = `/orders/${remoteId}`;
    let ifMatch = operation.version; // each call makes a new version: the next one is made against that
    const step = async (name: string, method: string, path: string, body: Json): Promise<void> => {
      ifMatch = await operation.step(name, body, async (frozen, key) => {
        return (await this.account.call(method, path, { body: frozen, ifMatch, key })).etag;
      });
    };
    if (Object.keys(changed).length > 0) await step('order', 'PATCH', order, changed);
    const { add = [], update = [], remove = [] } = children.lines ?? {};
    for (const line of add) await step(`add ${line.key}`, 'POST', `${order}/lines`, line.values);
    for (const line of update)
      await step(`change ${line.key}`, 'PATCH', `${order}/lines/${line.remoteId}`, line.changed);
    for (const line of remove) await step(`remove ${line.key}`, 'DELETE', `${order}/lines/${line.remoteId}`, {});
    return done(remoteId, await this.account.call('GET', order)); // as `fetch` shows it, all steps included
  }

  override async delete({ remoteId, version }: DeleteOperation<DeskOrder>): Promise<Outcome<DeskOrder>> {
    await this.account.call('DELETE', `/orders/${remoteId}`, { ifMatch: version });
    return done(remoteId);
  }

  override async fetch(remoteId: string): Promise<Sight<DeskOrder>> {
    return found(await this.account.call('GET', `/orders/${remoteId}`));
  }
}
