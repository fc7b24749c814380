/** The driver for the embedded hub: Postgres inside this process (PGlite), for trying out, development and tests. */
import { PGlite, type Transaction } from '@electric-sql/pglite';
import { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { messageOf, SyncflowError } from '../errors.js';
import {
  quoteIdentifier,
  sqlState,
  transactionSettings,
  type Database,
  type Queryable,
  type SqlValue,
  type Statement,
  type TransactionOptions,
} from './database.js';
import { EmbeddedLock, type Control } from './embedded-lock.js';
import { loadTemplate } from './embedded-template.js';
import { abortedTransaction } from './postgres.js';

export { readLock, type Control, type LockHolder } from './embedded-lock.js';

export interface EmbeddedOptions {
  /** The folder that holds the hub. Absent: in memory, gone when closed. */
  readonly dataDir?: string;
}

/** OIDs whose values are native on both drivers: bool, int2, int4, oid, float4, float8. Everything else stays text. */
const nativeTypes = new Set(['16', '21', '23', '26', '700', '701']);

/**
 * Postgres in this process. One connection: whoever is in a transaction makes everybody else wait, so transactions must be short.
 *
 * Durability: what was committed survives a killed process. PGlite never calls fsync, so a power loss or a crash of the
 * operating system can lose the last commits or damage the folder. Use a Postgres server for anything that matters.
 *
 * @example
 * const hub = new EmbeddedDatabase({ dataDir: '.syncflow/hub' });
 * await hub.open();
 */
export class EmbeddedDatabase implements Database {
  readonly description: string;
  readonly shared = false;
  readonly #dataDir: string | undefined;
  /** Marks code that runs inside a transaction: a query through the outer handle would wait for itself for ever. */
  readonly #inside = new AsyncLocalStorage<{ open: boolean }>();
  #lock: EmbeddedLock | undefined;
  #db: PGlite | undefined;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: EmbeddedOptions = {}) {
    this.#dataDir = options.dataDir === undefined ? undefined : resolve(options.dataDir);
    this.description = this.#dataDir === undefined ? 'embedded hub in memory' : `embedded hub ${this.#dataDir}`;
  }

  /** Safe when doubled. Throws `locked` when another process holds the folder. */
  open(): Promise<void> {
    this.#opening ??= this.#start().catch((error: unknown) => {
      this.#opening = undefined;
      this.#lock?.release();
      this.#lock = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** A hub in memory is made by whoever opens it, so it is there when it is open. */
  exists(): boolean {
    if (this.#dataDir === undefined) return this.#db !== undefined;
    return existsSync(join(this.#dataDir, 'PG_VERSION'));
  }

  async query<R extends object>(statement: string | Statement, params?: readonly SqlValue[]): Promise<R[]> {
    const db = this.#ready();
    return rowsOf<R>(db.query<R>(textOf(statement), params === undefined ? undefined : [...params]));
  }

  async transaction<T>(work: (tx: Queryable) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.#inTransaction(async (transaction) => {
      await transaction.exec(transactionSettings(options));
      return this.#run(transaction, work);
    });
  }

  async execute(sql: string): Promise<void> {
    await this.#inTransaction(async (transaction) => {
      await transaction.exec(transactionSettings({}));
      await transaction.exec(sql);
    });
  }

  async listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>> {
    const db = this.#ready();
    let stopped = false;
    // Not PGlite's own listen(): it takes channel names apart wrongly where they contain quotes.
    const unsubscribe = db.onNotification((notified, payload) => {
      if (notified !== channel) return;
      // PGlite calls back while it still holds its connection; the callback may well want to query.
      setImmediate(() => {
        try {
          if (!stopped) onNotify(payload);
        } catch {
          // The callback's own trouble; it must not end the process.
        }
      });
    });
    await db.exec(`listen ${quoteIdentifier(channel)}`);
    return async () => {
      stopped = true;
      unsubscribe();
    };
  }

  /** Tells other commands, through the lock file, where this process takes orders. Nothing to do for a hub in memory. */
  setControl(control: Control | undefined): void {
    this.#lock?.setControl(control);
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#opening?.catch(() => undefined);
      try {
        await this.#db?.close();
      } finally {
        this.#lock?.release();
        this.#lock = undefined;
      }
    })();
    return this.#closing;
  }

  async #start(): Promise<void> {
    if (this.#closing !== undefined) throw new SyncflowError('database', `${this.description} was closed`);
    if (this.#dataDir === undefined) {
      this.#db = await startPGlite(undefined, await loadTemplate());
      return;
    }
    mkdirSync(this.#dataDir, { recursive: true, mode: 0o700 });
    const folder = realpathSync(this.#dataDir);
    this.#lock = EmbeddedLock.acquire(folder);
    // Present only while a new hub is made: after a crash in that time the half-made folder is thrown away.
    const marker = `${folder}.creating`;
    if (existsSync(marker))
      for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
    const isNew = readdirSync(folder).length === 0;
    if (!isNew && !existsSync(join(folder, 'PG_VERSION'))) {
      throw new SyncflowError('config', `${folder} is not an embedded hub, and not empty`, {
        hint: 'Give a folder of its own, such as .syncflow/hub.',
      });
    }
    if (isNew) writeFileSync(marker, '');
    // Postgres refuses an empty one, which a kill between its making and its filling leaves. Our own lock says that it is nobody's.
    rmSync(join(folder, 'postmaster.pid'), { force: true });
    try {
      this.#db = await startPGlite(folder, isNew ? await loadTemplate() : undefined);
    } catch (error) {
      throw new SyncflowError('database', `${this.description} can't be opened: ${messageOf(error)}`, {
        hint: isNew
          ? 'Check that the disk has room and the folder is writable.'
          : 'It may have been made by another PGlite version, or be damaged: restore a copy, or start with a new folder.',
        cause: error,
      });
    }
    rmSync(marker, { force: true });
  }

  #ready(): PGlite {
    if (this.#db === undefined || this.#closing !== undefined) {
      throw new SyncflowError('database', `${this.description} is not open`, {
        hint: this.#closing === undefined ? 'Call open() first.' : 'It was closed.',
      });
    }
    if (this.#inside.getStore()?.open === true) {
      throw new SyncflowError(
        'usage',
        'a query inside a transaction went to the database instead of the transaction: it would wait for itself',
        {
          hint: 'Use the tx that was handed in.',
        },
      );
    }
    return this.#db;
  }

  async #inTransaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    try {
      return await this.#ready().transaction(work);
    } catch (error) {
      throw isSwallowedFailure(error) ? abortedTransaction(error) : error;
    }
  }

  async #run<T>(transaction: Transaction, work: (tx: Queryable) => Promise<T>): Promise<T> {
    const scope = { open: true };
    const tx: Queryable = {
      query: async <R extends object>(statement: string | Statement, params?: readonly SqlValue[]) => {
        if (!scope.open)
          throw new SyncflowError('usage', 'a query came after the end of its transaction', {
            hint: 'Await every query inside it.',
          });
        return rowsOf<R>(transaction.query<R>(textOf(statement), params === undefined ? undefined : [...params]));
      },
    };
    try {
      return await this.#inside.run(scope, () => work(tx));
    } finally {
      scope.open = false;
    }
  }
}

async function startPGlite(dataDir: string | undefined, template: Blob | undefined): Promise<PGlite> {
  const db = new PGlite({
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(template === undefined ? {} : { loadDataDir: template }),
  });
  await db.waitReady;
  // PGlite's defaults would turn dates into Date, json into objects and int8 into a number or a bigint, by size.
  for (const oid of Object.keys(db.parsers)) if (!nativeTypes.has(oid)) db.parsers[oid] = (text) => text;
  for (const oid of Object.keys(db.serializers)) db.serializers[oid] = String;
  return db;
}

async function rowsOf<R>(answer: Promise<{ rows: R[] }>): Promise<R[]> {
  try {
    return (await answer).rows;
  } catch (error) {
    // PGlite hangs the values on its errors, where a log would print them.
    if (typeof error === 'object' && error !== null) delete (error as { params?: unknown }).params;
    throw error;
  }
}

function textOf(statement: string | Statement): string {
  return typeof statement === 'string' ? statement : statement.text;
}

/** PGlite's own error when COMMIT turned out to be a ROLLBACK. */
function isSwallowedFailure(error: unknown): boolean {
  return sqlState(error) === '25P02' && (error as { query?: unknown }).query === 'COMMIT';
}
