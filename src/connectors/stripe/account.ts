/** A Stripe account: its client, its rate limits and its webhook secrets. Shared by all of its subscribers. */
import Stripe from 'stripe';
import { SyncflowError } from '../../errors.js';
import type { Delivery, Lane } from '../../subscriber/base.js';
import type { Probe } from '../../subscriber/probe.js';
import type { Quota } from '../../subscriber/quota.js';
import { oneShotClient, type OneShotClient } from './http.js';
import { RequestLimiter } from './limiter.js';
import { checkAccountOptions } from './account-options.js';
import { header, outcomeOfStripeError, retryAfterMs } from './outcome.js';
import { stripeApiVersion } from './version.js';

/** How long Stripe keeps events. */
export const eventRetentionDays = 30;

export interface StripeAccountOptions {
  /** A secret or restricted key (`sk_…`, `rk_…`). Take it from the environment; it is never logged. */
  readonly apiKey: string;
  /** Signing secrets of the webhook endpoint (`whsec_…`). Give two while one is rolled: either is accepted. */
  readonly webhookSecrets?: readonly string[];
  /** Another address than Stripe's, for a simulator or a proxy: `http://127.0.0.1:4010`. */
  readonly baseUrl?: string;
  readonly host?: string;
  readonly port?: number;
  readonly protocol?: 'http' | 'https';
  /** Requests per second of this key: 80 with a live key, 20 in a sandbox unless given. Stripe allows 100 and 25. */
  readonly ratePerSecond?: number;
  /** Requests per second of one endpoint: 20 unless given. Stripe allows 25. */
  readonly endpointRatePerSecond?: number;
  /** Requests in flight at once: 16 unless given. */
  readonly concurrency?: number;
  /** Longest silence of a request before it is given up, its outcome unknown: 30,000 unless given. */
  readonly timeoutMs?: number;
  /** Our metadata keys begin with it: `syncflow` unless given. */
  readonly metadataPrefix?: string;
  /** Greatest age of a webhook's signature: 300 unless given. */
  readonly webhookToleranceSeconds?: number;
  /** How far back an object with our marker is looked for: 168 (a week) unless given. Longer than any outage of the workers. */
  readonly lookBackHours?: number;
  readonly clock?: { now(): Date };
}

export interface StripeCallOptions {
  readonly idempotencyKey?: string;
  /** A request that has not begun when it is aborted is not sent. */
  readonly signal?: AbortSignal;
}

/**
 * The account that is given to `new Syncflow({ accounts: { stripe: account } })`.
 *
 * @example
 * const account = new StripeAccount({
 *   apiKey: process.env.STRIPE_API_KEY ?? '',
 *   webhookSecrets: [process.env.STRIPE_WEBHOOK_SECRET ?? ''],
 * });
 */
export class StripeAccount {
  readonly metadataPrefix: string;
  readonly lookBackSeconds: number;
  /** False in a sandbox, true with a live key, undefined where the key doesn't tell. */
  readonly livemode: boolean | undefined;
  /** Requests in flight at once, over all catalogs. */
  readonly concurrency: number;
  // private by language, not by type: an account that is printed or logged shows neither key nor secrets
  readonly #stripe: Stripe;
  readonly #secrets: readonly string[];
  readonly #http: OneShotClient;
  readonly #limiter: RequestLimiter;
  readonly #tolerance: number;
  readonly #clock: { now(): Date };
  readonly #verified = new WeakMap<Delivery, Stripe.Event | SyncflowError>();

