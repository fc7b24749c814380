/** The driver for any Postgres ≥ 14, over `pg`. */
import pg from 'pg';
import { messageOf, SyncflowError } from '../errors.js';
import {
  sqlState,
  sessionSettings,
  transactionSettings,
  type Database,
  type Queryable,
  type SqlValue,
  type Statement,
  type TransactionOptions,
} from './database.js';

export interface PostgresOptions {
  /** `postgres://user:password@host:5432/name`. */
  readonly url: string;
  /** Connections held at most. 10 unless given. */
  readonly poolSize?: number;
  /** False behind a transaction-mode pooler: no named statements and no LISTEN, the engine polls. True unless given. */
  readonly namedStatements?: boolean;
}

const connectTimeoutMs = 10_000;
const firstReconnectMs = 100;
const longestReconnectMs = 10_000;

/** Each new connection, before its first statement. */
function beginSession(client: pg.PoolClient, done: (error?: Error) => void): void {
  client.query(sessionSettings).then(
    () => done(),
    (error: unknown) => done(error as Error),
  );
}

/** Results must not depend on the driver: bool, int2, int4, oid and floats are native, everything else stays Postgres's own text. */
const nativeParsers: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  [16, (text) => text === 't'],
  ...[21, 23, 26, 700, 701].map((oid): [number, (text: string) => unknown] => [oid, Number]),
]);
const asText = (text: string): string => text;

export class PostgresDatabase implements Database {
  readonly description: string;
  readonly shared = true;
  readonly #options: PostgresOptions;
  readonly #pool: pg.Pool;
  readonly #listeners = new Set<Listener>();
  #closing: Promise<void> | undefined;

  constructor(options: PostgresOptions) {
    this.#options = options;
    this.description = describeUrl(options.url);
    this.#pool = new pg.Pool({
      ...this.#clientConfig(),
      max: options.poolSize ?? 10,
      ...(options.namedStatements === false ? {} : { verify: beginSession }),
    });
    this.#pool.on('error', ignore); // an idle connection died: the pool has already replaced it
  }

  async open(): Promise<void> {
    const [row] = await this.query<{ version: number }>(
      "select current_setting('server_version_num')::int4 as version",
    );
    const major = Math.floor((row?.version ?? 0) / 10_000);
    if (major < 14) {
      throw new SyncflowError('database', `${this.description} is Postgres ${major}`, {
        hint: 'Syncflow needs Postgres 14 or newer.',
      });
    }
  }

  async query<R extends object>(statement: string | Statement, params?: readonly SqlValue[]): Promise<R[]> {
    const client = await this.#connect();
    let failure: unknown;
    try {
      return await this.#run<R>(client, statement, params);
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      this.#release(client, failure);
    }
  }

  async transaction<T>(work: (tx: Queryable) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.#inTransaction(options, async (client) => {
      let open = true;
      const tx: Queryable = {
        query: async <R extends object>(statement: string | Statement, params?: readonly SqlValue[]) => {
          if (!open)
            throw new SyncflowError('usage', 'a query came after the end of its transaction', {
              hint: 'Await every query inside it.',
            });
          return this.#run<R>(client, statement, params);
        },
      };
      try {
        return await work(tx);
      } finally {
        open = false;
      }
    });
  }

  async execute(sql: string): Promise<void> {
    await this.#inTransaction({}, async (client) => {
      await this.#run(client, sql);
    });
  }

  async listen(channel: string, onNotify: (payload: string) => void): Promise<(() => Promise<void>) | undefined> {
    if (this.#options.namedStatements === false) return undefined;
    const listener = new Listener(() => new pg.Client(this.#clientConfig()), channel, onNotify);
    try {
      await listener.start();
    } catch (error) {
      throw this.#explain(error);
    }
    this.#listeners.add(listener);
    return async () => {
      this.#listeners.delete(listener);
      await listener.stop();
    };
  }

  async close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all([...this.#listeners].map((listener) => listener.stop()));
      this.#listeners.clear();
      await this.#pool.end();
    })();
    return this.#closing;
  }

  #clientConfig(): pg.ClientConfig {
    return {
      connectionString: this.#options.url,
      application_name: 'syncflow',
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      types: {
        getTypeParser: ((oid: number) => nativeParsers.get(oid) ?? asText) as pg.CustomTypesConfig['getTypeParser'],
      },
    };
  }

  async #connect(): Promise<pg.PoolClient> {
    if (this.#closing !== undefined)
      throw new SyncflowError('database', `${this.description} was closed`, { hint: 'Call close() last.' });
    try {
      const client = await this.#pool.connect();
      client.on('error', ignore); // a connection that dies while it is ours also rejects the query: that is where it is reported
      return client;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #release(client: pg.PoolClient, failure: unknown): void {
    client.off('error', ignore);
    client.release(failure !== undefined && !keepsConnection(failure));
  }

  async #run<R extends object>(
    client: pg.PoolClient,
    statement: string | Statement,
    params?: readonly SqlValue[],
  ): Promise<R[]> {
    const text = typeof statement === 'string' ? statement : statement.text;
    const name = typeof statement === 'string' || this.#options.namedStatements === false ? undefined : statement.name;
    try {
      const result = await client.query<R>({
        text,
        ...(name === undefined ? {} : { name }),
        ...(params === undefined ? {} : { values: [...params] }),
      });
      return result.rows;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  async #inTransaction<T>(options: TransactionOptions, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    let failure: unknown;
    try {
      await this.#run(client, `begin isolation level read committed; ${transactionSettings(options)}`);
      const result = await work(client);
      await this.#commit(client);
      return result;
    } catch (error) {
      failure = error;
      // An error after which the connection can't be trusted discards it, and the server rolls back by itself.
      await client.query('rollback').catch((rollbackError: unknown) => {
        failure = new SyncflowError('database', 'rollback failed', { cause: rollbackError });
      });
      throw error;
    } finally {
      this.#release(client, failure);
    }
  }

  /** Postgres answers COMMIT with ROLLBACK when a statement failed and its error was swallowed: never take that for success. */
  async #commit(client: pg.PoolClient): Promise<void> {
    let command: string;
    try {
      command = (await client.query('commit')).command;
    } catch (error) {
      throw this.#explain(error);
    }
    if (command !== 'COMMIT') throw abortedTransaction();
  }

  /** Trouble with the connection becomes a SyncflowError; an SQL error stays as it is, with its SQLSTATE. */
  #explain(error: unknown): unknown {
    if (error instanceof SyncflowError) return error;
    const hint = connectionHint(error);
    if (hint === undefined) return error;
    return new SyncflowError('database', `${this.description}: ${reasonOf(error)}`, { hint, cause: error });
  }
}

