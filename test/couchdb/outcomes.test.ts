import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CouchAccount, CouchFailure, outcomeOfCouchError } from '../../src/connectors/couchdb/index.js';
import { SyncflowError } from '../../src/errors.js';
import { outcomeOfRow } from '../../src/connectors/couchdb/failure.js';
import { contextOf, CouchCustomer, create, world } from './harness.js';

const http = (statusCode: number, error = 'x', reason = 'y') =>
  Object.assign(new Error(reason), { statusCode, error, reason, scope: 'couch' });
const cut = (why: string) => new Error(`error happened in your connection. Reason: ${why}`);

describe('the outcome of an error', () => {
  it.each([
    [http(400), 'rejected'],
    [http(401, 'unauthorized'), 'blocked'],
    [http(403, 'forbidden'), 'blocked'],
    [http(404, 'not_found', 'missing'), 'missing'],
    [http(404, 'not_found', 'deleted'), 'gone'],
    [http(404, 'not_found', 'Database does not exist.'), 'blocked'],
    [http(404, 'not_found', 'no_db_file'), 'blocked'],
    [http(408), 'unknown'],
    [http(409, 'conflict'), 'stale'],
    [http(412, 'file_exists'), 'rejected'],
    [http(413, 'too_large'), 'rejected'],
    [http(415), 'rejected'],
    [http(429, 'too_many_requests'), 'retry'],
    [http(500), 'unknown'],
    [http(502), 'unknown'],
    [http(503), 'unknown'],
    [http(504), 'unknown'],
    [cut('Error: connect ECONNREFUSED 127.0.0.1:5984'), 'retry'],
    [cut('Error: getaddrinfo ENOTFOUND couch.invalid'), 'retry'],
    [cut('AggregateError'), 'retry'],
    [cut('Error: self-signed certificate'), 'blocked'],
    [cut('SocketError: other side closed'), 'unknown'],
    [cut('Error: read ECONNRESET'), 'unknown'],
    [cut('The operation was aborted due to timeout'), 'unknown'],
    [cut('This operation was aborted'), 'unknown'],
    [new SyncflowError('config', 'c'), 'blocked'],
    [new SyncflowError('mapping', 'm'), 'rejected'],
    ['a text', 'unknown'],
    [undefined, 'unknown'],
  ])('%s is %s', (error, kind) => {
    expect(outcomeOfCouchError(error).kind).toBe(kind);
    // and it stays so once it is our own error
    if (!(error instanceof SyncflowError)) expect(outcomeOfCouchError(CouchFailure.of('GET x', error)).kind).toBe(kind);
  });

  it.each([
    ['conflict', 'stale'],
    ['forbidden', 'rejected'],
    ['unauthorized', 'rejected'],
    ['doc_validation', 'rejected'],
    ['too_many_requests', 'retry'],
    ['internal_server_error', 'unknown'],
  ])('a row refused with %s is %s', (error, kind) => expect(outcomeOfRow(error, undefined).kind).toBe(kind));
});

