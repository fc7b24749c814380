import { afterAll, beforeAll, expect, test } from 'vitest';
import { RemoteOperations } from '../../src/server/client.js';
import { createHandler } from '../../src/server/handler.js';
import { listen, type Listening } from '../../src/server/listen.js';
import { makeFlow, send } from './support.js';

const token = 'a-token-of-the-test-suite';
const world = makeFlow({ http: { apiToken: token, allowedHosts: ['sync.example'] } });
let server: Listening;
let operations: RemoteOperations;

beforeAll(async () => {
  await world.flow.start();
  server = await listen(world.flow.handler, { port: 0 });
  operations = new RemoteOperations({ url: server.url, token, pid: process.pid });
}, 60_000);
afterAll(async () => {
  await server.close();
  await world.flow.stop();
});

const bearer = { authorization: `Bearer ${token}` };
const status = async (headers: Record<string, string>, path = 'status'): Promise<number> =>
  (await send(`${server.url}/api/${path}`, { method: 'GET', headers })).status;

test('without a token there is no API; an empty one opens nothing; a short one is refused', async () => {
  for (const options of [{}, { apiToken: '' }]) {
    const handler = createHandler(world.flow, options);
    const answer = await handler(new Request('http://localhost/api/status', { headers: { authorization: 'Bearer ' } }));
    expect(answer.status).toBe(404);
  }
  expect(() => createHandler(world.flow, { apiToken: 'short' })).toThrow(/at least 16/);
});

test('a missing or wrong token is 401', async () => {
  const wrong = ['', 'Bearer', 'Bearer x', `Basic ${token}`, `Bearer ${token}x`];
  for (const authorization of wrong) expect(await status({ authorization })).toBe(401);
  expect(await status({})).toBe(401);
  expect(await status(bearer)).toBe(200);
});

test('names that only lead here by DNS, and other origins, are 403 even with the token', async () => {
  expect(await status({ ...bearer, host: 'evil.example' })).toBe(403);
  expect(await status({ ...bearer, host: 'sync.example' })).toBe(200);
  expect(await status({ ...bearer, host: `localhost:${server.port}` })).toBe(200);
  expect(await status({ ...bearer, origin: 'https://evil.example' })).toBe(403);
  expect(await status({ ...bearer, 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(await status({ ...bearer, origin: server.url })).toBe(200);
});

test('bodies and queries are validated', async () => {
  const post = async (path: string, body: string, type = 'application/json') =>
    send(`${server.url}/api/${path}`, { headers: { ...bearer, 'content-type': type }, chunks: [body] });
  expect((await post('pause', '{')).status).toBe(400);
  expect((await post('pause', '{}')).status).toBe(400);
  expect((await post('pause', '{"subscriber":"customer/memory","kye":"1"}')).body).toContain('kye');
  expect((await post('pause', '{"subscriber":"customer/memory"}', 'text/plain')).status).toBe(415);
  expect((await post('pause', `"${'x'.repeat(70_000)}"`)).status).toBe(413);
  expect((await post('parked/retry', '{"id":"1; drop table"}')).status).toBe(400);
  expect(await status(bearer, 'parked?nonsense=1')).toBe(400);
  expect(await status(bearer, 'pause')).toBe(405);
  const unknown = await send(`${server.url}/api/verfy`, { headers: bearer });
  expect(unknown.status).toBe(404);
  expect(unknown.body).toContain('Did you mean \\"verify\\"?');
});

test('errors arrive as they were thrown', async () => {
  await expect(operations.pause('customer/memroy')).rejects.toMatchObject({
    name: 'SyncflowError',
    code: 'usage',
    hint: 'Did you mean "customer/memory"?',
  });
  await expect(operations.verify('customer/memroy')).rejects.toMatchObject({ code: 'usage' });
  const stranger = new RemoteOperations({ url: server.url, token: 'x'.repeat(20), pid: 1 });
  await expect(stranger.status()).rejects.toThrow(/token/);
});

test('every operation works through the API', async () => {
  const { Customer, flow, system } = world;
  system.faults.push({ call: 'create', kind: 'rejected' });
  await flow.catalog(Customer).save({ name: 'Ada', email: null });
  const synced = await operations.sync();
  expect(synced).toMatchObject({ running: true, environment: 'default', subscribers: [{ parked: 1 }] });
  const [parked] = await operations.parked({ subscriber: 'customer/memory' });
  expect(parked).toMatchObject({ subscriber: 'customer/memory', reason: 'the system refuses it' });
  expect((await operations.verify())[0]?.differences).toMatchObject([{ kind: 'only-here', parked: true }]);
  expect(await operations.retry({ id: parked?.id })).toBe(1);
  await operations.sync();
  const progress: string[] = [];
  const reports = await operations.verify('customer/memory', { onProgress: (one) => progress.push(one.kind) });
  expect(reports).toMatchObject([{ compared: 1, equal: 1, differences: [] }]);
  expect(progress).toEqual(['verify']);
  await operations.pause('customer/memory');
  expect((await operations.status()).subscribers).toMatchObject([{ paused: true }]);
  await operations.resume('customer/memory');
  expect((await operations.status()).subscribers).toMatchObject([{ paused: false, inAgreement: 1 }]);
  expect(await operations.release({ subscriber: 'customer/memory', by: 'ada' })).toBe(0);
  expect(await operations.conflicts()).toEqual([]);
  expect(await operations.doctor()).toMatchObject({ healthy: true });
  const query = { catalog: 'customer', key: '["1"]', field: 'name', fetch: true };
  expect(await operations.explain(query)).toMatchObject({
    record: { fields: { name: 'Ada' } },
    origins: { name: { value: 'Ada', by: { kind: 'hub' } } },
    subscribers: [{ standing: 'in-agreement', fetched: { kind: 'found', differing: [] } }],
  });
  await expect(operations.explain({ ...query, field: 'nmae' })).rejects.toMatchObject({
    code: 'usage',
    hint: 'Did you mean "name"?',
  });
});

test('whoever stops waiting for a sync gets his own reason; the work goes on', async () => {
  const { Customer, flow, system } = world;
  system.faults.push(...Array.from({ length: 1_000 }, () => ({ call: 'create', kind: 'refused' }) as const));
  await flow.catalog(Customer).save({ name: 'Grace', email: null });
  const enough = new AbortController();
  const reason = new Error('enough');
  const syncing = operations.sync({ signal: enough.signal });
  await new Promise<void>((resolve) => flow.on('retried', () => resolve()));
  enough.abort(reason);
  await expect(syncing).rejects.toBe(reason);
  system.faults.length = 0;
  await flow.settled();
  expect((await operations.status()).subscribers).toMatchObject([{ waiting: 0 }]);
});

test('stop is answered, then done', async () => {
  let stopped: () => void = () => undefined;
  const stopping = new Promise<void>((resolve) => (stopped = resolve));
  const handler = createHandler(world.flow, { apiToken: token, onStop: stopped });
  const answer = await handler(new Request('http://localhost/api/stop', { method: 'POST', headers: bearer }));
  expect(answer.status).toBe(202);
  await stopping;
});

test('a process that is gone is told from one that refuses', async () => {
  const gone = new RemoteOperations({ url: 'http://127.0.0.1:9', token, pid: 4711 });
  await expect(gone.status()).rejects.toMatchObject({
    code: 'locked',
    message: expect.stringContaining('4711') as string,
  });
});
