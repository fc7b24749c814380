/** Latency of an idle system: from the commit of an edit to its request, and from a webhook to its row; and both, there and back. */
import pg from 'pg';
import { Syncflow } from '../../src/syncflow.js';
import { absolutesOf, row, type Bench, type Benchmark, type Row } from '../harness/benchmark.js';
import type { Hub } from '../harness/hub.js';
import { percentiles, type Contender, type Figures } from '../harness/statistics.js';
import { customerTable, insertCustomers, type PlainCustomer } from '../shop/plain-customer.js';
import { HookedAccount, HookedCustomer } from '../shop/hooked-customer.js';

const own = 'Syncflow';
const bare = 'bare LISTEN client';

/** One way through: an edit is made with the given text; resolves with the ms until it was seen on the other side. */
interface Path {
  outward(text: string): Promise<number>;
  inward(text: string): Promise<number>;
  /** Until nothing is under way. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

export const latency: Benchmark = {
  name: 'latency',
  about:
    'idle: commit to request, webhook to row, there and back; against a bare LISTEN client with one read and one durable commit',
  needsHub: true,
  measure: async (bench) => {
    const samples = bench.sized({ quick: 20, usual: 100, full: 500 });
    const { url } = await bench.remote('plain', { delayMs: 0 });
    const paths = { [own]: await openSyncflow(bench, url), [bare]: await openBare(bench, url) };
    try {
      const rounds = await bench.interleave(
        Object.entries(paths).map(([name, path]): Contender => ({ name, run: () => sample(path, samples) })),
      );
      const rows = (['outward', 'inward', 'there and back'] as const).flatMap((way): Row[] => [
        row(rounds, { figure: `${way} p50 ms`, of: own, to: bare, target: { bound: 'most', value: 1.5 } }),
        row(rounds, {
          figure: `${way} p99 ms`,
          of: own,
          to: bare,
          ...(way === 'there and back' ? {} : { target: { bound: 'most', value: 2.5 } }),
        }),
      ]);
      return {
        rows,
        absolutes: absolutesOf(rounds),
        notes: [
          `${samples} edits each way, one at a time, after a rest in which the worker falls asleep`,
          'there and back: an edit here until it was sent, and the edit made there thereupon until its row is committed',
        ],
      };
    } finally {
      for (const path of Object.values(paths)) await path.close();
    }
  },
};

async function sample(path: Path, samples: number): Promise<Figures> {
  const out: number[] = [];
  const back: number[] = [];
  const both: number[] = [];
  for (let n = 0; n < samples; n++) {
    await path.rest();
    out.push(await path.outward(`edited ${n} ${performance.now()}`));
    await path.rest();
    back.push(await path.inward(`told ${n} ${performance.now()}`));
    await path.rest();
    const there = await path.outward(`there ${n} ${performance.now()}`);
    both.push(there + (await path.inward(`back ${n} ${performance.now()}`)));
  }
  const figures = Object.entries({ outward: out, inward: back, 'there and back': both }).flatMap(([way, values]) => {
    const { p50, p99 } = percentiles(values);
    return [
      [`${way} p50 ms`, p50],
      [`${way} p99 ms`, p99],
    ];
  });
  return Object.fromEntries(figures) as Figures;
}

/** A moment that somebody waits for. */
class Moment {
  #reach: () => void = () => undefined;

  next(): Promise<void> {
    return new Promise((resolve) => (this.#reach = resolve));
  }
  reached(): void {
    this.#reach();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function openSyncflow(bench: Bench, url: string): Promise<Path> {
  const hub = await bench.freshHub();
  const account = new HookedAccount(url);
  const flow = new Syncflow({
    database: hub.url,
    catalogs: [HookedCustomer],
    accounts: { plain: account },
    backfill: false,
  });
  await flow.start();
  await hub.pool.query(insertCustomers, [1, 1]);
  await flow.settled();
  const sent = new Moment();
  const applied = new Moment();
  account.onSend = () => sent.reached();
  flow.on('applied', () => applied.reached());
  const remoteId = account.lastId;
  let events = 0;
  return {
    outward: async (text) => {
      const seen = sent.next();
      const started = performance.now();
      await edit(hub, text);
      await seen;
      return performance.now() - started;
    },
    inward: async (text) => {
      const remote = await account.editThere(remoteId, { city: text });
      const seen = applied.next();
      const started = performance.now();
      await flow.receive('plain', account.deliveryOf(remote, ++events));
      await seen;
      return performance.now() - started;
    },
    rest: async () => {
      await flow.settled();
      // longer than the gap after which it says that it sleeps
      for (;;) {
        const { rows } = await hub.pool.query('select from syncflow.sleeper');
        if (rows.length > 0) break;
        await pause(5);
      }
      await pause(10);
    },
    close: async () => {
      await flow.stop();
      await account.close();
      await hub.drop();
    },
  };
}

/** The least that would do: told by NOTIFY; one read, one durable commit, then the request. Inward the same, the other way round. */
async function openBare(bench: Bench, url: string): Promise<Path> {
  const hub = await bench.freshHub();
  const account = new HookedAccount(url);
  await hub.pool.query(customerTable);
  await hub.pool.query('create table note (id bigint generated always as identity primary key, body text not null)');
  await hub.pool.query(insertCustomers, [1, 1]);
  const { id } = await account.call<PlainCustomer>('POST', '/customers', { name: 'Customer number 1' });
  const sent = new Moment();
  const applied = new Moment();
  account.onSend = () => sent.reached();
  let work = Promise.resolve();
  const listener = new pg.Client({ connectionString: hub.url });
  await listener.connect();
  listener.on('notification', ({ channel }) => {
    work = work.then(() => (channel === 'edited' ? push() : pull()));
  });
  await listener.query('listen edited; listen told');
  const note = 'insert into note (body) values ($1)';
  async function push(): Promise<void> {
    const { rows } = await hub.pool.query<{ city: string }>('select * from customer where id = 1');
    await hub.pool.query(note, [JSON.stringify(rows[0])]);
    account.announceSend();
    await account.call('PATCH', `/customers/${id}`, { city: rows[0]?.city });
  }
  async function pull(): Promise<void> {
    const remote = await account.call<PlainCustomer>('GET', `/customers/${id}`);
    await hub.pool.query('update customer set city = $1 where id = 1', [remote.city]);
    applied.reached();
  }
  return {
    outward: async (text) => {
      const seen = sent.next();
      const started = performance.now();
      await hub.pool.query(
        `with edited as (update customer set city = '${text}' where id = 1 returning 1) select pg_notify('edited', '') from edited`,
      );
      await seen;
      return performance.now() - started;
    },
    inward: async (text) => {
      await account.editThere(id, { city: text });
      const seen = applied.next();
      const started = performance.now();
      await hub.pool.query(
        `with told as (insert into note (body) values ('${text}') returning 1) select pg_notify('told', '') from told`,
      );
      await seen;
      return performance.now() - started;
    },
    rest: async () => {
      await work;
      await pause(10);
    },
    close: async () => {
      await work;
      await listener.end();
      await account.close();
      await hub.drop();
    },
  };
}

async function edit(hub: Hub, text: string): Promise<void> {
  await hub.pool.query('update customer set city = $1 where id = 1', [text]);
}
