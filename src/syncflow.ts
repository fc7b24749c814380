/** Composes, starts and stops the services. */
import { dueNotice } from './store/marks.js';
import type { CatalogClass } from './catalog/catalog.js';
import { CatalogHandle } from './catalog/handle.js';
import { inReferenceOrder } from './engine/bind.js';
import { examine } from './doctor/doctor.js';
import type { DoctorReport } from './doctor/finding.js';
import { Listeners } from './engine/listeners.js';
import { Loops } from './engine/loops.js';
import type { Binding } from './engine/binding.js';
import type { Environment } from './engine/environment.js';
import { findBinding, prepare, type Prepared, type Readiness } from './engine/prepare.js';
import { SyncflowError } from './errors.js';
import type { SyncflowEvents } from './events.js';
import { backfill, openFirstLoads } from './maintenance/backfill.js';
import { FirstLoad } from './first-load/first-load.js';
import { measure, type Measurements } from './metrics/measure.js';
import type { AnyEvent } from './metrics/metrics.js';
import { Operated, type Operating } from './operated.js';
import type { SyncflowOptions } from './options.js';
import { Intake, receiveWebhook, type Received } from './inward/webhook.js';
import type { Database } from './store/database.js';
import { isPending } from './store/overview.js';
import { openDatabase } from './store/open.js';
import { createHandler, type Handler } from './server/handler.js';
import { shortenLeases } from './store/links.js';
import type { Delivery } from './subscriber/base.js';

/** How often `settled` asks whether anything is pending, in ms: often at first, seldom during a long load. */
const settledIntervalMs = { first: 10, longest: 200 };

/** What a killed process may have sent last gets so long to arrive, in ms, where nobody else can be at work. */
const graceMs = 3_000;

export type { SyncflowOptions } from './options.js';

/**
 * Keeps catalogs and external systems in agreement.
 *
 * @example
 * const flow = new Syncflow({ database: process.env.DATABASE_URL ?? '.syncflow/hub', catalogs: [Customer, Invoice], accounts: { stripe } });
 * await flow.start();
 * await flow.catalog(Customer).save({ name: 'Ada', email: 'ada@example.com' });
 * await flow.settled();
 * await flow.stop();
 */
export class Syncflow extends Operated {
  readonly database: Database;
  readonly catalogs: readonly CatalogClass[];
  readonly environment: string;
  readonly #options: SyncflowOptions;
  readonly #listeners = new Listeners();
  readonly #stopping = new AbortController();
  #prepared: Promise<Prepared> | undefined;
  /** What was taken as it is, before anybody made it ready here. */
  #looked: Promise<Prepared> | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #loops: Loops | undefined;
  #intake: Intake | undefined;
  #handler: Handler | undefined;

  constructor(options: SyncflowOptions) {
    super();
    this.#options = options;
    this.catalogs = inReferenceOrder(options.catalogs);
    this.environment = options.environment ?? 'default';
    this.database = typeof options.database === 'string' ? openDatabase(options.database) : options.database;
  }

  /**
   * Opens the hub and makes it ready (schema, tables, triggers) without starting to work. `start` does this too.
   * @throws SyncflowError `database`, `locked`, `schema`, `table`, `environment` or `config`, saying what to do
   */
  async prepare(): Promise<{ readonly applied: readonly string[] }> {
    const { applied } = await this.#ready();
    return { applied };
  }

  /** Starts working. Safe when doubled. */
  start(): Promise<void> {
    return this.#start(this.#options.backfill ?? true);
  }

