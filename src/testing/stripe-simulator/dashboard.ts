import type { Engine } from './engine.js';
import { StripeSimulatorError } from './errors.js';
import { emptyMap, type RawMap, type RawValue } from './form.js';
import type { Json, JsonObject } from './json.js';
import type { Delivery } from './store.js';

/** What an edit may pass: like the SDK's parameters; null and '' unset. */
export type DashboardParams = Readonly<Record<string, unknown>>;

/** Edits of one kind of object. */
export interface DashboardResource {
  create(params?: DashboardParams): JsonObject;
  retrieve(id: string): JsonObject;
  update(id: string, params: DashboardParams): JsonObject;
  del(id: string): JsonObject;
}

function toRaw(value: unknown): RawValue | undefined {
  if (value === undefined) return undefined;
  if (value === null) return '';
  if (Array.isArray(value)) return value.map((item) => toRaw(item) ?? '');
  if (typeof value === 'object') return rawMap(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function rawMap(params: object): RawMap {
  const out = emptyMap();
  for (const [name, value] of Object.entries(params)) {
    const raw = toRaw(value);
    if (raw !== undefined) out[name] = raw;
  }
  return out;
}

/**
 * Somebody editing in Stripe's dashboard: the same validation, state and events as the API, but no key of ours, no
 * rate limit and no faults. It is synchronous: when it returns, the edit is made and its webhooks are on their way.
 */
export class StripeDashboard {
  readonly customers = this.resource('/v1/customers');
  readonly products = this.resource('/v1/products');
  readonly prices = this.resource('/v1/prices');
  readonly invoices = this.resource('/v1/invoices');
  readonly invoiceItems = this.resource('/v1/invoiceitems');

  constructor(
    private readonly engine: Engine,
    private readonly deliver: (deliveries: readonly Delivery[]) => void,
  ) {}

  /** Any request; throws StripeSimulatorError where the API would answer with an error. */
  request(method: string, path: string, params: DashboardParams = {}): JsonObject {
    const match = this.engine.match(method, path);
    const cause = { id: this.engine.ids.id('req'), idempotencyKey: this.engine.ids.uuid() };
    const answer = this.engine.run({ match, params: this.engine.validate(match, rawMap(params)), path, cause });
    const body = JSON.parse(answer.body) as JsonObject;
    if (answer.status >= 400) throw fromBody(answer.status, body);
    if (answer.deliveries.length > 0) this.deliver(answer.deliveries);
    return body;
  }

  private resource(base: string): DashboardResource {
    return {
      create: (params = {}) => this.request('POST', base, params),
      retrieve: (id) => this.request('GET', `${base}/${id}`),
      update: (id, params) => this.request('POST', `${base}/${id}`, params),
      del: (id) => this.request('DELETE', `${base}/${id}`),
    };
  }
}

function fromBody(status: number, body: Json): StripeSimulatorError {
  const { error } = body as unknown as { error: StripeSimulatorError['body'] };
  return new StripeSimulatorError(status, error);
}
