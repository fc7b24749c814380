/** The one small database interface, with two drivers: `pg` (any Postgres ≥ 14) and PGlite (embedded). */

/** A prepared statement: the name lets the driver reuse its plan. Hot statements have one; a pooler may ignore it. */
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
}

export interface Database extends Queryable {
  /** For people: `postgres://host/name` without credentials, or the embedded hub's folder. */
  readonly description: string;
  /** Whether other processes may share this hub. */
  readonly shared: boolean;
  open(): Promise<void>;
  /** Runs `work` in one READ COMMITTED transaction with `row_security = off`; rolls back if it throws. */
  transaction<T>(work: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Calls back on every NOTIFY of the channel; returns a stop function. Undefined where the connection can't listen (a pooler). */
  listen(channel: string, onNotify: () => void): Promise<(() => Promise<void>) | undefined>;
  /** Runs several statements without parameters (migrations, DDL) in one transaction. */
  execute(sql: string): Promise<void>;
  /** Safe when doubled. */
  close(): Promise<void>;
}

/** SQLSTATE of a driver's error, for both drivers. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
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
