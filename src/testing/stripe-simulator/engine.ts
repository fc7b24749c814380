import { StripeSimulatorError, unrecognizedUrl } from './errors.js';
import { expandAnswer } from './expand.js';
import type { RawMap } from './form.js';
import { IdSource } from './ids.js';
import { Journal } from './journal.js';
import type { JsonObject } from './json.js';
import { loadRouteSchemas, type RouteSchema } from './param-schema.js';
import { Router, type RouteMatch } from './routes.js';
import { SearchIndex } from './search-index.js';
import { Session, type RequestCause } from './session.js';
import { Store, type ChangeSet, type Delivery } from './store.js';
import { Templates } from './templates.js';
import { validateParams } from './validate.js';

export interface EngineOptions {
  seed: number;
  searchLagMs: number;
  dataDir: string | undefined;
  now: () => number;
}

export interface Answer {
  status: number;
  body: string;
  headers: Readonly<Record<string, string>>;
  deliveries: readonly Delivery[];
}

/** A request that passed validation. */
export interface Call {
  match: RouteMatch;
  params: JsonObject;
  path: string;
  cause: RequestCause;
  /** Keeps the answer under the request's key. */
  keep?: { key: string; fingerprint: string };
  /** The answer to give (and keep) instead, although the request is applied. */
  instead?: StripeSimulatorError;
}

/**
 * State, journal and routes together, without HTTP. A call runs synchronously from start to journal, so calls never
 * interleave; API requests and dashboard edits come through here alike.
 */
export class Engine {
  readonly store: Store;
  readonly ids: IdSource;
  private readonly search: SearchIndex;
  private readonly templates = new Templates();
  private readonly schemas = loadRouteSchemas();
  private readonly router = new Router();
  private journal: Journal | undefined;

  constructor(private readonly options: EngineOptions) {
    this.ids = new IdSource(options.seed);
    this.search = new SearchIndex(options.searchLagMs);
    this.store = new Store((at, kind, id, value) => this.search.record(at, kind, id, value));
  }

  now(): number {
    return this.options.now();
  }

  /** Reads the data folder back. Loading twice would only repeat the same writes, but is not needed: see close. */
  open(): void {
    if (this.options.dataDir === undefined || this.journal !== undefined) return;
    const journal = new Journal(this.options.dataDir);
    const fresh = this.ids.counter === 0;
    journal.open((change) => {
      if (!fresh) return;
      this.store.replay(change);
      this.ids.counter = Math.max(this.ids.counter, change.counter);
    });
    this.journal = journal;
  }

  close(): void {
    this.journal?.close();
    this.journal = undefined;
  }

  match(method: string, path: string): RouteMatch {
    const found = this.router.match(method, path);
    if (found === undefined) throw unrecognizedUrl(method, path);
    return found;
  }

  validate(match: RouteMatch, raw: RawMap): JsonObject {
    const schema: RouteSchema | undefined = this.schemas.get(match.name);
    if (schema === undefined) throw new Error(`There is no request schema for ${match.name}.`);
    return validateParams(schema, raw);
  }

  run(call: Call): Answer {
    if (this.options.dataDir !== undefined && this.journal === undefined) {
      throw new Error('The simulator is stopped: its data folder is closed.');
    }
    const at = this.now();
    const { match, params, path, cause } = call;
    const tools = {
      ids: this.ids,
      templates: this.templates,
      search: (kind: Parameters<Store['get']>[0]) => this.search.visible(kind, at),
    };
    const session = new Session(this.store, tools, at, params, match.pathIds, path, cause);
    this.store.begin();
    let outcome: { status: number; answer: JsonObject; headers: Readonly<Record<string, string>> };
    try {
      const answer = expandAnswer(this.store, match.handler(session), params.expand);
      outcome = { status: 200, answer, headers: {} };
    } catch (error) {
      this.store.rollback();
      session.deliveries.length = 0;
      if (!(error instanceof StripeSimulatorError)) throw error;
      outcome = { status: error.status, answer: error.toJson(cause.id ?? ''), headers: error.headers };
    }
    if (call.instead !== undefined) {
      outcome = {
        status: call.instead.status,
        answer: call.instead.toJson(cause.id ?? ''),
        headers: call.instead.headers,
      };
    }
    const body = JSON.stringify(outcome.answer, null, 2);
    this.commit(at, session.deliveries, call, outcome.status, body);
    return { ...outcome, body, deliveries: session.deliveries };
  }

  /** Keeps an answer that was given without running anything (a 500 before applying). */
  keepAnswer(call: Call, status: number, body: string): void {
    this.store.begin();
    this.commit(this.now(), [], call, status, body);
  }

  /** Notes ended deliveries, so that a reopened simulator does not repeat them. */
  noteEnded(ended: readonly [string, 0 | 1][]): void {
    const change: ChangeSet = { at: this.now(), counter: this.ids.counter, ended: [...ended] };
    // Once stopped, an ending is forgotten: the webhook will be sent again, which Stripe's rules allow.
    if (this.options.dataDir !== undefined && this.journal === undefined) return;
    this.store.applyRest(change);
    this.journal?.append(change);
  }

  private commit(at: number, deliveries: readonly Delivery[], call: Call, status: number, body: string): void {
    const changed = this.store.commit(at);
    const keep = call.keep;
    if (changed.put === undefined && changed.remove === undefined && keep === undefined) return;
    const change: ChangeSet = {
      at,
      counter: this.ids.counter,
      ...changed,
      ...(deliveries.length > 0 ? { deliveries: [...deliveries] } : {}),
      ...(keep === undefined
        ? {}
        : { idempotency: { ...keep, path: call.path, status, body, requestId: call.cause.id ?? '', at } }),
    };
    this.store.applyRest(change);
    this.journal?.append(change);
    if (changed.put !== undefined) this.store.dropOldEvents(Math.floor(at / 1000));
  }
}
