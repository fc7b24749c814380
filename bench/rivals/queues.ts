/** Job queues as outward sync: a job per row carries the row, a handler pushes it and records its remote's id. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hub } from '../harness/hub.js';
import { inFlight, type PlainAccount, type PlainCustomer } from '../shop/plain-customer.js';
import { Slots } from '../../src/engine/slots.js';
import type { CustomerRow } from '../shop/rows.js';
import { recordAll, Recorder } from '../shop/recorder.js';

/** What a queue is given: the rows are in the table already. */
export interface Drain {
  readonly hub: Hub;
  readonly account: PlainAccount;
  readonly rows: readonly CustomerRow[];
}

/** Enqueues, which isn't timed, then returns how many ms it took until every remote id was durable and every job done. */
export type Queue = (drain: Drain) => Promise<number>;

/** Rows fetched at once. */
const batch = 500;

async function push(account: PlainAccount, row: CustomerRow, jobId: string): Promise<{ id: number; remoteId: string }> {
  const { id, ...values } = row;
  const remote = await account.call<PlainCustomer>('POST', '/customers', values, { 'idempotency-key': jobId });
  return { id, remoteId: remote.id };
}

/**
 * Its own `work` rests at least half a second between batches, so its `fetch` and `complete` are called in loops: as many batches
 * under way as keep the requests in flight.
 */
export const pgBoss: Queue = async ({ hub, account, rows }) => {
  const { default: PgBoss } = await import('pg-boss');
  const boss = new PgBoss({ connectionString: hub.url, supervise: false, schedule: false, max: 8 });
  boss.on('error', fail);
  await boss.start();
  await boss.createQueue('push');
  for (let at = 0; at < rows.length; at += 5_000)
    await boss.insert(rows.slice(at, at + 5_000).map((data) => ({ name: 'push', data })));
  await hub.pool.query('analyze');
  const slots = new Slots(inFlight);
  const loop = async (): Promise<void> => {
    for (;;) {
      const jobs = await boss.fetch('push', { batchSize: batch, priority: false });
      if (jobs.length === 0) return;
      const pushed = await slots.all(jobs, ({ id, data }) => push(account, data as CustomerRow, id));
      await recordAll(hub.pool, pushed);
      await boss.complete(
        'push',
        jobs.map(({ id }) => id),
      );
    }
  };
  const started = performance.now();
  await Promise.all([loop(), loop(), loop()]);
  const ms = performance.now() - started;
  await boss.stop({ graceful: false, wait: true });
  return ms;
};

/** With its local queue, and completions in batches: what its pages on performance advise. */
export const graphileWorker: Queue = async ({ hub, account, rows }) => {
  const { run, runMigrations, Logger } = await import('graphile-worker');
  const logger = new Logger(() => () => undefined);
  await runMigrations({ connectionString: hub.url, logger });
  await hub.pool.query(
    `select graphile_worker.add_jobs(array_agg(json_populate_record(null::graphile_worker.job_spec,
       json_build_object('identifier', 'push', 'payload', row_to_json(customer)))), false) from customer`,
  );
  await hub.pool.query('analyze');
  const recorder = new Recorder(hub.pool);
  let left = rows.length;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const started = performance.now();
  const runner = await run({
    noHandleSignals: true,
    preset: {
      worker: {
        connectionString: hub.url,
        concurrentJobs: inFlight,
        maxPoolSize: 10,
        pollInterval: 2_000,
        localQueue: { size: batch },
        completeJobBatchDelay: 0,
        logger,
      },
    },
    taskList: {
      push: async (payload: unknown, { job }: { job: { id: string } }) => {
        await recorder.record(await push(account, payload as CustomerRow, job.id));
        if (--left === 0) finish();
      },
    },
  });
  await finished;
  const ms = performance.now() - started;
  await runner.stop();
  return ms;
};

/** On a Redis of its own with its log fsynced every second, which is what its production guide advises. */
export function bullmq(port: number): Queue {
  return async ({ hub, account, rows }) => {
    const { Queue: Jobs, Worker } = await import('bullmq');
    const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
    const jobs = new Jobs('push', { connection });
    for (let at = 0; at < rows.length; at += 2_000) {
      const part = rows.slice(at, at + 2_000);
      await jobs.addBulk(part.map((data) => ({ name: 'push', data, opts: { removeOnComplete: true } })));
    }
    const recorder = new Recorder(hub.pool);
    let left = rows.length;
    const worker = new Worker(
      'push',
      async ({ data }) => recorder.record(await push(account, data as CustomerRow, String((data as CustomerRow).id))),
      { connection, concurrency: inFlight * 2, autorun: false },
    );
    worker.on('error', fail);
    await worker.waitUntilReady();
    const finished = new Promise<void>((resolve) => {
      worker.on('completed', () => {
        if (--left === 0) resolve();
      });
    });
    const started = performance.now();
    void worker.run();
    await finished;
    const ms = performance.now() - started;
    await worker.close();
    await jobs.obliterate({ force: true });
    await jobs.close();
    return ms;
  };
}

export interface Redis {
  readonly port: number;
  stop(): Promise<void>;
}

/** Undefined where `redis-server` isn't installed. */
export async function startRedis(): Promise<Redis | undefined> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'syncflow-bench-redis-'));
  const settings = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', '', '--dir', folder];
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', ...settings], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit').catch(() => []);
  const ready = new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false));
    child.stdout.on('data', (chunk: Buffer) => {
      if (String(chunk).includes('Ready to accept')) resolve(true);
    });
    void ended.then(() => resolve(false));
  });
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  if (await ready) return { port, stop };
  rmSync(folder, { recursive: true, force: true });
  return undefined;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function fail(error: unknown): never {
  throw error instanceof Error ? error : new Error(String(error));
}
