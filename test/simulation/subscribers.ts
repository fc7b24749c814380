/** Catalogs of the simulated world, and subscribers for its remotes. */
import { z } from 'zod';
import { Catalog, type CatalogClass } from '../../src/catalog/catalog.js';
import { references } from '../../src/catalog/fields.js';
import { SyncflowError } from '../../src/errors.js';
import {
  SubscriberBase,
  type AnyOperation,
  type ChangePage,
  type CreateOperation,
  type DeleteOperation,
  type Delivery,
  type ListPage,
  type Query,
  type RemoteEvent,
  type SubscriberContext,
  type UpdateOperation,
} from '../../src/subscriber/base.js';
import type { Capabilities } from '../../src/subscriber/capabilities.js';
import {
  blocked,
  done,
  exists,
  found,
  gone,
  missing,
  rejected,
  retry,
  stale,
  unknown,
  type Outcome,
  type Sight,
} from '../../src/subscriber/outcome.js';
import { capabilitiesOf, type Change, type Connection, type Kind, type Line, type Thing } from './remote.js';

/** What a remote of a simulated world shows. */
interface Shown {
  readonly id: string;
  readonly version: string;
  readonly editedAt: string;
  readonly marker: string | undefined;
  readonly code: string;
  readonly name: string;
  readonly email: string | null;
  readonly city: string | null;
  readonly customer: string | null;
  readonly note: string | null;
  readonly lines: readonly {
    readonly id: string;
    readonly marker?: string;
    readonly label: string;
    readonly text: string | null;
  }[];
}

abstract class SimulatedSubscriber<C extends CatalogClass> extends SubscriberBase<C, Shown, Connection> {
  static readonly system: string = 'simulated';
  protected abstract readonly kind: Kind;
  override readonly capabilities: Capabilities;
  override readonly match: readonly string[];

  constructor(context: SubscriberContext<Connection>) {
    super(context);
    this.capabilities = capabilitiesOf(this.account.remote.character);
    this.match = ['code'];
  }

  override versionOf(remote: Shown): string | undefined {
    return this.account.remote.character.conditional ? remote.version : undefined;
  }
  override editedAt(remote: Shown): string {
    return remote.editedAt;
  }
  override keyOf(remote: Shown): string | undefined {
    return this.account.remote.character.markers ? remote.marker : undefined;
  }

  override async pushMany(operations: readonly AnyOperation<Shown>[]): Promise<readonly Outcome<Shown>[]> {
    return Promise.all(operations.map((operation) => this.push(operation)));
  }

