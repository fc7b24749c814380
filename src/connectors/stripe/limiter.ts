/** Stripe's rate limits, kept from our side: per key and per endpoint, the urgent lane first. */
import PQueue from 'p-queue';
import type { Lane } from '../../subscriber/base.js';
import type { Quota } from '../../subscriber/quota.js';

const priorities: Readonly<Record<Lane, number>> = { live: 2, repair: 1, backfill: 0 };

/** Longest pause after a series of refusals, where Stripe doesn't say how long. */
const longestPauseMs = 30_000;

export interface LimiterOptions {
  readonly ratePerSecond: number;
  readonly endpointRatePerSecond: number;
  /** Requests in flight at once. */
  readonly concurrency: number;
  /** Spreads the pauses of many workers; Math.random unless given. */
  readonly random?: () => number;
}

/**
 * A request first takes its turn at its endpoint, then at the account. What waits at the account has passed its endpoint, so
 * after a jam an endpoint may see a few more than its rate within a second; the defaults leave room for that.
 *
 * @example
 * const limiter = new RequestLimiter({ ratePerSecond: 20, endpointRatePerSecond: 20, concurrency: 8 });
 * await limiter.run('live', 'POST customers', () => stripe.customers.create({}));
 */
export class RequestLimiter {
  private readonly options: LimiterOptions;
  private readonly account: PQueue;
  private readonly endpoints = new Map<string, PQueue>();
  private readonly pauses = new Map<PQueue, { readonly until: number; readonly timer: NodeJS.Timeout }>();
  private refusals = 0;
  /** Requests begun within a second of the clock, and within the one before. */
  private begun = { second: 0, now: 0, before: 0 };

  constructor(options: LimiterOptions) {
    this.options = options;
    this.account = this.queue(options.ratePerSecond);
  }

  /** Runs `work` when its turn comes; rejects without running it when `signal` is aborted before. */
  async run<T>(lane: Lane, endpoint: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const options = { priority: priorities[lane], signal };
    const counted = (): Promise<T> => {
      this.count(1);
      return work();
    };
    const result = await this.endpoint(endpoint).add(() => this.account.add(counted, options), options);
    this.refusals = 0;
    return result;
  }

  /**
   * Stripe refused a request for its rate: lets nothing more go out for a while.
   * @param endpoint the endpoint that was refused; undefined where the whole account was
   * @param askedMs how long Stripe asks to wait
   */
  refused(endpoint: string | undefined, askedMs: number | undefined): void {
    this.refusals += 1;
    const random = this.options.random ?? Math.random;
    const backoff = Math.min(longestPauseMs, 500 * 2 ** Math.min(10, this.refusals)) * (0.5 + random() / 2);
    this.pause(endpoint === undefined ? this.account : this.endpoint(endpoint), Math.max(backoff, askedMs ?? 0));
  }

  /** Requests that wait for their turn. */
  get waiting(): number {
    return [this.account, ...this.endpoints.values()].reduce((sum, queue) => sum + queue.size, 0);
  }

  /** What it allows, and what was asked of it within the last whole second. */
  get quota(): Quota {
    this.count(0);
    return { perSecond: this.options.ratePerSecond, used: this.begun.before, waiting: this.waiting };
  }

  private count(requests: number): void {
    const second = Math.floor(Date.now() / 1_000);
    const { second: last, now } = this.begun;
    if (second !== last) this.begun = { second, now: 0, before: second === last + 1 ? now : 0 };
    this.begun.now += requests;
  }

  private pause(queue: PQueue, ms: number): void {
    const until = Date.now() + ms;
    const running = this.pauses.get(queue);
    if (running !== undefined && running.until >= until) return;
    clearTimeout(running?.timer);
    queue.pause();
    const timer = setTimeout(() => {
      this.pauses.delete(queue);
      queue.start();
    }, ms);
    this.pauses.set(queue, { until, timer });
  }

  private endpoint(name: string): PQueue {
    const known = this.endpoints.get(name);
    if (known !== undefined) return known;
    const made = this.queue(Math.min(this.options.endpointRatePerSecond, this.options.ratePerSecond));
    this.endpoints.set(name, made);
    return made;
  }

  /** `strict` is a sliding window: a fixed one would let twice the rate through at its edge. */
  private queue(rate: number): PQueue {
    const { concurrency } = this.options;
    if (!Number.isFinite(rate)) return new PQueue({ concurrency });
    return new PQueue({ concurrency, intervalCap: Math.max(1, Math.floor(rate)), interval: 1000, strict: true });
  }
}
