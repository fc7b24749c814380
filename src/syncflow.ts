/** Composes, starts and stops the services. */
import { hostname } from 'node:os';
import { randomUUID } from 'node:crypto';
import type { CatalogClass } from './catalog/catalog.js';
import { CatalogHandle } from './catalog/handle.js';
import { bindSubscribers, inReferenceOrder, type Accounts } from './engine/bind.js';
import type { Binding, CatalogBinding } from './engine/binding.js';
import { systemClock, type Clock, type Environment } from './engine/environment.js';
import { Contacts } from './engine/contacts.js';
import { groundOf } from './engine/ground.js';
import { Loops } from './engine/loops.js';
import { didYouMean, SyncflowError } from './errors.js';
import type { SyncflowEvents } from './events.js';
import { backfill, openFirstLoads } from './maintenance/backfill.js';
import { verify, type VerifyReport } from './maintenance/verify.js';
import { releaseSetting } from './outward/brake.js';
import { defaultRetry, type RetryOptions } from './outward/retry.js';
import { Intake, receiveWebhook, type Received } from './inward/webhook.js';
import type { Database } from './store/database.js';
import { EmbeddedDatabase } from './store/embedded.js';
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
import { createHandler, type Handler, type HttpOptions } from './server/handler.js';
import { PostgresDatabase } from './store/postgres.js';
import { refuseImpossible } from './check/refuse.js';
import { checkSchema } from './check/schema.js';
import type { Finding } from './check/finding.js';
import { HubRows } from './store/rows.js';
import { shortenLeases } from './store/links.js';
import { dropSetting, liftHold, readSetting, writeEnd, writeSetting } from './store/settings.js';
import type { Delivery } from './subscriber/base.js';

export interface SyncflowOptions {
  /** `postgres://…`, a folder for an embedded hub, `memory:`, or an own `Database`. */
  readonly database: string | Database;
  readonly catalogs: readonly CatalogClass[];
  /** By the names that registrations use: whatever the subscriber classes expect. */
  readonly accounts?: Accounts;
  /** Name of this environment. A hub remembers it: a copy of production started as `staging` refuses to write. `default` unless given. */
  readonly environment?: string;
  /** Take over a hub of another environment (after a rename, or for a copy that is to have remotes of its own). */
  readonly adoptEnvironment?: boolean;
  /** Links that a worker claims at once. 100 unless given. */
  readonly batchSize?: number;
  /** How often loops look by themselves, in ms. 1,000 unless given. */
  readonly wakeIntervalMs?: number;
  /** How often remotes are polled, in ms. 5,000 unless given. */
  readonly pollIntervalMs?: number;
  /**
   * How long a claimed link stays ours without a sign of life, in ms. 30,000 unless given. What a killed worker had claimed waits
   * for so long: its last requests may still be under way.
   */
  readonly leaseMs?: number;
  readonly retry?: Partial<RetryOptions>;
  /**
   * Whether a subscriber that was never loaded is loaded at start. True unless given. A load that was begun must be ended by a
   * process that has it on: until then no process creates remotes for that subscriber.
   */
  readonly backfill?: boolean;
  /** Limits of `flow.handler`, and the token that opens its control API. */
  readonly http?: HttpOptions;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly newId?: () => string;
}

/** How often `settled` asks whether anything is pending, in ms: often at first, seldom during a long load. */
const settledIntervalMs = { first: 10, longest: 200 };

/** What a killed process may have sent last gets so long to arrive, in ms, where nobody else can be at work. */
const graceMs = 3_000;

type Listener<E> = (event: E) => void;

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
export class Syncflow {
  readonly database: Database;
  readonly catalogs: readonly CatalogClass[];
  readonly environment: string;
  readonly #options: SyncflowOptions;
  readonly #listeners = new Map<string, Set<Listener<never>>>();
  readonly #stopping = new AbortController();
  #prepared: Promise<Prepared> | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #loops: Loops | undefined;
  #intake: Intake | undefined;
  #handler: Handler | undefined;

