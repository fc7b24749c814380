/** The full comparison: what it asks of the system, of the processor and of memory, beside a listing by the SDK that is thrown away. */
import { absolutesOf, row, type Bench, type Benchmark } from '../harness/benchmark.js';
import type { Hub } from '../harness/hub.js';
import { startRemote } from '../harness/remote.js';
import { figuresOf, ratiosOf, spreadOf, type Contender, type Figures } from '../harness/statistics.js';
import type { ListingFigures } from '../remotes/listing.js';
import { insertLinked } from '../shop/linked.js';
import { Syncflow } from '../../src/syncflow.js';
import { StripeShopCustomer, unlimitedAccount } from '../shop/stripe-customer.js';

const own = 'verify';
const floor = 'bare list loop';
const most = (value: number) => ({ bound: 'most', value }) as const;

export const verify: Benchmark = {
  name: 'verify',
  about: 'every record against its remote, beside one listing by the SDK: calls, bytes, processor, memory',
  needsHub: true,
  measure: async (bench) => {
    const count = bench.counted({ quick: 5_000, usual: 100_000, full: 1_000_000 });
    const { url } = await bench.remote('stripe', { delayMs: 0, preloaded: count });
    const hub = await linkedHub(bench, url, count);
    try {
      const contender = (name: string, who: 'verify' | 'list'): Contender => ({
        name,
        run: () => run(hub, url, who, count),
      });
      const rounds = await bench.interleave([contender(own, 'verify'), contender(floor, 'list')]);
      const pair = { of: own, to: floor };
      const engine = ratiosOf(rounds, 'µs of processor/record', own, floor).map((ratio) => ratio - 1);
      return {
        rows: [
          row(rounds, { figure: 'calls', ...pair, target: most(1.01) }),
          row(rounds, { figure: 'bytes', ...pair }),
          {
            what: 'processor time over that of the list loop',
            ratio: spreadOf(engine),
            target: most(0.5),
          },
          {
            what: 'MB over its start',
            ratio: spreadOf(figuresOf(rounds, own, 'MB over its start')),
            target: most(150),
          },
          row(rounds, { figure: 'records/s', ...pair }),
        ],
        absolutes: absolutesOf(rounds),
        notes: [
          `${count} linked records, pages of 100, a remote of 0 ms; each run in a process of its own, which bears the database's driver, too`,
          'the database works on another core, and is not counted',
        ],
      };
    } finally {
      await hub.drop();
    }
  },
};

async function run(hub: Hub, url: string, who: 'verify' | 'list', count: number): Promise<Figures> {
  await served(url);
  const listing = await startRemote('listing', { who, database: hub.url, url });
  const { ms, cpuMs, grownMb, records, differences } = JSON.parse(listing.url) as ListingFigures;
  await listing.stop();
  if (records !== count || differences > 0)
    throw new Error(`${who}: ${records} of ${count} records are right, ${differences} differ`);
  return {
    ...(await served(url)),
    'records/s': (count / ms) * 1_000,
    'µs of processor/record': (cpuMs * 1_000) / count,
    'MB over its start': grownMb,
  };
}

/** What the remote has served since it was asked last. */
async function served(url: string): Promise<{ readonly calls: number; readonly bytes: number }> {
  return (await (await fetch(`${url}/bench/served`)).json()) as { calls: number; bytes: number };
}

async function linkedHub(bench: Bench, url: string, count: number): Promise<Hub> {
  const hub = await bench.freshHub();
  const account = unlimitedAccount(url);
  const flow = new Syncflow({
    database: hub.url,
    catalogs: [StripeShopCustomer],
    accounts: { stripe: account },
    backfill: false,
  });
  await flow.prepare();
  await flow.stop();
  account.close();
  bench.say(`verify: links ${count} records`);
  await insertLinked(hub, { subscriber: 'customer/stripe', count, remoteId: `'cus_' || lpad(id::text, 14, '0')` });
  await hub.pool.query('vacuum analyze');
  return hub;
}
