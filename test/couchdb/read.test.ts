import nano from 'nano';
import { describe, expect, it } from 'vitest';
import { SyncflowError } from '../../src/errors.js';
import type { RemoteEvent } from '../../src/subscriber/base.js';
import { CouchAccount } from '../../src/connectors/couchdb/index.js';
import type { CouchCall } from '../../src/connectors/couchdb/account.js';
import { contextOf, CouchCustomer, create, docOf, marker, remove, world, type Doc } from './harness.js';

async function drain(
  subscriber: CouchCustomer,
  from: string,
): Promise<{ events: RemoteEvent<Doc>[]; cursor: string; pages: number }> {
  const events: RemoteEvent<Doc>[] = [];
  let cursor = from;
  for (let pages = 1; ; pages += 1) {
    const page = await subscriber.changes(cursor);
    events.push(...page.events);
    cursor = page.cursor;
    if (!page.more) return { events, cursor, pages };
  }
}

async function cursorOf(subscriber: CouchCustomer): Promise<string> {
  const page = await subscriber.changes(undefined);
  expect(page).toMatchObject({ events: [], more: false });
  return page.cursor;
}

const codeOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof SyncflowError && error.hint !== undefined ? error.code : error),
  );

class SmallPages extends CouchCustomer {
  override readonly changesPageSize = 3;
  override readonly listPageSize = 3;
}

