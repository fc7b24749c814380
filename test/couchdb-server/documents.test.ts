import nano from 'nano';
import { describe, expect, it } from 'vitest';
import { at, failureOf, people, startServer } from './support.js';

const CONFLICT = { statusCode: 409, error: 'conflict', reason: 'Document update conflict.', scope: 'couch' };

describe('one document', () => {
  it('comes back as it was put, with its revision', async () => {
    const db = await people(await startServer());
    const put = await db.insert({ name: 'Ada' }, 'ada');
    expect(put).toEqual({ ok: true, id: 'ada', rev: expect.stringMatching(/^1-[0-9a-f]{32}$/) as string });
    expect(await db.get('ada')).toEqual({ _id: 'ada', _rev: put.rev, name: 'Ada' });
    expect(await db.head('ada')).toMatchObject({ etag: `"${put.rev}"` });
  });

  it('keeps ids with slashes, spaces and other letters', async () => {
    const db = await people(await startServer());
    for (const id of ['a/b', 'a b', 'é+%', '12']) {
      await db.insert({ name: id }, id);
      expect(await db.get(id)).toMatchObject({ _id: id, name: id });
    }
  });

  it('is updated with its current revision only', async () => {
    const db = await people(await startServer());
    const first = await db.insert({ name: 'Ada' }, 'ada');
    const second = await db.insert({ _rev: first.rev, name: 'Ada L.' }, 'ada');
    expect(second.rev).toMatch(/^2-/);
    expect(await failureOf(db.insert({ _rev: first.rev, name: 'late' }, 'ada'))).toMatchObject(CONFLICT);
    expect(await failureOf(db.insert({ name: 'no revision' }, 'ada'))).toMatchObject(CONFLICT);
    expect(await db.get('ada')).toMatchObject({ name: 'Ada L.', _rev: second.rev });
  });

  it('conflicts also when a write is repeated word for word', async () => {
    const db = await people(await startServer());
    const first = await db.insert({ name: 'Ada' }, 'ada');
    expect(await failureOf(db.insert({ name: 'Ada' }, 'ada'))).toMatchObject(CONFLICT);
    await db.insert({ _rev: first.rev, name: 'Ada L.' }, 'ada');
    expect(await failureOf(db.insert({ _rev: first.rev, name: 'Ada L.' }, 'ada'))).toMatchObject(CONFLICT);
  });

  it('conflicts when it is written with a revision but does not exist', async () => {
    const db = await people(await startServer());
    expect(await failureOf(db.insert({ _rev: '1-abc', name: 'Ada' }, 'ada'))).toMatchObject(CONFLICT);
  });

  it('lets exactly one of concurrent writers win', async () => {
    const db = await people(await startServer());
    const { rev } = await db.insert({ name: 'Ada' }, 'ada');
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => db.insert({ _rev: rev, name: `writer ${index}` }, 'ada')),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject(CONFLICT);
    }
  });

  it('answers 404 with a reason that tells missing from deleted', async () => {
    const db = await people(await startServer());
    const missing = { statusCode: 404, error: 'not_found', reason: 'missing' };
    const deleted = { statusCode: 404, error: 'not_found', reason: 'deleted' };
    expect(await failureOf(db.get('ada'))).toMatchObject(missing);
    const { rev } = await db.insert({ name: 'Ada' }, 'ada');
    await db.destroy('ada', rev);
    expect(await failureOf(db.get('ada'))).toMatchObject(deleted);
    expect(await failureOf(db.get('ada', { conflicts: true }))).toMatchObject(deleted);
    expect(await failureOf(db.head('ada'))).toMatchObject({ statusCode: 404, error: undefined, reason: undefined });
  });

  it('is deleted with its current revision only', async () => {
    const server = await startServer();
    const db = await people(server);
    expect(await failureOf(db.destroy('ada', '1-abc'))).toMatchObject({ statusCode: 404, reason: 'missing' });
    const first = await db.insert({ name: 'Ada' }, 'ada');
    const second = await db.insert({ _rev: first.rev, name: 'Ada L.' }, 'ada');
    expect(await failureOf(db.destroy('ada', first.rev))).toMatchObject(CONFLICT);
    expect(await failureOf(db.destroy('ada', '9-abc'))).toMatchObject(CONFLICT);
    expect((await fetch(`${server.url}/people/ada`, { method: 'DELETE' })).status).toBe(409);
    expect(await db.destroy('ada', second.rev)).toMatchObject({
      ok: true,
      id: 'ada',
      rev: expect.stringMatching(/^3-/) as string,
    });
    expect(await failureOf(db.destroy('ada', second.rev))).toMatchObject({ statusCode: 404, reason: 'deleted' });
  });

  it('can be created again after its deletion, without a revision', async () => {
    const db = await people(await startServer());
    const { rev } = await db.insert({ name: 'Ada' }, 'ada');
    await db.destroy('ada', rev);
    expect((await db.insert({ name: 'Ada' }, 'ada')).rev).toMatch(/^3-/);
  });

  it('refuses what CouchDB refuses, as a fault of the request', async () => {
    const db = await people(await startServer());
    expect(await failureOf(db.insert({ _foo: 1, name: 'Ada' } as never, 'ada'))).toMatchObject({
      statusCode: 400,
      error: 'doc_validation',
    });
    expect(await failureOf(db.insert({ _rev: 'zz', name: 'Ada' }, 'ada'))).toMatchObject({
      statusCode: 400,
      error: 'bad_request',
    });
  });

  it('keeps local documents out of the feed', async () => {
    const db = await people(await startServer());
    await db.insert({ name: 'checkpoint' }, '_local/checkpoint');
    expect(await db.get('_local/checkpoint')).toMatchObject({ name: 'checkpoint' });
    expect((await db.changes({ since: 0 })).results).toEqual([]);
  });
});

