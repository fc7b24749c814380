/** One hub for all workers of a world, in virtual time, with commits that fail and workers that die. */
import type { Database, Queryable, SqlValue, Statement, TransactionOptions } from '../../src/store/database.js';
import type { Ground } from '../../src/store/ground.js';
import type { Chance } from './chance.js';
import type { FaultKind, Faults } from './faults.js';
import type { VirtualTime } from './time.js';

export class StoreFailure extends Error {}

const never = new Promise<never>(() => undefined);

export class SimulatedHub {
  readonly faults: Faults;
  /** Until when nobody gets through, in virtual ms. */
  awayUntil = 0;
  readonly inner: Database;
  readonly time: VirtualTime;

  constructor(inner: Database, time: VirtualTime, faults: Faults) {
    this.inner = inner;
    this.time = time;
    this.faults = faults;
  }

  prepare(): Promise<void> {
    return this.inner.open();
  }

  /** A connection of a worker, or of a person. */
  connect(chance: Chance, worker?: string): SimulatedConnection {
    return new SimulatedConnection(this, chance, worker);
  }
}

export class SimulatedConnection implements Database {
  readonly description = 'a simulated hub';
  readonly shared = true;
  readonly ground?: Ground;
  readonly #hub: SimulatedHub;
  readonly #chance: Chance;
  /** The worker whose connection it is; a person's has no faults. */
  readonly #worker: string | undefined;
  #die: () => void = () => undefined;
  readonly #death = new Promise<void>((resolve) => {
    this.#die = resolve;
  });
  dead = false;
  /** Until when the process is stopped (SIGSTOP, a long pause of the garbage collector), in virtual ms. */
  pausedUntil = 0;
  /** How the world kills its process. */
  onCrash: () => void = () => undefined;

  constructor(hub: SimulatedHub, chance: Chance, worker: string | undefined) {
    this.#hub = hub;
    const { ground } = hub.inner;
    if (ground !== undefined) this.ground = ground;
    this.#chance = chance;
    this.#worker = worker;
  }

  /** kill -9: nothing of this process is heard of any more, and what it had not committed is rolled back. */
  kill(): void {
    this.dead = true;
    this.#die();
  }

  async open(): Promise<void> {
    return undefined;
  }
  async close(): Promise<void> {
    return undefined;
  }
  async listen(): Promise<undefined> {
    return undefined;
  }

  async query<R extends object>(statement: string | Statement, params?: readonly SqlValue[]): Promise<R[]> {
    const named =
      typeof statement === 'string' ? statement.slice(0, 40) : (statement.name ?? statement.text.slice(0, 40));
    await this.#latency(named);
    const rows = await this.#alive(this.#run<R>(this.#hub.inner, statement, params));
    await this.mishap(`after ${named}`);
    if (this.#fails('commitAnswerLost', named)) throw new StoreFailure('the answer was lost');
    return rows;
  }

  async execute(sql: string): Promise<void> {
    await this.#latency('ddl');
    await this.#hub.inner.execute(sql);
  }

  async transaction<T>(work: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T> {
    await this.#latency('begin');
    const answer = await this.#alive(this.#transact(work, options));
    await this.mishap('after commit');
    if (this.#fails('commitAnswerLost', 'commit')) throw new StoreFailure('the answer to COMMIT was lost');
    return answer;
  }

  async #transact<T>(work: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T> {
    const killed = this.#death.then(() => {
      throw new StoreFailure('killed');
    });
    killed.catch(() => undefined);
    let cut = false;
    return this.#hub.inner.transaction(async (inner) => {
      const tx: Queryable = {
        query: async <R extends object>(statement: string | Statement, params?: readonly SqlValue[]) => {
          await this.#latency('a statement');
          // a connection that was cut takes nothing more
          if (cut) throw new StoreFailure('the connection was cut');
          try {
            return await this.#alive(this.#run<R>(inner, statement, params));
          } catch (error) {
            cut ||= error instanceof StoreFailure;
            throw error;
          }
        },
      };
      const answer = await Promise.race([work(tx), killed]);
      if (cut || this.#fails('commitFails', 'commit')) throw new StoreFailure('COMMIT failed');
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
  ): Promise<R[]> {
    if (this.dead) throw new StoreFailure('killed');
    if (this.#fails('statementFails', 'a statement')) throw new StoreFailure('the connection was cut');
    if (this.#worker !== undefined && this.#hub.awayUntil > this.#hub.time.ms) {
      this.#hub.faults.met('hubAway', this.#worker);
      throw new StoreFailure('the database is away');
    }
    return on.query<R>(statement, params);
  }

  #fails(kind: FaultKind, what: string): boolean {
    return this.#worker !== undefined && this.#hub.faults.hits(kind, `${this.#worker}: ${what}`);
  }

  async #latency(what: string): Promise<void> {
    await this.mishap(`before ${what}`);
    await this.#hub.time.sleep(this.#chance.int(0, 3));
    if (this.dead) await never;
  }

  /** Between any two awaits a process may die, or be stopped for a while. */
  async mishap(what: string): Promise<void> {
    const { time, faults } = this.#hub;
    if (this.#fails('crash', what)) this.onCrash();
    if (this.#fails('pause', what))
      this.pausedUntil = Math.max(this.pausedUntil, time.ms + faults.chance('pause').int(1_000, 60_000));
    if (this.pausedUntil > time.ms) await time.sleep(this.pausedUntil - time.ms);
    if (this.dead) await never;
  }
}
