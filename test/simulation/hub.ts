/** One hub for all workers of a world, in virtual time, with commits that fail and workers that die. */
import {
  sessionSettings,
  transactionSettings,
  type Database,
  type Queryable,
  type SqlValue,
  type Statement,
  type TransactionOptions,
} from '../../src/store/database.js';
import type { Ground } from '../../src/store/ground.js';
import type { Chance } from './chance.js';
import type { FaultKind, Faults } from './faults.js';
import { pace } from './pace.js';
import type { VirtualTime } from './time.js';
import type { Caller, InwardCommit } from './witness.js';

export class StoreFailure extends Error {}

/** What Postgres says where a policy would leave rows out and that is to be an error. */
class PolicyError extends Error {
  readonly code = '42501';
}

const never = new Promise<never>(() => undefined);

/** How long workers sleep when nobody rings, by how a hub's notifications reach them. */
const wakeIntervalsMs = { surely: [2_000, 4_000], hardly: [1_500], never: [1_000, 2_000] } as const;
type Hearing = keyof typeof wakeIntervalsMs;
/** Where they hardly do: how many get lost, and how late the others are. */
const lost = 0.3;
const lateMs = 800;

/** A hub whose tables can be given a unique column once they are there. */
export interface Inner extends Database {
  makeUnique(table: string, column: string): Promise<void>;
  /** Told of what inward sync commits, where the hub can tell. */
  onInwardCommit?: ((commit: InwardCommit) => void) | undefined;
}

export class SimulatedHub {
  readonly faults: Faults;
  /** Until when nobody gets through, in virtual ms. */
  awayUntil = 0;
  /** Until when the engine's role may not see all customers. */
  hiddenUntil = 0;
  readonly inner: Inner;
  readonly time: VirtualTime;
  readonly wakeIntervalMs: number;
  /** How long a statement takes at most. */
  readonly statementMs: number;
  readonly #hearing: Hearing;
  readonly #chance: Chance;