describe('_bulk_docs', () => {
  it('answers row by row in the order of the request, and applies what it can', async () => {
    const db = await people(await startServer());
    const { rev } = await db.insert({ name: 'Ada' }, 'ada');
    const rows = await db.bulk({
      docs: [
        { _id: 'new', name: 'New' },
        { _id: 'ada', name: 'no revision' },
        { _id: 'also-new', name: 'Also' },
        { _id: 'ada', _rev: rev, name: 'Ada L.' },
        { _id: 'new', name: 'twice in one request' },
      ],
    });
    expect(rows).toEqual([
      { ok: true, id: 'new', rev: expect.stringMatching(/^1-/) as string },
      { id: 'ada', error: 'conflict', reason: 'Document update conflict' },
      { ok: true, id: 'also-new', rev: expect.stringMatching(/^1-/) as string },
      { ok: true, id: 'ada', rev: expect.stringMatching(/^2-/) as string },
      { id: 'new', error: 'conflict', reason: 'Document update conflict' },
    ]);
  });

  it('deletes, with the content that the tombstone is given', async () => {
    const db = await people(await startServer());
    const { rev } = await db.insert({ name: 'Ada' }, 'ada');
    const rows = await db.bulk({ docs: [{ _id: 'ada', _rev: rev, _deleted: true, by: 'syncflow' }] });
    expect(rows).toMatchObject([{ ok: true, id: 'ada' }]);
    const { results } = await db.changes({ since: 0, include_docs: true });
    expect(results).toMatchObject([{ deleted: true, doc: { _id: 'ada', _deleted: true, by: 'syncflow' } }]);
  });

  it('applies nothing when one document is malformed', async () => {
    const db = await people(await startServer());
    for (const bad of [{ _id: '_bad' }, { _id: 'bad', _foo: 1 }, { _id: 'bad', _rev: 'zz' }]) {
      expect(await failureOf(db.bulk({ docs: [{ _id: 'good', name: 'Good' }, bad] }))).toMatchObject({
        statusCode: 400,
      });
    }
    expect(await failureOf(db.get('good'))).toMatchObject({ statusCode: 404, reason: 'missing' });
  });

  it('writes revisions as they are with new_edits: false', async () => {
    const db = await people(await startServer());
    const docs = [
      { _id: 'ada', _rev: '3-aa', name: 'one' },
      { _id: 'ada', _rev: '3-ab', name: 'other' },
    ];
    expect(await db.bulk({ docs, new_edits: false })).toEqual([]);
    expect(await db.get('ada', { conflicts: true })).toEqual({
      _id: 'ada',
      _rev: '3-ab',
      name: 'other',
      _conflicts: ['3-aa'],
    });
  });

  it('takes 500 documents at once', async () => {
    const db = await people(await startServer());
    const docs = Array.from({ length: 500 }, (_, index) => ({
      _id: `d${String(index).padStart(3, '0')}`,
      name: `n${index}`,
    }));
    const rows = await db.bulk({ docs });
    expect(rows.map((row) => row.id)).toEqual(docs.map((doc) => doc._id));
    expect(rows.every((row) => row.rev !== undefined)).toBe(true);
    expect((await db.info()).doc_count).toBe(500);
    expect((await db.changes({ since: 0, include_docs: true })).results).toHaveLength(500);
  });
});