/** The error of a transaction that was rolled back although `work` succeeded; shared by both drivers. */
export function abortedTransaction(cause?: unknown): SyncflowError {
  return new SyncflowError(
    'database',
    'the transaction was rolled back: one of its statements had failed, and the error was swallowed',
    {
      hint: 'Let the error of a query leave the transaction, or use a savepoint.',
      cause,
    },
  );
}

/** One connection that does nothing but listen, and comes back when it dies. */
class Listener {
  readonly #makeClient: () => pg.Client;
  readonly #channel: string;
  readonly #onNotify: (payload: string) => void;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #delayMs = firstReconnectMs;

  constructor(makeClient: () => pg.Client, channel: string, onNotify: (payload: string) => void) {
    this.#makeClient = makeClient;
    this.#channel = channel;
    this.#onNotify = onNotify;
  }

  async start(): Promise<void> {
    const client = this.#makeClient();
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    client.on('notification', ({ payload }) => this.#notify(payload ?? ''));
    try {
      await client.connect();
      await client.query(`listen ${client.escapeIdentifier(this.#channel)}`);
    } catch (error) {
      await client.end().catch(ignore);
      throw error;
    }
    if (this.#stopped) return client.end().catch(ignore);
    this.#client = client;
    this.#delayMs = firstReconnectMs;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(ignore);
  }

  #notify(payload: string): void {
    try {
      if (!this.#stopped) this.#onNotify(payload);
    } catch {
      // The callback's own trouble; it must not end the connection or the process.
    }
  }

  #lost(client: pg.Client): void {
    if (this.#client !== client || this.#stopped) return;
    this.#client = undefined;
    void client.end().catch(ignore);
    this.#reconnectLater();
  }

  #reconnectLater(): void {
    this.#timer = setTimeout(() => {
      this.start().then(
        () => this.#notify(''), // whatever was notified meanwhile was missed
        () => {
          if (!this.#stopped) this.#reconnectLater();
        },
      );
    }, this.#delayMs);
    this.#timer.unref();
    this.#delayMs = Math.min(this.#delayMs * 2, longestReconnectMs);
  }
}

function ignore(): void {
  // Deliberately nothing: see the callers.
}

/** Whether the connection can go back to the pool: the server refused a statement, and nothing worse. */
function keepsConnection(error: unknown): boolean {
  if (error instanceof SyncflowError) return error.code !== 'database' || error.cause === undefined;
  return true;
}

/** `postgres://host:port/name`, never with user or password. Throws `config` when it isn't a URL. */
function describeUrl(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new SyncflowError('config', "the hub's URL can't be read", {
      hint: 'Write postgres://user:password@host:5432/name, with special characters percent-encoded.',
    });
  }
  if (parsed.protocol !== 'postgres:' && parsed.protocol !== 'postgresql:') {
    throw new SyncflowError('config', `the hub's URL begins with ${parsed.protocol}//`, {
      hint: 'Write postgres://user:password@host:5432/name.',
    });
  }
  const host = parsed.host === '' ? (parsed.searchParams.get('host') ?? 'localhost') : parsed.host;
  return `postgres://${host}${parsed.pathname}`;
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return messageOf(error);
}

/** What to do about an error of the connection; undefined for any other error. */
function connectionHint(error: unknown): string | undefined {
  const state = sqlState(error);
  if (state !== undefined) {
    if (state === '28P01' || state === '28000') return 'Check user and password in the URL, and pg_hba.conf.';
    if (state === '3D000') return 'Create the database, or correct its name in the URL.';
    if (state === '53300') return 'Too many connections: lower poolSize, or raise max_connections.';
    if (state === '57P03') return 'The server is starting or recovering; try again.';
    if (/^(57P0[12]|08...)$/.test(state))
      return 'The server ended the connection; what was not committed was rolled back. Try again.';
    return undefined;
  }
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'ECONNREFUSED') return 'Nothing listens there: is Postgres running, on that port?';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return "The host's name can't be resolved: check the URL.";
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code))
    return 'Check that the host can be reached and that Postgres is running.';
  const message = messageOf(error);
  if (/timeout|timed out/i.test(message))
    return 'No answer in time: check host, port and firewall, and whether every connection of the pool is busy.';
  if (/terminated|closed|not queryable|SSL/i.test(message))
    return 'The connection was lost; what was not committed was rolled back. Try again.';
  if (/password|SASL|SCRAM/i.test(message)) return 'Check user and password in the URL.';
  return undefined;
}
