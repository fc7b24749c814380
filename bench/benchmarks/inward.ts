/** Inward: from a signed webhook to the committed row of the hub. */
import { Syncflow } from '../../src/syncflow.js';
import { Slots } from '../../src/engine/slots.js';
import { absolutesOf, row, type Bench, type Benchmark } from '../harness/benchmark.js';
import type { Figures } from '../harness/statistics.js';
import { startSyncEngine } from '../rivals/sync-engine.js';
import { finished } from '../shop/finished.js';
import { deliveryOf, signedEvents } from '../shop/deliveries.js';
import { StripeShopCustomer, unlimitedAccount } from '../shop/stripe-customer.js';

const figure = 'events/s';
const own = 'Syncflow';
/** Its best: more make it no faster. */
const rivalAtOnce = 16;
const deliveriesAtOnce = 64;

export const inward: Benchmark = {
  name: 'inward',
  about:
    'signed webhooks of new customers to committed rows, against stripe-sync-engine with its payloads and with fetched objects',
  needsHub: true,
  measure: async (bench) => {
    const count = bench.sized({ quick: 500, usual: 3_000, full: 20_000 });
    const { url } = await bench.remote('stripe', { delayMs: 0, preloaded: count });
    const rounds = await bench.interleave([
      { name: own, run: () => syncflowRun(bench, url, count) },
      { name: 'payload accepted', run: () => rivalRun(bench, url, count, false) },
      { name: 'object fetched', run: () => rivalRun(bench, url, count, true) },
    ]);
    const against = (to: string) => row(rounds, { figure, of: own, to, target: { bound: 'least', value: 1.5 } });
    return {
      rows: [against('payload accepted'), against('object fetched')],
      absolutes: absolutesOf(rounds),
      notes: [
        `${count} events. Syncflow verifies, stores the event, fetches the object under a lease, merges, validates, writes row, shadow and history`,
        `stripe-sync-engine: processWebhook, ${rivalAtOnce} at once; Syncflow: receive, ${deliveriesAtOnce} at once`,
      ],
    };
  },
};

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
    const done = finished(flow, 'applied', count);
    const deliveries = signedEvents(count).map(deliveryOf);
    const started = performance.now();
    await new Slots(deliveriesAtOnce).all(deliveries, (one) => flow.receive('stripe', one));
    await done;
    const ms = performance.now() - started;
    await requireRows(hub.pool, 'customer', count);
    return { [figure]: (count / ms) * 1_000 };
  } finally {
    await flow.stop();
    account.close();
    await hub.drop();
  }
}

async function rivalRun(bench: Bench, url: string, count: number, fetches: boolean): Promise<Figures> {
  const hub = await bench.freshHub();
  const engine = await startSyncEngine({ database: hub.url, stripeUrl: url, fetches, connections: rivalAtOnce });
  try {
    const events = signedEvents(count);
    const started = performance.now();
    await new Slots(rivalAtOnce).all(events, ({ body, signature }) => engine.processWebhook(body, signature));
    const ms = performance.now() - started;
    await requireRows(hub.pool, 'stripe.customers', count);
    return { [figure]: (count / ms) * 1_000 };
  } finally {
    await engine.postgresClient.close();
    await hub.drop();
  }
}

async function requireRows(
  pool: { query(sql: string): Promise<{ rows: { n: number }[] }> },
  table: string,
  count: number,
): Promise<void> {
  const { rows } = await pool.query(`select count(*)::int4 as n from ${table}`);
  if (rows[0]?.n !== count) throw new Error(`${table} has ${rows[0]?.n ?? 0} rows, not ${count}`);
}
