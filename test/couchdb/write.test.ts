import { describe, expect, it } from 'vitest';
import { CouchCustomer, create, docOf, marker, remove, update, world, kinds, type Doc } from './harness.js';

const writes = (request: { writes: boolean }): boolean => request.writes;

describe('create', () => {
  it('writes the mapped values and the marker under the chosen id', async () => {
    const { subscriber, db } = await world();
    const outcome = await subscriber.push(create(1, { firstName: 'Ada', email: null, address: { city: '' } }));
    const stored = await db.get('customer:1');
    // null, '' and absent are three things
    expect(stored).toEqual({
      _id: 'customer:1',
      _rev: stored._rev,
      firstName: 'Ada',
      email: null,
      address: { city: '' },
      syncflow: marker(1),
    });
    expect(outcome).toEqual({ kind: 'done', remoteId: 'customer:1', remote: stored });
    const doc = docOf(outcome);
    expect([subscriber.identify(doc), subscriber.versionOf(doc), subscriber.keyOf(doc)]).toEqual([
      'customer:1',
      stored._rev,
      '["1"]',
    ]);
  });

  it('adds the constants of the kind', async () => {
    class Typed extends CouchCustomer {
      override readonly defaults = { note: 'customer' };
    }
    const { subscriber, db } = await world(Typed);
    await subscriber.push(create(1, { firstName: 'Ada' }));
    expect(await db.get('customer:1')).toMatchObject({ note: 'customer', firstName: 'Ada' });
  });

  it('escapes keys into ids that differ', async () => {
    const { subscriber } = await world();
    const ids = ['["a"]', '["a:b"]', '["a", "b"]', '["a/b"]', '["é %3A"]', '["../x"]'].map((key) =>
      subscriber.documentId(key),
    );
    expect(ids).toEqual([
      'customer:a',
      'customer:a%3Ab',
      'customer:a:b',
      'customer:a%2Fb',
      'customer:%C3%A9%20%253A',
      'customer:..%2Fx',
    ]);
    for (const key of ['["a/b"]', '["é %3A"]', '["../x"]', '["."]']) {
      const outcome = await subscriber.push(create(0, { firstName: key }, { key }));
      expect(await subscriber.fetch(docOf(outcome)._id, 'live')).toMatchObject({
        kind: 'found',
        remote: { firstName: key },
      });
    }
  });

  it('whose answer was lost is found by its marker, and converges when it is sent again', async () => {
    const { server, subscriber, db } = await world();
    for (const [id, kind] of [
      [1, 'drop-after'],
      [2, 'cut-answer'],
    ] as const) {
      const operation = create(id, { firstName: 'Ada', email: null });
      server.faults.inject({ kind, when: writes });
      expect((await subscriber.push(operation)).kind).toBe('unknown');
      expect(await subscriber.find({ by: 'key', key: operation.key })).toEqual([await db.get(`customer:${id}`)]);
      expect(await subscriber.push({ ...operation, resumed: true })).toEqual({
        kind: 'done',
        remoteId: `customer:${id}`,
        remote: await db.get(`customer:${id}`),
      });
      expect((await db.get(`customer:${id}`))._rev).toMatch(/^1-/);
    }
  });

  it('that never arrived is written when it is sent again', async () => {
    const { server, subscriber, db } = await world();
    server.faults.inject({ kind: 'drop-before', when: writes });
    expect((await subscriber.push(create(1, { firstName: 'Ada' }))).kind).toBe('unknown');
    expect(await subscriber.find({ by: 'key', key: '["1"]' })).toEqual([]);
    expect((await subscriber.push(create(1, { firstName: 'Ada' }, { resumed: true }))).kind).toBe('done');
    expect((await db.list()).rows).toHaveLength(1);
  });

  it('whose document was edited before it is sent again tells what is there', async () => {
    const { server, subscriber, db } = await world();
    server.faults.inject({ kind: 'drop-after', when: writes });
    await subscriber.push(create(1, { firstName: 'Ada' }));
    await db.insert({ ...(await db.get('customer:1')), firstName: 'Augusta' });
    expect(await subscriber.push(create(1, { firstName: 'Ada' }, { resumed: true }))).toMatchObject({
      kind: 'exists',
      remote: { firstName: 'Augusta' },
    });
  });

  it('finds a document of its id: ours, a stranger, of another record, environment or kind', async () => {
    class Picky extends CouchCustomer {
      override accepts(remote: Doc): boolean {
        return remote.note !== 'invoice';
      }
    }
    const { subscriber, db } = await world(Picky);
    await subscriber.push(create(1, { firstName: 'Ada' }));
    await db.insert({ firstName: 'Eve' }, 'customer:2');
    await db.insert({ firstName: 'Eve', syncflow: { ...marker(3), key: '["9"]' } }, 'customer:3');
    await db.insert({ firstName: 'Eve', syncflow: marker(4, 'staging') }, 'customer:4');
    await db.insert({ note: 'invoice' }, 'customer:5');
    const outcomes = await subscriber.pushMany([1, 2, 3, 4, 5].map((id) => create(id, { firstName: 'Ada' })));
    expect(kinds(outcomes)).toEqual(['exists', 'exists', 'rejected', 'rejected', 'rejected']);
    expect(outcomes[1]).toMatchObject({ remoteId: 'customer:2', remote: { firstName: 'Eve' } });
    expect(outcomes[3]).toMatchObject({ reason: expect.stringContaining('staging') as string });
  });

  it('makes a document anew over its tombstone', async () => {
    const { subscriber, db } = await world();
    const first = docOf(await subscriber.push(create(1, { firstName: 'Ada' })));
    expect((await subscriber.push(remove(first))).kind).toBe('done');
    expect((await subscriber.push(create(1, { firstName: 'Bob' }))).kind).toBe('done');
    expect(await db.get('customer:1')).toMatchObject({ firstName: 'Bob' });
  });

  it('that another writer beats to it tells what is there', async () => {
    const { server, subscriber, db } = await world();
    let release = (): void => undefined;
    const until = new Promise<void>((resolve) => (release = resolve));
    const reached = new Promise<void>((resolve) => {
      server.faults.inject({
        kind: 'delay',
        until,
        when: (request) => request.operation === 'bulk' && (resolve(), true),
      });
    });
    const pending = subscriber.push(create(1, { firstName: 'Ada' }));
    await reached;
    await db.insert({ firstName: 'Eve' }, 'customer:1');
    release();
    expect(await pending).toMatchObject({ kind: 'exists', remote: { firstName: 'Eve' } });
  });

  it('is tried again when a conflict leaves no trace', async () => {
    const { server, subscriber } = await world();
    server.faults.inject({ kind: 'conflict' });
    expect((await subscriber.push(create(1, {}))).kind).toBe('retry');
    expect((await subscriber.push(create(1, {}))).kind).toBe('done');
  });
});

