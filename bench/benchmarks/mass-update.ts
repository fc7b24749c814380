/** One UPDATE of every record, and people who edit others meanwhile: how long their edits take, and whether they are kept waiting. */
import { Syncflow } from '../../src/syncflow.js';
import { bulkIds } from '../../src/store/marks.js';
import { absolutesOf, row, type Bench, type Benchmark } from '../harness/benchmark.js';
import type { Hub } from '../harness/hub.js';
import { startRemote } from '../harness/remote.js';
import { percentiles, spreadOf, type Contender, type Figures } from '../harness/statistics.js';
import { insertLinked } from '../shop/linked.js';
import { editLive, liveName, type LiveFigures, type LiveRecords } from '../shop/live-edits.js';
import { Customer, PlainAccount } from '../shop/plain-customer.js';

const own = 'mass UPDATE';
const floor = 'idle';
const liveRecords = 2_000;
const writers = 4;
const restMs = 80;

export const massUpdate: Benchmark = {
  name: 'mass-update',
  about: 'edits of people while an UPDATE of every record is sent, against the same edits when nothing else goes on',
  needsHub: true,
  measure: async (bench) => {
    const count = bench.counted({ quick: 5_000, usual: 50_000, full: 1_000_000 });
    const samples = bench.sized({ quick: 100, usual: 500, full: 2_000 });
    const { url } = await bench.remote('plain', { delayMs: 0 });
    const hub = await linkedHub(bench, url, count + liveRecords);
    const worker = await startRemote('worker', { database: hub.url, url, batchSize: 500 });
    const live: LiveRecords = { from: count + 1, count: liveRecords, writers, restMs };
    const waits: Waits = { most: [], for: new Set() };
    const contenders: Contender[] = [
      {
        name: floor,
        run: async () => figuresOf(await editLive(hub, url, live, (edits) => edits >= samples)),
      },
      { name: own, run: () => runMass(bench, hub, url, { count, live, waits }) },
    ];
    try {
      const rounds = await bench.interleave(contenders);
      const pair = { of: own, to: floor };
      return {
        rows: [
          row(rounds, { figure: 'p99 ms', ...pair, target: { bound: 'most', value: 3 } }),
          row(rounds, { figure: 'p50 ms', ...pair }),
          row(rounds, { figure: 'statement p99 ms', ...pair }),
          { what: 'people seen waiting for a lock', ratio: spreadOf(waits.most), target: { bound: 'most', value: 0 } },
        ],
        absolutes: absolutesOf(rounds),
        notes: [
          `${count} records updated at once; ${writers} people edit others all the while, each every ${restMs} ms or so; from the commit of an edit until its request arrived at a remote of 0 ms`,
          `waited for: ${[...waits.for].join(', ') || 'nothing'}`,
        ],
      };
    } finally {
      await worker.stop();
      await hub.drop();
    }
  },
};

/** How many people waited for a lock at the same moment, at most, in each run; and for which locks, held by whom. */
interface Waits {
  readonly most: number[];
  readonly for: Set<string>;
}

interface Mass {
  readonly count: number;
  readonly live: LiveRecords;
  readonly waits: Waits;
}

let turn = 0;

/** From the UPDATE until the last of its records is sent. */
async function runMass(bench: Bench, hub: Hub, url: string, { count, live, waits }: Mass): Promise<Figures> {
  let over = false;
  const editing = editLive(hub, url, live, () => over);
  const watching = watch(hub, waits, () => over);
  try {
    const started = performance.now();
    await hub.pool.query('update customer set city = $1 where id <= $2', [`City ${++turn}`, count]);
    const updatedMs = performance.now() - started;
    await sent(bench, hub);
    const sentMs = performance.now() - started;
    over = true;
    const figures = figuresOf(await editing);
    return { ...figures, 'UPDATE ms': updatedMs, 'records sent/s': (count / sentMs) * 1_000 };
  } finally {
    over = true;
    await watching;
    await hub.pool.query('vacuum customer, syncflow.link, syncflow.mark');
  }
}

function figuresOf({ latencies, statements }: LiveFigures): Figures {
  const latency = percentiles(latencies);
  const statement = percentiles(statements);
  return {
    edits: latencies.length,
    'p50 ms': latency.p50,
    'p99 ms': latency.p99,
    'statement p50 ms': statement.p50,
    'statement p99 ms': statement.p99,
  };
}

/** Until nothing of a mass UPDATE is left. */
async function sent(bench: Bench, hub: Hub): Promise<void> {
  for (let ms = 0; ; ms += 500) {
    const { rows } = await hub.pool.query<{ left: boolean }>(
      `select exists (select from syncflow.mark where id >= ${bulkIds})
         or exists (select from syncflow.link where subscriber = 'customer/plain' and lane = 1 and due_at is not null) as left`,
    );
    if (rows[0]?.left === false) return;
    if (ms % 30_000 === 0 && ms > 0) bench.say(`mass-update: sending for ${ms / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Nobody else writes their records: whatever lock they wait for is our doing. */
async function watch(hub: Hub, waits: Waits, isOver: () => boolean): Promise<void> {
  let most = 0;
  while (!isOver()) {
    const { rows } = await hub.pool.query<{ event: string; by: string | null }>(
      `select a.wait_event as event, (select string_agg(distinct b.application_name, '+') from pg_stat_activity b where b.pid = any (pg_blocking_pids(a.pid))) as by
         from pg_stat_activity a where a.datname = current_database() and a.wait_event_type = 'Lock' and a.application_name = '${liveName}'`,
    );
    most = Math.max(most, rows.length);
    for (const { event, by } of rows)
      waits.for.add(`${event} (held by ${by === '' ? 'the mass UPDATE' : (by ?? '?')})`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  waits.most.push(most);
}

async function linkedHub(bench: Bench, url: string, count: number): Promise<Hub> {
  const hub = await bench.freshHub();
  const account = new PlainAccount(url);
  const flow = new Syncflow({
    database: hub.url,
    catalogs: [Customer],
    accounts: { plain: account },
    backfill: false,
  });
  await flow.prepare();
  await flow.stop();
  await account.close();
  bench.say(`mass-update: links ${count} records`);
  await insertLinked(hub, { subscriber: 'customer/plain', count, version: '1' });
  await hub.pool.query('vacuum analyze');
  return hub;
}
