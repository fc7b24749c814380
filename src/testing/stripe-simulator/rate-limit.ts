/** Requests per second; a missing or infinite number does not limit. */
export interface RateLimit {
  perSecond: number;
  perEndpointPerSecond?: number;
}

/** Stripe's limits in a sandbox. */
export const SANDBOX_RATE_LIMIT: RateLimit = { perSecond: 25, perEndpointPerSecond: 25 };

interface Bucket {
  tokens: number;
  at: number;
}

/** Token buckets of one second's size: one for the account, one for each endpoint. */
export class RateLimiter {
  private readonly buckets = new Map<string, Bucket>();

  constructor(private readonly limit: RateLimit | undefined) {}

  /** The reason to refuse, or undefined; a refused request takes no token. */
  refuse(endpoint: string, now: number): 'global-rate' | 'endpoint-rate' | undefined {
    if (this.limit === undefined) return undefined;
    const global = this.bucket('', this.limit.perSecond, now);
    if (global.tokens < 1) return 'global-rate';
    const perEndpoint = this.bucket(endpoint, this.limit.perEndpointPerSecond ?? Infinity, now);
    if (perEndpoint.tokens < 1) return 'endpoint-rate';
    global.tokens -= 1;
    perEndpoint.tokens -= 1;
    return undefined;
  }

  private bucket(name: string, size: number, now: number): Bucket {
    const existing = this.buckets.get(name);
    if (existing === undefined) {
      const bucket = { tokens: size, at: now };
      this.buckets.set(name, bucket);
      return bucket;
    }
    if (now > existing.at) {
      existing.tokens = Math.min(size, existing.tokens + ((now - existing.at) / 1000) * size);
    }
    existing.at = now;
    return existing;
  }
}
