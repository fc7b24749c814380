import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StripeAccount } from '../../src/connectors/stripe/index.js';
import { RequestLimiter } from '../../src/connectors/stripe/limiter.js';
import type { Lane } from '../../src/subscriber/base.js';
import { StripeCustomers } from './catalogs.js';
import { createOf, world } from './support.js';

describe('an account', () => {
  it('shows neither key nor secrets', () => {
    const account = new StripeAccount({ apiKey: 'sk_live_topsecret', webhookSecrets: ['whsec_topsecret'] });
    expect(inspect(account, { depth: 10, showHidden: true }) + JSON.stringify(account)).not.toContain('topsecret');
    expect(account.livemode).toBe(true);
  });

  it.each([
    ['an empty key', { apiKey: '' }],
    ['a publishable key', { apiKey: 'pk_test_x' }],
    ['a live key over plain http', { apiKey: 'sk_live_x', baseUrl: 'http://example.com' }],
    ['no address', { apiKey: 'sk_test_x', baseUrl: 'localhost:80' }],
    ['a prefix that is none', { apiKey: 'sk_test_x', metadataPrefix: 'a b' }],
  ])('refuses %s', (_name, options) => {
    expect(() => new StripeAccount(options)).toThrow(expect.objectContaining({ code: 'config' }) as Error);
  });

  it('names its metadata as told', async () => {
    const { context, sim } = await world({ account: { metadataPrefix: 'acme' } });
    await new StripeCustomers(context('customer/stripe')).push(createOf({ email: 'a@example.com' }));
    expect(sim.state.all('customer')[0]?.metadata).toEqual({
      acme_key: '["1"]',
      acme_catalog: 'customer',
      acme_env: 'test',
    });
  });
});

describe('the rate limiter', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const limiter = (ratePerSecond: number, endpointRatePerSecond: number) =>
    new RequestLimiter({ ratePerSecond, endpointRatePerSecond, concurrency: 1000, random: () => 1 });

  /** Starts requests and notes when each one began. */
  function start(
    under: RequestLimiter,
    count: number,
    endpoint: string,
    lane: Lane,
    log: { at: number; name: string }[],
  ): void {
    for (let index = 0; index < count; index++) {
      void under.run(lane, endpoint, async () => void log.push({ at: Date.now(), name: `${endpoint} ${lane}` }));
    }
  }

  function mostPerSecond(times: readonly number[]): number {
    return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length));
  }

  it('keeps the rate of the account and of each endpoint, in every window', async () => {
    const log: { at: number; name: string }[] = [];
    const under = limiter(40, 15);
    for (const endpoint of ['a', 'b', 'c', 'd']) start(under, 60, endpoint, 'live', log);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(log).toHaveLength(240);
    expect(mostPerSecond(log.map((one) => one.at))).toBeLessThanOrEqual(40);
  });

  it('keeps the rate of an endpoint', async () => {
    const log: { at: number; name: string }[] = [];
    start(limiter(80, 15), 60, 'a', 'live', log);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(log).toHaveLength(60);
    expect(mostPerSecond(log.map((one) => one.at))).toBeLessThanOrEqual(15);
  });

  it('lets live go before repair, and repair before backfill', async () => {
    const log: { at: number; name: string }[] = [];
    const under = limiter(5, 5);
    start(under, 10, 'a', 'backfill', log);
    start(under, 5, 'a', 'repair', log);
    start(under, 5, 'a', 'live', log);
    await vi.advanceTimersByTimeAsync(10_000);
    const order = log.slice(5).map((one) => one.name.split(' ')[1]);
    expect(order).toEqual([
      ...Array<string>(5).fill('live'),
      ...Array<string>(5).fill('repair'),
      ...Array<string>(5).fill('backfill'),
    ]);
  });

  it('holds everything for as long as Stripe asks, an endpoint alone where only that was refused', async () => {
    const log: { at: number; name: string }[] = [];
    const under = limiter(100, 100);
    under.refused('a', 4000);
    start(under, 1, 'a', 'live', log);
    start(under, 1, 'b', 'live', log);
    await vi.advanceTimersByTimeAsync(3900);
    expect(log.map((one) => one.name)).toEqual(['b live']);
    await vi.advanceTimersByTimeAsync(200);
    expect(log).toHaveLength(2);
    under.refused(undefined, 4000);
    start(under, 1, 'b', 'live', log);
    await vi.advanceTimersByTimeAsync(3900);
    expect(log).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(200);
    expect(log).toHaveLength(3);
  });
});
