/** What an edit costs when many records are linked already, beside the same in a small hub. */
import { absolutesOf, row, type Bench, type Benchmark } from '../harness/benchmark.js';
import { Syncflow } from '../../src/syncflow.js';
import type { Hub } from '../harness/hub.js';
import type { Contender, Figures } from '../harness/statistics.js';
import { finished } from '../shop/finished.js';
import { insertLinked } from '../shop/linked.js';
import { Customer, PlainAccount } from '../shop/plain-customer.js';

const figure = 'µs/edit';
const small = 10_000;
const nameOf = (count: number): string => `${count.toLocaleString('en-US')} links`;

export const growth: Benchmark = {
  name: 'growth',
  about: 'edits of records where many are linked, against the same where few are',
  needsHub: true,
  measure: async (bench) => {
    const edits = bench.sized({ quick: 500, usual: 3_000, full: 10_000 });
    const largest = bench.counted({ quick: 30_000, usual: 200_000, full: 5_000_000 });
    const large = bench.size === 'full' ? [100_000, 1_000_000].filter((one) => one < largest) : [];
    large.push(largest);
    const { url } = await bench.remote('plain', { delayMs: 0 });
    const sides: Side[] = [];
    try {
      for (const count of [small, ...large]) {
        bench.say(`growth: links ${count} records`);
        sides.push(await openSide(bench, url, count));
      }
      const contenders = sides.map((side): Contender => ({
        name: nameOf(side.count),
        run: () => editSome(side, edits),
      }));
      const rounds = await bench.interleave(contenders);
      return {
        rows: large.map((count) =>
          row(rounds, { figure, of: nameOf(count), to: nameOf(small), target: { bound: 'most', value: 1.2 } }),
        ),
        absolutes: absolutesOf(rounds),
        notes: [
          `${edits} edits spread over all records, one statement each, committed in groups; from the first until the last is pushed`,
          'links and shadows are written by SQL, as a first load would have left them, and not analyzed',
        ],
      };
    } finally {
      for (const side of sides) await side.close();
    }
  },
};

interface Side {
  readonly count: number;
  readonly hub: Hub;
  readonly flow: Syncflow;
  close(): Promise<void>;
}

async function openSide(bench: Bench, url: string, count: number): Promise<Side> {
  const hub = await bench.freshHub();
  const account = new PlainAccount(url);
  const options = {
    database: hub.url,
    catalogs: [Customer],
    accounts: { plain: account },
    batchSize: 500,
    backfill: false,
  };
  const preparing = new Syncflow(options);
  await preparing.prepare();
  await preparing.stop();
  await insertLinked(hub, { subscriber: 'customer/plain', count, version: '1' });
  const flow = new Syncflow(options);
  await flow.start();
  await flow.settled();
  return {
    count,
    hub,
    flow,
    close: async () => {
      await flow.stop();
      await account.close();
      await hub.drop();
    },
  };
}

let turn = 0;

async function editSome({ count, hub, flow }: Side, edits: number): Promise<Figures> {
  const step = Math.max(1, Math.floor(count / edits));
  turn += 1;
  const done = finished(flow, 'pushed', edits);
  const started = performance.now();
  for (let at = 0; at < edits; at += 100) {
    await hub.pool.query(
      `update customer set city = $2 where id in (select 1 + ((n * $1::bigint + $5) % $6::bigint) from generate_series($3::bigint, $4::bigint) n)`,
      [step, `City ${turn}`, at, Math.min(at + 100, edits) - 1, turn % step, count],
    );
  }
  await done;
  return { [figure]: ((performance.now() - started) * 1_000) / edits };
}
