/** One round: load a shop, kill `syncflow start` while it works, start it again, and see that nothing is lost or doubled. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadShop } from '../../examples/shop/load.js';
import type { Shop } from '../../src/demo/chinook.js';
import type { StatusReport } from '../../src/server/operations.js';
import { PostgresDatabase } from '../../src/store/postgres.js';
import { faults, json, readRemotes } from './check.js';
import { halves, planOf, type Blow, type FaultRates, type Harshness, type Moment } from './plan.js';
import type { PostgresServer } from './postgres-server.js';
import { freePort, Program, root, run, tail, type Build } from './processes.js';

export type Hub = 'embedded' | 'postgres';

export interface RoundOptions {
  readonly build: Build;
  readonly hub: Hub;
  readonly seed: number;
  readonly shop: Shop;
  /** The server on which databases are made, for rounds on Postgres. */
  readonly postgresUrl: string;
  /** The same, where it is our own and may be crashed. */
  readonly server?: PostgresServer;
  readonly harshness: Harshness;
  readonly leaseMs: number;
  readonly timeoutMs: number;
  /** Breaks the round off. */
  readonly signal?: AbortSignal;
}

export interface Killed {
  readonly moment: Moment;
  readonly afterMs: number;
  /** Objects of the shop that Stripe had then, and links that were in agreement according to the hub (where it can be read from outside). */
  readonly remotes: number;
  readonly links: number | undefined;
}

export interface RoundResult {
  readonly hub: Hub;
  readonly seed: number;
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly kills: readonly Killed[];
  readonly crashes: number;
  readonly workers: number;
  readonly faults: FaultRates;
  readonly expected: number;
  readonly webhooks: boolean;
  readonly loadMeanwhile: boolean;
  readonly durationMs: number;
}

export async function playRound(options: RoundOptions): Promise<RoundResult> {
  const started = performance.now();
  const round = new Round(options);
  try {
    await round.play();
  } catch (error) {
    round.problems.push(error instanceof Error ? error.message : String(error), ...round.ofSimulators());
  } finally {
    await round.clean().catch((error: unknown) => round.problems.push(`cleaning up: ${String(error)}`));
  }
  const { plan, kills, problems, expected } = round;
  const { seed, webhooks, loadMeanwhile, workers, faults } = plan;
  const durationMs = Math.round(performance.now() - started);
  return {
    hub: options.hub,
    seed,
    ok: problems.length === 0,
    problems,
    kills,
    crashes: plan.blows.filter(({ kind }) => kind === 'crash').length,
    workers,
    faults,
    expected,
    webhooks,
    loadMeanwhile,
    durationMs,
  };
}

interface Worker {
  readonly port: number;
  start?: Program;
}

class Round {
  readonly plan;
  readonly problems: string[] = [];
  readonly kills: Killed[] = [];
  readonly expected: number;
  readonly #options: RoundOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'syncflow-torture-'));
  readonly #programs: Program[] = [];
  readonly #deadline: number;
  #env: Record<string, string> = {};
  #database = '';
  #drop: (() => Promise<void>) | undefined;
  #stripe = '';
  #couch = '';

  constructor(options: RoundOptions) {
    this.#options = options;
    this.plan = planOf(options.seed, options.hub === 'postgres', {
      ...options.harshness,
      crashes: options.harshness.crashes && options.server !== undefined,
    });
    const { customers, products, invoices } = options.shop;
    this.expected = customers.length + products.length + invoices.length;
    this.#deadline = performance.now() + options.timeoutMs;
  }