  /** @internal */
  protected override async steer(readiness: Readiness): Promise<FirstLoad> {
    if (readiness === 'work') await this.#start('planned');
    return new FirstLoad(await this.#at(readiness), this.#loops, this.#stopping.signal, this.#options.accounts ?? {});
  }

  /** @internal */
  protected override async operating(readiness: Readiness = 'look'): Promise<Operating> {
    return {
      ...(await this.#at(readiness)),
      signal: this.#stopping.signal,
      emit: (name, event) => {
        this.#listeners.emit(name, event);
      },
      wake: (subscribers = []) => {
        this.#loops?.ring();
        for (const subscriber of subscribers) this.#loops?.wake(subscriber);
      },
    };
  }

  #start(backfill: boolean | 'planned'): Promise<void> {
    this.#started ??= (async () => {
      const { env, bindings } = await this.#ready();
      const { batchSize = 100, wakeIntervalMs = 1000, pollIntervalMs = 5000, verify } = this.#options;
      this.#loops = new Loops(
        env,
        this.catalogs.map((main) => main.definition.name),
        bindings,
        { batchSize, wakeIntervalMs, pollIntervalMs, backfill, verify },
      );
      // whoever had claimed anything here is dead, and its last requests have had their time
      if (!env.db.shared) await shortenLeases(env.db, graceMs);
      if (backfill !== false) await openFirstLoads(env, bindings, backfill === 'planned' ? 'planned' : 'at-once');
      await env.db.listen('syncflow', (notice) =>
        notice === dueNotice ? this.#loops?.wakeAll() : this.#loops?.ring(),
      );
      this.#loops.start();
    })();
    return this.#started;
  }

  /** Finishes what is under way and closes the hub. Safe when doubled, or when never started. */
  stop(): Promise<void> {
    this.#stopped ??= (async () => {
      await this.#started?.catch(() => undefined);
      await this.#loops?.stop();
      this.#stopping.abort();
      await this.#prepared?.catch(() => undefined);
      await this.#looked?.catch(() => undefined);
      await this.database.close();
    })();
    return this.#stopped;
  }

  /** Resolves once everything that is known has been synced or parked. What a remote hasn't told yet isn't known: see `sync`. */
  async settled(): Promise<void> {
    const { env, bindings } = await this.#ready();
    const loops = this.#loops;
    if (loops === undefined)
      throw new SyncflowError('usage', 'settled() waits for ever before start()', { hint: 'Call start() first.' });
    const ids = bindings.map((binding) => binding.id);
    const names = this.catalogs.map((main) => main.definition.name);
    let interval = settledIntervalMs.first;
    while (!this.#stopping.signal.aborted) {
      if (!loops.loading && !(await isPending(env.db, names, ids))) return;
      await env.clock.sleep(interval, this.#stopping.signal);
      interval = Math.min(settledIntervalMs.longest, interval * 1.2);
    }
  }

  /** Fetches what the remotes have to tell, now, and waits until it is settled. */
  async sync(): Promise<void> {
    await this.start();
    const { bindings } = await this.#ready();
    await this.#loops?.pollAll();
    await this.settled();
    // what was just pushed may have had consequences there
    if (bindings.some((binding) => binding.subscriber.capabilities.polling) && (await this.#loops?.pollAll()) !== 0)
      await this.settled();
  }

  /** Lists everything of a subscriber again, on both sides: after an outage longer than the remote's memory, say. */
  async rescan(subscriber: string): Promise<void> {
    const { env, bindings } = await this.#ready();
    const binding = findBinding(bindings, subscriber);
    await (this.#loops?.list(binding, 'anew') ?? backfill(env, binding, this.#stopping.signal, 'anew'));
    this.#loops?.wake(subscriber);
  }

  /** The app's own typed reads and writes. Any other writer is captured as well. */
  catalog<C extends CatalogClass>(main: C): CatalogHandle<C> {
    return new CatalogHandle<C>(async () => {
      const { env, catalogs } = await this.#ready();
      const binding = catalogs.get(main.definition.name);
      if (binding === undefined)
        throw new SyncflowError('usage', `${main.definition.name} is not one of this Syncflow's catalogs`);
      return {
        db: env.db,
        catalog: binding,
        subscribers: await this.subscribers(),
        wrote: (key) => {
          env.tracing.wrote(main.definition.name, key);
          this.#loops?.ring();
        },
      };
    });
  }

  /** Listens to an event; returns a function that stops it. The catalogue of events is `SyncflowEvents`. */
  on<N extends keyof SyncflowEvents>(name: N, listener: (event: SyncflowEvents[N]) => void): () => void {
    return this.#listeners.on(name, listener);
  }

  /** Takes in a webhook delivery of an account; resolves once its events are durable. */
  async receive(account: string, delivery: Delivery): Promise<Received> {
    const { env, bindings } = await this.#ready();
    this.#intake ??= new Intake(env.db, env.clock);
    const received = await receiveWebhook({ intake: this.#intake, tracing: env.tracing }, bindings, account, delivery);
    if (received.fresh > 0) this.#loops?.ring();
    return received;
  }

  /** Webhooks, health and the control API as one Web-standard function, to mount in any server: `app.all('*', (c) => flow.handler(c.req.raw))`. */
  get handler(): Handler {
    this.#handler ??= createHandler(this, {
      ...this.#options.http,
      report: ({ where, status, error }) => {
        // once stopped, it is no fault that nothing is taken in any more
        if (status >= 500 && this.#stopped === undefined) this.#listeners.emit('error', { where, error });
      },
    });
    return this.#handler;
  }

  /** Ids of the registered subscribers: `customer/stripe`. */
  async subscribers(): Promise<readonly string[]> {
    return this.catalogs.flatMap((main) => main.registrations.map(({ as }) => `${main.definition.name}/${as}`));
  }

  /**
   * Examines hub, triggers, rights, clocks, accounts, feeds and backlog; each problem with its cure. Changes nothing, and doesn't
   * make the hub ready first.
   */
  doctor(): Promise<DoctorReport> {
    const { accounts = {}, clock } = this.#options;
    const { database, catalogs, environment } = this;
    return examine({ database, catalogs, environment, accounts, ...(clock === undefined ? {} : { clock }) });
  }

  #ready(): Promise<Prepared> {
    this.#refuseStopped();
    this.#prepared ??= this.#prepare('work');
    return this.#prepared;
  }

  /** The hub as it is, where no more is needed and nobody has made it ready here. */
  async #at(readiness: Readiness): Promise<Prepared> {
    if (readiness === 'work') return this.#ready();
    this.#refuseStopped();
    const ready = await this.#prepared?.catch(() => undefined);
    if (ready !== undefined) return ready;
    this.#looked ??= this.#prepare(readiness);
    const looking = this.#looked;
    const { whole } = await looking.catch((error: unknown) => {
      if (this.#looked === looking) this.#looked = undefined;
      throw error;
    });
    // somebody may install it, or make or mend a table, meanwhile
    if (!whole && this.#looked === looking) this.#looked = undefined;
    return looking;
  }

  #prepare(readiness: Readiness): Promise<Prepared> {
    const emit: Environment['emit'] = (name, event) => this.#listeners.emit(name, event);
    return prepare(this.database, this.catalogs, this.environment, this.#options, emit, readiness);
  }

  #refuseStopped(): void {
    if (this.#stopped !== undefined)
      throw new SyncflowError('usage', 'this Syncflow was stopped', { hint: 'Make a new one.' });
  }

  /** @internal Every event, for metrics: an observer is no listener. */
  observe(observer: (event: AnyEvent) => void): void {
    this.#listeners.observe(observer);
  }

  /** @internal */
  get phase(): 'idle' | 'working' | 'stopped' {
    return this.#stopped !== undefined ? 'stopped' : this.#loops === undefined ? 'idle' : 'working';
  }

  /** @internal What the hub holds at this moment, for metrics. */
  async measure(): Promise<Measurements> {
    const { env, bindings } = await this.#at('look');
    return measure(
      env.db,
      bindings.map((binding) => binding.id),
    );
  }

  /** @internal What the dashboard reads beside the public questions. */
  async inside(): Promise<{
    readonly db: Database;
    readonly bindings: readonly Binding[];
    readonly accounts: Readonly<Record<string, unknown>>;
    readonly now: Date;
  }> {
    const { env, bindings } = await this.#at('look');
    return { db: env.db, bindings, accounts: this.#options.accounts ?? {}, now: env.clock.now() };
  }
}
