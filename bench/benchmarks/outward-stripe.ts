/** Outward with Stripe's SDK, beside a bare loop of the same calls: what is lost of what the SDK and the network allow. */
import Stripe from 'stripe';
import { Syncflow } from '../../src/syncflow.js';
import { absolutesOf, row, type Bench, type Benchmark } from '../harness/benchmark.js';
import type { Contender, Figures } from '../harness/statistics.js';
import { Slots } from '../../src/engine/slots.js';
import { finished } from '../shop/finished.js';
import { inFlight, insertCustomers } from '../shop/plain-customer.js';
import { rowsOf } from '../shop/rows.js';
import { apiKey, StripeShopCustomer, unlimitedAccount } from '../shop/stripe-customer.js';

const figure = 'records/s';
const own = 'Syncflow';
const bare = 'bare SDK loop';

export const outwardStripe: Benchmark = {
  name: 'outward-stripe',
  about:
    "new rows to Stripe by its SDK, against a bare loop of the same SDK's calls; a remote of 20 ms and one of 0 ms",
  needsHub: true,
  measure: async (bench) => {
    const count = bench.sized({ quick: 1_000, usual: 8_000, full: 50_000 });
    const [slow, fast] = await Promise.all([
      bench.remote('stripe', { delayMs: 20 }),
      bench.remote('stripe', { delayMs: 0 }),
    ]);
    const slowRounds = await bench.interleave(contenders(bench, slow.url, count));
    const fastRounds = await bench.interleave(contenders(bench, fast.url, count));
    return {
      rows: [
        { ...row(slowRounds, { figure, of: own, to: bare, target: { bound: 'least', value: 0.95 } }), when: '20 ms' },
        { ...row(fastRounds, { figure, of: own, to: bare, target: { bound: 'least', value: 0.8 } }), when: '0 ms' },
      ],
      absolutes: [
        ...absolutesOf(slowRounds).map((one) => ({ ...one, contender: `${one.contender}, 20 ms` })),
        ...absolutesOf(fastRounds).map((one) => ({ ...one, contender: `${one.contender}, 0 ms` })),
      ],
      notes: [`${count} rows, ${inFlight} requests in flight; 20 ms allow ${inFlight * 50} requests/s`],
    };
  },
};

function contenders(bench: Bench, url: string, count: number): Contender[] {
  return [
    { name: own, run: () => syncflowRun(bench, url, count) },
    { name: bare, run: () => bareRun(url, count) },
  ];
}

async function syncflowRun(bench: Bench, url: string, count: number): Promise<Figures> {
  const hub = await bench.freshHub();
  const account = unlimitedAccount(url);
  const flow = new Syncflow({
    database: hub.url,
    catalogs: [StripeShopCustomer],
    accounts: { stripe: account },
    batchSize: 500,
    backfill: false,
    pollIntervalMs: 3_600_000,
  });
  try {
    await flow.start();
    await flow.settled();
    const done = finished(flow, 'pushed', count);
    await hub.pool.query(insertCustomers, [1, count]);
    const started = performance.now();
    await done;
    return { [figure]: (count / (performance.now() - started)) * 1_000 };
  } finally {
    await flow.stop();
    account.close();
    await hub.drop();
  }
}

/** The SDK as its users have it: its own client, connections kept open. */
async function bareRun(url: string, count: number): Promise<Figures> {
  const { hostname, port } = new URL(url);
  const stripe = new Stripe(apiKey, { host: hostname, port: Number(port), protocol: 'http', telemetry: false });
  const slots = new Slots(inFlight);
  const started = performance.now();
  await slots.all(rowsOf(count), ({ id, email, name, phone, city }) =>
    stripe.customers.create(
      { email, name, phone: phone ?? '', address: { city: city ?? '' }, metadata: { key: String(id) } },
      { idempotencyKey: `bench-${started}-${id}` },
    ),
  );
  return { [figure]: (count / (performance.now() - started)) * 1_000 };
}
