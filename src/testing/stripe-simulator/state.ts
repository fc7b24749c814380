import { cloneJson, type JsonObject, type StripeObject } from './json.js';
import type { LoggedRequest, RequestLog } from './request-log.js';
import { KINDS, type Kind, type Store } from './store.js';

/** What can be asked for; signing secrets are not. */
export type StripeObjectKind = Exclude<Kind, 'webhook_secret' | 'deleted'>;

/** Read access for assertions: copies, so a test cannot change what the simulator holds. */
export class StripeSimulatorState {
  constructor(
    private readonly store: Store,
    private readonly log: RequestLog,
    private readonly held: () => number,
  ) {}

  /** All live objects of a kind, oldest first. */
  all(kind: StripeObjectKind): JsonObject[] {
    return this.store
      .collection(kind)
      .all()
      .map((value: StripeObject) => cloneJson<JsonObject>(value));
  }

  get(kind: StripeObjectKind, id: string): JsonObject | undefined {
    const found = this.store.get(kind, id);
    return found === undefined ? undefined : cloneJson<JsonObject>(found);
  }

  count(kind: StripeObjectKind): number {
    return this.store.collection(kind).size;
  }

  counts(): Record<string, number> {
    const kinds = KINDS.filter((kind) => kind !== 'webhook_secret');
    return {
      ...Object.fromEntries(kinds.map((kind) => [kind, this.store.collection(kind).size])),
      requests: this.log.count,
      writes: this.log.writes,
      idempotency_keys: this.store.idempotencyCount,
      pending_webhooks: this.store.deliveries.size,
      held_webhooks: this.held(),
    };
  }

  /** The last 20,000 requests. */
  get requests(): readonly LoggedRequest[] {
    return this.log.list();
  }

  /** All requests since the start, or since the log was cleared. */
  get requestCount(): number {
    return this.log.count;
  }

  clearRequests(): void {
    this.log.clear();
  }

  /** Every kind with all its objects. */
  dump(): JsonObject {
    return cloneJson(this.store.dump());
  }
}