describe('changes', () => {
  it('begin now, and go on from there', async () => {
    const { subscriber, db } = await world();
    await db.insert({ firstName: 'before' }, 'x');
    const cursor = await cursorOf(subscriber);
    const { rev } = await db.insert({ firstName: 'Ada' }, 'ada');
    const page = await subscriber.changes(cursor);
    expect(page.events).toEqual([
      { id: `ada@${rev}@2`, remoteId: 'ada', kind: 'changed', snapshot: { _id: 'ada', _rev: rev, firstName: 'Ada' } },
    ]);
    expect(page.more).toBe(false);
    expect(await subscriber.changes(page.cursor)).toEqual({ events: [], cursor: page.cursor, more: false });
    // the same cursor gives the same events, under the same ids
    expect((await subscriber.changes(cursor)).events).toEqual(page.events);
  });

  it('are told apart by their sequences, whose length is not that of the ids', async () => {
    const { server, subscriber, db } = await world();
    const cursor = await cursorOf(subscriber);
    await db.insert({ firstName: 'Ada' }, 'ada');
    const idAt = async (seq: unknown): Promise<string | undefined> => {
      class Cluster extends CouchAccount {
        override async request(call: CouchCall): Promise<unknown> {
          const answer = (await super.request(call)) as { readonly results?: readonly object[] };
          return answer.results === undefined
            ? answer
            : { ...answer, results: answer.results.map((row) => ({ ...row, seq })) };
        }
      }
      const { events } = await new CouchCustomer(contextOf(new Cluster({ url: server.url }))).changes(cursor);
      return events[0]?.id;
    };
    const seqs = [`9-${'g1AAAA'.repeat(200)}x`, `9-${'g1AAAA'.repeat(200)}y`, [9, 'g1AAAA'], 9, undefined];
    const ids = await Promise.all(seqs.map(idAt));
    expect(new Set(ids).size).toBe(seqs.length);
    for (const id of ids) expect(id?.length).toBeLessThan(70);
    expect(await idAt(seqs[0])).toBe(ids[0]);
  });

  it('come page by page, without design documents, with tombstones', async () => {
    const { subscriber, db } = await world(SmallPages);
    const cursor = await cursorOf(subscriber);
    for (let index = 0; index < 8; index += 1) await db.insert({ firstName: `n${index}` }, `d${index}`);
    await db.insert({ views: {} }, '_design/a');
    const gone = await db.destroy('d0', (await db.get('d0'))._rev);
    const { events, pages, cursor: end } = await drain(subscriber, cursor);
    expect(events.map((event) => event.remoteId)).toEqual(['d1', 'd2', 'd3', 'd4', 'd5', 'd6', 'd7', 'd0']);
    expect(events.at(-1)).toEqual({ id: `d0@${gone.rev}@10`, remoteId: 'd0', kind: 'deleted' });
    expect(pages).toBeGreaterThan(2);
    expect((await drain(subscriber, end)).events).toEqual([]);
  });

  it('show documents of other kinds, which may be linked, and tell when a document was edited', async () => {
    class Typed extends CouchCustomer {
      override readonly editedAtField = 'updatedAt';
      override accepts(remote: Doc): boolean {
        return remote.note !== 'invoice';
      }
    }
    const { subscriber, db } = await world(Typed);
    const cursor = await cursorOf(subscriber);
    await db.insert({ note: 'invoice', updatedAt: 1769848200000 }, 'i');
    await db.insert({ updatedAt: '2026-01-31T10:30:00+01:00' }, 'a');
    await db.insert({ updatedAt: 1769848200000 }, 'b');
    await db.insert({ updatedAt: 'yesterday' }, 'c');
    const { events } = await subscriber.changes(cursor);
    expect(events.map((event) => [event.remoteId, event.at])).toEqual([
      ['i', undefined],
      ['a', '2026-01-31T09:30:00.000Z'],
      ['b', '2026-01-31T08:30:00.000Z'],
      ['c', undefined],
    ]);
    expect((await subscriber.list(undefined)).remotes.map((doc) => doc._id)).toEqual(['a', 'b', 'c']);
  });

  it('of a database that was created again are refused, however far the new one has come', async () => {
    const { server, subscriber, db } = await world();
    await db.insert({ firstName: 'Ada' }, 'ada');
    const cursor = await cursorOf(subscriber);
    await nano(server.url).db.destroy('customers');
    expect(await codeOf(subscriber.changes(cursor))).toBe('subscriber');
    await nano(server.url).db.create('customers');
    expect(await codeOf(subscriber.changes(cursor))).toBe('cursor-expired');
    for (let index = 0; index < 9; index += 1) await db.insert({}, `d${index}`);
    expect(await codeOf(subscriber.changes(cursor))).toBe('cursor-expired');
    const fresh = await cursorOf(subscriber);
    expect(await codeOf(subscriber.changes(cursor))).toBe('cursor-expired');
    expect((await subscriber.changes(fresh)).events).toEqual([]);
  });

  it('are refused for a cursor beyond the end, of another sort, or of nobody', async () => {
    const { subscriber } = await world();
    const cursor = await cursorOf(subscriber);
    const [, identity] = JSON.parse(cursor) as [number, string];
    for (const bad of [
      JSON.stringify([99, identity]),
      JSON.stringify(['5-g1AAA', identity]),
      JSON.stringify([0, 'other']),
      '',
      '7',
      'null',
      '[]',
    ]) {
      expect([bad, await codeOf(subscriber.changes(bad))]).toEqual([bad, 'cursor-expired']);
    }
  });

  it('begin at the same place for two workers that begin at once', async () => {
    const { account } = await world();
    const [one, two] = [new CouchCustomer(contextOf(account)), new CouchCustomer(contextOf(account))];
    const [first, second] = await Promise.all([cursorOf(one), cursorOf(two)]);
    expect(first).toBe(second);
  });

  it('are read again after an answer that was cut off', async () => {
    const { server, subscriber, db } = await world();
    const cursor = await cursorOf(subscriber);
    await db.insert({}, 'a');
    for (const when of [(path: string) => path.endsWith('_changes'), (path: string) => path.includes('_local')]) {
      server.faults.inject({ kind: 'cut-answer', when: (request) => when(request.path) });
      const failure: unknown = await subscriber.changes(cursor).catch((error: unknown) => error);
      expect([failure, subscriber.outcomeOf(failure).kind]).toMatchObject([{ code: 'subscriber' }, 'unknown']);
    }
    expect((await subscriber.changes(cursor)).events).toHaveLength(1);
  });
});

