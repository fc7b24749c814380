import nano from 'nano';
import { afterEach } from 'vitest';
import { CouchServer, type CouchServerOptions } from '../../src/testing/couchdb-server/index.js';

const servers: CouchServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

export interface Person {
  name: string;
  email?: string;
}

/** A started server that is stopped after the test. */
export async function startServer(options?: CouchServerOptions): Promise<CouchServer> {
  const server = new CouchServer(options);
  servers.push(server);
  await server.start();
  return server;
}

/** The database 'people' of a server, created. */
export async function people(server: CouchServer): Promise<nano.DocumentScope<Person>> {
  const scope = nano(server.url);
  await scope.db.create('people');
  return scope.use<Person>('people');
}

/** What a connector sees of an error of nano. */
export interface Failure {
  readonly statusCode: number | undefined;
  readonly error: string | undefined;
  readonly reason: string | undefined;
  readonly scope: string | undefined;
  readonly message: string;
}

/** The error of a request that must fail. */
export async function failureOf(request: Promise<unknown>): Promise<Failure> {
  try {
    await request;
  } catch (thrown) {
    const { statusCode, error, reason, scope, message } = thrown as nano.RequestError;
    return { statusCode, error, reason, scope, message };
  }
  throw new Error('the request was expected to fail');
}

/** A `_bulk_docs` row or `_all_docs` row is asked for by index, and must be there. */
export function at<T>(rows: readonly T[], index: number): T {
  const row = rows[index];
  if (row === undefined) throw new Error(`no row ${index}`);
  return row;
}
