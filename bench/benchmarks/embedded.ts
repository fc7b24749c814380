/** The embedded hub beside a server: the same backlog of new rows. Reported, without a target. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Syncflow } from '../../src/syncflow.js';
import { absolutesOf, row, type Benchmark } from '../harness/benchmark.js';
import type { Figures } from '../harness/statistics.js';
import { finished } from '../shop/finished.js';
import { Customer, PlainAccount } from '../shop/plain-customer.js';
import { rowsOf } from '../shop/rows.js';

const figure = 'records/s';
const own = 'embedded';
const server = 'Postgres';

export const embedded: Benchmark = {
  name: 'embedded',
  about: 'the embedded hub (PGlite) against a Postgres server: new rows to an API that answers at once',
  needsHub: true,
  measure: async (bench) => {
    const count = bench.sized({ quick: 300, usual: 2_000, full: 20_000 });
    const { url } = await bench.remote('plain', { delayMs: 0 });
    const rounds = await bench.interleave([
      {
        name: own,
        run: async () => {
          const folder = await mkdtemp(join(tmpdir(), 'syncflow-bench-'));
          try {
            return await run(join(folder, 'hub'), url, count);
          } finally {
            await rm(folder, { recursive: true, force: true });
          }
        },
      },
      {
        name: server,
        run: async () => {
          const hub = await bench.freshHub();
          try {
            return await run(hub.url, url, count);
          } finally {
            await hub.drop();
          }
        },
      },
    ]);
    return {
      rows: [row(rounds, { figure, of: own, to: server })],
      absolutes: absolutesOf(rounds),
      notes: [`${count} rows, saved by the library in one transaction after the other before the clock runs`],
    };
  },
};

async function run(database: string, url: string, count: number): Promise<Figures> {
  const account = new PlainAccount(url);
  const flow = new Syncflow({
    database,
    catalogs: [Customer],
    accounts: { plain: account },
    batchSize: 500,
    backfill: false,
  });
  try {
    await flow.start();
    await flow.pause('customer/plain');
    for (const { id: _id, ...one } of rowsOf(count)) await flow.catalog(Customer).save(one);
    const done = finished(flow, 'pushed', count);
    const started = performance.now();
    await flow.resume('customer/plain');
    await done;
    return { [figure]: (count / (performance.now() - started)) * 1_000 };
  } finally {
    await flow.stop();
    await account.close();
  }
}