describe('_changes', () => {
  it('names each document once, by its last change, in the order of their last changes', async () => {
    const db = await people(await startServer());
    const ada = await db.insert({ name: 'Ada' }, 'ada');
    const bob = await db.insert({ name: 'Bob' }, 'bob');
    const again = await db.insert({ _rev: ada.rev, name: 'Ada L.' }, 'ada');
    expect(await db.changes({ since: 0 })).toEqual({
      results: [
        { id: 'bob', seq: 2, changes: [{ rev: bob.rev }] },
        { id: 'ada', seq: 3, changes: [{ rev: again.rev }] },
      ],
      last_seq: 3,
    });
  });

  it('continues after since, page by page, and stands still at the end', async () => {
    const db = await people(await startServer());
    await db.bulk({ docs: ['a', 'b', 'c'].map((id) => ({ _id: id, name: id })) });
    const first = await db.changes({ since: 0, limit: 2 });
    expect(first.results.map((row) => row.id)).toEqual(['a', 'b']);
    expect(first.last_seq).toBe(2);
    const second = await db.changes({ since: first.last_seq as number, limit: 2 });
    expect(second.results.map((row) => row.id)).toEqual(['c']);
    expect(await db.changes({ since: second.last_seq as number })).toEqual({ results: [], last_seq: 3 });
    expect(await db.changes({ since: 'now' })).toEqual({ results: [], last_seq: 3 });
    // As with CouchDB, 0 means 1.
    expect((await db.changes({ since: 0, limit: 0 })).results).toHaveLength(1);
  });

  it('shows tombstones without their former content', async () => {
    const db = await people(await startServer());
    const { rev } = await db.insert({ name: 'Ada' }, 'ada');
    const gone = await db.destroy('ada', rev);
    const { results } = await db.changes({ since: 0, include_docs: true });
    expect(results).toEqual([
      {
        id: 'ada',
        seq: 2,
        changes: [{ rev: gone.rev }],
        deleted: true,
        doc: { _id: 'ada', _rev: gone.rev, _deleted: true },
      },
    ]);
  });

  it('gives update_seq as the place where it ends', async () => {
    const db = await people(await startServer());
    await db.bulk({ docs: ['a', 'b', 'c'].map((id) => ({ _id: id, name: id })) });
    expect((await db.info()).update_seq).toBe((await db.changes({ since: 0 })).last_seq);
    await failureOf(db.insert({ name: 'refused' }, 'a'));
    expect((await db.info()).update_seq).toBe(3);
  });

  it('refuses a sequence that is not its own', async () => {
    const db = await people(await startServer());
    expect(await failureOf(db.changes({ since: '5-g1AAA' }))).toMatchObject({ statusCode: 400, error: 'bad_request' });
  });

  it('waits for a change with feed=longpoll, and refuses feeds without end', async () => {
    const db = await people(await startServer());
    const waiting = db.changes({ since: 'now', feed: 'longpoll' });
    // The feed may begin after this write, so that it is written until the feed has seen one.
    let seen = false;
    const answered = waiting.then((answer) => {
      seen = true;
      return answer;
    });
    for (let index = 0; !(seen as boolean); index += 1) await db.insert({ name: `n${index}` }, `n${index}`);
    expect((await answered).results).toHaveLength(1);
    expect(await failureOf(db.changes({ feed: 'continuous' }))).toMatchObject({ statusCode: 400 });
  });
});

