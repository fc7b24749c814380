/** Webhooks over HTTP: how many a second are acknowledged once they are durable, and how long the slowest take. */
import { Pool } from 'undici';
import { absolutesOf, row, type Bench, type Benchmark } from '../harness/benchmark.js';
import { startRemote } from '../harness/remote.js';
import { percentiles, type Figures } from '../harness/statistics.js';
import { Slots } from '../../src/engine/slots.js';
import { signedEvents } from '../shop/deliveries.js';

const own = 'Syncflow';
const rival = 'stripe-sync-engine on Fastify';
const connections = 64;
const tables = { [own]: 'syncflow.inbox', [rival]: 'stripe.customers' } as const;

export const webhooks: Benchmark = {
  name: 'webhooks',
  about: 'signed webhooks over HTTP to a durable 2xx, against stripe-sync-engine behind Fastify',
  needsHub: true,
  measure: async (bench) => {
    const count = bench.sized({ quick: 1_000, usual: 10_000, full: 50_000 });
    const { url } = await bench.remote('stripe', { delayMs: 0 });
    const rounds = await bench.interleave(
      ([own, rival] as const).map((name) => ({ name, run: () => run(bench, url, name, count) })),
    );
    return {
      rows: [
        row(rounds, { figure: 'requests/s', of: own, to: rival, target: { bound: 'least', value: 2 } }),
        row(rounds, { figure: 'p99 ms', of: own, to: rival, target: { bound: 'most', value: 1 } }),
      ],
      absolutes: absolutesOf(rounds),
      notes: [
        `${count} events of new customers over ${connections} connections; each server in a process of its own`,
        'Syncflow has stored the event, and a worker elsewhere would apply it; the rival has written the row from the payload',
      ],
    };
  },
};

async function run(bench: Bench, url: string, who: keyof typeof tables, count: number): Promise<Figures> {
  const hub = await bench.freshHub();
  const server = await startRemote('webhooks', { who, database: hub.url, url });
  const { origin, pathname } = new URL(server.url);
  const pool = new Pool(origin, { connections, pipelining: 1 });
  const times: number[] = [];
  try {
    const events = signedEvents(count);
    const started = performance.now();
    await new Slots(connections).all(events, async ({ body, signature }) => {
      const sent = performance.now();
      const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
      const response = await pool.request({ path: pathname, method: 'POST', headers, body });
      const text = await response.body.text();
      if (response.statusCode !== 200) throw new Error(`${who} answered ${response.statusCode}: ${text}`);
      times.push(performance.now() - sent);
    });
    const ms = performance.now() - started;
    const { rows } = await hub.pool.query<{ n: number }>(`select count(*)::int4 as n from ${tables[who]}`);
    if (rows[0]?.n !== count) throw new Error(`${who} has stored ${rows[0]?.n ?? 0} of ${count}`);
    return { 'requests/s': (count / ms) * 1_000, 'p99 ms': percentiles(times).p99 };
  } finally {
    await pool.destroy();
    await server.stop();
    await hub.drop();
  }
}