describe('update', () => {
  it('writes what changed and keeps every other field, attachments too', async () => {
    const { subscriber, db } = await world();
    const added = await db.insert(
      { firstName: 'Ada', address: { city: 'Oslo', street: 'Main 1' }, note: 'mine', deep: { a: [1, { b: null }] } },
      'any-id',
    );
    await db.attachment.insert('any-id', 'a.txt', Buffer.from('hello'), 'text/plain', { rev: added.rev });
    const before = await db.get('any-id');
    const outcome = await subscriber.push(update(before, { email: null, address: { city: 'Rome' } }, { key: '["7"]' }));
    const after = await db.get('any-id');
    expect(after).toEqual({
      ...before,
      _rev: after._rev,
      email: null,
      address: { city: 'Rome', street: 'Main 1' },
      syncflow: { key: '["7"]', environment: 'production', id: 'any-id' },
    });
    expect(outcome).toEqual({ kind: 'done', remoteId: 'any-id', remote: after });
    expect(await db.attachment.get('any-id', 'a.txt')).toEqual('hello');
  });

  it('leaves a document alone that shows the values already', async () => {
    const { subscriber, db, server } = await world();
    const doc = docOf(await subscriber.push(create(1, { firstName: 'Ada' })));
    server.clearRequests();
    expect(await subscriber.push(update(doc, { firstName: 'Ada' }))).toEqual({
      kind: 'done',
      remoteId: 'customer:1',
      remote: doc,
    });
    expect(server.requests.filter(writes)).toEqual([]);
    expect((await db.get('customer:1'))._rev).toBe(doc._rev);
  });

  it('of a document that has moved on is stale, with what was read', async () => {
    const { subscriber, db } = await world();
    const doc = docOf(await subscriber.push(create(1, { firstName: 'Ada' })));
    await db.insert({ ...doc, note: 'edited' });
    const now = await db.get('customer:1');
    expect(await subscriber.push(update(doc, { firstName: 'Bob' }))).toEqual({ kind: 'stale', remote: now });
    expect(await subscriber.push(update(doc, { firstName: 'Ada' }))).toEqual({ kind: 'stale', remote: now });
    // without a revision, by what was last seen of the mapped values
    const blind = { version: undefined };
    expect(
      (await subscriber.push(update(doc, { firstName: 'Bob' }, { ...blind, known: { firstName: 'Eve' } }))).kind,
    ).toBe('stale');
    expect(
      (await subscriber.push(update(doc, { firstName: 'Bob' }, { ...blind, known: { firstName: 'Ada', email: null } })))
        .kind,
    ).toBe('done');
  });

  it('is stale when somebody writes between our read and our write', async () => {
    const { server, subscriber, db } = await world();
    const doc = docOf(await subscriber.push(create(1, { firstName: 'Ada' })));
    let release = (): void => undefined;
    const until = new Promise<void>((resolve) => (release = resolve));
    const reached = new Promise<void>((resolve) => {
      server.faults.inject({
        kind: 'delay',
        until,
        when: (request) => request.operation === 'bulk' && (resolve(), true),
      });
    });
    const pending = subscriber.push(update(doc, { firstName: 'Bob' }));
    await reached;
    await db.insert({ ...doc, note: 'faster' });
    release();
    expect(await pending).toMatchObject({ kind: 'stale', remote: { firstName: 'Ada', note: 'faster' } });
  });

  it('whose answer was lost converges, also when other fields were edited since', async () => {
    const { server, subscriber, db } = await world();
    const doc = docOf(await subscriber.push(create(1, { firstName: 'Ada', email: 'a@x' })));
    const operation = update(doc, { firstName: 'Bob' });
    server.faults.inject({ kind: 'drop-after', when: writes });
    expect((await subscriber.push(operation)).kind).toBe('unknown');
    expect(await subscriber.push({ ...operation, resumed: true })).toEqual({
      kind: 'done',
      remoteId: 'customer:1',
      remote: await db.get('customer:1'),
    });
    await db.insert({ ...(await db.get('customer:1')), email: 'b@x' });
    expect(await subscriber.push({ ...operation, resumed: true })).toMatchObject({
      kind: 'done',
      remote: { firstName: 'Bob', email: 'b@x' },
    });
    await db.insert({ ...(await db.get('customer:1')), firstName: 'Eve' });
    expect(await subscriber.push({ ...operation, resumed: true })).toMatchObject({
      kind: 'stale',
      remote: { firstName: 'Eve' },
    });
  });

  it('tells a deleted document from one that is not there', async () => {
    const { subscriber } = await world();
    const doc = docOf(await subscriber.push(create(1, { firstName: 'Ada' })));
    await subscriber.push(remove(doc));
    expect(await subscriber.push(update(doc, { firstName: 'Bob' }))).toEqual({ kind: 'gone' });
    expect((await subscriber.push(update({ _id: 'nobody', _rev: '1-a' }, { firstName: 'Bob' }))).kind).toBe('missing');
  });

  it('refuses to round an integer that JavaScript can not keep', async () => {
    const { server, subscriber, db } = await world();
    await fetch(`${server.url}/customers/big`, {
      method: 'PUT',
      body: '{"serial":12345678901234567}',
      headers: { 'content-type': 'application/json' },
    });
    const doc = await db.get('big');
    // the test's server keeps numbers as JavaScript does, but a CouchDB would not
    expect(await subscriber.push(update(doc, { firstName: 'Bob' }))).toMatchObject({
      kind: 'rejected',
      reason: expect.stringContaining('2^53') as string,
    });
  });
});

