/** Databases for single runs, on the server that the tests use. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';

/** The variable that the test suites read, too. */
export const urlVariable = 'SYNCFLOW_TEST_POSTGRES_URL';
export const serverUrl = process.env[urlVariable] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** A database of its own. */
export interface Hub {
  readonly url: string;
  /** A pool for whoever plays the app or a rival; ended with the hub. */
  readonly pool: pg.Pool;
  drop(): Promise<void>;
}

export async function createHub(): Promise<Hub> {
  const name = `syncflow_bench_${randomUUID().replaceAll('-', '')}`;
  await onServer(`create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 20 });
  // a connection that is ended by the drop below
  pool.on('error', () => undefined);
  let dropped: Promise<void> | undefined;
  return {
    url: url.href,
    pool,
    drop: () => {
      dropped ??= (async () => {
        await pool.end();
        await onServer(`drop database if exists ${name} with (force)`);
      })();
      return dropped;
    },
  };
}

/** `15.3`; undefined where there is no server. */
export async function serverVersion(): Promise<string | undefined> {
  try {
    const { rows } = await onServer<{ server_version: string }>('show server_version');
    return rows[0]?.server_version.split(' ')[0];
  } catch {
    return undefined;
  }
}

/** What bears on durability and speed, as it is set. */
export async function serverSettings(): Promise<Readonly<Record<string, string>>> {
  const { rows } = await onServer<{ name: string; setting: string }>(
    `select name, current_setting(name) as setting from pg_settings
     where name in ('fsync', 'synchronous_commit', 'shared_buffers', 'max_wal_size') order by name`,
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

async function onServer<R extends pg.QueryResultRow>(sql: string): Promise<pg.QueryResult<R>> {
  const client = new pg.Client({ connectionString: serverUrl, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return await client.query<R>(sql);
  } finally {
    await client.end();
  }
}
