import { previousAttributes } from './difference.js';
import { invalidRequest, resourceMissing } from './errors.js';
import type { IdSource } from './ids.js';
import type { Json, JsonObject, StripeObject } from './json.js';
import type { Delivery, Kind, Store } from './store.js';
import { STRIPE_API_VERSION, type TemplateKind, type Templates } from './templates.js';

/** Who caused a change; it is named in the event. */
export interface RequestCause {
  id: string | null;
  idempotencyKey: string | null;
}

/** What handlers need besides the state. */
export interface SessionTools {
  ids: IdSource;
  templates: Templates;
  search: (kind: Kind) => readonly StripeObject[];
}

/**
 * One request at work: reads and writes the state and records the events its changes cause. Each write that Stripe
 * reports goes through create/update/delete here, so none can forget its event.
 */
export class Session {
  readonly deliveries: Delivery[] = [];

  constructor(
    readonly store: Store,
    private readonly tools: SessionTools,
    /** Milliseconds. */
    readonly nowMs: number,
    readonly params: JsonObject,
    readonly pathIds: readonly string[],
    readonly path: string,
    private readonly cause: RequestCause,
  ) {}

  get now(): number {
    return Math.floor(this.nowMs / 1000);
  }

  newId(prefix: string): string {
    return this.tools.ids.id(prefix);
  }

  newToken(length: number): string {
    return this.tools.ids.token(length);
  }

  make<T extends JsonObject>(kind: TemplateKind, values: T): JsonObject & T {
    return this.tools.templates.make(kind, values);
  }

  /**
   * Parameters Stripe knows but the simulator does not act on are refused, loudly: silently accepting one would let
   * a connector's test pass on something that never happened.
   */
  supportOnly(names: readonly string[]): void {
    for (const name of Object.keys(this.params)) {
      if (name !== 'expand' && !names.includes(name)) {
        throw invalidRequest(
          `The Stripe simulator does not implement the parameter ${name}.`,
          'simulator_unsupported',
          name,
        );
      }
    }
  }

  searchable(kind: Kind): readonly StripeObject[] {
    return this.tools.search(kind);
  }

  /** The object the path names, or 404. */
  fromPath(kind: Kind, index = 0, label: string = kind): StripeObject {
    const id = this.pathIds[index] ?? '';
    const found = this.store.get(kind, id);
    if (found === undefined) throw resourceMissing(label, id);
    return found;
  }

  /** An object a parameter names, or 400. */
  named(kind: Kind, id: string, param: string, label: string = kind): StripeObject {
    const found = this.store.get(kind, id);
    if (found === undefined) throw resourceMissing(label, id, param);
    return found;
  }

  /** An object this request has just written. */
  fromStore(kind: Kind, id: string): StripeObject {
    const found = this.store.get(kind, id);
    if (found === undefined) throw new Error(`The ${kind} ${id} vanished within its own request.`);
    return found;
  }

  create(kind: Kind, value: StripeObject, eventType?: string): StripeObject {
    this.store.put(kind, value);
    if (eventType !== undefined) this.emit(eventType, value);
    return value;
  }

  /** Stores a changed object and reports it; a change that changes nothing is neither stored nor reported. */
  update(kind: Kind, before: StripeObject, after: StripeObject, eventType?: string): StripeObject {
    const previous = previousAttributes(before, after);
    if (Object.keys(previous).length === 0) return before;
    this.store.put(kind, after);
    if (eventType !== undefined) this.emit(eventType, after, previous);
    return after;
  }

  delete(kind: Kind, value: StripeObject, eventType?: string): StripeObject {
    this.store.remove(kind, value.id);
    if (eventType !== undefined) this.emit(eventType, value);
    return { id: value.id, object: value.object, deleted: true };
  }

  emit(type: string, object: StripeObject, previous?: JsonObject): void {
    const id = this.newId('evt');
    const endpoints = this.store
      .collection('webhook_endpoint')
      .all()
      .filter((endpoint) => endpoint.status === 'enabled' && listens(endpoint.enabled_events, type));
    const data: JsonObject = previous === undefined ? { object } : { object, previous_attributes: previous };
    this.store.put('event', {
      id,
      object: 'event',
      api_version: STRIPE_API_VERSION,
      created: this.now,
      data,
      livemode: false,
      pending_webhooks: endpoints.length,
      request: { id: this.cause.id, idempotency_key: this.cause.idempotencyKey },
      type,
    });
    for (const endpoint of endpoints)
      this.deliveries.push({ id: `${id}/${endpoint.id}`, endpoint: endpoint.id, event: id });
  }
}

function listens(enabled: Json | undefined, type: string): boolean {
  return Array.isArray(enabled) && (enabled.includes('*') || enabled.includes(type));
}
