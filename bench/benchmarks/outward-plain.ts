/** Outward, a remote that answers at once: what the engine itself costs, beside job queues that promise less. */
import { Syncflow } from '../../src/syncflow.js';
import { absolutesOf, row, type Bench, type Benchmark } from '../harness/benchmark.js';
import { spreadOf, figuresOf, type Contender, type Figures } from '../harness/statistics.js';
import { Slots } from '../../src/engine/slots.js';
import { finished } from '../shop/finished.js';
import { rowsOf } from '../shop/rows.js';
import { bullmq, graphileWorker, pgBoss, startRedis, type Queue } from '../rivals/queues.js';
import { Customer, customerTable, inFlight, insertCustomers, PlainAccount } from '../shop/plain-customer.js';
import { remoteTable } from '../shop/recorder.js';

const figure = 'records/s';

export const outwardPlain: Benchmark = {
  name: 'outward-plain',
  about: 'new rows to a plain HTTP API that answers at once, against pg-boss, graphile-worker and BullMQ',
  needsHub: true,
  measure: async (bench) => {
    const count = bench.sized({ quick: 2_000, usual: 10_000, full: 50_000 });
    const { url } = await bench.remote('plain', { delayMs: 0 });
    const redis = await startRedis();
    if (redis === undefined) bench.skip('BullMQ: redis-server is not installed');
    const rivals = [
      queueContender(bench, 'pg-boss', url, count, pgBoss),
      queueContender(bench, 'graphile-worker', url, count, graphileWorker),
      ...(redis === undefined ? [] : [queueContender(bench, 'BullMQ', url, count, bullmq(redis.port))]),
    ];
    try {
      const rounds = await bench.interleave([
        { name: 'Syncflow', run: () => syncflowRun(bench, url, count) },
        ...rivals,
        { name: 'bare loop', run: () => bareRun(url, count) },
      ]);
      const speedOf = (name: string): number => spreadOf(figuresOf(rounds, name, figure)).median;
      const [best = 'pg-boss'] = rivals.map(({ name }) => name).sort((a, b) => speedOf(b) - speedOf(a));
      return {
        rows: [
          row(rounds, {
            figure,
            of: 'Syncflow',
            to: best,
            target: { bound: 'least', value: 1 },
          }),
          ...rivals
            .filter(({ name }) => name !== best)
            .map(({ name }) => row(rounds, { figure, of: 'Syncflow', to: name })),
        ],
        absolutes: absolutesOf(rounds),
        notes: [
          `${count} rows, ${inFlight} requests in flight; the target counts against the best rival, ${best}`,
          'bare loop: the same client and remote without any database: the ceiling',
        ],
      };
    } finally {
      await redis?.stop();
    }
  },
};

/** Rows wait as marks; the clock runs from the commit that brought them to the commit of the last remote id. */
async function syncflowRun(bench: Bench, url: string, count: number): Promise<Figures> {
  const hub = await bench.freshHub();
  const account = new PlainAccount(url);
  const flow = new Syncflow({
    database: hub.url,
    catalogs: [Customer],
    accounts: { plain: account },
    batchSize: 500,
    backfill: false,
  });
  try {
    await flow.start();
    await flow.settled();
    const done = finished(flow, 'pushed', count);
    await hub.pool.query(insertCustomers, [1, count]);
    const started = performance.now();
    await done;
    const ms = performance.now() - started;
    if (account.calls !== count) throw new Error(`${account.calls} calls for ${count} records`);
    return { [figure]: (count / ms) * 1_000 };
  } finally {
    await flow.stop();
    await account.close();
    await hub.drop();
  }
}

function queueContender(bench: Bench, name: string, url: string, count: number, drain: Queue): Contender {
  return {
    name,
    run: async () => {
      const hub = await bench.freshHub();
      const account = new PlainAccount(url);
      try {
        await hub.pool.query(customerTable);
        await hub.pool.query(remoteTable);
        await hub.pool.query(insertCustomers, [1, count]);
        const ms = await drain({ hub, account, rows: rowsOf(count) });
        const { rows } = await hub.pool.query<{ count: string }>('select count(*) from remote');
        if (Number(rows[0]?.count) !== count) throw new Error(`${name} recorded ${String(rows[0]?.count)} of ${count}`);
        return { [figure]: (count / ms) * 1_000 };
      } finally {
        await account.close();
        await hub.drop();
      }
    },
  };
}

async function bareRun(url: string, count: number): Promise<Figures> {
  const account = new PlainAccount(url);
  const slots = new Slots(inFlight);
  const started = performance.now();
  await slots.all(rowsOf(count), (one) => account.call('POST', '/customers', one));
  const ms = performance.now() - started;
  await account.close();
  return { [figure]: (count / ms) * 1_000 };
}