  constructor(options: SyncflowOptions) {
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
    this.#started ??= (async () => {
      const { env, bindings } = await this.#ready();
      const { batchSize = 100, wakeIntervalMs = 1000, pollIntervalMs = 5000, backfill = true } = this.#options;
      this.#loops = new Loops(
        env,
        this.catalogs.map((main) => main.definition.name),
        bindings,
        { batchSize, wakeIntervalMs, pollIntervalMs, backfill },
      );
      // whoever had claimed anything here is dead, and its last requests have had their time
      if (!env.db.shared) await shortenLeases(env.db, graceMs);
      if (backfill) await openFirstLoads(env, bindings);
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
    const binding = find(bindings, subscriber);
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
      return { db: env.db, catalog: binding, subscribers: await this.subscribers(), wrote: () => this.#loops?.ring() };
    });
  }

  /** Listens to an event; returns a function that stops it. The catalogue of events is `SyncflowEvents`. */
  on<N extends keyof SyncflowEvents>(name: N, listener: (event: SyncflowEvents[N]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(name, listeners);
    return () => listeners.delete(listener);
  }

  /** Takes in a webhook delivery of an account; resolves once its events are durable. */
  async receive(account: string, delivery: Delivery): Promise<Received> {
    const { env, bindings } = await this.#ready();
    this.#intake ??= new Intake(env.db, env.clock);
    const received = await receiveWebhook(this.#intake, bindings, account, delivery);
    if (received.fresh > 0) this.#loops?.ring();
    return received;
  }

  /** Webhooks, health and the control API as one Web-standard function, to mount in any server: `app.all('*', (c) => flow.handler(c.req.raw))`. */
  get handler(): Handler {
    this.#handler ??= createHandler(this, {
      ...this.#options.http,
      report: ({ where, status, error }) => {
        // once stopped, it is no fault that nothing is taken in any more
        if (status >= 500 && this.#stopped === undefined) this.#emit('error', { where, error });
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

  /** Compares whole catalogs with their remotes, field by field. Writes nothing. Systems without a listing are left out. */
  async verify(subscriber?: string): Promise<readonly VerifyReport[]> {
    const { env, bindings } = await this.#ready();
    const chosen = subscriber === undefined ? bindings : [find(bindings, subscriber)];
    const reports: VerifyReport[] = [];
    for (const binding of chosen) if (binding.subscriber.capabilities.listing) reports.push(await verify(env, binding));
    return reports;
  }

  /** What in the mappings can't work, or not always, by the schemas of catalogs and remotes. `syncflow check` tries real values, too. */
  async check(): Promise<readonly Finding[]> {
    return (await this.#ready()).bindings.flatMap(checkSchema);
  }

  async parked(filter: { subscriber?: string; code?: string; id?: string } = {}): Promise<readonly ParkedRecord[]> {
    return listParked((await this.#ready()).env.db, filter);
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

  /** Lets the deletes go that the brake or a TRUNCATE holds: they were meant. */
  async release(subscriber: string, forMs = 600_000): Promise<number> {
    const { env, bindings } = await this.#ready();
    find(bindings, subscriber);
    await writeEnd(env.db, releaseSetting(subscriber), forMs);
    let count = 0;
    for (const code of ['brake', 'truncate']) count += await retryParked(env.db, { subscriber, code, held: true });
    this.#loops?.ring();
    return count;
  }

  async conflicts(filter: { subscriber?: string; key?: string } = {}): Promise<readonly ConflictRow[]> {
    return listConflicts((await this.#ready()).env.db, filter);
  }

  /** Stops syncing a subscriber, or one record of it, until `resubscribe`. Changes meanwhile are noted, and synced then. */
  async unsubscribe(subscriber: string, key?: string): Promise<void> {
    const { env, bindings } = await this.#ready();
    find(bindings, subscriber);
    if (key === undefined) await writeSetting(env.db, `pause:${subscriber}`, env.clock.now().toISOString());
    else await setPaused(env.db, subscriber, key, true);
  }

  async resubscribe(subscriber: string, key?: string): Promise<void> {
    const { env, bindings } = await this.#ready();
    find(bindings, subscriber);
    if (key === undefined) await dropSetting(env.db, `pause:${subscriber}`);
    else await setPaused(env.db, subscriber, key, false);
    this.#loops?.ring();
  }

  #ready(): Promise<Prepared> {
    if (this.#stopped !== undefined)
      throw new SyncflowError('usage', 'this Syncflow was stopped', { hint: 'Make a new one.' });
    this.#prepared ??= this.#prepare();
    return this.#prepared;
  }

  async #prepare(): Promise<Prepared> {
    const { accounts = {}, clock = systemClock, random = Math.random, newId = randomUUID } = this.#options;
    await this.database.open();
    const ground = groundOf(this.database);
    const { applied } = await ground.migrate();
    await this.#checkEnvironment();
    const catalogs = new Map<string, CatalogBinding>();
    for (const main of this.catalogs) {
      if (catalogs.has(main.definition.name))
        throw new SyncflowError('config', `two catalogs are called "${main.definition.name}"`);
      const { definition } = main;
      const rows = new HubRows(definition, await ground.prepareTables(definition));
      catalogs.set(definition.name, { definition, main: new main(), rows });
    }
    const bindings = bindSubscribers(this.catalogs, catalogs, accounts, this.environment);
    refuseImpossible(bindings);
    await ground.capture(this.catalogs.map((main) => main.definition));
    const env: Environment = {
      db: this.database,
      clock,
      random,
      newId,
      worker: `${hostname()}:${process.pid}:${newId().slice(0, 8)}`,
      leaseMs: this.#options.leaseMs ?? 30_000,
      retry: { ...defaultRetry, ...this.#options.retry },
      contacts: new Contacts(),
      emit: (name, event) => this.#emit(name, event),
    };
    return { env, catalogs, bindings, applied };
  }

  async #checkEnvironment(): Promise<void> {
    const known = await readSetting(this.database, 'environment');
    if (known !== undefined && known !== this.environment && this.#options.adoptEnvironment !== true) {
      throw new SyncflowError(
        'environment',
        `this hub belongs to the environment "${known}", not "${this.environment}"`,
        {
          hint: `Is it a copy? Then its links lead to the remotes of "${known}". To take it over all the same: adoptEnvironment: true, or \`syncflow migrate --adopt-environment\`.`,
        },
      );
    }
    if (known !== this.environment) await writeSetting(this.database, 'environment', this.environment);
  }

  #emit<N extends keyof SyncflowEvents>(name: N, event: SyncflowEvents[N]): void {
    for (const listener of this.#listeners.get(name) ?? []) (listener as Listener<SyncflowEvents[N]>)(event);
    if (name === 'error' && (this.#listeners.get('error')?.size ?? 0) === 0)
      process.emitWarning(String((event as SyncflowEvents['error']).error));
  }
}

/** Which parked records to try again, and for a single one with what decision. */
export interface RetryFilter {
  readonly subscriber?: string;
  readonly code?: string;
  readonly id?: string;
  readonly as?: 'create';
}

function oneOf({ id }: RetryFilter): string {
  if (id !== undefined) return id;
  throw new SyncflowError('usage', 'a decision is made for one record', { hint: 'Give its id: see flow.parked().' });
}

interface Prepared {
  readonly env: Environment;
  readonly catalogs: ReadonlyMap<string, CatalogBinding>;
  readonly bindings: readonly Binding[];
  readonly applied: readonly string[];
}

function find(bindings: readonly Binding[], id: string): Binding {
  const binding = bindings.find((one) => one.id === id);
  if (binding !== undefined) return binding;
  const ids = bindings.map((one) => one.id);
  const guess = didYouMean(id, ids);
  throw new SyncflowError('usage', `there is no subscriber "${id}"`, {
    hint: guess === undefined ? `There are: ${ids.join(', ')}.` : `Did you mean "${guess}"?`,
  });
}

/** A database from its short form. */
export function openDatabase(address: string): Database {
  if (/^postgres(ql)?:\/\//.test(address)) return new PostgresDatabase({ url: address });
  if (address === 'memory:') return new EmbeddedDatabase();
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(address)) {
    throw new SyncflowError('config', `a database can't be opened by "${address.split(':')[0] ?? ''}:"`, {
      hint: 'Give postgres://…, a folder for an embedded hub, or memory:.',
    });
  }
  return new EmbeddedDatabase({ dataDir: address });
}
