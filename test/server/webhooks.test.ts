import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { gzipSync } from 'node:zlib';
import { createHandler } from '../../src/server/handler.js';
import { listen, type Listening } from '../../src/server/listen.js';
import type { HttpReport } from '../../src/server/respond.js';
import { makeFlow, send } from './support.js';

const world = makeFlow();
const reports: HttpReport[] = [];
let server: Listening;

beforeAll(async () => {
  await world.flow.prepare();
  const handler = createHandler(world.flow, {
    maxWebhookBytes: 1_000,
    bodyTimeoutMs: 100,
    report: (report) => reports.push(report),
  });
  server = await listen(handler, { port: 0 });
}, 60_000);
afterAll(async () => {
  await server.close();
  await world.flow.stop();
});
beforeEach(() => {
  world.database.down = false;
  reports.length = 0;
});

const good = { 'x-signature': 'good' };
const event = (id: string): string => JSON.stringify({ id, remoteId: 'r1' });
const post = (headers: Record<string, string>, chunks: readonly (string | Uint8Array)[], end = true) =>
  send(`${server.url}/webhooks/memory`, { headers, chunks, end });
const errorOf = (body: string) =>
  (JSON.parse(body) as { error: { code: string; message: string; hint?: string } }).error;

test('a delivery is answered 200 once it is durable; a repeated one takes nothing in', async () => {
  const first = await post(good, [event('e1')]);
  expect(first).toMatchObject({ status: 200, body: '{"received":1}\n' });
  const rows = await world.database.query<{ n: number }>('select count(*)::int as n from syncflow.inbox');
  expect(rows).toEqual([{ n: 1 }]);
  expect(await post(good, [event('e1')])).toMatchObject({ status: 200, body: '{"received":0}\n' });
  expect(await world.database.query('select count(*)::int as n from syncflow.inbox')).toEqual([{ n: 1 }]);
});

test('a wrong signature and one that is too old are 400', async () => {
  for (const [signature, words] of [
    ['forged', 'wrong'],
    ['old', 'too old'],
  ] as const) {
    const answer = await post({ 'x-signature': signature }, [event('e2')]);
    expect(answer.status).toBe(400);
    expect(errorOf(answer.body)).toEqual({ code: 'webhook', message: `the signature is ${words}` });
  }
  expect(reports.map((one) => one.status)).toEqual([400, 400]);
});

test('unknown accounts and paths are 404, other methods 405', async () => {
  expect((await send(`${server.url}/webhooks/nobody`, { headers: good, chunks: [event('e')] })).status).toBe(404);
  expect((await send(`${server.url}/webhooks`, { chunks: ['{}'] })).status).toBe(404);
  expect((await send(`${server.url}/other`, { method: 'GET' })).status).toBe(404);
  expect((await send(`${server.url}/api/status`, { method: 'GET' })).status).toBe(404);
  const get = await send(`${server.url}/webhooks/memory`, { method: 'GET' });
  expect(get).toMatchObject({ status: 405, headers: { allow: 'POST' } });
});

test('an oversize body is 413, whether it says so or not, and nothing waits for its end', async () => {
  expect((await post({ ...good, 'content-length': '5000000000' }, ['x'], false)).status).toBe(413);
  expect((await post(good, ['x'.repeat(600), 'x'.repeat(600)], false)).status).toBe(413);
  expect((await post({ ...good, 'content-length': '1000' }, ['x'.repeat(1000)])).status).toBe(500); // within the limit: read, then not JSON
});

test('a slow body is 408', async () => {
  const answer = await post({ ...good, 'content-length': '50' }, ['{"id":'], false);
  expect(answer).toMatchObject({ status: 408, headers: { connection: 'close' } });
});

test('a compressed body is 415, unopened', async () => {
  const bomb = gzipSync(Buffer.alloc(500_000));
  expect((await post({ ...good, 'content-encoding': 'gzip' }, [bomb])).status).toBe(415);
  expect((await post({ ...good, 'content-encoding': 'identity' }, [event('e3')])).status).toBe(200);
});

test('while the hub is away it is 503, so that it is sent again; the answer tells nothing of the inside', async () => {
  world.database.down = true;
  const answer = await post(good, [event('e4')]);
  expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
  expect(answer.body).not.toContain('secret-host');
  expect(await send(`${server.url}/health`, { method: 'GET' })).toMatchObject({
    status: 503,
    body: '{"live":true,"ready":false,"reason":"hub"}\n',
  });
  expect((await send(`${server.url}/health/live`, { method: 'GET' })).status).toBe(200);
  world.database.down = false;
  expect((await post(good, [event('e4')])).body).toBe('{"received":1}\n');
  expect(await send(`${server.url}/health`, { method: 'GET' })).toMatchObject({
    status: 200,
    body: '{"live":true,"ready":true}\n',
  });
});

test('a connector that throws is 500, so that it is sent again; only the report has the error', async () => {
  const answer = await post({ 'x-signature': 'bug' }, [event('e5')]);
  expect(answer.status).toBe(500);
  expect(answer.body).not.toContain('undefined');
  expect(reports[0]?.error).toBeInstanceOf(TypeError);
});

test('headers beyond the limit are refused', async () => {
  expect((await post({ ...good, 'x-long': 'x'.repeat(20_000) }, [event('e6')])).status).toBe(431);
});

test('the handler can be mounted under a path', async () => {
  const handler = createHandler(world.flow, { basePath: '/syncflow' });
  expect((await handler(new Request('http://shop.example/syncflow/health'))).status).toBe(200);
  expect((await handler(new Request('http://shop.example/health'))).status).toBe(404);
});

test('a port that is taken is said so', async () => {
  await expect(listen(async () => new Response(), { port: server.port })).rejects.toMatchObject({
    code: 'config',
    hint: expect.stringContaining('--port') as string,
  });
});
