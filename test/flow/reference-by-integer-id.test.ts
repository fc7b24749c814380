/** A system whose ids are integers: a reference goes through a lens, and still names the other record's remote. */
import { z } from 'zod';
import { expect, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.js';
import { references } from '../../src/catalog/fields.js';
import { SubscriberBase, type CreateOperation, type UpdateOperation } from '../../src/subscriber/base.js';
import { leastCapabilities } from '../../src/subscriber/capabilities.js';
import { integerId, lens } from '../../src/subscriber/lens.js';
import { done, found, gone, type Outcome, type Sight } from '../../src/subscriber/outcome.js';
import { parkedOf, useStage } from './stage.js';

const stage = useStage();

class Client extends Catalog({ name: 'client', key: 'id', fields: { id: z.int(), name: z.string() } }) {}
class Item extends Catalog({ name: 'item', key: 'id', fields: { id: z.int(), name: z.string() } }) {}
class Order extends Catalog({
  name: 'order',
  key: 'id',
  fields: { id: z.int(), client_id: references(Client).nullable() },
  children: {
    lines: {
      table: 'order_line',
      key: 'id',
      parent: 'order_id',
      fields: { id: z.int(), order_id: z.int(), item_id: references(Item) },
    },
  },
}) {}

interface DeskNamed {
  readonly id: number;
  readonly name: string;
}
interface DeskLine {
  readonly id: number;
  readonly item: { readonly ref: number };
  readonly mark: string;
}
interface DeskOrder {
  readonly id: number;
  readonly client: number | null;
  readonly lines: readonly DeskLine[];
}

/** One table; ids start far from the hub's keys, so that one can't pass for the other. */
class Table<Remote extends { readonly id: number }> {
  readonly objects = new Map<string, Remote>();
  readonly changes: string[] = [];
  #next: number;
  constructor(start: number) {
    this.#next = start;
  }
  id(): number {
    return this.#next++;
  }
  put(remote: Remote): Remote {
    this.objects.set(String(remote.id), remote);
    this.changes.push(String(remote.id));
    return remote;
  }
}

class Desk {
  readonly clients = new Table<DeskNamed>(700);
  readonly items = new Table<DeskNamed>(800);
  readonly orders = new Table<DeskOrder>(900);
}

const capabilities = { ...leastCapabilities, polling: true, listing: true };

abstract class DeskSide<
  C extends typeof Client | typeof Item | typeof Order,
  R extends { readonly id: number },
> extends SubscriberBase<C, R, Desk> {
  static readonly system: string = 'desk';
  override readonly capabilities = capabilities;
  protected abstract readonly table: Table<R>;
  override async create(operation: CreateOperation<R>): Promise<Outcome<R>> {
    const remote = this.table.put({ ...(operation.values as R), ...this.lines(operation), id: this.table.id() });
    return done(String(remote.id), remote);
  }
  override async update(operation: UpdateOperation<R>): Promise<Outcome<R>> {
    const before = this.table.objects.get(operation.remoteId);
    if (before === undefined) return gone();
    const lines = this.changedLines(before, operation);
    return done(operation.remoteId, this.table.put({ ...before, ...(operation.changed as Partial<R>), ...lines }));
  }
  override async delete({ remoteId }: { readonly remoteId: string }): Promise<Outcome<R>> {
    return this.table.objects.delete(remoteId) ? done(remoteId) : gone();
  }
  override async fetch(remoteId: string): Promise<Sight<R>> {
    const remote = this.table.objects.get(remoteId);
    return remote === undefined ? gone() : found(remote);
  }
  override async list() {
    return { remotes: [...this.table.objects.values()] };
  }
  override async changes(cursor: string | undefined) {
    const all = this.table.changes.map((remoteId, at) => ({ id: String(at), remoteId, kind: 'changed' as const }));
    return { events: cursor === undefined ? [] : all.slice(Number(cursor)), cursor: String(all.length), more: false };
  }
  protected lines(_operation: CreateOperation<R>): object {
    return {};
  }
  protected changedLines(_before: R, _operation: UpdateOperation<R>): object {
    return {};
  }
}

class DeskClients extends DeskSide<typeof Client, DeskNamed> {
  protected override readonly table = this.account.clients;
  override readonly mapping = this.map({ name: 'name' });
}
class DeskItems extends DeskSide<typeof Item, DeskNamed> {
  protected override readonly table = this.account.items;
  override readonly mapping = this.map({ name: 'name' });
}
class DeskOrders extends DeskSide<typeof Order, DeskOrder> {
  protected override readonly table = this.account.orders;
  override readonly mapping = this.map({
    client_id: { remote: 'client', via: integerId },
    lines: {
      remote: 'lines',
      id: 'id',
      marker: 'mark',
      units: {
        item_id: {
          remote: 'item',
          via: lens(
            (id: string) => ({ ref: Number(id) }),
            ({ ref }: { readonly ref: number }) => String(ref),
          ),
        },
      },
    },
  });
  protected override lines({ children }: CreateOperation<DeskOrder>): object {
    const added = children['lines']?.add ?? [];
    return { lines: added.map(({ values }, at) => ({ ...values, id: at + 1 })) };
  }
  protected override changedLines(before: DeskOrder, { children }: UpdateOperation<DeskOrder>): object {
    const changed = new Map((children['lines']?.update ?? []).map((one) => [Number(one.remoteId), one.changed]));
    return { lines: before.lines.map((line) => ({ ...line, ...changed.get(line.id) })) };
  }
}
Client.register(DeskClients);
Item.register(DeskItems);
Order.register(DeskOrders);

async function deskWorld() {
  const desk = new Desk();
  const world = await stage.start([Client, Item, Order], { desk });
  return { desk, world, flow: world.flow };
}

test('the remote id of the client is sent, as an integer, and an order that moves is read back', async () => {
  const { desk, world, flow } = await deskWorld();
  const ada = await flow.catalog(Client).save({ name: 'Ada' });
  const pen = await flow.catalog(Item).save({ name: 'pen' });
  const order = await flow.catalog(Order).save({ client_id: ada.id, lines: [{ item_id: pen.id }] });
  await flow.settled();
  const [sent] = desk.orders.objects.values();
  expect(sent).toMatchObject({ client: 700, lines: [{ item: { ref: 800 } }] });

  desk.clients.put({ id: 701, name: 'Bob' });
  desk.orders.put({ ...(sent as DeskOrder), client: 701 });
  await flow.sync();
  const bob = (await flow.catalog(Order).get(order.id))?.client_id;
  expect((await flow.catalog(Client).get(bob ?? 0))?.name).toBe('Bob');
  expect(await parkedOf(world)).toEqual([]);
  expect((await flow.verify()).flatMap((report) => report.differences)).toEqual([]);

  await flow.catalog(Order).save({ id: order.id, client_id: null });
  await flow.settled();
  expect(desk.orders.objects.get('900')?.client).toBeNull();
});

test('an order that is made there finds its client and its item', async () => {
  const { desk, world, flow } = await deskWorld();
  desk.clients.put({ id: 700, name: 'Ada' });
  desk.items.put({ id: 800, name: 'pen' });
  desk.orders.put({ id: 900, client: 700, lines: [{ id: 1, item: { ref: 800 }, mark: '' }] });
  await flow.sync();
  const [ada] = await stage.db.query<{ id: string }>('select id from client');
  const [pen] = await stage.db.query<{ id: string }>('select id from item');
  const [{ id } = { id: '' }] = await stage.db.query<{ id: string }>('select id from "order"');
  expect(await flow.catalog(Order).get(Number(id))).toMatchObject({
    client_id: Number(ada?.id),
    lines: [{ item_id: Number(pen?.id) }],
  });
  expect(await parkedOf(world)).toEqual([]);
  expect((await flow.verify()).flatMap((report) => report.differences)).toEqual([]);
});

test('what is no id parks the order, and says that it is a reference', async () => {
  const { desk, flow } = await deskWorld();
  desk.orders.put({ id: 900, client: 7.5, lines: [] });
  await flow.sync();
  const [parked] = await flow.parked();
  expect(parked).toMatchObject({ subscriber: 'order/desk', code: 'mapping' });
  expect(parked?.reason).toContain('client_id (a reference to client): 7.5 is not an integer id');
});

test('a client and an item get other remotes: the order is told, and its line; a comparison finds one that was not', async () => {
  const { desk, world, flow } = await deskWorld();
  const ada = await flow.catalog(Client).save({ name: 'Ada' });
  const pen = await flow.catalog(Item).save({ name: 'pen' });
  await flow.catalog(Order).save({ client_id: ada.id, lines: [{ item_id: pen.id }] });
  await flow.settled();
  const relink = async (subscriber: string, key: string, remoteId: string): Promise<void> => {
    await flow.unlink({ subscriber, key });
    await flow.link({ subscriber, key, remoteId });
    await flow.settled();
  };
  desk.items.put({ id: 801, name: 'pen' });
  await relink('item/desk', JSON.stringify([String(pen.id)]), '801');
  expect(desk.orders.objects.get('900')).toMatchObject({ client: 700, lines: [{ item: { ref: 801 } }] });

  desk.clients.put({ id: 701, name: 'Ada' });
  await flow.pause('order/desk');
  await relink('client/desk', JSON.stringify([String(ada.id)]), '701');
  // as if nothing had told it
  await stage.db.query(`update syncflow.link set due_at = null where subscriber = 'order/desk'`);
  await flow.resume('order/desk');
  const [drifted] = (await flow.verify('order/desk', { repair: true })).flatMap((one) => one.differences);
  expect(drifted).toMatchObject({ unit: 'client_id', cause: 'edited-here' });
  await flow.settled();
  expect(desk.orders.objects.get('900')).toMatchObject({ client: 701, lines: [{ item: { ref: 801 } }] });
  expect((await flow.verify()).flatMap((report) => report.differences)).toEqual([]);
  expect(await parkedOf(world)).toEqual([]);
});
