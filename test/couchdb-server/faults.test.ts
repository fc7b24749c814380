import { describe, expect, it } from 'vitest';
import { failureOf, people, startServer } from './support.js';

describe('faults', () => {
  it('drop a request before it is applied', async () => {
    const server = await startServer();
    const db = await people(server);
    server.faults.inject({ kind: 'drop-before', when: (request) => request.writes });
    const failure = await failureOf(db.insert({ name: 'Ada' }, 'ada'));
    // A cut connection is all in the message: nano keeps neither a code nor the cause.
    expect(failure).toEqual({
      statusCode: undefined,
      error: undefined,
      reason: undefined,
      scope: undefined,
      message: expect.stringMatching(/^error happened in your connection\. Reason: /) as string,
    });
    expect(await failureOf(db.get('ada'))).toMatchObject({ reason: 'missing' });
  });

  it('drop the answer of a request that was applied', async () => {
    const server = await startServer();
    const db = await people(server);
    server.faults.inject({ kind: 'drop-after', times: 2, when: (request) => request.writes });
    expect(await failureOf(db.insert({ name: 'Ada' }, 'ada'))).toMatchObject({ statusCode: undefined });
    expect(await failureOf(db.bulk({ docs: [{ _id: 'bob', name: 'Bob' }] }))).toMatchObject({ statusCode: undefined });
    const ada = await db.get('ada');
    expect(await db.get('bob')).toMatchObject({ name: 'Bob' });
    server.faults.inject({ kind: 'drop-after' });
    expect(await failureOf(db.destroy('ada', ada._rev))).toMatchObject({ statusCode: undefined });
    expect(await failureOf(db.get('ada'))).toMatchObject({ reason: 'deleted' });
  });

  it('cut an answer in the middle, which nano takes for an empty one', async () => {
    const server = await startServer();
    const db = await people(server);
    await db.insert({ name: 'Ada' }, 'ada');
    server.faults.inject({ kind: 'cut-answer', times: 2 });
    expect(await db.get('ada')).toBe('');
    expect(await db.changes({ since: 0 })).toBe('');
    expect(await db.get('ada')).toMatchObject({ name: 'Ada' });
  });

  it('answer 500 and 429 without applying anything', async () => {
    const server = await startServer();
    const db = await people(server);
    server.faults.inject({ kind: 'server-error' });
    server.faults.inject({ kind: 'server-error', status: 503 });
    server.faults.inject({ kind: 'rate-limit', retryAfter: 7 });
    const put = (): Promise<unknown> => db.insert({ name: 'Ada' }, 'ada');
    expect(await failureOf(put())).toMatchObject({ statusCode: 500, error: 'internal_server_error', scope: 'couch' });
    expect(await failureOf(put())).toMatchObject({ statusCode: 503 });
    expect(await failureOf(put())).toMatchObject({ statusCode: 429, error: 'too_many_requests' });
    expect(await failureOf(db.get('ada'))).toMatchObject({ reason: 'missing' });
    server.faults.inject({ kind: 'rate-limit', retryAfter: 7 });
    const response = await fetch(`${server.url}/people`);
    expect(response.headers.get('retry-after')).toBe('7');
    await put();
  });

  it('refuse a write once, as if another had been faster', async () => {
    const server = await startServer();
    const db = await people(server);
    server.faults.inject({ kind: 'conflict' });
    await db.info();
    expect(await failureOf(db.insert({ name: 'Ada' }, 'ada'))).toMatchObject({ statusCode: 409, error: 'conflict' });
    const { rev } = await db.insert({ name: 'Ada' }, 'ada');
    server.faults.inject({ kind: 'conflict', ids: ['ada'] });
    await db.insert({ name: 'Bob' }, 'bob');
    expect(await failureOf(db.destroy('ada', rev))).toMatchObject({ statusCode: 409 });
    expect((await db.destroy('ada', rev)).ok).toBe(true);
  });

  it('refuse rows of _bulk_docs where they stand', async () => {
    const server = await startServer();
    const db = await people(server);
    const docs = ['a', 'b', 'c'].map((id) => ({ _id: id, name: id }));
    server.faults.inject({ kind: 'conflict', ids: ['b'] });
    expect(await db.bulk({ docs })).toEqual([
      { ok: true, id: 'a', rev: expect.any(String) as string },
      { id: 'b', error: 'conflict', reason: 'Document update conflict.' },
      { ok: true, id: 'c', rev: expect.any(String) as string },
    ]);
    server.faults.inject({ kind: 'conflict' });
    expect((await db.bulk({ docs: [{ _id: 'd', name: 'd' }] })).map((row) => row.error)).toEqual(['conflict']);
    expect((await db.list()).rows.map((row) => row.id)).toEqual(['a', 'c']);
  });

  it('hold a request until they are told to let it go, and can be combined', async () => {
    const server = await startServer({ requestLog: 10 });
    const db = await people(server);
    await db.insert({ name: 'Ada' }, 'ada');
    let release = (): void => undefined;
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.faults.inject({ kind: 'delay', until, when: (request) => request.id === 'ada' });
    server.faults.inject({ kind: 'server-error', when: (request) => request.id === 'ada' });
    const order: string[] = [];
    const held = failureOf(db.get('ada')).then((failure) => {
      order.push('held');
      return failure;
    });
    await db.info();
    order.push('other');
    release();
    expect(await held).toMatchObject({ statusCode: 500 });
    expect(order).toEqual(['other', 'held']);
    expect(server.requests.at(-1)).toMatchObject({ status: 500, faults: ['delay', 'server-error'] });
    server.faults.inject({ kind: 'delay', ms: 1 });
    expect(await db.get('ada')).toMatchObject({ name: 'Ada' });
  });

  it('hit as often as they are told to, until they are taken away', async () => {
    const server = await startServer();
    const db = await people(server);
    const remove = server.faults.inject({ kind: 'server-error', times: Infinity });
    for (let index = 0; index < 3; index += 1) {
      expect(await failureOf(db.info())).toMatchObject({ statusCode: 500 });
    }
    expect(server.faults.pending).toHaveLength(1);
    remove();
    await db.info();
    server.faults.inject({ kind: 'drop-before', times: 5 });
    server.faults.clear();
    expect(server.faults.pending).toEqual([]);
    await db.info();
  });
});

describe('the log of requests', () => {
  it('keeps the last ones, with what became of them', async () => {
    const server = await startServer({ requestLog: 3 });
    const db = await people(server);
    server.clearRequests();
    server.faults.inject({ kind: 'drop-after', when: (request) => request.operation === 'bulk' });
    await db.insert({ name: 'Ada' }, 'ada');
    await failureOf(db.bulk({ docs: [{ _id: 'b', name: 'b' }] }));
    await failureOf(db.get('nobody'));
    await db.changes({ since: 0 });
    expect(
      server.requests.map(({ method, operation, id, status, faults }) => [method, operation, id, status, faults]),
    ).toEqual([
      ['POST', 'bulk', undefined, undefined, ['drop-after']],
      ['GET', 'get', 'nobody', 404, []],
      ['GET', 'changes', undefined, 200, []],
    ]);
  });
});