describe('what the server does', () => {
  it('decides the outcome of a create, a look and a batch', async () => {
    const { server, subscriber } = await world();
    const kinds = async (): Promise<string[]> => [
      (await subscriber.push(create(1, { firstName: 'Ada' }))).kind,
      (await subscriber.look('customer:1', 'live')).kind,
    ];
    const always = { times: Infinity } as const;
    for (const [fault, expected] of [
      [{ kind: 'server-error', ...always }, ['retry', 'retry']], // the read failed: nothing was written
      [{ kind: 'rate-limit', ...always }, ['retry', 'retry']],
      [{ kind: 'drop-before', ...always }, ['retry', 'retry']],
      [{ kind: 'cut-answer', ...always }, ['retry', 'retry']],
    ] as const) {
      const undo = server.faults.inject(fault);
      expect(await kinds()).toEqual(expected);
      undo();
    }
    for (const [fault, expected] of [
      [{ kind: 'server-error', when: (request: { writes: boolean }) => request.writes }, 'unknown'],
      [{ kind: 'server-error', status: 503, when: (request: { writes: boolean }) => request.writes }, 'unknown'],
      [{ kind: 'rate-limit', when: (request: { writes: boolean }) => request.writes }, 'retry'],
      [{ kind: 'drop-before', when: (request: { writes: boolean }) => request.writes }, 'unknown'],
      [{ kind: 'drop-after', when: (request: { writes: boolean }) => request.writes }, 'unknown'],
    ] as const) {
      server.faults.inject(fault);
      expect((await subscriber.push(create(1, { firstName: 'Ada' }))).kind).toBe(expected);
    }
    server.faults.inject({ kind: 'cut-answer', when: (request) => request.writes });
    expect((await subscriber.push(create(2, { firstName: 'Bob' }))).kind).toBe('unknown');
  });

  it('is never asked for longer than the time-out allows', async () => {
    const { server, subscriber } = await world(CouchCustomer, { requestTimeoutMs: 500 });
    await subscriber.list(undefined); // opens the database, which takes longer than all else
    server.faults.inject({ kind: 'delay', until: new Promise(() => undefined), when: (request) => request.writes });
    expect((await subscriber.push(create(1, { firstName: 'Ada' }))).kind).toBe('unknown');
  });

  it('is left alone once the worker must stop', async () => {
    const { server, subscriber } = await world();
    const signal = AbortSignal.abort();
    expect((await subscriber.push(create(1, {}, { signal }))).kind).toBe('retry');
    expect((await subscriber.push(create(1, {}, { signal, resumed: true }))).kind).toBe('unknown');
    expect(server.requests).toEqual([]);
    const stop = new AbortController();
    const held = new Promise<void>(() => undefined);
    server.faults.inject({
      kind: 'delay',
      until: held,
      when: (request) => (request.writes ? (stop.abort(), true) : false),
    });
    expect((await subscriber.push(create(1, {}, { signal: stop.signal }))).kind).toBe('unknown');
  });

  it('is refused: nothing was sent', async () => {
    const { server, account, subscriber } = await world();
    await server.stop();
    expect((await subscriber.push(create(1, {}))).kind).toBe('retry');
    expect((await subscriber.look('customer:1', 'live')).kind).toBe('retry');
    const byName = new CouchCustomer(
      contextOf(new CouchAccount({ url: server.url.replace('127.0.0.1', 'localhost') })),
    );
    expect((await byName.push(create(1, {}))).kind).toBe('retry');
    // an earlier try may have taken effect, whatever becomes of this one
    expect((await subscriber.push(create(1, {}, { resumed: true }))).kind).toBe('unknown');
    expect(account).toBeInstanceOf(CouchAccount);
  });

  it('without the database holds the whole subscriber, unless it may be created', async () => {
    const { server, account } = await world();
    class Elsewhere extends CouchCustomer {
      override readonly database = 'elsewhere';
    }
    const held = new Elsewhere(contextOf(account));
    expect(await held.push(create(1, {}))).toMatchObject({
      kind: 'blocked',
      reason: expect.stringContaining('does not exist') as string,
    });
    expect(await held.look('customer:1', 'live')).toMatchObject({ kind: 'blocked' });
    await expect(held.list(undefined)).rejects.toMatchObject({
      code: 'subscriber',
      hint: expect.stringContaining('createDatabases') as string,
    });
    const free = new Elsewhere(contextOf(new CouchAccount({ url: server.url, createDatabases: true })));
    const outcomes = await Promise.all([1, 2, 3].map((id) => free.push(create(id, { firstName: 'Ada' }))));
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(['done', 'done', 'done']);
  });
});

describe('secrets and personal data', () => {
  it('are in no message, no reason and no inspected object', async () => {
    const { server } = await world();
    const url = server.url.replace('//', '//admin:s3cret@');
    const account = new CouchAccount({ url });
    const subscriber = new CouchCustomer(contextOf(account));
    expect(inspect(account, { depth: 9 }) + JSON.stringify(account)).not.toContain('s3cret');
    server.faults.inject({ kind: 'server-error', when: (request) => request.writes });
    const outcome = await subscriber.push(create(1, { email: 'ada@x.example' }));
    server.faults.inject({ kind: 'server-error' });
    const thrown: unknown = await account
      .request({ database: 'customers', body: { secret: 'ada@x.example' }, method: 'POST' })
      .catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(SyncflowError);
    expect(inspect([outcome, thrown], { depth: 9 })).not.toMatch(/s3cret|ada@x/);
  });

  it('are in no complaint about an url', () => {
    for (const url of ['admin:s3cret@host', 'ftp://admin:s3cret@host', '']) {
      let thrown: unknown;
      try {
        new CouchAccount({ url });
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ code: 'config' });
      expect(inspect(thrown)).not.toContain('s3cret');
    }
    expect(() => new CouchAccount({ url: 'http://x', requestTimeoutMs: 0 })).toThrow(/positive/);
  });
});
