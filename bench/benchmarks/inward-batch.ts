/** Inward at its fastest: a backlog of events becomes committed rows, beside SQL written by hand that writes the same rows. */
import { Syncflow } from '../../src/syncflow.js';
import { absolutesOf, row, type Absolute, type Bench, type Benchmark, type Row } from '../harness/benchmark.js';
import type { Hub } from '../harness/hub.js';
import type { Contender, Figures } from '../harness/statistics.js';
import { Slots } from '../../src/engine/slots.js';
import { writeBatch } from '../rivals/batched-sql.js';
import { finished } from '../shop/finished.js';
import { insertLinked } from '../shop/linked.js';
import { deliveryOf, eventsOf, remoteOf, ToldAccount, ToldCustomer, type Told } from '../shop/told-customer.js';

const figure = 'events/s';
const own = 'Syncflow';
const rival = 'SQL by hand';
const batchSize = 500;
/** Statements of the rival at once: it is slower with one, and no faster with four. */
const rivalAtOnce = 2;

/** What the events tell of. */
type What = 'created' | 'edited';
const whens: Readonly<Record<What, string>> = { created: 'new customers', edited: 'edited customers' };

export const inwardBatch: Benchmark = {
  name: 'inward-batch',
  about: 'a backlog of verified events becomes rows, against SQL by hand that writes the same rows in batches',
  needsHub: true,
  measure: async (bench) => {
    const count = bench.counted({ quick: 2_000, usual: 20_000, full: 100_000 });
    const rows: Row[] = [];
    const absolutes: Absolute[] = [];
    for (const what of ['created', 'edited'] as const) {
      const rounds = await bench.interleave(
        [own, rival].map((name): Contender => ({ name, run: () => run(bench, name, what, count) })),
      );
      const when = whens[what];
      rows.push({ ...row(rounds, { figure, of: own, to: rival, target: { bound: 'least', value: 0.7 } }), when });
      absolutes.push(...absolutesOf(rounds).map((one) => ({ ...one, contender: `${one.contender}, ${when}` })));
    }
    return {
      rows,
      absolutes,
      notes: [
        `${count} events in batches of ${batchSize}; the remotes are shown from memory: no request, no signature on either side`,
        `by hand: one statement for each batch, ${rivalAtOnce} at once, that writes inbox, hub, link and mark rows once, in their last state; no history, validation, merge, lease`,
      ],
    };
  },
};

async function run(bench: Bench, who: string, what: What, count: number): Promise<Figures> {
  const hub = await bench.freshHub();
  const account = new ToldAccount();
  const version = what === 'created' ? 1 : 2;
  account.editAll(version);
  const flow = new Syncflow({
    database: hub.url,
    catalogs: [ToldCustomer],
    accounts: { told: account },
    batchSize,
    backfill: false,
  });
  try {
    await flow.prepare();
    if (what === 'edited') await insertLinked(hub, { subscriber: 'customer/told', count, version: '1' });
    await hub.pool.query('vacuum analyze');
    const batches = batchesOf(count, version);
    const ms = who === own ? await syncflowRun(flow, hub, batches, count) : await rivalRun(hub, what, batches);
    await requireSame(hub, count, version);
    return { [figure]: (count / ms) * 1_000 };
  } finally {
    await flow.stop();
    await hub.drop();
  }
}

function batchesOf(count: number, version: number): Told[] {
  return Array.from({ length: Math.ceil(count / batchSize) }, (_, index) => ({
    from: index * batchSize + 1,
    to: Math.min(count, (index + 1) * batchSize),
    version,
  }));
}

/** From the first event until the last row is committed. */
async function syncflowRun(flow: Syncflow, hub: Hub, batches: readonly Told[], count: number): Promise<number> {
  await flow.start();
  await flow.settled();
  const done = finished(flow, 'applied', count);
  const deliveries = batches.map(deliveryOf);
  const started = performance.now();
  for (const one of deliveries) await flow.receive('told', one);
  await done;
  return performance.now() - started;
}

async function rivalRun(hub: Hub, what: What, batches: readonly Told[]): Promise<number> {
  // it writes its marks itself
  await hub.pool.query('alter table customer disable trigger user');
  const started = performance.now();
  await new Slots(rivalAtOnce).all(batches, (told) =>
    writeBatch(
      hub.pool,
      what,
      eventsOf(told).map((event, index) => ({ eventId: event.id, remote: remoteOf(told.from + index, told.version) })),
    ),
  );
  return performance.now() - started;
}

/** Both must have written what the other has. */
async function requireSame(hub: Hub, count: number, version: number): Promise<void> {
  const { city } = remoteOf(1, version);
  const { rows } = await hub.pool.query<Record<string, number>>(
    `select (select count(*) from customer where city = $1)::int4 as rows,
      (select count(*) from syncflow.inbox where settled_at is not null)::int4 as events,
      (select count(*) from syncflow.link where state = 'linked' and key is not null and version = $2
         and shadow->'units'->'city'->>'r' = $1)::int4 as links`,
    [city, String(version)],
  );
  for (const [what, found] of Object.entries(rows[0] ?? {}))
    if (found !== count) throw new Error(`${found} ${what}, not ${count}`);
}