  constructor(inner: Inner, time: VirtualTime, faults: Faults, chance: Chance, statementMs: number) {
    this.statementMs = statementMs;
    this.inner = inner;
    this.time = time;
    this.faults = faults;
    this.#chance = chance;
    this.#hearing = chance.pick(['surely', 'surely', 'surely', 'hardly', 'never'] as const);
    this.wakeIntervalMs = chance.pick(wakeIntervalsMs[this.#hearing]);
  }

  prepare(): Promise<void> {
    return this.inner.open();
  }

  /** A connection of a worker, or of a person. */
  connect(chance: Chance, worker?: string): SimulatedConnection {
    return new SimulatedConnection(this, chance, worker);
  }

  /** LISTEN: a pooler in between takes no such connection, and whoever is told may be told late, or not at all. */
  async listen(channel: string, onNotify: (payload: string) => void): Promise<(() => Promise<void>) | undefined> {
    if (this.#hearing === 'never') return undefined;
    const isSure = this.#hearing === 'surely';
    return this.inner.listen(channel, (payload) => {
      if (!isSure && this.#chance.hits(lost)) return;
      void this.time.sleep(isSure ? this.#chance.int(0, 2) : this.#chance.int(0, lateMs)).then(() => onNotify(payload));
    });
  }
}

export class SimulatedConnection implements Database, Caller {
  readonly description = 'a simulated hub';
  readonly shared = true;
  readonly ground?: Ground;
  readonly #hub: SimulatedHub;
  readonly #chance: Chance;
  /** The worker whose connection it is; a person's has no faults. */
  readonly #worker: string | undefined;
  #die: () => void = () => undefined;
  /** Rejects when the process is killed. */
  readonly #killed = new Promise<never>((_resolve, reject) => {
    this.#die = () => reject(new StoreFailure('killed'));
  });
  dead = false;
  troubledAt = Number.NEGATIVE_INFINITY;
  /** Until when the process is stopped (SIGSTOP, a long pause of the garbage collector), in virtual ms. */
  pausedUntil = 0;
  /** How the world kills its process. */
  onCrash: () => void = () => undefined;
  #unlisten: (() => Promise<void>) | undefined;

  constructor(hub: SimulatedHub, chance: Chance, worker: string | undefined) {
    this.#hub = hub;
    const { ground } = hub.inner;
    if (ground !== undefined) this.ground = ground;
    this.#chance = chance;
    this.#worker = worker;
    this.#killed.catch(() => undefined);
  }

  /** kill -9: nothing of this process is heard of any more, and what it had not committed is rolled back. */
  kill(): void {
    this.dead = true;
    this.#die();
    void this.#unlisten?.();
  }

  async open(): Promise<void> {
    return undefined;
  }
  async close(): Promise<void> {
    await this.#unlisten?.();
  }
  async listen(channel: string, onNotify: (payload: string) => void): Promise<undefined> {
    this.#unlisten = await this.#hub.listen(channel, (payload) => {
      if (!this.dead) onNotify(payload);
    });
  }

  async query<R extends object>(statement: string | Statement, params?: readonly SqlValue[]): Promise<R[]> {
    const named = nameOf(statement);
    const late = this.#latency(named);
    if (late !== undefined) await late;
    const rows = await this.#run<R>(this.#hub.inner, statement, params);
    const stop = this.mishap('after', named);
    if (stop !== undefined) await stop;
    if (this.#fails('commitAnswerLost', '', named)) throw new StoreFailure('the answer was lost');
    return rows;
  }

  async execute(sql: string): Promise<void> {
    await this.#latency('ddl');
    await this.#hub.inner.execute(sql);
  }

  async transaction<T>(work: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T> {
    await this.#latency('begin');
    const answer = await this.#alive(this.#transact(work, options));
    const stop = this.mishap('after', 'commit');
    if (stop !== undefined) await stop;
    if (this.#fails('commitAnswerLost', '', 'commit')) throw new StoreFailure('the answer to COMMIT was lost');
    return answer;
  }

  async #transact<T>(work: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T> {
    let cut = false;
    return this.#hub.inner.transaction(async (inner) => {
      const tx: Queryable = {
        query: async <R extends object>(statement: string | Statement, params?: readonly SqlValue[]) => {
          const late = this.#latency('a statement');
          if (late !== undefined) await late;
          // a connection that was cut takes nothing more
          if (cut) throw new StoreFailure('the connection was cut');
          try {
            return await this.#run<R>(inner, statement, params, options ?? {});
          } catch (error) {
            cut ||= error instanceof StoreFailure || error instanceof PolicyError;
            throw error;
          }
        },
      };
      const answer = await Promise.race([work(tx), this.#killed]);
      if (cut || this.#fails('commitFails', '', 'commit')) throw new StoreFailure('COMMIT failed');
      return answer;
    }, options);
  }

  /** A dead process learns nothing any more. */
  async #alive<T>(work: Promise<T>): Promise<T> {
    try {
      const answer = await work;
      return this.dead ? await never : answer;
    } catch (error) {
      if (this.dead) return never;
      throw error;
    }
  }

  async #run<R extends object>(
    on: Queryable,
    statement: string | Statement,
    params: readonly SqlValue[] | undefined,
    options?: TransactionOptions,
  ): Promise<R[]> {
    if (this.dead) return never;
    if (this.#fails('statementFails', '', 'a statement')) throw new StoreFailure('the connection was cut');
    if (this.#worker !== undefined && this.#hub.awayUntil > this.#hub.time.ms) {
      this.#hub.faults.met('hubAway', this.#worker);
      this.#trouble();
      throw new StoreFailure('the database is away');
    }
    if (this.#worker !== undefined && this.#hub.hiddenUntil > this.#hub.time.ms && readsCustomers(statement)) {
      this.#hub.faults.met('rowsHidden', this.#worker);
      this.#trouble();
      if ((options === undefined ? sessionSettings : transactionSettings(options)).includes('row_security = off'))
        throw new PolicyError('query would be affected by row-level security policy for table "customer"');
      return this.#alive(on.query<R>(statement, params).then((rows) => rows.filter(isSeen)));
    }
    return this.#alive(on.query<R>(statement, params));
  }

  #fails(kind: FaultKind, when: string, what: string): boolean {
    const { faults } = this.#hub;
    if (this.#worker === undefined || !faults.begins(kind)) return false;
    faults.struck(kind, `${this.#worker}: ${when}${what}`);
    this.#trouble();
    return true;
  }

  #trouble(): void {
    this.troubledAt = Math.max(this.pausedUntil, this.#hub.time.ms);
  }

  /** Half of all statements take no time to speak of. */
  #latency(what: string): Promise<void> | undefined {
    const stop = this.mishap('before', what);
    const { statementMs } = this.#hub;
    const ms = this.#chance.int(-statementMs, statementMs);
    return stop === undefined && ms <= 0 ? undefined : this.#sleep(stop, ms);
  }

  async #sleep(stop: Promise<void> | undefined, ms: number): Promise<void> {
    if (stop !== undefined) await stop;
    if (ms > 0) await this.#hub.time.sleep(ms);
    if (this.dead) await never;
  }

  /** Between any two awaits a process may die, or be stopped for a while: the promise is to be waited for. */
  mishap(when: string, what: string): Promise<void> | undefined {
    const { time, faults } = this.#hub;
    if (this.#fails('crash', `${when} `, what)) this.onCrash();
    if (this.#fails('pause', `${when} `, what)) {
      this.pausedUntil = Math.max(this.pausedUntil, time.ms + faults.chance('pause').within(pace.pause));
      this.#trouble();
    }
    return this.dead || this.pausedUntil > time.ms ? this.#stand() : undefined;
  }

  async #stand(): Promise<void> {
    const { time } = this.#hub;
    if (this.pausedUntil > time.ms) await time.sleep(this.pausedUntil - time.ms);
    if (this.dead) await never;
  }
}

/** The statements of `src/store/rows-sql.ts` but for inserts: the policy is one of what can be seen. */
const readsCustomers = (statement: string | Statement): boolean =>
  /^rows of customer: (?!insert)/.test(nameOf(statement));
/** What a policy leaves of them: the first column that is read is the key. */
function isSeen(row: object): boolean {
  const { c0, key } = row as { readonly c0?: string; readonly key?: string };
  return Number(/\d+/.exec(c0 ?? key ?? '')?.[0] ?? 1) % 3 !== 0;
}

const nameOf = (statement: string | Statement): string =>
  typeof statement === 'string' ? statement.slice(0, 40) : (statement.name ?? statement.text.slice(0, 40));
