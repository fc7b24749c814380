/** One hub for all workers of a world, in virtual time, with commits that fail and workers that die. */
import type { Database, Queryable, SqlValue, Statement, TransactionOptions } from '../../src/store/database.js';
import type { Ground } from '../../src/store/ground.js';
import type { Chance } from './chance.js';
import type { VirtualTime } from './time.js';

/** What can go wrong between a worker and its database, as probabilities per transaction or statement. */
export interface StoreFaults {
  commitFails: number;
  commitAnswerLost: number;
  statementFails: number;
}

export class StoreFailure extends Error {}

const never = new Promise<never>(() => undefined);

export class SimulatedHub {
  readonly faults: StoreFaults = { commitFails: 0, commitAnswerLost: 0, statementFails: 0 };
  readonly inner: Database;
  readonly time: VirtualTime;

  constructor(inner: Database, time: VirtualTime) {
    this.inner = inner;
    this.time = time;
  }

  prepare(): Promise<void> {
    return this.inner.open();
  }

  /** A connection of a worker, or of a user. */
  connect(chance: Chance, options: { readonly faulty: boolean }): SimulatedConnection {
    return new SimulatedConnection(this, chance, options.faulty);
  }
}

export class SimulatedConnection implements Database {
  readonly description = 'a simulated hub';
  readonly shared = true;
  readonly ground?: Ground;
  readonly #hub: SimulatedHub;
  readonly #chance: Chance;
  readonly #faulty: boolean;
  #die: () => void = () => undefined;
  readonly #death = new Promise<void>((resolve) => {
    this.#die = resolve;
  });
  dead = false;
  /** Until when the process is stopped (SIGSTOP, a long pause of the garbage collector), in virtual ms. */
  pausedUntil = 0;

  constructor(hub: SimulatedHub, chance: Chance, faulty: boolean) {
    this.#hub = hub;
    const { ground } = hub.inner;
    if (ground !== undefined) this.ground = ground;
    this.#chance = chance;
    this.#faulty = faulty;
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
    await this.#latency();
    return this.#alive(this.#run<R>(this.#hub.inner, statement, params));
  }

  async execute(sql: string): Promise<void> {
    await this.#latency();
    await this.#hub.inner.execute(sql);
  }

  async transaction<T>(work: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T> {
    await this.#latency();
    const answer = await this.#alive(this.#transact(work, options));
    if (this.#fails(this.#hub.faults.commitAnswerLost)) throw new StoreFailure('the answer to COMMIT was lost');
    return answer;
  }

  async #transact<T>(work: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T> {
    const killed = this.#death.then(() => {
      throw new StoreFailure('killed');
    });
    killed.catch(() => undefined);
    return this.#hub.inner.transaction(async (inner) => {
      const tx: Queryable = {
        query: async <R extends object>(statement: string | Statement, params?: readonly SqlValue[]) => {
          await this.#latency();
          return this.#alive(this.#run<R>(inner, statement, params));
        },
      };
      const answer = await Promise.race([work(tx), killed]);
      if (this.#fails(this.#hub.faults.commitFails)) throw new StoreFailure('COMMIT failed');
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
    if (this.#fails(this.#hub.faults.statementFails)) throw new StoreFailure('the connection was cut');
    return on.query<R>(statement, params);
  }

  #fails(probability: number): boolean {
    return this.#faulty && this.#chance.hits(probability);
  }

  async #latency(): Promise<void> {
    const { time } = this.#hub;
    if (this.pausedUntil > time.ms) await time.sleep(this.pausedUntil - time.ms);
    await time.sleep(this.#chance.int(0, 3));
    if (this.dead) await never;
  }
}
