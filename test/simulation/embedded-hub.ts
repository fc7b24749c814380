/** The embedded hub in virtual time: real SQL, one connection. The measure for the hub in memory, and slow. */
import type { Database, Queryable, SqlValue, Statement, TransactionOptions } from '../../src/store/database.js';
import type { EmbeddedDatabase } from '../../src/store/embedded.js';
import type { VirtualTime } from './time.js';

/** Whoever has it, alone, talks to the database: there is but one connection. */
class Turn {
  #last: Promise<void> = Promise.resolve();

  async take(): Promise<() => void> {
    let release = (): void => undefined;
    const next = new Promise<void>((resolve) => {
      release = resolve;
    });
    const before = this.#last;
    this.#last = before.then(() => next);
    await before;
    return release;
  }
}

export class EmbeddedHub implements Database {
  readonly description = 'an embedded hub';
  readonly shared = true;
  readonly #inner: EmbeddedDatabase;
  readonly #time: VirtualTime;
  readonly #turn = new Turn();
  #told: number | undefined;

  constructor(inner: EmbeddedDatabase, time: VirtualTime) {
    this.#inner = inner;
    this.#time = time;
  }

  /** Everything that asks for the time of day is told the virtual one. */
  async open(): Promise<void> {
    await this.#real(() =>
      this.#inner.execute(`create or replace function public.sim_now() returns timestamptz language sql stable
        as $$ select current_setting('sim.now')::timestamptz $$`),
    );
  }
  async close(): Promise<void> {
    return undefined;
  }
  makeUnique(table: string, column: string): Promise<void> {
    return this.execute(`create unique index ${table}_${column}_key on ${table} (${column})`);
  }
  async listen(): Promise<undefined> {
    return undefined;
  }

  query<R extends object>(statement: string | Statement, params?: readonly SqlValue[]): Promise<R[]> {
    return this.#alone(() => this.#run<R>(this.#inner, statement, params));
  }

  transaction<T>(work: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.#alone(async () => {
      // BEGIN and COMMIT are real work too
      this.#time.working += 1;
      try {
        return await this.#inner.transaction(async (inner) => {
          this.#time.working -= 1;
          try {
            return await work({ query: (statement, params) => this.#run(inner, statement, params) });
          } finally {
            this.#time.working += 1;
          }
        }, options);
      } catch (error) {
        this.#told = undefined; // what it was told is rolled back as well
        throw error;
      } finally {
        this.#time.working -= 1;
      }
    });
  }

  execute(sql: string): Promise<void> {
    return this.#alone(async () => {
      await this.#tellTime(this.#inner);
      await this.#real(() => this.#inner.execute(virtual(sql)));
    });
  }

  async #run<R extends object>(
    on: Queryable,
    statement: string | Statement,
    params: readonly SqlValue[] | undefined,
  ): Promise<R[]> {
    await this.#tellTime(on);
    const text = virtual(typeof statement === 'string' ? statement : statement.text);
    return this.#real(() => on.query<R>(text, params));
  }

  async #tellTime(on: Queryable): Promise<void> {
    if (this.#told === this.#time.ms) return;
    this.#told = this.#time.ms;
    await this.#real(() => on.query(`select set_config('sim.now', '${this.#time.now().toISOString()}', false)`));
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const release = await this.#turn.take();
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** Real work: virtual time waits for it. */
  async #real<T>(work: () => Promise<T>): Promise<T> {
    this.#time.working += 1;
    try {
      return await work();
    } finally {
      this.#time.working -= 1;
    }
  }
}

function virtual(sql: string): string {
  return sql.replaceAll('clock_timestamp()', 'public.sim_now()');
}
