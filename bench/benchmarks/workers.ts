/** One, two and four worker processes on one hub: a backlog that each could send alone. */
import { absolutesOf, row, type Bench, type Benchmark } from '../harness/benchmark.js';
import { startRemote } from '../harness/remote.js';
import type { Figures } from '../harness/statistics.js';
import { insertCustomers } from '../shop/plain-customer.js';

const figure = 'records/s';
/** Requests in flight of each process. */
const concurrency = 8;
const counts = [1, 2, 4] as const;
const nameOf = (count: number): string => `${count} worker${count === 1 ? '' : 's'}`;

export const workers: Benchmark = {
  name: 'workers',
  about: `new rows to an API of 20 ms, ${concurrency} in flight for each process: two and four processes against one`,
  needsHub: true,
  measure: async (bench) => {
    const count = bench.sized({ quick: 500, usual: 3_000, full: 20_000 });
    const { url } = await bench.remote('plain', { delayMs: 20 });
    const rounds = await bench.interleave(
      counts.map((workers) => ({ name: nameOf(workers), run: () => run(bench, url, count, workers) })),
    );
    const against = (of: number, value: number) =>
      row(rounds, { figure, of: nameOf(of), to: nameOf(1), target: { bound: 'least', value } });
    return {
      rows: [against(2, 1.9), against(4, 3.6)],
      absolutes: absolutesOf(rounds),
      notes: [`${count} rows; 20 ms and ${concurrency} in flight allow a process ${concurrency * 50} records/s`],
    };
  },
};

/** All workers are there, asleep, when the rows come; the clock runs until the last remote id is committed. */
async function run(bench: Bench, url: string, count: number, workers: number): Promise<Figures> {
  const hub = await bench.freshHub();
  const options = { database: hub.url, url, batchSize: 50, concurrency };
  const started = [await startRemote('worker', options)];
  try {
    while (started.length < workers) started.push(await startRemote('worker', options));
    await hub.pool.query(insertCustomers, [1, count]);
    const begun = performance.now();
    for (;;) {
      const { rows } = await hub.pool.query<{ n: number }>(
        `select count(*)::int4 as n from syncflow.link where remote_id is not null`,
      );
      if (rows[0]?.n === count) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { [figure]: (count / (performance.now() - begun)) * 1_000 };
  } finally {
    for (const one of started) await one.stop();
    await hub.drop();
  }
}