  override create(operation: CreateOperation<Shown>): Promise<Outcome<Shown>> {
    const { remote } = this.account;
    return this.#write(operation, 'create', () => {
      const id = remote.character.chosenId ? `${remote.name}:${this.kind}:${operation.key}` : remote.newId();
      const there = remote.things[this.kind].get(id);
      if (there !== undefined) return exists(id, shown(there));
      const { lines: _lines, ...values } = operation.values as Record<string, unknown>;
      const lines = (operation.children['lines']?.add ?? []).map((child) => lineOf(remote.newId(), child.values));
      const marker = remote.character.markers ? operation.key : undefined;
      const thing = remote.put(this.kind, id, values, lines, marker, operation.idempotencyKey);
      return done(id, shown(thing));
    });
  }

  override update(operation: UpdateOperation<Shown>): Promise<Outcome<Shown>> {
    const { remote } = this.account;
    return this.#write(operation, 'update', () => {
      const before = remote.things[this.kind].get(operation.remoteId);
      if (before === undefined) return this.#absent(operation.remoteId);
      if (remote.character.conditional && operation.version !== undefined && operation.version !== before.version)
        return stale();
      const { lines: _lines, ...changed } = operation.changed as Record<string, unknown>;
      const thing = remote.put(
        this.kind,
        before.id,
        { ...before.values, ...changed },
        linesAfter(before.lines, operation, () => remote.newId()),
        before.marker,
        operation.idempotencyKey,
      );
      return done(thing.id, shown(thing));
    });
  }

  override delete(operation: DeleteOperation<Shown>): Promise<Outcome<Shown>> {
    const { remote } = this.account;
    return this.#write(operation, 'delete', () => {
      const before = remote.things[this.kind].get(operation.remoteId);
      if (before === undefined) return this.#absent(operation.remoteId);
      if (remote.character.conditional && operation.version !== undefined && operation.version !== before.version)
        return stale();
      remote.remove(this.kind, before.id, operation.idempotencyKey);
      return done(before.id);
    });
  }

  #absent(id: string): Outcome<Shown> {
    return this.account.remote.deleted.has(id) ? gone() : missing('404');
  }

  async #write(
    operation: { readonly idempotencyKey: string; readonly key: string },
    call: 'create' | 'update' | 'delete',
    work: () => Outcome<Shown>,
  ): Promise<Outcome<Shown>> {
    const { remote } = this.account;
    const { chance, faults, time } = remote;
    await this.account.travel();
    const answered = async (outcome: Outcome<Shown>): Promise<Outcome<Shown>> => {
      await this.account.arrive();
      return outcome;
    };
    if (remote.outageUntil > time.ms) return answered(blocked('an outage', 2_000));
    if (chance.hits(faults.refuse)) return answered(retry('too many requests', chance.int(100, 3_000)));
    if (chance.hits(faults.failBefore)) return answered(unknown('500'));
    if (chance.hits(faults.rejects)) return answered(rejected('it does not like it'));
    const known = remote.character.idempotent ? remote.answers.get(operation.idempotencyKey) : undefined;
    const outcome = known === undefined ? work() : done(known.id, known.shown as Shown);
    if (known === undefined && outcome.kind === 'done') {
      if (remote.character.idempotent)
        remote.answers.set(operation.idempotencyKey, { id: outcome.remoteId, shown: outcome.remote });
      const thing = outcome.remote;
      remote.writes.push({ at: time.ms, call, code: thing?.code ?? operation.key, id: outcome.remoteId });
    }
    if (chance.hits(faults.answerLost)) return answered(unknown('the connection was cut'));
    return answered(outcome);
  }

  override async fetch(remoteId: string): Promise<Sight<Shown>> {
    const { remote } = this.account;
    await this.account.travel();
    const sight = ((): Sight<Shown> => {
      if (remote.outageUntil > remote.time.ms) return blocked('an outage', 2_000);
      if (remote.chance.hits(remote.faults.refuse)) return retry('too many requests', 500);
      if (remote.chance.hits(remote.faults.missing)) return missing('404: no permission');
      const thing = remote.things[this.kind].get(remoteId);
      if (thing !== undefined) return found(shown(thing));
      return remote.deleted.has(remoteId) ? gone() : missing('404');
    })();
    await this.account.arrive();
    return sight;
  }

  override async find(query: Query<Shown>): Promise<readonly Shown[]> {
    const { remote } = this.account;
    await this.account.travel();
    if (remote.outageUntil > remote.time.ms || remote.chance.hits(remote.faults.refuse)) {
      await this.account.arrive();
      throw new Error('refused');
    }
    const all = [...remote.things[this.kind].values()];
    const hits = all.filter((thing) =>
      query.by === 'key'
        ? thing.marker === query.key
        : Object.entries(query.values).every(([name, value]) => thing.values[name] === value),
    );
    await this.account.arrive();
    return hits.map(shown);
  }

  override async list(cursor: string | undefined): Promise<ListPage<Shown>> {
    await this.account.travel();
    const ids = [...this.account.remote.things[this.kind].keys()].sort();
    const rest = cursor === undefined ? ids : ids.filter((id) => id > cursor);
    const page = rest.slice(0, 10);
    const remotes = page.flatMap((id) => {
      const thing = this.account.remote.things[this.kind].get(id);
      return thing === undefined ? [] : [shown(thing)];
    });
    await this.account.arrive();
    const last = page.at(-1);
    return rest.length > 10 && last !== undefined ? { remotes, cursor: last } : { remotes };
  }

  override async changes(cursor: string | undefined): Promise<ChangePage<Shown>> {
    const { remote } = this.account;
    await this.account.travel();
    const now = String(remote.sequence);
    const since = Number(cursor ?? now);
    const isExpired = since < remote.oldest;
    const all = remote.changes.filter((change) => change.sequence > since && change.kind === this.kind);
    const page = all.slice(0, 20);
    await this.account.arrive();
    if (isExpired) throw new SyncflowError('cursor-expired', 'too old');
    const more = all.length > page.length;
    return { events: page.map(eventOf), cursor: more ? String(page.at(-1)?.sequence) : now, more };
  }

  override async receive(delivery: Delivery): Promise<readonly RemoteEvent<Shown>[]> {
    const change = JSON.parse(new TextDecoder().decode(delivery.body)) as Change;
    return change.kind === this.kind ? [eventOf(change)] : [];
  }
}