  async play(): Promise<void> {
    const workers = await Promise.all(
      Array.from({ length: this.plan.workers }, async (): Promise<Worker> => ({ port: await freePort() })),
    );
    await Promise.all([this.#openHub(), this.#openRemotes()]);
    await this.#setFaults(this.plan.faults);
    const secret = this.plan.webhooks
      ? await this.#addWebhook(`http://127.0.0.1:${workers[0]?.port ?? 0}/webhooks/stripe`)
      : '';
    this.#env = {
      DATABASE_URL: this.#database,
      STRIPE_API_KEY: 'sk_test_simulator',
      STRIPE_BASE_URL: this.#stripe,
      STRIPE_RATE: '10000',
      STRIPE_WEBHOOK_SECRET: secret,
      STRIPE_WEBHOOK_SECRETS: '',
      COUCHDB_URL: this.#couch,
      SYNCFLOW_LEASE_MS: String(this.#options.leaseMs),
    };
    const [now, later] = this.plan.loadMeanwhile ? halves(this.#options.shop) : [this.#options.shop, undefined];
    await loadShop(this.#database, now);
    let loading: Promise<void> | undefined;
    for (const blow of this.plan.blows) {
      this.#startAll(workers);
      if (later !== undefined) loading ??= loadShop(this.#database, later);
      await this.#strike(workers, blow, loading);
    }
    await loading;
    const starts = this.#startAll(workers);
    await this.#untilSettled(starts);
    await this.#judge();
    for (const start of starts)
      if (!(await start.stop())) this.problems.push('syncflow start did not end within 10 s of SIGTERM');
  }

  /** Starts the workers that don't run. */
  #startAll(workers: readonly Worker[]): Program[] {
    return workers.map((worker) => {
      if (worker.start?.running !== true) worker.start = this.#start(worker.port);
      return worker.start;
    });
  }

  async #strike(workers: readonly Worker[], blow: Blow, loading: Promise<void> | undefined): Promise<void> {
    const starts = workers.flatMap(({ start }) => start ?? []);
    const began = performance.now();
    await this.#untilMoment(starts, blow.moment);
    if (blow.kind === 'crash') {
      // what loads the shop is no worker, and would rightly fail
      await loading;
      await this.#options.server?.crash();
      return;
    }
    await starts[blow.worker]?.kill();
    this.kills.push({
      moment: blow.moment,
      afterMs: Math.round(performance.now() - began),
      remotes: await this.#remotes(),
      links: await this.#linked(),
    });
  }

  async #setFaults(rates: FaultRates): Promise<void> {
    const post = (path: string, body: unknown): Promise<unknown> =>
      json(`${this.#stripe}/_simulator/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    await post('faults/clear', {});
    if (Object.keys(rates).length > 0) await post('faults/rates', rates);
  }

  /** What the simulators say for themselves when a round has failed. */
  ofSimulators(): string[] {
    return this.#programs
      .slice(0, 2)
      .map((one) => `a simulator ${one.running ? 'runs' : 'has ended'}: ${tail(one.err, 1_500)}`);
  }

  async clean(): Promise<void> {
    await Promise.all(this.#programs.filter((program) => program.running).map((program) => program.kill()));
    if (this.problems.length > 0) this.problems.push(`its files are kept: ${this.#folder}`);
    else rmSync(this.#folder, { recursive: true, force: true });
    await this.#drop?.();
  }

  async #openHub(): Promise<void> {
    if (this.#options.hub === 'embedded') {
      this.#database = join(this.#folder, 'hub');
      return;
    }
    const name = `syncflow_torture_${randomUUID().replaceAll('-', '')}`;
    const server = this.#options.postgresUrl;
    await onServer(server, `create database ${name}`);
    this.#drop = () => onServer(server, `drop database if exists ${name} with (force)`);
    const url = new URL(server);
    url.pathname = `/${name}`;
    this.#database = url.href;
  }

  async #openRemotes(): Promise<void> {
    const simulator = async (kind: string, more: readonly string[]): Promise<string> => {
      const folder = join(this.#folder, kind);
      const program = this.#run(['simulator', kind, '--port', '0', '--data-dir', folder, ...more]);
      return (await program.says(/ on (http:\S+)/))[1] ?? '';
    };
    [this.#stripe, this.#couch] = await Promise.all([simulator('stripe', ['--rate', '0']), simulator('couchdb', [])]);
  }

  async #addWebhook(url: string): Promise<string> {
    const answer = (await json(`${this.#stripe}/v1/webhook_endpoints`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test_simulator', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ url, 'enabled_events[]': '*' }).toString(),
    })) as { secret?: string };
    if (answer.secret === undefined) throw new Error('the simulator gave no webhook secret');
    return answer.secret;
  }

  #run(args: readonly string[]): Program {
    const program = new Program(this.#options.build, args, this.#env);
    this.#programs.push(program);
    return program;
  }

  #start(port: number): Program {
    return this.#run([...shopConfig, 'start', '--port', String(port), '--log-reasons']);
  }

  async #untilMoment(starts: readonly Program[], moment: Moment): Promise<void> {
    if (moment.kind === 'time') await sleep(moment.afterMs);
    else {
      const enough = Math.floor(moment.share * this.expected);
      while ((await this.#remotes()) < enough) {
        this.#checkAlive(starts);
        this.#checkTime(starts);
        await sleep(10);
      }
      await sleep(moment.delayMs);
    }
    this.#checkAlive(starts);
  }

  #checkAlive(starts: readonly Program[]): void {
    const ended = starts.find((start) => !start.running);
    if (ended !== undefined) throw new Error(`syncflow start ended by itself: ${tail(ended.out + ended.err)}`);
  }

  async #remotes(): Promise<number> {
    const counts = (await json(`${this.#stripe}/_simulator/counts`)) as Record<string, number>;
    return (counts['customer'] ?? 0) + (counts['product'] ?? 0) + (counts['invoice'] ?? 0);
  }