  constructor(options: StripeAccountOptions) {
    checkAccountOptions(options);
    this.livemode = livemodeOf(options.apiKey);
    this.metadataPrefix = options.metadataPrefix ?? 'syncflow';
    this.lookBackSeconds = (options.lookBackHours ?? 168) * 3600;
    this.#secrets = options.webhookSecrets ?? [];
    this.#tolerance = options.webhookToleranceSeconds ?? Stripe.webhooks.DEFAULT_TOLERANCE;
    this.#clock = options.clock ?? { now: () => new Date() };
    if (!/^[a-z]\w{0,19}$/i.test(this.metadataPrefix)) {
      throw new SyncflowError('config', `Stripe: metadataPrefix "${this.metadataPrefix}" can't begin a metadata key`, {
        hint: 'Use up to 20 letters, digits and "_".',
      });
    }
    const address = addressOf(options, this.livemode);
    this.#http = oneShotClient(address.protocol);
    this.#stripe = new Stripe(options.apiKey, {
      ...address,
      apiVersion: stripeApiVersion,
      httpClient: this.#http.client,
      // the engine repeats what has to be repeated: it has the intent, and the key that makes it safe
      maxNetworkRetries: 0,
      timeout: options.timeoutMs ?? 30_000,
      telemetry: false,
      appInfo: { name: 'syncflow' },
    });
    this.concurrency = options.concurrency ?? 16;
    this.#limiter = new RequestLimiter({
      ratePerSecond: options.ratePerSecond ?? (this.livemode === true ? 80 : 20),
      endpointRatePerSecond: options.endpointRatePerSecond ?? 20,
      concurrency: this.concurrency,
    });
  }

  /** Requests a second: what is allowed, and what was asked lately. For the dashboard. */
  quota(): Quota {
    return this.#limiter.quota;
  }

  /** The time as this account sees it. */
  now(): Date {
    return this.#clock.now();
  }

  /**
   * Makes one request when its turn comes. After a 429 nothing more is sent for as long as Stripe asks.
   * @param endpoint method and path without ids: `GET customers/:id`; Stripe limits each one
   * @example
   * const customer = await account.call('live', 'GET customers/:id', (stripe, options) => stripe.customers.retrieve('cus_1', {}, options));
   */
  async call<T>(
    lane: Lane,
    endpoint: string,
    request: (stripe: Stripe, options: Stripe.RequestOptions) => Promise<T>,
    { idempotencyKey, signal }: StripeCallOptions = {},
  ): Promise<T> {
    const sent = { begun: false };
    const work = async (): Promise<T> => {
      sent.begun = true;
      return request(this.#stripe, idempotencyKey === undefined ? {} : { idempotencyKey });
    };
    try {
      return await this.#limiter.run(lane, endpoint, work, signal);
    } catch (error) {
      if (!sent.begun)
        throw new SyncflowError('subscriber', 'the worker stopped before the request was sent', {
          context: { sent: false },
          cause: error,
        });
      if (error instanceof Stripe.errors.StripeRateLimitError && error.code !== 'lock_timeout') {
        const ofEndpoint = header(error, 'stripe-rate-limited-reason')?.startsWith('endpoint') === true;
        this.#limiter.refused(ofEndpoint ? endpoint : undefined, retryAfterMs(error));
      }
      throw error;
    }
  }

  /**
   * The event of a webhook delivery, once its signature is found good. Asked by every subscriber of the account, it checks
   * each delivery once.
   * @throws SyncflowError `webhook` with `context.status` 400
   */
  verify(delivery: Delivery): Stripe.Event {
    const known = this.#verified.get(delivery);
    const result = known ?? this.check(delivery);
    if (known === undefined) this.#verified.set(delivery, result);
    if (result instanceof SyncflowError) throw result;
    return result;
  }

  /** Asks whether the key works, for `doctor`: by the event list, which polling needs anyway. */
  async probe(): Promise<Probe> {
    const common = { webhookSecret: this.#secrets.length > 0, eventRetentionHours: eventRetentionDays * 24 };
    try {
      const page = await this.call('live', 'GET events', (stripe, options) =>
        stripe.events.list({ limit: 1 }, options),
      );
      const date: unknown = page.lastResponse.headers['date'];
      const at = typeof date === 'string' ? Date.parse(date) : Number.NaN;
      return { outcome: 'works', ...common, ...(Number.isNaN(at) ? {} : { serverTime: new Date(at).toISOString() }) };
    } catch (error) {
      const known = outcomeOfStripeError(error);
      const { reason } = known;
      // whatever it says but that nothing works now, it says so to us: it is there
      const refused = known.kind === 'blocked' || known.kind === 'rejected' || known.kind === 'missing';
      return { outcome: refused ? 'refused' : 'unreachable', reason, ...common };
    }
  }

  /** Closes idle connections. */
  close(): void {
    this.#http.close();
  }

  private check(delivery: Delivery): Stripe.Event | SyncflowError {
    if (this.#secrets.length === 0) {
      return refusal(
        'the account has no webhook secret',
        'Give StripeAccount the endpoint’s signing secret: webhookSecrets: ["whsec_…"].',
      );
    }
    const signature = delivery.headers.get('stripe-signature') ?? '';
    // the SDK compares in constant time and over the bytes as they came
    for (const secret of this.#secrets) {
      try {
        return Stripe.webhooks.constructEvent(
          delivery.body,
          signature,
          secret,
          this.#tolerance,
          undefined,
          this.now().getTime(),
        );
      } catch (error) {
        if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) {
          return refusal(
            'its body is not an event of this kind',
            'Subscribe the endpoint to snapshot events, not thin ones.',
          );
        }
      }
    }
    return refusal(
      'its signature is wrong or too old',
      'Compare webhookSecrets with the endpoint in Stripe’s dashboard, pass the body on as raw bytes, and check this machine’s clock.',
    );
  }
}

function refusal(why: string, hint: string): SyncflowError {
  return new SyncflowError('webhook', `Stripe webhook refused: ${why}`, {
    hint,
    context: { status: 400, system: 'stripe' },
  });
}

function livemodeOf(apiKey: string): boolean | undefined {
  if (!/^\S+$/.test(apiKey)) {
    throw new SyncflowError('config', 'Stripe: apiKey is empty or contains white space', {
      hint: 'Set it from the environment: apiKey: process.env.STRIPE_API_KEY.',
    });
  }
  if (apiKey.startsWith('pk_')) {
    throw new SyncflowError('config', 'Stripe: apiKey is a publishable key', {
      hint: 'Use a secret key (sk_…) or a restricted one (rk_…).',
    });
  }
  if (/^(sk|rk)_live_/.test(apiKey)) return true;
  return /^(sk|rk)_test_/.test(apiKey) ? false : undefined;
}

function addressOf(
  options: StripeAccountOptions,
  livemode: boolean | undefined,
): { host?: string; port?: number; protocol: 'http' | 'https' } {
  const url = options.baseUrl === undefined ? undefined : parseBaseUrl(options.baseUrl);
  const protocol = options.protocol ?? (url?.protocol === 'http:' ? 'http' : 'https');
  const host = options.host ?? url?.hostname;
  const port = options.port ?? (url === undefined ? undefined : Number(url.port || (protocol === 'http' ? 80 : 443)));
  if (protocol === 'http' && livemode === true) {
    throw new SyncflowError('config', 'Stripe: a live key must not be sent over plain http', {
      hint: 'Use https, or a test key.',
    });
  }
  return { protocol, ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) };
}

function parseBaseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new SyncflowError('config', `Stripe: baseUrl "${text}" is not an http address`, {
      hint: 'For example http://127.0.0.1:4010.',
    });
  }
  return url;
}
