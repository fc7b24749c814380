/** Hubs for tests: every storage test runs on both drivers. */
import { randomUUID } from 'node:crypto';
import type { Database } from '../../src/store/database.js';
import { EmbeddedDatabase } from '../../src/store/embedded.js';
import { PostgresDatabase } from '../../src/store/postgres.js';

export interface TestHub {
  readonly name: string;
  /** An empty hub of its own; `close` also throws it away. */
  open(): Promise<Database>;
}

/** The server on which test databases are made. */
export const postgresUrl = process.env['SYNCFLOW_TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** A database of its own on the test server, dropped when it is closed. */
export class TestPostgres extends PostgresDatabase {
  readonly url: string;
  readonly #name: string;
  #dropped: Promise<void> | undefined;

  private constructor(url: string, name: string) {
    super({ url, poolSize: 5 });
    this.url = url;
    this.#name = name;
  }

  static async create(): Promise<TestPostgres> {
    const name = `syncflow_test_${randomUUID().replaceAll('-', '')}`;
    await onServer(`create database ${name}`);
    const url = new URL(postgresUrl);
    url.pathname = `/${name}`;
    const db = new TestPostgres(url.href, name);
    await db.open();
    return db;
  }

  override close(): Promise<void> {
    this.#dropped ??= super.close().then(() => onServer(`drop database if exists ${this.#name} with (force)`));
    return this.#dropped;
  }
}

async function onServer(sql: string): Promise<void> {
  const server = new PostgresDatabase({ url: postgresUrl, poolSize: 1 });
  try {
    await server.query(sql);
  } finally {
    await server.close();
  }
}

async function isReachable(): Promise<boolean> {
  try {
    await onServer('select 1');
    return true;
  } catch {
    process.stderr.write(
      'Tests on Postgres are skipped: no server at SYNCFLOW_TEST_POSTGRES_URL (default postgres://postgres@127.0.0.1:5432/postgres). ' +
        'Start one: docker run --rm -e POSTGRES_HOST_AUTH_METHOD=trust -p 5432:5432 postgres:17\n',
    );
    return false;
  }
}

export const hasPostgres = await isReachable();

export const hubs: TestHub[] = [
  {
    name: 'embedded',
    open: async () => {
      const db = new EmbeddedDatabase();
      await db.open();
      return db;
    },
  },
  ...(hasPostgres ? [{ name: 'postgres', open: () => TestPostgres.create() }] : []),
];
