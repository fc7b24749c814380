/** Composes, starts and stops the services. */
import { discardHeld, type Discarded } from './apply/discard.js';
import { resolveConflict, type Resolved, type ResolveRequest } from './apply/resolution.js';
import type { CatalogClass } from './catalog/catalog.js';
import { CatalogHandle } from './catalog/handle.js';
import { inReferenceOrder } from './engine/bind.js';
import { examine } from './doctor/doctor.js';
import type { DoctorReport } from './doctor/finding.js';
import { Listeners } from './engine/listeners.js';
import { Loops } from './engine/loops.js';
import type { Binding } from './engine/binding.js';
import { findBinding, prepare, subscribersOf, type Prepared } from './engine/prepare.js';
import { SyncflowError } from './errors.js';
import { parkedCauses, type ParkedCause } from './explain/causes.js';
import { explain, type ExplainRequest } from './explain/explain.js';
import type { Explanation } from './explain/explanation.js';
import type { SyncflowEvents } from './events.js';
import { backfill, openFirstLoads } from './maintenance/backfill.js';
import { oneOf, type HeldReport, type RetryFilter } from './maintenance/retry.js';
import { verifiedEvent } from './maintenance/sweep.js';
import { verify, type VerifyOptions, type VerifyReport } from './maintenance/verify.js';
import { FirstLoad } from './first-load/first-load.js';
import { Steered } from './first-load/steered.js';
import { measure, type Measurements } from './metrics/measure.js';
import type { AnyEvent } from './metrics/metrics.js';
import type { SyncflowOptions } from './options.js';
import { releaseSetting } from './outward/brake.js';
import { Intake, receiveWebhook, type Received } from './inward/webhook.js';
import type { Database } from './store/database.js';
import {
  createAgain,
  isPending,
  listConflicts,
  listParked,
  retryParked,
  setPaused,
  subscriberStatus,
  type ConflictRow,
  type ParkedRecord,
  type SubscriberStatus,
} from './store/overview.js';
import { countHeld, listHeld, releaseHeld } from './store/held.js';
import { openDatabase } from './store/open.js';
import { createHandler, type Handler } from './server/handler.js';
import { checkSchema } from './check/schema.js';
import type { Finding } from './check/finding.js';
import { shortenLeases } from './store/links.js';
import { dropSetting, liftHold, writeEnd, writeSetting } from './store/settings.js';
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
export class Syncflow extends Steered {
  readonly database: Database;
  readonly catalogs: readonly CatalogClass[];
  readonly environment: string;
  readonly #options: SyncflowOptions;
  readonly #listeners = new Listeners();
  readonly #stopping = new AbortController();
  #prepared: Promise<Prepared> | undefined;
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
  protected override async steer(starts: boolean): Promise<FirstLoad> {
    if (starts) await this.#start('planned');
    return new FirstLoad(await this.#ready(), this.#loops, this.#stopping.signal, this.#options.accounts ?? {});
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
      await env.db.listen('syncflow', () => this.#loops?.ring());
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
    return (await this.#ready()).bindings.map((binding) => binding.id);
  }

  async status(): Promise<readonly SubscriberStatus[]> {
    const { env, bindings } = await this.#ready();
    return subscriberStatus(
      env.db,
      bindings.map((binding) => binding.id),
    );
  }

  /**
   * Decides about an entry of the conflict log: takes the hub's or the remote's value as it was logged, or another. It is saved in
   * the hub like any edit, and goes to every subscriber; the entry stays, marked as resolved.
   *
   * @throws SyncflowError `usage` where it was resolved already, or can't be resolved so; `validation`
   * @example
   * await flow.resolveConflict({ id, take: 'remote', by: 'ada' });
   */
  async resolveConflict(request: ResolveRequest): Promise<Resolved> {
    const { env, bindings } = await this.#ready();
    const resolved = await resolveConflict(env.db, bindings, request);
    this.#loops?.ring();
    return resolved;
  }

  /**
   * Compares whole catalogs with their remotes, field by field. Systems without a listing are left out. It writes nothing unless
   * `repair` is set: then whatever differs is queued, and merged by authority by its ordinary pass (`settled` waits for that).
   *
   * @throws SyncflowError `subscriber` where a list can't be read to its end; the signal's reason where it is aborted
   * @example
   * const [report] = await flow.verify('customer/stripe', { repair: true });
   * console.table(report?.table);
   */
  async verify(subscriber?: string, options: VerifyOptions = {}): Promise<readonly VerifyReport[]> {
    const { env, bindings } = await this.#ready();
    const chosen = subscriber === undefined ? bindings : [findBinding(bindings, subscriber)];
    const signals = [this.#stopping.signal, ...(options.signal === undefined ? [] : [options.signal])];
    const reports: VerifyReport[] = [];
    for (const binding of chosen)
      if (binding.subscriber.capabilities.listing) {
        const report = await verify(env, binding, { ...options, signal: AbortSignal.any(signals) });
        reports.push(report);
        this.#listeners.emit('verified', verifiedEvent(report));
      }
    if (options.repair === true) this.#loops?.ring();
    return reports;
  }

  /** What in the mappings can't work, or not always, by the schemas of catalogs and remotes. `syncflow check` tries real values, too. */
  async check(): Promise<readonly Finding[]> {
    return (await this.#ready()).bindings.flatMap(checkSchema);
  }

  async parked(filter: { subscriber?: string; code?: string; id?: string } = {}): Promise<readonly ParkedRecord[]> {
    return listParked((await this.#ready()).env.db, filter);
  }

  /** What is parked, grouped by cause (code and reason, without what differs from record to record), each with an example and its cure. */
  async parkedCauses(filter: { subscriber?: string; code?: string } = {}): Promise<readonly ParkedCause[]> {
    return parkedCauses((await this.#ready()).env.db, filter);
  }

  /**
   * Tries parked records again. `{ id, as: 'create' }` decides about one that is parked as `unknown-create` (its create had no effect)
   * or `delete-conflict` (its remote was deleted, and is wanted): it gets a new remote. A subscriber that is held because it was `blocked` goes on at once. Those held by the brake or a TRUNCATE only go on with `release`. */
  async retry(filter: RetryFilter = {}): Promise<number> {
    const { as, ...which } = filter;
    const { env, bindings } = await this.#ready();
    const { db } = env;
    if (which.id === undefined && which.code === undefined)
      await liftHold(db, which.subscriber === undefined ? bindings.map(({ id }) => id) : [which.subscriber]);
    const count =
      as === undefined
        ? await retryParked(db, { ...which, held: false })
        : Number(await db.transaction((tx) => createAgain(tx, oneOf(which))));
    this.#loops?.ring();
    return count;
  }

  /** What the brake or a TRUNCATE holds, counted, and the oldest 1,000 of it: of a subscriber, of a catalog by its name, or all. */
  async held(target?: string): Promise<HeldReport> {
    const { env, bindings } = await this.#ready();
    const ids = target === undefined ? bindings.map(({ id }) => id) : subscribersOf(bindings, target);
    return { counts: await countHeld(env.db, ids), changes: await listHeld(env.db, ids, 1_000) };
  }

  /**
   * Lets the changes go that the brake or a TRUNCATE holds: they were meant. For so long, in ms, nothing of the subscriber is held:
   * 10 minutes unless given. That lets a planned mass change through beforehand, too.
   *
   * @returns how many were held
   * @example
   * await flow.release('customer/stripe', 3_600_000, 'ada');
   */
  async release(subscriber: string, forMs = 600_000, by = 'app'): Promise<number> {
    const { env, bindings } = await this.#ready();
    findBinding(bindings, subscriber);
    await writeEnd(env.db, releaseSetting(subscriber), forMs);
    const count = await releaseHeld(env.db, subscriber, by);
    if (count > 0) this.#listeners.emit('decided', { subscriber, decision: 'release', count, by });
    this.#loops?.ring();
    this.#loops?.wake(subscriber);
    return count;
  }

  /**
   * Takes back what the brake or a TRUNCATE holds: it was a mistake. Whoever made the change gets what both sides last agreed on. A
   * record that was deleted here is inserted again with its mapped fields, an edit is undone by an edit of the hub (which goes to
   * every subscriber); there, edits are overwritten, and what was deleted is made again. Fields that are mapped inward only can't be
   * taken back: nothing here may write them.
   *
   * @example
   * const { discarded, failed } = await flow.discard('customer/stripe', 'ada');
   */
  async discard(subscriber: string, by = 'app'): Promise<Discarded> {
    const { env, bindings } = await this.#ready();
    const result = await discardHeld(env.db, findBinding(bindings, subscriber), by);
    if (result.discarded > 0)
      this.#listeners.emit('decided', { subscriber, decision: 'discard', count: result.discarded, by });
    this.#loops?.ring();
    this.#loops?.wake(subscriber);
    return result;
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

  /**
   * Both sides of a record for each of its subscribers, and its timeline: which event or write, from whom and by which rule,
   * gave each value, and what lost.
   *
   * @param key its value, an object with every key field, or its text (`'["42"]'`)
   * @throws SyncflowError `usage` for a catalog, key or field that isn't there
   * @example
   * const { origins } = await flow.explain(Customer, 42, { field: 'email' });
   * console.log(origins.email?.by, origins.email?.rule);
   */
  async explain(
    catalog: CatalogClass | string,
    key: unknown,
    options: Pick<ExplainRequest, 'field' | 'fetch'> = {},
  ): Promise<Explanation> {
    const { env, catalogs, bindings } = await this.#ready();
    const name = typeof catalog === 'string' ? catalog : catalog.definition.name;
    return explain(env, catalogs, bindings, { catalog: name, key, ...options });
  }

  async conflicts(filter: { subscriber?: string; key?: string } = {}): Promise<readonly ConflictRow[]> {
    return listConflicts((await this.#ready()).env.db, filter);
  }

  /**
   * Stops syncing, until `resume`, a subscriber (`customer/stripe`) or a whole catalog (`customer`: all of its subscribers); with a
   * key only that record. Changes meanwhile, on both sides, are noted, and synced then. Returns the subscribers that it meant.
   */
  async pause(target: string, key?: string): Promise<readonly string[]> {
    const { env, bindings } = await this.#ready();
    const ids = subscribersOf(bindings, target);
    for (const id of ids) {
      if (key === undefined) await writeSetting(env.db, `pause:${id}`, env.clock.now().toISOString());
      else await setPaused(env.db, id, key, true);
    }
    return ids;
  }

  /** Ends what `pause` of the same target began. A record that was paused by its key stays so when its subscriber is resumed. */
  async resume(target: string, key?: string): Promise<readonly string[]> {
    const { env, bindings } = await this.#ready();
    const ids = subscribersOf(bindings, target);
    for (const id of ids) {
      if (key === undefined) await dropSetting(env.db, `pause:${id}`);
      else await setPaused(env.db, id, key, false);
    }
    this.#loops?.ring();
    for (const id of ids) this.#loops?.wake(id);
    return ids;
  }

  #ready(): Promise<Prepared> {
    if (this.#stopped !== undefined)
      throw new SyncflowError('usage', 'this Syncflow was stopped', { hint: 'Make a new one.' });
    this.#prepared ??= prepare(this.database, this.catalogs, this.environment, this.#options, (name, event) =>
      this.#listeners.emit(name, event),
    );
    return this.#prepared;
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
    const { env, bindings } = await this.#ready();
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
    const { env, bindings } = await this.#ready();
    return { db: env.db, bindings, accounts: this.#options.accounts ?? {}, now: env.clock.now() };
  }
}
