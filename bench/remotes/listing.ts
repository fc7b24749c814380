/**
 * One whole listing in a process of its own, for what it costs: a verify, or the same pages read by the SDK and thrown away. Its first
 * line are the figures.
 */
import Stripe from 'stripe';
import { Syncflow } from '../../src/syncflow.js';
import { announce, givenOptions } from '../harness/remote.js';
import { apiKey, StripeShopCustomer, unlimitedAccount } from '../shop/stripe-customer.js';

export interface ListingFigures {
  readonly ms: number;
  readonly cpuMs: number;
  /** The most that it had over what it began with. */
  readonly grownMb: number;
  readonly records: number;
  /** Records that aren't as they should be. */
  readonly differences: number;
}

const { who, database, url } = givenOptions<{ who: 'verify' | 'list'; database: string; url: string }>();
const figures = await (who === 'verify' ? verifyAll() : listAll());
announce(JSON.stringify(figures));

type Seen = Pick<ListingFigures, 'records' | 'differences'>;

async function verifyAll(): Promise<ListingFigures> {
  const account = unlimitedAccount(url);
  const flow = new Syncflow({
    database,
    catalogs: [StripeShopCustomer],
    accounts: { stripe: account },
    backfill: false,
  });
  try {
    await flow.prepare();
    return await costOf(async () => {
      const [report] = await flow.verify('customer/stripe');
      if (report === undefined) throw new Error('verify has told nothing');
      const { compared, equal, differences, moreDifferences } = report;
      return { records: equal, differences: compared - equal + differences.length + moreDifferences };
    });
  } finally {
    await flow.stop();
    account.close();
  }
}

async function listAll(): Promise<ListingFigures> {
  const { hostname, port } = new URL(url);
  const stripe = new Stripe(apiKey, { host: hostname, port: Number(port), protocol: 'http', telemetry: false });
  return costOf(async () => {
    let records = 0;
    let after: string | undefined;
    for (let more = true; more;) {
      const page = await stripe.customers.list({
        limit: 100,
        ...(after === undefined ? {} : { starting_after: after }),
      });
      more = page.has_more;
      after = page.data.at(-1)?.id;
      records += page.data.length;
    }
    return { records, differences: 0 };
  });
}

async function costOf(work: () => Promise<Seen>): Promise<ListingFigures> {
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 50);
  const cpu = process.cpuUsage();
  const started = performance.now();
  const seen = await work();
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(watch);
  return { ms, cpuMs: (user + system) / 1_000, grownMb: (most - before) / 2 ** 20, ...seen };
}
