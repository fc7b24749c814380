/** How many calls edits cost where a system allows few: each record should be sent as seldom as can be, as it stands in the end. */
import { Syncflow } from '../../src/syncflow.js';
import { absolutesOf, type Bench, type Benchmark } from '../harness/benchmark.js';
import { figuresOf, spreadOf, type Figures } from '../harness/statistics.js';
import { fewestCalls, type TimedEdit } from '../shop/fewest-calls.js';
import { finished } from '../shop/finished.js';
import { insertCustomers } from '../shop/plain-customer.js';
import { StripeShopCustomer, unlimitedAccount, type CountingAccount } from '../shop/stripe-customer.js';
import type { Hub } from '../harness/hub.js';

const perSecond = 25;
/** Edits come faster than they can be sent. */
const editsPerSecond = 250;
const own = 'Syncflow';

interface Size {
  readonly records: number;
  readonly edits: number;
}

export const apiCalls: Benchmark = {
  name: 'api-calls',
  about: `edits of the same records again and again, under ${perSecond} requests a second; against the fewest that would do`,
  needsHub: true,
  measure: async (bench) => {
    const size: Size = bench.sized({
      quick: { records: 50, edits: 500 },
      usual: { records: 200, edits: 2_000 },
      full: { records: 1_000, edits: 10_000 },
    });
    const { url } = await bench.remote('stripe', { delayMs: 20 });
    const contender = { name: own, run: () => run(bench, url, size) };
    const rounds = await bench.interleave([contender], Math.min(3, bench.rounds));
    const ratio = spreadOf(figuresOf(rounds, own, 'calls to the fewest'));
    return {
      rows: [{ what: 'calls: Syncflow / the fewest', ratio, target: { bound: 'most', value: 1.05 } }],
      absolutes: absolutesOf(rounds),
      notes: [
        `${size.edits} edits of ${size.records} records, ${editsPerSecond} a second; Stripe connector, ${perSecond} requests a second; a field whose update needs no read`,
        'the fewest: by a sender who loses no time and sends at every turn what was edited least lately, never idle while something is to be sent',
      ],
    };
  },
};

async function run(bench: Bench, url: string, size: Size): Promise<Figures> {
  const hub = await bench.freshHub();
  const free = unlimitedAccount(url);
  const limited = unlimitedAccount(url, perSecond);
  try {
    const loading = await startFlow(hub, free);
    const loaded = finished(loading, 'pushed', size.records);
    await hub.pool.query(insertCustomers, [1, size.records]);
    await loaded;
    await loading.stop();
    const flow = await startFlow(hub, limited);
    await flow.settled();
    const before = limited.calls;
    const edits = await edit(hub, size);
    await flow.settled();
    await flow.stop();
    const calls = limited.calls - before;
    const fewest = fewestCalls(edits, perSecond);
    return { calls, fewest, 'calls to the fewest': calls / fewest };
  } finally {
    free.close();
    limited.close();
    await hub.drop();
  }
}

async function startFlow(hub: Hub, account: CountingAccount): Promise<Syncflow> {
  const flow = new Syncflow({
    database: hub.url,
    catalogs: [StripeShopCustomer],
    accounts: { stripe: account },
    backfill: false,
    pollIntervalMs: 3_600_000,
  });
  await flow.start();
  return flow;
}

/** Edits records by turns that nobody can guess, at an even pace. */
async function edit(hub: Hub, { records, edits }: Size): Promise<TimedEdit[]> {
  const made: TimedEdit[] = [];
  const started = performance.now();
  for (let n = 0; n < edits; n++) {
    const record = 1 + Math.floor(Math.random() * records);
    await hub.pool.query('update customer set phone = $2 where id = $1', [record, `+39 06 9${n}`]);
    made.push({ record, atMs: performance.now() - started });
    const aheadMs = ((n + 1) * 1_000) / editsPerSecond - (performance.now() - started);
    if (aheadMs > 1) await new Promise((resolve) => setTimeout(resolve, aheadMs));
  }
  return made;
}
