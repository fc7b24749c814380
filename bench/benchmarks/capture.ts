/** Capture: what the triggers cost whoever writes, while a worker is at work, beside the same table without them. */
import type pg from 'pg';
import { absolutesOf, row, type Bench, type Benchmark, type Row } from '../harness/benchmark.js';
import type { Hub } from '../harness/hub.js';
import { startRemote } from '../harness/remote.js';
import { spreadOf, type Contender } from '../harness/statistics.js';
import { insertCustomers } from '../shop/plain-customer.js';

const own = 'captured';
const floor = 'without triggers';
const tables = { [own]: 'customer', [floor]: 'bare' } as const;
const writers = 16;

export const capture: Benchmark = {
  name: 'capture',
  about: "the user's UPDATE with capture and a worker running, against the same table without triggers",
  needsHub: true,
  measure: async (bench) => {
    const sizes = bench.sized({
      quick: { rows: 5_000, single: 200, many: 40 },
      usual: { rows: 50_000, single: 1_000, many: 150 },
      full: { rows: 50_000, single: 5_000, many: 1_000 },
    });
    const { url } = await bench.remote('plain', { delayMs: 0 });
    const hub = await bench.freshHub();
    const startWorker = () => startRemote('worker', { database: hub.url, url, batchSize: 500 });
    let worker = await startWorker();
    try {
      await hub.pool.query(insertCustomers, [1, sizes.rows]);
      await hub.pool.query(`create table bare (like customer including all); insert into bare select * from customer`);
      await idle(hub, bench);
      await hub.pool.query('vacuum analyze');
      await worker.stop();
      const alone = await bench.interleave(
        ([own, floor] as const).map((name) => ({ name, run: () => singleUpdates(hub, tables[name], sizes.single) })),
      );
      worker = await startWorker();
      const waits: Waits = { most: [], for: new Set() };
      const single = await bench.interleave(contenders((table) => singleUpdates(hub, table, sizes.single)));
      const many = await bench.interleave(contenders((table) => manyWriters(hub, table, sizes.many, waits)));
      // what is routed isn't pushed then, so that the next one finds the system as this one did
      await hub.pool.query(`insert into syncflow.setting values ('pause:customer/plain', 'bench')`);
      const bulk = await bench.interleave(contenders((table) => bulkUpdate(hub, table)));
      return {
        rows: [
          labelled('one writer', row(single, rate(0.93))),
          labelled('one writer, no worker', row(alone, { figure: 'statements/s', of: own, to: floor })),
          labelled(`${writers} writers`, row(many, rate(0.93))),
          labelled(
            `${sizes.rows} rows at once`,
            row(bulk, { figure: 'ms', of: own, to: floor, target: { bound: 'most', value: 2 } }),
          ),
          { what: 'users seen waiting for a lock', ratio: spreadOf(waits.most), target: { bound: 'most', value: 0 } },
        ],
        absolutes: [...absolutesOf(single), ...absolutesOf(alone), ...absolutesOf(many), ...absolutesOf(bulk)],
        notes: [
          `waited for: ${[...waits.for].join(', ') || 'nothing'}`,

          'a worker in a process of its own routes and pushes meanwhile (at the bulk: routes); each statement commits, fsync on',
        ],
      };
    } finally {
      await worker.stop();
      await hub.drop();
    }

    /** Each begins with nothing under way, and a worker that sleeps. */
    function contenders(run: (table: string) => Promise<Record<string, number>>): Contender[] {
      return ([own, floor] as const).map((name) => ({
        name,
        run: async () => {
          await idle(hub, bench);
          return run(tables[name]);
        },
      }));
    }
  },
};

/** How many users waited for a lock at the same moment, at most, in each run that captures; and for which kinds of locks. */
interface Waits {
  readonly most: number[];
  readonly for: Set<string>;
}

const rate = (value: number) =>
  ({ figure: 'statements/s', of: own, to: floor, target: { bound: 'least', value } }) as const;

const labelled = (when: string, one: Row): Row => ({ ...one, when });

async function singleUpdates(hub: Hub, table: string, count: number): Promise<Record<string, number>> {
  const client = await hub.pool.connect();
  try {
    const started = performance.now();
    for (let n = 1; n <= count; n++) await update(client, table, n);
    return { 'statements/s': (count / (performance.now() - started)) * 1_000 };
  } finally {
    client.release();
  }
}

/** Different rows for each: that they'd wait for each other would be our doing. */
async function manyWriters(hub: Hub, table: string, count: number, waits: Waits): Promise<Record<string, number>> {
  const clients = await Promise.all(Array.from({ length: writers }, () => hub.pool.connect()));
  let over = false;
  const watch = async (): Promise<void> => {
    let most = 0;
    while (!over) {
      const { rows } = await hub.pool.query<{ event: string }>(
        `select wait_event as event from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and application_name <> 'syncflow'`,
      );
      most = Math.max(most, rows.length);
      for (const { event } of rows) waits.for.add(`${event} (${table})`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (table === tables[own]) waits.most.push(most);
  };
  const watched = watch();
  try {
    const started = performance.now();
    await Promise.all(
      clients.map(async (client, index) => {
        for (let n = 0; n < count; n++) await update(client, table, 1 + n * writers + index);
      }),
    );
    return { 'statements/s': ((count * writers) / (performance.now() - started)) * 1_000 };
  } finally {
    over = true;
    await watched;
    for (const client of clients) client.release();
  }
}

async function bulkUpdate(hub: Hub, table: string): Promise<Record<string, number>> {
  const started = performance.now();
  await hub.pool.query(`update ${table} set city = 'City ' || (random() * 1000)::int`);
  const ms = performance.now() - started;
  // dead rows of this run mustn't slow the next one down
  await hub.pool.query(`vacuum ${table}`);
  return { ms };
}

async function update(client: pg.PoolClient, table: string, id: number): Promise<void> {
  await client.query({
    name: `update-${table}`,
    text: `update ${table} set city = 'City ' || (random() * 1000)::int where id = $1`,
    values: [id],
  });
}

/** Until nothing is left to do, and the worker has said that it sleeps. */
async function idle(hub: Hub, bench: Bench): Promise<void> {
  for (let ms = 0; ; ms += 100) {
    const { rows } = await hub.pool.query<{ left: string; sleeps: boolean }>(
      `select (select count(*) from syncflow.mark) + (select count(*) from syncflow.link
         where due_at is not null and not exists (select from syncflow.setting where name = 'pause:' || subscriber)) as left,
       exists (select from syncflow.sleeper) as sleeps`,
    );
    if (rows[0]?.left === '0' && rows[0].sleeps) return;
    if (ms % 5_000 === 0 && ms > 0) bench.say(`capture: waits for the worker, ${rows[0]?.left ?? '?'} left`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
