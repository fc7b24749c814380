import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ActionAnswer, HeldRow, Page, PlanRow, PlanView, Session } from '../../src/server/dashboard/contract.js';
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { leastCapabilities } from '../../src/subscriber/capabilities.js';
import { MemorySubscriber } from '../../src/testing/memory-system/index.js';
import { makeFlow } from './support.js';

class Person extends Catalog({
  name: 'person',
  key: 'id',
  fields: { id: z.int(), name: z.string().min(1), email: z.string().nullable() },
}) {}
class MemoryPerson extends MemorySubscriber<typeof Person> {
  override readonly capabilities = { ...leastCapabilities, marker: true, listing: true };
  override readonly match = ['email'];
  override readonly mapping = this.map({ name: 'values.name', email: 'values.email' });
}
Person.register(MemoryPerson, { brake: { count: 2, share: 0.1, updates: { count: 2, share: 0.1 } } });

const { flow, system } = makeFlow({ catalogs: [Person], backfill: 'planned' });
const subscriber = 'person/memory';
const people = flow.catalog(Person);

beforeAll(async () => {
  await flow.start();
}, 60_000);
afterAll(() => flow.stop());

function ask(path: string, body: object, headers: Record<string, string> = {}) {
  const request = new Request(`http://localhost/dashboard/api/${path}`, {
    method: 'POST',
    headers: { host: 'localhost', 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return flow.handler(request, { address: '127.0.0.1' });
}

async function read<T>(path: string, body: object): Promise<T> {
  const answer = await ask(path, body);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return (await answer.json()) as T;
}

const keyOf = (id: number): string => JSON.stringify([String(id)]);

let given: Record<string, string> | undefined;

async function act(
  path: string,
  body: object,
): Promise<{ status: number; answer: ActionAnswer & { error?: { message: string } } }> {
  if (given === undefined) {
    const opened = await flow.handler(
      new Request('http://localhost/dashboard/api/session', { headers: { host: 'localhost' } }),
      { address: '127.0.0.1' },
    );
    const cookie = (opened.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    given = { cookie, 'x-syncflow-csrf': ((await opened.json()) as Session).csrf ?? '' };
  }
  const answer = await ask(`act/${path}`, { by: 'ada', ...body }, given);
  return { status: answer.status, answer: (await answer.json()) as ActionAnswer };
}

async function audit(): Promise<(string | null)[][]> {
  const { rows } = await read<Page<{ code: string; editedBy: string; key: string | null; reason: string }>>(
    'activity',
    {
      events: ['operated'],
    },
  );
  return rows.map(({ code, editedBy, key, reason }) => [code, editedBy, key, reason]);
}

async function untilIdle(): Promise<PlanView> {
  for (;;) {
    const view = await read<PlanView>('plan', { subscriber });
    if (view.underWay === null) return view;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a plan, from the screen', () => {
  test('is drafted, decided, applied; each step says what it did and stands in the audit', async () => {
    system.put('r1', { name: 'Ada', email: 'ada@x' });
    system.put('r2', { name: 'Bob', email: 'twice@x' });
    system.put('r3', { name: 'Bob', email: 'twice@x' });
    await people.save({ id: 1, name: 'Ada L.', email: 'ada@x' });
    await people.save({ id: 2, name: 'Bob', email: 'twice@x' });
    expect((await read<PlanView>('plan', { subscriber })).report).toBeNull();
    expect((await act('plan', { subscriber })).status).toBe(200);
    const { report } = await untilIdle();
    const counts = Object.fromEntries((report?.kinds ?? []).map(({ kind, count }) => [kind, count]));
    expect(counts).toMatchObject({ match: 1, ambiguous: 3 });
    expect(report?.differences).toMatchObject([{ unit: 'name', winner: 'hub', count: 1 }]);
    const { rows } = await read<Page<PlanRow>>('plan-items', { subscriber, kind: 'ambiguous' });
    const r2 = rows.find(({ remoteId }) => remoteId === 'r2');
    expect(r2).toMatchObject({
      remoteLabel: 'Bob · twice@x',
      records: [{ id: keyOf(2), label: 'Bob · twice@x' }],
      remotes: [{ id: 'r3' }],
    });
    const wrong = await act('decide', { subscriber, remoteId: 'r1', do: 'leave' });
    expect([wrong.status, wrong.answer.error?.message]).toEqual([
      400,
      'person/memory: the plan has no ambiguous remote r1: it matches one and one only',
    ]);
    expect((await act('decide', { subscriber, remoteId: 'r2', do: 'link', key: keyOf(2) })).answer.said).toBe(
      'r2 will be linked to 2, once the plan is applied',
    );
    await act('decide', { subscriber, remoteId: 'r3', do: 'leave' });
    await act('apply', { subscriber });
    const applied = await untilIdle();
    expect(applied.report?.state).toBe('applied');
    expect(applied.outcome).toMatchObject({ action: 'apply', tone: 'good', code: null });
    expect(system.objects.get('r1')?.values).toMatchObject({ name: 'Ada L.' });
    expect((await audit()).slice(0, 4).map(([code, by]) => [code, by])).toEqual([
      ['apply', '@ada'],
      ['decide', '@ada'],
      ['decide', '@ada'],
      ['plan', '@ada'],
    ]);
  });

  test('refuses to decide when it was applied, and to plan for whom nobody knows', async () => {
    const late = await act('decide', { subscriber, remoteId: 'r2', do: 'leave' });
    expect([late.status, late.answer.error?.message]).toEqual([
      400,
      'the plan of person/memory was applied: what it left open is parked',
    ]);
    expect((await act('plan', { subscriber: 'person/nobody' })).status).toBe(400);
    expect((await ask('act/plan', { by: 'eve', subscriber })).status).toBe(401);
  });
});

describe('a pair', () => {
  test('is parted: both stay, and are left alone; and linked again', async () => {
    const before = await linkOf(1);
    const parted = await act('unlink', { link: before, separate: false });
    expect(parted.answer.said).toBe('1 and r1 are parted in person/memory: both stay, and are left alone');
    await people.save({ id: 1, name: 'Ada King', email: 'ada@x' });
    await flow.settled();
    expect(system.objects.get('r1')?.values).toMatchObject({ name: 'Ada L.' });
    const again = await act('unlink', { link: before, separate: false });
    expect([again.status, again.answer.error?.message]).toEqual([400, 'record 1 has no remote in person/memory']);
    const linked = await act('link', { subscriber, key: keyOf(1), remoteId: 'r1' });
    expect(await linkOfPage(linked.answer.link)).toBe(keyOf(1));
    expect(linked.answer.said).toBe('1 and r1 belong together in person/memory: they are merged next');
    await flow.settled();
    expect(system.objects.get('r1')?.values).toMatchObject({ name: 'Ada King' });
    expect((await audit()).slice(0, 2).map(([code, by, key]) => [code, by, key])).toEqual([
      ['link', '@ada', keyOf(1)],
      ['unlink', '@ada', keyOf(1)],
    ]);
  });

  test('is parted so that each gets a partner of its own; the page of the record goes along', async () => {
    const remotes = system.objects.size;
    const { answer } = await act('unlink', { link: await linkOf(1), separate: true });
    expect(answer.link).toMatch(/^\d+$/);
    await flow.settled();
    expect(system.objects.size).toBe(remotes + 1);
    const { explanation } = await read<{ explanation: { subscribers: { standing: string }[] } }>('record', {
      link: await linkOf(1),
    });
    expect(explanation.subscribers[0]?.standing).toBe('in-agreement');
  });
});

describe('what is held', () => {
  test('is listed with whom it happens to, what changes, and who did it', async () => {
    for (let id = 10; id < 20; id++) await people.save({ id, name: `Person ${id}`, email: `p${id}@x` });
    await flow.settled();
    await flow.database.query(`update person set email = 'new-' || email where id >= 10`);
    await flow.settled();
    const { rows } = await read<Page<HeldRow>>('held', { subscriber });
    const one = rows.find(({ key }) => key === keyOf(19));
    expect(one).toMatchObject({
      operation: 'update',
      direction: 'outward',
      label: 'Person 19 · new-p19@x',
      changes: [{ unit: 'email', from: 'p19@x', to: 'new-p19@x' }],
    });
    expect(one?.by).toMatch(/^@/);
    await flow.release(subscriber);
    await flow.settled();
    expect(await read('held-counts', { subscriber })).toEqual({ counts: [] });
  });

  test('a deleted record is still called by its name', async () => {
    await flow.database.query(`delete from syncflow.setting where name like 'release:%'`);
    await flow.database.query('delete from person where id >= 10');
    await flow.settled();
    const { rows } = await read<Page<HeldRow>>('held', { subscriber });
    expect(rows.find(({ key }) => key === keyOf(19))).toMatchObject({
      operation: 'delete',
      label: 'Person 19 · new-p19@x',
      changes: null,
    });
    const { counts } = await read<{ counts: { count: number }[] }>('held-counts', { subscriber });
    expect(counts).toMatchObject([{ direction: 'outward', operation: 'delete', count: rows.length }]);
  });
});

async function linkOf(id: number): Promise<string> {
  const [row] = await flow.database.query<{ id: string }>(
    `select id::text as id from syncflow.link where subscriber = $1 and key = $2`,
    [subscriber, keyOf(id)],
  );
  return row?.id ?? '';
}

test('the overview counts what the status counts', async () => {
  const [status] = await flow.status();
  const { subscribers } = await read<{ subscribers: object[] }>('overview', {});
  const { lagMs: _lag, ...counted } = status ?? { lagMs: 0 };
  expect(subscribers[0]).toMatchObject(counted);
  expect(status?.parked).toBeGreaterThan(0);
});

/** Which record the page of a link shows. */
async function linkOfPage(link: string | undefined): Promise<string> {
  return (await read<{ explanation: { key: string } }>('record', { link })).explanation.key;
}