function eventOf(change: Change): RemoteEvent<Shown> {
  return {
    id: change.id,
    remoteId: change.remoteId,
    kind: change.what,
    at: change.at,
    ...(change.snapshot === undefined ? {} : { snapshot: shown(change.snapshot) }),
    ...(change.previous === undefined ? {} : { previous: change.previous }),
    ...(change.cause === undefined ? {} : { cause: change.cause }),
  };
}

function shown(thing: Thing): Shown {
  const { id, version, editedAt, marker, values, lines } = thing;
  return {
    ...(values as unknown as Shown),
    id,
    version,
    editedAt,
    marker,
    lines: lines.map((line) => ({
      ...(line.values as { label: string; text: string | null }),
      id: line.id,
      ...(line.marker === undefined ? {} : { marker: line.marker }),
    })),
  };
}

function lineOf(id: string, values: Readonly<Record<string, unknown>>): Line {
  const { marker, ...rest } = values;
  return { id, marker: typeof marker === 'string' ? marker : undefined, values: rest };
}

function linesAfter(before: readonly Line[], operation: UpdateOperation<Shown>, newId: () => string): Line[] {
  const writes = operation.children['lines'];
  if (writes === undefined) return [...before];
  const removed = new Set(writes.remove.map((line) => line.remoteId));
  const changed = new Map(writes.update.map((line) => [line.remoteId, line]));
  return [
    ...before
      .filter((line) => !removed.has(line.id))
      .map((line) => {
        const change = changed.get(line.id);
        return change === undefined ? line : { ...line, values: { ...line.values, ...change.changed } };
      }),
    ...writes.add.map((line) => lineOf(newId(), line.values)),
  ];
}

/** Classes have a registry of their own: each world makes new ones. */
export function makeCatalogs(remotes: readonly string[]) {
  class Customer extends Catalog({
    name: 'customer',
    key: 'id',
    fields: {
      id: z.int(),
      code: z.string(),
      name: z.string().min(1),
      email: z.string().nullable(),
      city: z.string().nullable(),
    },
  }) {}
  class Order extends Catalog({
    name: 'order',
    table: 'orders',
    key: 'id',
    fields: { id: z.int(), code: z.string(), customer_id: references(Customer), note: z.string().nullable() },
    children: {
      lines: {
        table: 'order_line',
        parent: 'order_id',
        key: 'id',
        fields: { id: z.int(), order_id: z.int(), label: z.string(), text: z.string().nullable() },
      },
    },
  }) {}
  class SimulatedCustomer extends SimulatedSubscriber<typeof Customer> {
    protected override readonly kind = 'customer';
    override readonly mapping = this.map({
      code: 'code',
      name: { remote: 'name', authority: 'latest' },
      email: 'email',
      city: { remote: 'city', authority: 'remote' },
    });
  }
  class SimulatedOrder extends SimulatedSubscriber<typeof Order> {
    protected override readonly kind = 'order';
    override readonly mapping = this.map({
      code: 'code',
      customer_id: 'customer',
      note: { remote: 'note', authority: 'remote' },
      lines: { remote: 'lines', id: 'id', marker: 'marker', units: { label: 'label', text: 'text' } },
    });
  }
  for (const name of remotes) {
    Customer.register(SimulatedCustomer, { as: name, account: name });
    Order.register(SimulatedOrder, { as: name, account: name });
  }
  return [Customer, Order] as const;
}
