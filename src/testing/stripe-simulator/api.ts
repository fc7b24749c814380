import { checkAuthorization, checkVersion } from './auth.js';
import type { Call, Engine } from './engine.js';
import { lockTimeout, rateLimited, serverError, StripeSimulatorError } from './errors.js';
import type { FaultRule, StripeFaults } from './faults.js';
import { parseForm, type RawMap } from './form.js';
import { checkKey, checkSame, fingerprint, inProgress } from './idempotency.js';
import type { RateLimiter } from './rate-limit.js';
import type { RouteMatch } from './routes.js';
import type { Delivery } from './store.js';

/** A request as it arrived, independent of the HTTP library. */
export interface ApiRequest {
  id: string;
  method: string;
  path: string;
  query: string;
  body: string;
  authorization: string | undefined;
  version: string | undefined;
  idempotencyKey: string | undefined;
}

/** What the server has to do about it. */
export type ApiOutcome =
  | { kind: 'drop'; deliveries: readonly Delivery[] }
  | {
      kind: 'answer';
      status: number;
      body: string;
      headers: Readonly<Record<string, string>>;
      replayed: boolean;
      deliveries: readonly Delivery[];
    };

export interface ApiTools {
  engine: Engine;
  faults: StripeFaults;
  limiter: RateLimiter;
  apiKeys: readonly string[];
  deliver: (deliveries: readonly Delivery[]) => Promise<void>;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const DEFAULT_DELAY_MS = 100;

/** Takes a request through the stages in Stripe's order: who asks, how often, whether again, whether valid, then do it. */
export class Api {
  private readonly inProgress = new Set<string>();

  constructor(private readonly tools: ApiTools) {}

  async handle(request: ApiRequest): Promise<ApiOutcome> {
    try {
      return await this.admit(request);
    } catch (error) {
      return failure(error, request.id);
    }
  }

  private strike(kind: Parameters<StripeFaults['strike']>[0], request: ApiRequest): FaultRule | undefined {
    return this.tools.faults.strike(kind, { method: request.method, path: request.path });
  }

  private async admit(request: ApiRequest): Promise<ApiOutcome> {
    const { engine, faults, limiter, apiKeys } = this.tools;
    checkAuthorization(request.authorization, apiKeys);
    checkVersion(request.version);
    const match = engine.match(request.method, request.path);
    if (this.strike('drop_before', request) !== undefined) return { kind: 'drop', deliveries: [] };
    const refused = limiter.refuse(match.name, engine.now());
    if (refused !== undefined || this.strike('rate_limit', request) !== undefined) {
      throw rateLimited(refused ?? 'global-rate', faults.draw() < 0.5);
    }
    const key = request.method === 'POST' ? request.idempotencyKey : undefined;
    if (key === undefined) return this.perform(request, match, undefined);
    checkKey(key);
    if (this.inProgress.has(key)) throw inProgress(key);
    const print = fingerprint(request.method, request.body);
    const record = engine.store.idempotencyRecord(key, engine.now());
    if (record !== undefined) {
      checkSame(record, request.path, print);
      const headers = {
        'Idempotent-Replayed': 'true',
        'Original-Request': record.requestId,
        ...retryHeader(record.status, true),
      };
      return this.finish(request, {
        kind: 'answer',
        status: record.status,
        body: record.body,
        headers,
        replayed: true,
        deliveries: [],
      });
    }
    this.inProgress.add(key);
    try {
      return await this.perform(request, match, { key, fingerprint: print });
    } finally {
      this.inProgress.delete(key);
    }
  }

  private async perform(request: ApiRequest, match: RouteMatch, keep: Call['keep']): Promise<ApiOutcome> {
    const { engine } = this.tools;
    const before = this.strike('delay_before', request);
    if (before !== undefined) await sleep(before.delayMs ?? DEFAULT_DELAY_MS);
    const lock = request.method === 'GET' ? undefined : this.strike('lock_timeout', request);
    if (lock !== undefined) throw lockTimeout(lock.status ?? 429);
    const params = engine.validate(match, rawParams(request));
    const call: Call = {
      match,
      params,
      path: request.path,
      cause: { id: request.id, idempotencyKey: request.idempotencyKey ?? null },
      ...(keep === undefined ? {} : { keep }),
    };
    const early = this.strike('error_before', request);
    if (early !== undefined) return this.failEarly(call, early);
    const late = this.strike('error_after', request);
    if (late !== undefined) {
      call.instead = serverError();
      if (late.stored === false) delete call.keep;
    }
    const answer = engine.run(call);
    return this.finish(request, {
      kind: 'answer',
      replayed: false,
      ...answer,
      headers: { ...answer.headers, ...retryHeader(answer.status, call.keep !== undefined) },
    });
  }

  private failEarly(call: Call, rule: FaultRule): ApiOutcome {
    const error = serverError();
    const body = JSON.stringify(error.toJson(call.cause.id ?? ''), null, 2);
    const kept = call.keep !== undefined && rule.stored !== false;
    if (kept) this.tools.engine.keepAnswer(call, error.status, body);
    const headers = retryHeader(error.status, kept);
    return { kind: 'answer', status: error.status, body, headers, replayed: false, deliveries: [] };
  }

  private async finish(request: ApiRequest, outcome: ApiOutcome): Promise<ApiOutcome> {
    if (outcome.deliveries.length > 0 && this.strike('webhook_before_response', request) !== undefined) {
      await this.tools.deliver(outcome.deliveries);
      outcome = { ...outcome, deliveries: [] };
    }
    const delay = this.strike('delay_after', request);
    if (delay !== undefined) {
      // The webhooks do not wait for a slow answer.
      void this.tools.deliver(outcome.deliveries);
      outcome = { ...outcome, deliveries: [] };
      await sleep(delay.delayMs ?? DEFAULT_DELAY_MS);
    }
    if (this.strike('drop_after', request) !== undefined) return { kind: 'drop', deliveries: outcome.deliveries };
    return outcome;
  }
}

/** A kept 500 would only be replayed, so Stripe advises against a retry. */
function retryHeader(status: number, kept: boolean): Record<string, string> {
  return status >= 500 && kept ? { 'Stripe-Should-Retry': 'false' } : {};
}

function rawParams(request: ApiRequest): RawMap {
  const raw = parseForm(request.query);
  if (request.body === '') return raw;
  return Object.assign(raw, parseForm(request.body));
}

export function failure(error: unknown, requestId: string): ApiOutcome {
  const known = error instanceof StripeSimulatorError ? error : serverError();
  const body = JSON.stringify(known.toJson(requestId), null, 2);
  return { kind: 'answer', status: known.status, body, headers: known.headers, replayed: false, deliveries: [] };
}