  /** Links in agreement. An embedded hub whose process was killed can't be asked without opening it. */
  async #linked(): Promise<number | undefined> {
    if (this.#options.hub === 'embedded') return undefined;
    const db = new PostgresDatabase({ url: this.#database, poolSize: 1 });
    try {
      const [row] = await db.query<{ n: number }>(
        `select count(*)::int as n from syncflow.link where state = 'linked' and due_at is null`,
      );
      return row?.n;
    } finally {
      await db.close();
    }
  }

  #checkTime(starts: readonly Program[]): void {
    this.#options.signal?.throwIfAborted();
    if (performance.now() < this.#deadline) return;
    throw new Error(
      `not done within ${this.#options.timeoutMs / 1_000} s; syncflow start said: ${starts.map((start) => tail(start.out + start.err)).join('\n')}`,
    );
  }

  /** Asks `syncflow status --json` until every record is in agreement or parked. */
  async #untilSettled(starts: readonly Program[]): Promise<void> {
    await Promise.all(starts.map((start) => start.says(/"event":"listening"/)));
    // the faults end before the verdict, as an outage does
    let isCalm = false;
    const { customers } = this.#options.shop;
    const all = this.expected + customers.length;
    for (;;) {
      await sleep(1_000);
      this.#checkAlive(starts);
      if (!isCalm && (await this.#remotes()) >= this.expected) {
        await this.#setFaults({});
        isCalm = true;
      }
      const status = await run(this.#options.build, [...shopConfig, 'status', '--json'], this.#env);
      if (status.code !== 0)
        throw new Error(`syncflow status ended with ${status.code ?? 'a signal'}: ${tail(status.err)}`);
      const { subscribers } = JSON.parse(status.out) as StatusReport;
      const sum = (name: 'inAgreement' | 'waiting' | 'parked'): number =>
        subscribers.reduce((total, one) => total + one[name], 0);
      if (sum('parked') > 0) throw new Error(`${sum('parked')} parked: ${JSON.stringify(subscribers)}`);
      if (sum('waiting') === 0 && sum('inAgreement') === all) return;
      if (sum('inAgreement') > all) throw new Error(`more links than records: ${JSON.stringify(subscribers)}`);
      if (performance.now() > this.#deadline) this.problems.push(`last status: ${JSON.stringify(subscribers)}`);
      this.#checkTime(starts);
    }
  }

  async #judge(): Promise<void> {
    const { shop, build } = this.#options;
    const before = await readRemotes(this.#stripe, this.#couch);
    const verified = await run(build, [...shopConfig, 'verify', '--strict', '--json'], this.#env);
    if (verified.code !== 0)
      this.problems.push(`verify ended with ${verified.code ?? 'a signal'}: ${tail(verified.out + verified.err)}`);
    else {
      const { reports } = JSON.parse(verified.out) as { reports: { compared: number; equal: number }[] };
      const compared = reports.reduce((sum, one) => sum + one.compared, 0);
      const all = this.expected + shop.customers.length;
      if (compared !== all) this.problems.push(`verify compared ${compared} records, not ${all}`);
    }
    const after = await readRemotes(this.#stripe, this.#couch);
    this.problems.push(...faults(shop, after));
    const late = after.stripe.event.length - before.stripe.event.length;
    if (late !== 0) this.problems.push(`${late} changes in Stripe after everything was settled`);
  }
}

const shopConfig = ['--config', join(root, 'examples', 'shop', 'syncflow.config.ts')];

async function onServer(url: string, sql: string): Promise<void> {
  const server = new PostgresDatabase({ url, poolSize: 1 });
  try {
    await server.query(sql);
  } finally {
    await server.close();
  }
}
