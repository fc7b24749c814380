/** First load of a hub that is empty: customers that Stripe lists become rows, with links, shadows and history. */
import Stripe from 'stripe';
import { Syncflow } from '../../src/syncflow.js';
import { absolutesOf, row, type Bench, type Benchmark } from '../harness/benchmark.js';
import type { Figures } from '../harness/statistics.js';
import { startSyncEngine } from '../rivals/sync-engine.js';
import { customerTable } from '../shop/plain-customer.js';
import { apiKey, StripeShopCustomer, unlimitedAccount } from '../shop/stripe-customer.js';
import type { Hub } from '../harness/hub.js';

const figure = 'records/s';
const own = 'Syncflow';
const engine = 'stripe-sync-engine';
const loop = 'bare list loop';

export const firstLoad: Benchmark = {
  name: 'first-load',
  about:
    'customers that Stripe lists become rows, against stripe-sync-engine’s backfill and a bare list loop that writes in batches',
  needsHub: true,
  measure: async (bench) => {
    const count = bench.sized({ quick: 2_000, usual: 20_000, full: 100_000 });
    const { url } = await bench.remote('stripe', { delayMs: 0, preloaded: count });
    const rounds = await bench.interleave([
      { name: own, run: () => timed(bench, count, 'customer', (hub) => syncflowLoad(hub, url)) },
      { name: engine, run: () => timed(bench, count, 'stripe.customers', (hub) => engineLoad(hub, url)) },
      { name: loop, run: () => timed(bench, count, 'customer', (hub) => bareLoad(hub, url)) },
    ]);
    return {
      rows: [
        row(rounds, { figure, of: own, to: engine, target: { bound: 'least', value: 3 } }),
        row(rounds, { figure, of: own, to: loop, target: { bound: 'least', value: 0.8 } }),
      ],
      absolutes: absolutesOf(rounds),
      notes: [
        `${count} customers, pages of 100, a remote of 0 ms; from the start of the listing until every row is committed`,
        'the loop writes rows, remote ids and nothing else: no marks, links, shadows, history or validation',
      ],
    };
  },
};

/** `load` resolves with the ms that count, once all is durable. */
async function timed(
  bench: Bench,
  count: number,
  table: string,
  load: (hub: Hub) => Promise<number>,
): Promise<Figures> {
  const hub = await bench.freshHub();
  try {
    const ms = await load(hub);
    const { rows } = await hub.pool.query<{ n: number }>(`select count(*)::int4 as n from ${table}`);
    if (rows[0]?.n !== count) throw new Error(`${table} has ${rows[0]?.n ?? 0} rows, not ${count}`);
    return { [figure]: (count / ms) * 1_000 };
  } finally {
    await hub.drop();
  }
}

async function syncflowLoad(hub: Hub, url: string): Promise<number> {
  const account = unlimitedAccount(url);
  const flow = new Syncflow({
    database: hub.url,
    catalogs: [StripeShopCustomer],
    accounts: { stripe: account },
    batchSize: 500,
    pollIntervalMs: 3_600_000,
  });
  try {
    await flow.prepare();
    const started = performance.now();
    await flow.start();
    await flow.settled();
    return performance.now() - started;
  } finally {
    await flow.stop();
    account.close();
  }
}

async function engineLoad(hub: Hub, url: string): Promise<number> {
  const sync = await startSyncEngine({ database: hub.url, stripeUrl: url, fetches: false, connections: 16 });
  try {
    const started = performance.now();
    await sync.syncBackfill({ object: 'customer' });
    return performance.now() - started;
  } finally {
    await sync.postgresClient.close();
  }
}

/** The next page is fetched while the last one is written. */
async function bareLoad(hub: Hub, url: string): Promise<number> {
  const { hostname, port } = new URL(url);
  const stripe = new Stripe(apiKey, { host: hostname, port: Number(port), protocol: 'http', telemetry: false });
  await hub.pool.query(`${customerTable}; create table remote (remote_id text primary key, id bigint not null)`);
  const started = performance.now();
  let writing: Promise<unknown> = Promise.resolve();
  let after: string | undefined;
  for (let more = true; more;) {
    const page = await stripe.customers.list({ limit: 100, ...(after === undefined ? {} : { starting_after: after }) });
    more = page.has_more;
    after = page.data.at(-1)?.id;
    const rows = page.data.map(({ id, email, name, phone, address }) => ({
      id,
      email,
      name,
      phone,
      city: address?.city,
    }));
    await writing;
    writing = hub.pool.query({
      name: 'load',
      text: `with given as (select * from json_to_recordset($1::json) as r(id text, email text, name text, phone text, city text)),
          made as (insert into customer (email, name, phone, city) select email, name, phone, city from given order by id returning id, email)
        insert into remote (remote_id, id) select given.id, made.id from given join made using (email)`,
      values: [JSON.stringify(rows)],
    });
  }
  await writing;
  return performance.now() - started;
}