describe('list', () => {
  it('gives all documents in pages that do not shift', async () => {
    const { subscriber, db } = await world(SmallPages);
    await db.bulk({ docs: ['a', 'b', 'c', 'd', 'e', 'f', 'g', '_design/x'].map((_id) => ({ _id })) });
    const first = await subscriber.list(undefined);
    expect(first.remotes.map((doc) => doc._id)).toEqual(['a', 'b']);
    await db.destroy('a', (await db.get('a'))._rev);
    await db.destroy('c', (await db.get('c'))._rev);
    await db.insert({}, 'aa');
    const ids: string[] = [];
    let cursor = first.cursor;
    while (cursor !== undefined) {
      const page = await subscriber.list(cursor);
      ids.push(...page.remotes.map((doc) => doc._id));
      cursor = page.cursor;
    }
    expect(ids).toEqual(['d', 'e', 'f', 'g']);
  });

  it('of nothing is empty, and never the answer that was cut off', async () => {
    const { server, subscriber } = await world();
    expect(await subscriber.list(undefined)).toEqual({ remotes: [] });
    server.faults.inject({ kind: 'cut-answer' });
    expect(await codeOf(subscriber.list(undefined))).toBe('subscriber');
  });
});

describe('find', () => {
  it('by key gives the document of the chosen id, if the marker is ours', async () => {
    const { account, subscriber, db } = await world();
    const doc = docOf(await subscriber.push(create(1, { firstName: 'Ada' })));
    await db.insert({ firstName: 'Eve' }, 'customer:2');
    await db.insert({ ...marker(3, 'staging') }, 'customer:3');
    const find = (one: CouchCustomer, id: number) => one.find({ by: 'key', key: `["${id}"]` });
    expect(await find(subscriber, 1)).toEqual([doc]);
    expect(await find(subscriber, 2)).toEqual([]);
    expect(await find(subscriber, 3)).toEqual([]);
    expect(await find(new CouchCustomer(contextOf(account, 'staging')), 1)).toEqual([]);
    await subscriber.push(remove(doc));
    expect(await find(subscriber, 1)).toEqual([]);
  });

  it('by match gives all that show the values, right after a write, with and without an index', async () => {
    const { subscriber, db } = await world();
    const ids = async (values: Partial<Doc>) =>
      (await subscriber.find({ by: 'match', values })).map((doc) => doc._id).sort();
    await db.insert({ email: 'a@x', address: { city: 'Oslo' } }, 'a');
    await db.insert({ email: 'a@x', address: { city: 'Rome' } }, 'b');
    expect(await ids({ email: 'a@x' })).toEqual(['a', 'b']);
    await db.createIndex({ index: { fields: ['email'] } });
    await db.insert({ email: 'a@x', firstName: 'new' }, 'c');
    expect(await ids({ email: 'a@x' })).toEqual(['a', 'b', 'c']);
    expect(await ids({ email: 'a@x', address: { city: 'Rome' } })).toEqual(['b']);
    expect(await ids({ email: 'A@x' })).toEqual([]);
    expect(await ids({ email: null })).toEqual([]);
    expect(await ids({ email: '' })).toEqual([]);
    expect(await ids({})).toEqual([]);
  });
});

describe('a copy of a document', () => {
  it('does not bear the marker of the first', async () => {
    const { subscriber, db } = await world();
    const doc = docOf(await subscriber.push(create(1, { firstName: 'Ada' })));
    const { _id, _rev, ...content } = doc;
    await db.insert(content, 'copy');
    expect(subscriber.keyOf(doc)).toBe('["1"]');
    expect(subscriber.keyOf((await db.get('copy')) as Doc)).toBeUndefined();
    expect(subscriber.keyOf({ ...doc, syncflow: null } as unknown as Doc)).toBeUndefined();
  });
});
