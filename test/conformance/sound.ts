/** A subscriber that can do everything, in memory: each test of the suite breaks one thing of it. */
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { references } from '../../src/catalog/fields.js';
import { SyncflowError } from '../../src/errors.js';
import {
  SubscriberBase,
  type ChangePage,
  type ChildWrites,
  type CreateOperation,
  type DeleteOperation,
  type Delivery,
  type ListPage,
  type Query,
  type RemoteEvent,
  type UpdateOperation,
} from '../../src/subscriber/base.js';
import { leastCapabilities, type Capabilities } from '../../src/subscriber/capabilities.js';
import { done, found, gone, missing, stale, type Outcome, type Sight } from '../../src/subscriber/outcome.js';

export class Company extends Catalog({ name: 'company', key: 'id', fields: { id: z.int(), name: z.string() } }) {}

export class Order extends Catalog({
  name: 'order',
  key: 'id',
  fields: {
    id: z.int(),
    title: z.string().min(1),
    note: z.string().nullable(),
    email: z.email(),
    company_id: references(Company),
  },
  children: {
    lines: {
      table: 'order_line',
      key: 'id',
      parent: 'order_id',
      fields: { id: z.int(), order_id: z.int(), text: z.string(), quantity: z.int() },
    },
  },
}) {}

export interface Line {
  readonly id: string;
  readonly key?: string;
  readonly text?: string;
  readonly quantity?: number;
}
export interface RemoteOrder {
  readonly id: string;
  readonly version: number;
  readonly key?: string;
  readonly title?: string;
  readonly note?: string | null;
  readonly email?: string;
  readonly company?: string;
  readonly lines: readonly Line[];
}

export class Store {
  readonly objects = new Map<string, RemoteOrder>();
  readonly deleted = new Set<string>();
  readonly answers = new Map<string, string>();
  readonly events: RemoteEvent<RemoteOrder>[] = [];
  count = 0;

  put(object: RemoteOrder): RemoteOrder {
    this.objects.set(object.id, object);
    this.tell(object.id, 'changed');
    return object;
  }

  tell(remoteId: string, kind: 'changed' | 'deleted'): void {
    this.events.push({ id: `e${this.events.length + 1}`, remoteId, kind });
  }
}

const pageSize = 2;

export class Sound extends SubscriberBase<typeof Order, RemoteOrder, Store> {
  static readonly system = 'sound';
  override readonly capabilities: Capabilities = {
    ...leastCapabilities,
    idempotencyHours: 24,
    marker: true,
    conditional: true,
    polling: true,
    webhooks: true,
    listing: true,
  };
  override readonly match: readonly string[] = ['email'];
  override readonly mapping = this.map({
    title: 'title',
    note: 'note',
    email: 'email',
    company_id: 'company',
    lines: { remote: 'lines', id: 'id', marker: 'key', units: { text: 'text', quantity: 'quantity' } },
  });

  override async create(operation: CreateOperation<RemoteOrder>): Promise<Outcome<RemoteOrder>> {
    const before = this.account.answers.get(operation.idempotencyKey);
    const known = before === undefined ? undefined : this.account.objects.get(before);
    if (known !== undefined) return done(known.id, known);
    const id = `o_${++this.account.count}`;
    this.account.answers.set(operation.idempotencyKey, id);
    const values = operation.values as Partial<RemoteOrder>;
    const lines = this.linesAfter([], operation.children['lines']);
    return done(id, this.account.put({ ...values, id, version: 1, key: this.markerOf(operation.key), lines }));
  }

  override async update(operation: UpdateOperation<RemoteOrder>): Promise<Outcome<RemoteOrder>> {
    const { remoteId, changed, version, children } = operation;
    const object = this.account.objects.get(remoteId);
    if (object === undefined) return gone();
    if (version !== undefined && version !== String(object.version)) return stale(object);
    const lines = this.linesAfter(object.lines, children['lines']);
    return done(
      remoteId,
      this.account.put({ ...object, ...(changed as Partial<RemoteOrder>), version: object.version + 1, lines }),
    );
  }

  override async delete({ remoteId, version }: DeleteOperation<RemoteOrder>): Promise<Outcome<RemoteOrder>> {
    const object = this.account.objects.get(remoteId);
    if (object === undefined) return gone();
    if (version !== undefined && version !== String(object.version)) return stale(object);
    this.account.objects.delete(remoteId);
    this.account.deleted.add(remoteId);
    this.account.tell(remoteId, 'deleted');
    return done(remoteId);
  }

  override async fetch(remoteId: string): Promise<Sight<RemoteOrder>> {
    const object = this.account.objects.get(remoteId);
    if (object !== undefined) return found(object);
    return this.account.deleted.has(remoteId) ? gone() : missing('404');
  }

  override async find(query: Query<RemoteOrder>): Promise<readonly RemoteOrder[]> {
    const all = [...this.account.objects.values()];
    if (query.by === 'key') return all.filter(({ key }) => key === this.markerOf(query.key));
    return all.filter(({ email }) => email === (query.values as Partial<RemoteOrder>).email);
  }

  override async list(cursor: string | undefined): Promise<ListPage<RemoteOrder>> {
    const all = [...this.account.objects.values()];
    const from = Number(cursor ?? 0);
    const remotes = all.slice(from, from + pageSize);
    return from + pageSize < all.length ? { remotes, cursor: String(from + pageSize) } : { remotes };
  }

  override async changes(cursor: string | undefined): Promise<ChangePage<RemoteOrder>> {
    const now = String(this.account.events.length);
    return { events: cursor === undefined ? [] : this.account.events.slice(Number(cursor)), cursor: now, more: false };
  }

  override async receive(delivery: Delivery): Promise<readonly RemoteEvent<RemoteOrder>[]> {
    if (delivery.headers.get('signature') !== 'right')
      throw new SyncflowError('webhook', 'the signature is wrong', { context: { status: 400 } });
    return [];
  }

  override versionOf(remote: RemoteOrder): string {
    return String(remote.version);
  }

  override keyOf(remote: RemoteOrder): string | undefined {
    return this.keyFromMarker(remote.key);
  }

  protected linesAfter(lines: readonly Line[], writes: ChildWrites | undefined): readonly Line[] {
    const { add = [], update = [], remove = [] } = writes ?? {};
    const kept = lines.filter(({ id }) => !remove.some((one) => one.remoteId === id));
    const changed = kept.map((line) => ({ ...line, ...update.find((one) => one.remoteId === line.id)?.changed }));
    const fresh = add.map(({ values }) => ({ ...values, id: `l_${++this.account.count}` }));
    return [...changed, ...fresh];
  }
}
