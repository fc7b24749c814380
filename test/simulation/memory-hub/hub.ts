/**
 * The hub in memory: every statement of the engine is answered, by its name, by a twin in JavaScript that does what the SQL does on
 * Postgres under READ COMMITTED. So the engine and the TypeScript around the SQL run as they are; the SQL itself doesn't, and the
 * conformance suite holds both to the same answers.
 */
import type { CatalogDefinition, TableInfo } from '../../../src/catalog/catalog.js';
import type { Clock } from '../../../src/engine/environment.js';
import { SyncflowError } from '../../../src/errors.js';
import type { Database, Queryable, SqlValue, Statement, TransactionOptions } from '../../../src/store/database.js';
import type { Ground } from '../../../src/store/ground.js';
import { CatalogTable, type Texts } from './catalog-table.js';
import { Index } from './table.js';
import { dueTwins } from './due.js';
import { heldTwins } from './held.js';
import { inboxTwins, intentTwins } from './hints.js';
import { overviewTwins } from './overview.js';
import { pairedTwins } from './paired.js';
import { recordTwins } from './record.js';
import { MemoryRowStatements } from './row-statements.js';
import { settleTwins } from './settle.js';
import { Store, type Twin } from './store.js';
import type { InwardCommit } from '../witness.js';
import { HubError, Transaction } from './transaction.js';
import { userTwins } from './user-twins.js';

const defaultLockTimeoutMs = 2_000;

export class MemoryHub implements Database {
  readonly description = 'a hub in memory';
  readonly shared = true;
  readonly store: Store;
  readonly ground: Ground;
  readonly tables = new Map<string, CatalogTable>();
  readonly #clock: Clock;
  readonly #twins: Map<string, Twin>;
  readonly #rows = new Map<string, MemoryRowStatements>();
  readonly #listeners = new Set<(payload: string) => void>();
  onInwardCommit: ((commit: InwardCommit) => void) | undefined;
  /** How many statements it has answered. */
  statements = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.store = new Store(clock);
    this.#twins = new Map([
      ...Object.entries({
        ...settleTwins(this.store),
        ...dueTwins(this.store),
        ...intentTwins(this.store),
        ...inboxTwins(this.store),
        ...recordTwins(this.store),
        ...overviewTwins(this.store),
        ...pairedTwins(this.store),
        ...heldTwins(this.store),
      }),
      ...userTwins(this.store, (name) => this.#tableNamed(name)),
    ]);
    this.ground = {
      migrate: async () => ({ applied: [] }),
      standing: async () => 'ready',
      readTables: async (definition) => ({ statements: this.#prepare(definition), whole: true }),
      prepareTables: async (definition) => this.#prepare(definition),
      capture: async (definitions) => {
        for (const definition of definitions)
          for (const info of [definition, ...definition.children]) this.tables.get(nameOf(info))?.capture();
      },
    };
  }

  async open(): Promise<void> {
    return undefined;
  }
  async close(): Promise<void> {
    return undefined;
  }

  async listen(_channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>> {
    this.#listeners.add(onNotify);
    return async () => {
      this.#listeners.delete(onNotify);
    };
  }

  async query<R extends object>(statement: string | Statement, params: readonly SqlValue[] = []): Promise<R[]> {
    const tx = new Transaction(this.#clock, undefined);
    try {
      const answer = this.#answer(tx, statement, params);
      const rows = answer instanceof Promise ? await answer : answer;
      this.#commit(tx);
      return rows as R[];
    } finally {
      tx.rollback();
    }
  }

  async transaction<T>(work: (tx: Queryable) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const tx = new Transaction(this.#clock, options.lockTimeoutMs ?? defaultLockTimeoutMs);
    try {
      const result = await work({
        query: async <R extends object>(statement: string | Statement, params: readonly SqlValue[] = []) =>
          (await this.#answer(tx, statement, params)) as R[],
      });
      if (tx.state === 'failed')
        throw new SyncflowError('database', 'the transaction was rolled back: one of its statements had failed');
      this.#commit(tx);
      return result;
    } finally {
      tx.rollback();
    }
  }

  async execute(sql: string): Promise<void> {
    throw new Error(`the hub in memory runs no SQL: ${sql}`);
  }

  /** At once, unless somebody's lock stands in the way. */
  #answer(tx: Transaction, statement: string | Statement, params: readonly SqlValue[]): Promise<object[]> | object[] {
    if (tx.state === 'ended')
      throw new SyncflowError('usage', 'a query came after the end of its transaction', {
        hint: 'Await every query inside it.',
      });
    if (tx.state === 'failed')
      throw new HubError('25P02', 'current transaction is aborted, commands ignored until end of transaction block');
    // a statement of a user's own class goes by its text
    const name = typeof statement === 'string' ? statement : statement.name;
    const twin = name === undefined ? undefined : this.#twins.get(name);
    if (twin === undefined)
      throw new Error(
        `the hub in memory has no twin of the statement ${name ?? '(without a name)'}: ${typeof statement === 'string' ? statement : statement.text}`,
      );
    this.statements += 1;
    try {
      const answer = twin(tx, params);
      return answer instanceof Promise
        ? answer.catch((error: unknown) => {
            tx.fail();
            throw error;
          })
        : answer;
    } catch (error) {
      tx.fail();
      throw error;
    }
  }

  #commit(tx: Transaction): void {
    tx.commit();
    const { notifies, settings, written, settled } = tx;
    const origin = settings.get('origin') ?? '';
    if (written.length > 0 && origin !== '') this.onInwardCommit?.({ origin, written, settled });
    if (notifies !== undefined) for (const listener of this.#listeners) listener(notifies);
  }

  #prepare(definition: CatalogDefinition): MemoryRowStatements {
    const known = this.#rows.get(definition.name);
    if (known !== undefined) return known;
    const make = (info: TableInfo): CatalogTable => {
      const table = new CatalogTable(this.store, definition, info, (target) => this.tables.get(nameOf(target)));
      this.tables.set(nameOf(info), table);
      return table;
    };
    const rows = new MemoryRowStatements(
      this.store,
      this.#twins,
      definition,
      make(definition),
      definition.children.map(make),
    );
    this.#rows.set(definition.name, rows);
    return rows;
  }

  /** No two rows may have the same there. Before there are any. */
  async makeUnique(name: string, column: string): Promise<void> {
    const index = new Index<Texts>(`${name}_${column}_key`, true, (row) => row[column] ?? undefined);
    this.#tableNamed(name).table.addIndex(index);
  }

  #tableNamed(name: string): CatalogTable {
    const table = this.tables.get(`public.${name}`);
    if (table === undefined) throw new HubError('42P01', `relation "${name}" does not exist`);
    return table;
  }
}

const nameOf = (table: TableInfo): string => `${table.schema}.${table.table}`;
