import { Collection, type IndexedFields } from './collection.js';
import type { JsonObject, StripeObject } from './json.js';

/** What the simulator holds. Secrets are kept apart, for Stripe shows them only once. */
export type Kind =
  | 'customer'
  | 'product'
  | 'price'
  | 'invoice'
  | 'invoiceitem'
  | 'line_item'
  | 'webhook_endpoint'
  | 'webhook_secret'
  | 'deleted'
  | 'event';

export const KINDS: readonly Kind[] = [
  'customer',
  'product',
  'price',
  'invoice',
  'invoiceitem',
  'line_item',
  'webhook_endpoint',
  'webhook_secret',
  'deleted',
  'event',
];

const INDEXES: Partial<Record<Kind, IndexedFields>> = {
  customer: ['email'],
  price: ['product', 'lookup_key'],
  invoice: ['customer'],
  invoiceitem: ['customer', 'invoice'],
  line_item: ['invoice'],
};

/** An answer kept for an idempotency key. */
export interface IdempotencyRecord {
  key: string;
  fingerprint: string;
  path: string;
  status: number;
  body: string;
  requestId: string;
  /** Milliseconds. */
  at: number;
}

/** A webhook that still has to be delivered (or be given up). */
export interface Delivery {
  id: string;
  endpoint: string;
  event: string;
}

/** Everything one request changed; a line of the journal. */
export interface ChangeSet {
  /** Milliseconds, by the simulator's clock. */
  at: number;
  counter: number;
  put?: [Kind, StripeObject][];
  remove?: [Kind, string][];
  deliveries?: Delivery[];
  /** Deliveries that ended: 1 delivered, 0 given up. */
  ended?: [string, 0 | 1][];
  idempotency?: IdempotencyRecord;
}

interface Undo {
  kind: Kind;
  id: string;
  before: StripeObject | undefined;
  /** Set when the change was a removal. */
  position?: number;
}

const DAY_MS = 86_400_000;
const IDEMPOTENCY_MS = DAY_MS;
const EVENT_SECONDS = 30 * 86_400;

/**
 * The state, and the only way to change it. A request runs synchronously between begin and commit; when it fails
 * midway its changes are undone, so no half request is ever seen or journalled.
 */
export class Store {
  private readonly collections: Record<Kind, Collection>;
  private readonly idempotency = new Map<string, IdempotencyRecord>();
  readonly deliveries = new Map<string, Delivery>();
  private undo: Undo[] = [];
  private pending: { put: [Kind, StripeObject][]; remove: [Kind, string][] } = { put: [], remove: [] };

  /** `onApplied` sees every change that became definite: the search index lives behind it. */
  constructor(private readonly onApplied: (at: number, kind: Kind, id: string, value: StripeObject | null) => void) {
    const made = KINDS.map((kind): [Kind, Collection] => [kind, new Collection(INDEXES[kind])]);
    this.collections = Object.fromEntries(made) as Record<Kind, Collection>;
  }

  collection(kind: Kind): Collection {
    return this.collections[kind];
  }

  get(kind: Kind, id: string): StripeObject | undefined {
    return this.collections[kind].get(id);
  }

  begin(): void {
    this.undo = [];
    this.pending = { put: [], remove: [] };
  }

  put(kind: Kind, value: StripeObject): void {
    const before = this.collections[kind].put(value);
    this.undo.push({ kind, id: value.id, before });
    this.pending.put.push([kind, value]);
  }

  remove(kind: Kind, id: string): void {
    const removed = this.collections[kind].remove(id);
    if (removed === undefined) return;
    this.undo.push({ kind, id, before: removed.value, position: removed.position });
    this.pending.remove.push([kind, id]);
  }

  rollback(): void {
    for (const { kind, id, before, position } of this.undo.reverse()) {
      if (before === undefined) this.collections[kind].remove(id);
      else if (position === undefined) this.collections[kind].put(before);
      else this.collections[kind].restore(before, position);
    }
    this.begin();
  }

  /** Takes what the request changed; puts of the same object collapse to the last one, keeping the first's place. */
  commit(at: number): Pick<ChangeSet, 'put' | 'remove'> {
    const last = new Map<string, [Kind, StripeObject]>();
    for (const [kind, value] of this.pending.put) last.set(`${kind}/${value.id}`, [kind, value]);
    for (const [kind, id] of this.pending.remove) {
      if (this.collections[kind].get(id) === undefined) last.delete(`${kind}/${id}`);
    }
    const put = [...last.values()];
    const remove = this.pending.remove.filter(([kind, id]) => this.collections[kind].get(id) === undefined);
    this.begin();
    for (const [kind, value] of put) this.onApplied(at, kind, value.id, value);
    for (const [kind, id] of remove) {
      this.onApplied(at, kind, id, null);
      this.collections[kind].tidy();
    }
    return { ...(put.length > 0 ? { put } : {}), ...(remove.length > 0 ? { remove } : {}) };
  }

  /** Applies the parts of a change set that are not objects: in the running simulator and when reopening alike. */
  applyRest(change: ChangeSet): void {
    for (const delivery of change.deliveries ?? []) this.deliveries.set(delivery.id, delivery);
    for (const [id, delivered] of change.ended ?? []) this.endDelivery(id, delivered === 1);
    if (change.idempotency !== undefined) {
      this.idempotency.delete(change.idempotency.key);
      this.idempotency.set(change.idempotency.key, change.idempotency);
    }
  }

  /** Replays a line of the journal. */
  replay(change: ChangeSet): void {
    for (const [kind, value] of change.put ?? []) {
      this.collections[kind].put(value);
      this.onApplied(change.at, kind, value.id, value);
    }
    for (const [kind, id] of change.remove ?? []) {
      this.collections[kind].remove(id);
      this.onApplied(change.at, kind, id, null);
    }
    this.applyRest(change);
  }

  idempotencyRecord(key: string, now: number): IdempotencyRecord | undefined {
    for (const [oldKey, record] of this.idempotency) {
      if (now - record.at <= IDEMPOTENCY_MS) break;
      this.idempotency.delete(oldKey);
    }
    return this.idempotency.get(key);
  }

  get idempotencyCount(): number {
    return this.idempotency.size;
  }

  /** Events are kept for 30 days. */
  dropOldEvents(nowSeconds: number): void {
    const events = this.collections.event;
    for (let oldest = events.oldest(); oldest !== undefined; oldest = events.oldest()) {
      if (typeof oldest.created !== 'number' || nowSeconds - oldest.created <= EVENT_SECONDS) return;
      events.remove(oldest.id);
      events.tidy();
    }
  }

  dump(): JsonObject {
    return Object.fromEntries(
      KINDS.filter((kind) => kind !== 'webhook_secret').map((kind) => [kind, this.collections[kind].all()]),
    );
  }

  private endDelivery(id: string, delivered: boolean): void {
    const delivery = this.deliveries.get(id);
    if (delivery === undefined) return;
    this.deliveries.delete(id);
    const event = this.collections.event.get(delivery.event);
    if (!delivered || event === undefined || typeof event.pending_webhooks !== 'number') return;
    this.collections.event.put({ ...event, pending_webhooks: Math.max(0, event.pending_webhooks - 1) });
  }
}