describe('delete', () => {
  it('is conditional, and says gone the second time', async () => {
    const { subscriber, db } = await world();
    const doc = docOf(await subscriber.push(create(1, { firstName: 'Ada' })));
    await db.insert({ ...doc, note: 'edited' });
    const now = await db.get('customer:1');
    expect(await subscriber.push(remove(doc))).toEqual({ kind: 'stale', remote: now });
    expect(await subscriber.push(remove(now))).toEqual({ kind: 'done', remoteId: 'customer:1' });
    expect(await subscriber.push(remove(now))).toEqual({ kind: 'gone' });
    expect(await subscriber.push(remove({ _id: 'nobody', _rev: '1-a' }))).toMatchObject({ kind: 'missing' });
    expect(await subscriber.look('customer:1', 'live')).toEqual({ kind: 'gone' });
    expect(await subscriber.look('nobody', 'live')).toMatchObject({ kind: 'missing' });
  });

  it('whose answer was lost is gone when it is sent again', async () => {
    const { server, subscriber } = await world();
    const doc = docOf(await subscriber.push(create(1, { firstName: 'Ada' })));
    server.faults.inject({ kind: 'drop-after', when: writes });
    expect((await subscriber.push(remove(doc))).kind).toBe('unknown');
    expect(await subscriber.push(remove(doc))).toEqual({ kind: 'gone' });
  });
});
