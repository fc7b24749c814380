/** `GET /metrics`: numbers for Prometheus, behind the token, without a word of any record. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFlow } from '../server/support.js';

const token = 'a-token-of-the-test-suite';
const world = makeFlow({ http: { apiToken: token, allowedHosts: ['sync.example'] } });
const get = (headers: Record<string, string> = {}) =>
  world.flow.handler(new Request('http://localhost/metrics', { headers }));
const bearer = { authorization: `Bearer ${token}` };

async function scrape(): Promise<Map<string, number>> {
  const answer = await get(bearer);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

beforeAll(async () => {
  expect((await get()).status).toBe(401); // the handler is there from the start: its counters miss nothing
  await world.flow.start();
}, 60_000);
afterAll(() => world.flow.stop());

test('without the token, with a wrong one, or from another host there is nothing to see', async () => {
  expect((await get()).status).toBe(401);
  expect((await get({ authorization: 'Bearer wrong-wrong-wrong-wrong' })).status).toBe(401);
  expect((await get({ ...bearer, host: 'evil.example' })).status).toBe(403);
  expect((await get({ ...bearer, host: 'sync.example' })).status).toBe(200);
});

test('what was done is counted, and where records stand is told', async () => {
  const { Customer, flow, system } = world;
  const { id } = await flow.catalog(Customer).save({ name: 'CANARY Ada', email: 'canary@example.com' });
  await flow.sync();
  await flow.catalog(Customer).save({ id, name: 'CANARY Augusta' });
  system.faults.push({ call: 'update', kind: 'rejected' });
  await flow.sync();
  const of = 'subscriber="customer/memory"';
  const parked = await scrape();
  expect(parked.get(`syncflow_pushed_total{${of},operation="create"}`)).toBe(1);
  expect(parked.get(`syncflow_parked_total{${of},code="rejected"}`)).toBe(1);
  expect(parked.get(`syncflow_parked_records{${of},code="rejected"}`)).toBe(1);
  expect(parked.get(`syncflow_links{${of},state="parked"}`)).toBe(1);
  expect(parked.get('syncflow_hints_waiting{kind="mark"}')).toBe(0);
  await flow.retry();
  await flow.sync();
  await flow.pause('customer');
  const healed = await scrape();
  expect(healed.get(`syncflow_pushed_total{${of},operation="update"}`)).toBe(1);
  expect(healed.get(`syncflow_healed_total{${of}}`)).toBe(1);
  expect(healed.has(`syncflow_parked_records{${of},code="rejected"}`)).toBe(false);
  expect(healed.get(`syncflow_links{${of},state="in_agreement"}`)).toBe(1);
  expect(healed.get(`syncflow_subscriber_stopped{${of},why="paused"}`)).toBe(1);
  expect(healed.get('syncflow_errors_total')).toBe(0);
  expect(healed.get('syncflow_routed_total{kind="mark"}')).toBeGreaterThanOrEqual(2);
  const text = await (await get(bearer)).text();
  expect(text).not.toMatch(/canary|Ada|example\.com|\["/i);
});
