import { Agent, request as httpRequest } from 'node:http';
import { Agent as SecureAgent, request as httpsRequest } from 'node:https';
import PQueue from 'p-queue';
import type { StripeFaults } from './faults.js';
import { asString, type StripeObject } from './json.js';
import type { Delivery, Store } from './store.js';
import { OLD_API_VERSION, renderEvent, signatureHeader } from './webhook-payload.js';

export interface WebhookOptions {
  /** The wait before the first retry; it doubles from try to try. Stripe's is minutes, the default here 50 ms. */
  retryBaseMs?: number;
  /** Default 5. */
  maxAttempts?: number;
  /** Default 10 s. */
  timeoutMs?: number;
}

export interface WebhookTools {
  store: Store;
  faults: StripeFaults;
  nowSeconds: () => number;
  /** Notes durably that a delivery ended. */
  ended: (deliveries: readonly [string, 0 | 1][]) => void;
}

const CONCURRENCY = 16;
/** How long a reordered webhook waits for another one to overtake it. */
const REORDER_MS = 50;

/**
 * Delivers webhooks asynchronously and in no promised order, retrying each on its own. What is undelivered stays in
 * the store, so a simulator that is reopened goes on delivering.
 */
export class WebhookDispatcher {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  private readonly secureAgent = new SecureAgent({ keepAlive: true, maxSockets: CONCURRENCY });
  private readonly queues = new Map<string, PQueue>();
  private readonly active = new Set<Promise<void>>();
  private readonly waits = new Set<() => void>();
  private held: Delivery[] = [];
  private deferred: (() => void)[] = [];
  private stopped = false;
  private readonly retryBaseMs: number;
  private readonly maxAttempts: number;
  private readonly timeoutMs: number;

  constructor(
    private readonly tools: WebhookTools,
    options: WebhookOptions = {},
  ) {
    this.retryBaseMs = options.retryBaseMs ?? 50;
    this.maxAttempts = options.maxAttempts ?? 5;
    this.timeoutMs = options.timeoutMs ?? 10_000;
  }

  /** Starts delivering; resolves when each is delivered, given up, lost or held. */
  deliver(deliveries: readonly Delivery[]): Promise<void> {
    const started = deliveries.map((delivery) => this.start(delivery));
    return Promise.all(started).then(() => undefined);
  }

  release(): void {
    const held = this.held;
    this.held = [];
    for (const delivery of held) void this.track(this.attempts(delivery));
  }

  get heldCount(): number {
    return this.held.length;
  }

  async settled(): Promise<void> {
    while (this.active.size > 0) {
      // Nothing is left that could overtake the deferred ones: they go now.
      if (this.deferred.length >= this.active.size) this.overtake();
      await Promise.race(this.active);
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const wake of [...this.waits]) wake();
    for (const go of this.deferred) go();
    this.agent.destroy();
    this.secureAgent.destroy();
    await Promise.allSettled(this.active);
  }

  private track(work: Promise<void>): Promise<void> {
    this.active.add(work);
    void work.finally(() => this.active.delete(work));
    return work;
  }

  private start(delivery: Delivery): Promise<void> {
    const { faults, store } = this.tools;
    const eventType = asString(store.get('event', delivery.event)?.type) ?? '';
    if (faults.strike('webhook_lose', { eventType }) !== undefined) {
      this.tools.ended([[delivery.id, 0]]);
      return Promise.resolve();
    }
    if (faults.strike('webhook_hold', { eventType }) !== undefined) {
      this.held.push(delivery);
      return Promise.resolve();
    }
    if (faults.strike('webhook_reorder', { eventType }) === undefined) return this.track(this.attempts(delivery));
    const overtaken = new Promise<void>((resolve) => {
      this.deferred.push(resolve);
      const timer = setTimeout(resolve, REORDER_MS);
      timer.unref();
    });
    return this.track(overtaken.then(() => this.attempts(delivery)));
  }

  private async attempts(delivery: Delivery): Promise<void> {
    const { faults, store } = this.tools;
    for (let attempt = 1; !this.hasStopped(); attempt += 1) {
      const endpoint = store.get('webhook_endpoint', delivery.endpoint);
      const event = store.get('event', delivery.event);
      if (endpoint?.status !== 'enabled' || event === undefined) break;
      const eventType = asString(event.type) ?? '';
      if (await this.send(endpoint, event, eventType)) {
        this.tools.ended([[delivery.id, 1]]);
        this.overtake();
        if (faults.strike('webhook_duplicate', { eventType }) !== undefined) {
          await this.send(endpoint, event, eventType);
        }
        return;
      }
      if (attempt >= this.maxAttempts) break;
      if (!this.hasStopped()) await this.wait(this.retryBaseMs * 2 ** (attempt - 1));
    }
    // Stopped in the middle of it, the delivery stays due: the next start takes it up again.
    if (!this.hasStopped()) this.tools.ended([[delivery.id, 0]]);
  }

  private hasStopped(): boolean {
    return this.stopped;
  }

  /** A delivery arrived: those that were to come after it may go. */
  private overtake(): void {
    const deferred = this.deferred;
    this.deferred = [];
    for (const go of deferred) go();
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.waits.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.waits.add(wake);
    });
  }

  private send(endpoint: StripeObject, event: StripeObject, eventType: string): Promise<boolean> {
    const { store, faults } = this.tools;
    const version = asString(endpoint.api_version);
    const old =
      (version !== null && version <= OLD_API_VERSION) ||
      faults.strike('webhook_old_version', { eventType }) !== undefined;
    const payload = renderEvent(store, event, version, old);
    const secret = asString(store.get('webhook_secret', endpoint.id)?.secret) ?? '';
    const signature = signatureHeader(secret, payload, this.tools.nowSeconds());
    let queue = this.queues.get(endpoint.id);
    if (queue === undefined) this.queues.set(endpoint.id, (queue = new PQueue({ concurrency: CONCURRENCY })));
    return queue.add(() => this.post(asString(endpoint.url) ?? '', payload, signature));
  }

  private post(url: string, payload: string, signature: string): Promise<boolean> {
    if (this.stopped) return Promise.resolve(false);
    const secure = url.startsWith('https:');
    return new Promise((resolve) => {
      const request = (secure ? httpsRequest : httpRequest)(
        url,
        {
          method: 'POST',
          agent: secure ? this.secureAgent : this.agent,
          timeout: this.timeoutMs,
          headers: {
            'Content-Type': 'application/json; charset=utf-8',
            'Content-Length': Buffer.byteLength(payload),
            'User-Agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
            'Stripe-Signature': signature,
          },
        },
        (response) => {
          const status = response.statusCode ?? 500;
          response.resume();
          response.on('end', () => resolve(status >= 200 && status < 300));
          response.on('error', () => resolve(false));
        },
      );
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(false));
      request.end(payload);
    });
  }
}