describe('reading many', () => {
  it('answers _all_docs with keys in their order, with missing and deleted ones', async () => {
    const db = await people(await startServer());
    const ada = await db.insert({ name: 'Ada' }, 'ada');
    const bob = await db.insert({ name: 'Bob' }, 'bob');
    const gone = await db.destroy('bob', bob.rev);
    const { rows } = await db.fetch({ keys: ['nobody', 'bob', 'ada', 'ada'] });
    const row = { id: 'ada', key: 'ada', value: { rev: ada.rev }, doc: { _id: 'ada', _rev: ada.rev, name: 'Ada' } };
    expect(rows).toEqual([
      { key: 'nobody', error: 'not_found' },
      { id: 'bob', key: 'bob', value: { rev: gone.rev, deleted: true }, doc: null },
      row,
      row,
    ]);
  });

  it('reads ranges of ids, with either spelling of the keys', async () => {
    const db = await people(await startServer());
    await db.bulk({ docs: ['a:1', 'b:1', 'b:2', 'b:3', 'c:1'].map((id) => ({ _id: id, name: id })) });
    const ids = async (options: nano.DocumentListParams): Promise<string[]> =>
      (await db.list(options)).rows.map((row) => row.id);
    expect(await ids({ startkey: 'b:', endkey: 'b:\ufff0' })).toEqual(['b:1', 'b:2', 'b:3']);
    expect(await ids({ start_key: 'b:', end_key: 'b:\ufff0' })).toEqual(['b:1', 'b:2', 'b:3']);
    expect(await ids({ startkey: 'b:1', limit: 2, skip: 1 })).toEqual(['b:2', 'b:3']);
    expect(at((await db.list({ startkey: 'c', include_docs: true })).rows, 0).doc).toMatchObject({ name: 'c:1' });
    const found = await db.find({ selector: { _id: { $gt: 'b:1', $lt: 'c' } }, limit: 10 });
    expect(found.docs.map((doc) => doc._id)).toEqual(['b:2', 'b:3']);
  });

  it('finds by field, with and without an index, and leaves deleted ones out', async () => {
    const db = await people(await startServer());
    const bob = await db.insert({ name: 'Bob', email: 'b@x.example' }, 'bob');
    await db.insert({ name: 'Ada', email: 'a@x.example' }, 'ada');
    await db.destroy('bob', bob.rev);
    const query = { selector: { email: { $in: ['a@x.example', 'b@x.example'] } } };
    expect((await db.find(query)).docs.map((doc) => doc._id)).toEqual(['ada']);
    await db.createIndex({ index: { fields: ['email'] } });
    expect((await db.find(query)).docs.map((doc) => doc._id)).toEqual(['ada']);
    // The index is a document of the same database.
    expect((await db.list()).rows.map((row) => row.id)).toContainEqual(expect.stringMatching(/^_design\//));
  });
});

describe('databases', () => {
  it('are created once, listed and deleted with all they hold', async () => {
    const server = await startServer();
    const scope = nano(server.url);
    const results = await Promise.allSettled([scope.db.create('people'), scope.db.create('people')]);
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await failureOf(scope.db.create('people'))).toMatchObject({ statusCode: 412, error: 'file_exists' });
    expect(await scope.db.list()).toEqual(['people']);
    await scope.use('people').insert({ name: 'Ada' } as never, 'ada');
    await scope.db.destroy('people');
    const absent = { statusCode: 404, error: 'not_found', reason: 'Database does not exist.' };
    expect(await failureOf(scope.db.destroy('people'))).toMatchObject(absent);
    expect(await failureOf(scope.db.get('people'))).toMatchObject(absent);
    expect(await failureOf(scope.use('people').get('ada'))).toMatchObject(absent);
    expect(await failureOf(scope.use('people').bulk({ docs: [{ _id: 'x' }] }))).toMatchObject(absent);
    await scope.db.create('people');
    expect((await scope.use('people').list()).rows).toEqual([]);
  });

  it('have names that CouchDB would accept', async () => {
    const scope = nano((await startServer()).url);
    for (const name of ['People', '1st', 'a/b', 'a b']) {
      expect(await failureOf(scope.db.create(name))).toMatchObject({ statusCode: 400, error: 'illegal_database_name' });
    }
  });

  it('of two servers have nothing to do with each other', async () => {
    const [one, two] = [await startServer(), await startServer()];
    const [ones, twos] = [await people(one), await people(two)];
    await ones.insert({ name: 'Ada' }, 'ada');
    await twos.insert({ name: 'Ada' }, 'ada');
    await nano(one.url).db.destroy('people');
    expect(await twos.get('ada')).toMatchObject({ name: 'Ada' });
    expect(await nano(two.url).db.list()).toEqual(['people']);
    expect(await nano(one.url).db.list()).toEqual([]);
  });

  it('come with a server that tells that it is up', async () => {
    const scope = nano((await startServer()).url);
    expect(await scope.info()).toMatchObject({ couchdb: 'Welcome' });
    expect(await scope.request({ path: '_up' })).toEqual({ status: 'ok' });
    expect((await scope.uuids(3)).uuids).toHaveLength(3);
  });
});
