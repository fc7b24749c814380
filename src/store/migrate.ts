/** Makes, brings up to date and removes what Syncflow keeps in the hub. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SyncflowError } from '../errors.js';
import type { CatalogDefinition } from '../catalog/catalog.js';
import { quoteIdentifier, quoteLiteral, sqlState, type Database } from './database.js';

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly file: string;
}

const folder = new URL('./migrations/', import.meta.url);

/** Held by whoever migrates, for one transaction: the others wait, then find the work done. */
const lock = "select pg_advisory_xact_lock(hashtext('syncflow.migrate'))";
const prelude = `set local lock_timeout = '60s'; ${lock};`;

/**
 * Runs the migrations that the hub lacks, each in its own transaction. Any number of processes may do so at once.
 * @throws SyncflowError `schema` when the hub was migrated by a newer Syncflow.
 */
export async function migrate(db: Database): Promise<{ applied: string[] }> {
  const migrations = listMigrations();
  let done = await appliedNumbers(db);
  if (done === undefined) {
    await createLedger(db);
    done = (await appliedNumbers(db)) ?? new Set();
  }
  const newest = Math.max(0, ...done);
  const known = Math.max(0, ...migrations.map((migration) => migration.number));
  if (newest > known) throw newerSchema(db, { found: newest, known });
  const applied: string[] = [];
  for (const migration of migrations) {
    if (done.has(migration.number)) continue;
    if (await apply(db, migration)) applied.push(migration.name);
  }
  return { applied };
}

function newerSchema(db: Database, context: { readonly found: number; readonly known: number }): SyncflowError {
  return new SyncflowError(
    'schema',
    `the schema "syncflow" of ${db.description} is at version ${context.found}, this Syncflow knows ${context.known}`,
    { hint: 'A newer Syncflow has migrated this hub: upgrade the package here too.', context },
  );
}

/** What `migrate` would do. */
export async function pendingMigrations(
  db: Database,
): Promise<{ readonly names: readonly string[]; readonly newer: boolean; readonly installed: boolean }> {
  const migrations = listMigrations();
  const found = await appliedNumbers(db);
  const done = found ?? new Set<number>();
  const known = Math.max(0, ...migrations.map((migration) => migration.number));
  return {
    names: migrations.filter((migration) => !done.has(migration.number)).map((migration) => migration.name),
    newer: Math.max(0, ...done) > known,
    installed: found !== undefined,
  };
}

function listMigrations(): Migration[] {
  const names = readdirSync(folder);
  return names
    .flatMap((file): Migration[] => {
      const match = /^(\d+)-(.+)\.sql$/.exec(file);
      return match === null
        ? []
        : [{ number: Number(match[1]), name: file.replace(/\.sql$/, ''), file: fileURLToPath(new URL(file, folder)) }];
    })
    .sort((a, b) => a.number - b.number);
}

/** Numbers of the applied migrations; undefined when the hub has never been migrated. */
async function appliedNumbers(db: Database): Promise<Set<number> | undefined> {
  try {
    const rows = await db.query<{ number: number }>('select number from syncflow.migration');
    return new Set(rows.map((row) => row.number));
  } catch (error) {
    const state = sqlState(error);
    if (state === '3F000' || state === '42P01') return undefined;
    throw explain(db, error);
  }
}

async function createLedger(db: Database): Promise<void> {
  try {
    await db.execute(`${prelude}
      create schema if not exists syncflow;
      create table if not exists syncflow.migration (
        number int primary key,
        name text not null,
        applied_at timestamptz not null default clock_timestamp()
      );`);
  } catch (error) {
    throw explain(db, error);
  }
}

/** False when another process was faster: the row of the ledger comes first, so the loser fails on it and leaves no trace. */
async function apply(db: Database, migration: Migration): Promise<boolean> {
  const sql = readFileSync(migration.file, 'utf8');
  const entry = `insert into syncflow.migration (number, name) values (${migration.number}, ${quoteLiteral(migration.name)});`;
  try {
    await db.execute(`${prelude} ${entry}\n${sql}`);
    return true;
  } catch (error) {
    if (sqlState(error) === '23505' && (await appliedNumbers(db))?.has(migration.number) === true) return false;
    throw explain(db, error, migration.name);
  }
}

function explain(db: Database, error: unknown, migration?: string): unknown {
  const what =
    migration === undefined
      ? `the schema "syncflow" of ${db.description}`
      : `migration ${migration} of ${db.description}`;
  if (sqlState(error) === '42501') {
    return new SyncflowError('database', `${what}: permission denied`, {
      hint: 'The role of the hub URL must own the schema "syncflow", or have CREATE on the database the first time.',
      cause: error,
    });
  }
  if (sqlState(error) === '55P03')
    return new SyncflowError('database', `${what}: another session held a lock for 60 s`, {
      hint: 'Does another process migrate, or a long transaction run? syncflow doctor names it. Then again: syncflow migrate',
      cause: error,
    });
  return error;
}

/**
 * Removes every trace of Syncflow from the hub: triggers (also on tables of catalogs that no longer exist), functions and the
 * schema `syncflow` with all links and history. The user's own tables stay, with their rows.
 * `definitions` need not be complete: our triggers are found by the functions they call.
 */
export async function uninstall(db: Database, _definitions: readonly CatalogDefinition[]): Promise<void> {
  await db.transaction(
    async (tx) => {
      await tx.query(lock);
      const triggers = await tx.query<{ schema: string; table: string; trigger: string }>(
        `select tn.nspname::text as schema, c.relname::text as table, t.tgname::text as trigger
           from pg_catalog.pg_trigger t
           join pg_catalog.pg_class c on c.oid = t.tgrelid
           join pg_catalog.pg_namespace tn on tn.oid = c.relnamespace
           join pg_catalog.pg_proc p on p.oid = t.tgfoid
           join pg_catalog.pg_namespace pn on pn.oid = p.pronamespace
          where pn.nspname = 'syncflow' and not t.tgisinternal and t.tgparentid = 0
          order by 1, 2, 3`,
      );
      for (const { schema, table, trigger } of triggers) {
        await tx.query(
          `drop trigger ${quoteIdentifier(trigger)} on ${quoteIdentifier(schema)}.${quoteIdentifier(table)}`,
        );
      }
      await tx.query('drop schema if exists syncflow cascade');
    },
    { lockTimeoutMs: 30_000 },
  );
}
