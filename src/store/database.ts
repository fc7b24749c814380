/** The one small database interface, with two drivers: `pg` (any Postgres ≥ 14) and PGlite (embedded). */
import { SyncflowError } from '../errors.js';
import type { Ground } from './ground.js';

/**
 * A prepared statement: the name lets the driver reuse its plan (a pooler may ignore it). A name stands for one text only. Whatever
 * the engine runs has one, so that a hub that isn't SQL can tell the statements apart; preparation (DDL, the system catalogs) needs none.
 */
export interface Statement {
  readonly name?: string;
  readonly text: string;
}

/** Runs SQL. Parameters are text, numbers, booleans or null: lists and objects go in as one JSON text parameter. */
export interface Queryable {
  query<R extends object>(statement: string | Statement, params?: readonly SqlValue[]): Promise<R[]>;
}

export type SqlValue = string | number | boolean | null;

export interface TransactionOptions {
  /** Upper bound for waiting on a row that a user has locked, in ms. 2,000 unless given. */
  readonly lockTimeoutMs?: number;
  /**
   * Rows are found by indexes, never by reading a whole table: for the engine's short transactions over a few hundred rows of tables
   * that may have grown a thousandfold since the planner last heard of them. `ordered`: also taken in the order of an index, where a
   * statement wants only the first ones. Not for whole comparisons.
   */
  readonly byIndex?: 'unordered' | 'ordered';
}

/**
 * What a transaction begins with. Left alone, the planner takes a backlog for the handful of rows that was there at the last ANALYZE,
 * and reads, even sorts, all of it for every batch. (A plan that is discouraged isn't ruled out, but would seem dear enough to be compiled.)
 */
export function transactionSettings({ lockTimeoutMs = defaultLockTimeoutMs, byIndex }: TransactionOptions): string {
  const settings = `set local lock_timeout = ${Math.max(1, Math.ceil(lockTimeoutMs))}; set local row_security = off`;
  if (byIndex === undefined) return settings;
  const avoided = ['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'jit'];
  if (byIndex === 'ordered') avoided.push('enable_bitmapscan');
  return [settings, ...avoided.map((name) => `set local ${name} = off`)].join('; ');
}

const defaultLockTimeoutMs = 2_000;

/**
 * What a session of the engine begins with: rows that a policy would leave out of a single statement are an error there, too, and not rows
 * that aren't there. (Not behind a pooler, which would hand the setting on to the sessions of others.)
 */
export const sessionSettings = 'set row_security = off';

export interface Database extends Queryable {
  /** For people: `postgres://host/name` without credentials, or the embedded hub's folder. */
  readonly description: string;
  /** Whether other processes may share this hub. */
  readonly shared: boolean;
  open(): Promise<void>;
  /** False: there is nothing yet, and `open` would make it. Absent: nothing is ever made by opening. */
  exists?(): boolean;
  /** Runs `work` in one READ COMMITTED transaction with `row_security = off`; rolls back if it throws. */
  transaction<T>(work: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Calls back with the payload of every NOTIFY of the channel; returns a stop function. Undefined where the connection can't listen (a pooler). */
  listen(channel: string, onNotify: (payload: string) => void): Promise<(() => Promise<void>) | undefined>;
  /** Runs several statements without parameters (migrations, DDL) in one transaction. */
  execute(sql: string): Promise<void>;
  /** Safe when doubled. */
  close(): Promise<void>;
  /** @internal Only of a hub that isn't SQL: what it has instead of migrations, DDL and triggers. */
  readonly ground?: Ground;
}

/** SQLSTATE of a driver's error, for both drivers; also of one that was put into words as a `table` error. */
export function sqlState(error: unknown): string | undefined {
  if (error instanceof SyncflowError && error.code === 'table') return sqlState(error.cause);
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

const deadlock = '40P01';

/** A transaction that is begun anew where it and another began to wait for each other: `work` may run several times. */
export async function transactionAgain<T>(
  db: Database,
  work: (tx: Queryable) => Promise<T>,
  options: TransactionOptions = {},
  triesLeft = 3,
): Promise<T> {
  try {
    return await db.transaction(work, options);
  } catch (error) {
    if (sqlState(error) !== deadlock || triesLeft <= 1) throw error;
    return transactionAgain(db, work, options, triesLeft - 1);
  }
}

/** Text that Postgres can hold: other systems' texts may have NUL, or half a character (a lone surrogate). */
export function storableText(text: string): string {
  return text.replaceAll('\u0000', '').replace(/\p{Surrogate}/gu, '\ufffd');
}

/** JSON as Postgres takes it: texts inside of it as `storableText` makes them. */
export function storableJson(value: unknown): string {
  const text = JSON.stringify(value);
  // seldom: JSON.stringify writes both as escapes
  if (!text.includes('\\u')) return text;
  // only these are to be found; an escaped backslash isn't one
  return text.replace(/\\\\|\\u0000|\\ud[89a-f][0-9a-f]{2}/g, (escape) => {
    if (escape === '\\\\') return escape;
    return escape === '\\u0000' ? '' : '\ufffd';
  });
}

/** Quotes an SQL identifier. Identifiers come only from declared schemas; quoting makes any name safe all the same. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
/** Quotes an SQL text literal, for DDL where parameters aren't possible. */
export function quoteLiteral(text: string): string {
  return text.includes('\\')
    ? ` E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${text.replaceAll("'", "''")}'`;
}
