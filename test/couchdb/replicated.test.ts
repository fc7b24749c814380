/** A whole Syncflow over a database that others write into, too: by replication, and with documents of other kinds. */
import nano from 'nano';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { CouchAccount, CouchSubscriber } from '../../src/connectors/couchdb/index.js';
import { startServer } from '../couchdb-server/support.js';
import { conflictsOf, parkedOf, useStage } from '../flow/stage.js';

const stage = useStage();

interface Doc {
  readonly type?: string;
  readonly name?: string;
}

async function setup() {
  class Person extends Catalog({ name: 'person', key: 'id', fields: { id: z.int(), name: z.string().nullable() } }) {}
  class Persons extends CouchSubscriber<typeof Person, Doc> {
    override readonly database = 'people';
    override readonly defaults = { type: 'person' };
    override readonly mapping = this.map({ name: 'name' });
    override accepts(doc: Doc): boolean {
      return doc.type === 'person';
    }
  }
  Person.register(Persons);
  const server = await startServer({ requestLog: 10_000 });
  await nano(server.url).db.create('people');
  const db = nano(server.url).use<Doc>('people');
  const world = await stage.start([Person], { couchdb: new CouchAccount({ url: server.url }) });
  const people = world.flow.catalog(Person);
  const ada = await people.save({ name: 'Ada' });
  await world.flow.sync();
  const id = `person:${String(ada.id)}`;
  return { world, people, ada, server, db, id };
}

test('a winner that came by replication is deleted: the one before it holds again, and the hub takes it', async () => {
  const { world, people, ada, db, id } = await setup();
  const first = await db.get(id);
  const edited = await db.insert({ ...first, name: 'Ada 2' });
  await world.flow.sync();
  expect(await people.get(ada.id)).toMatchObject({ name: 'Ada 2' });
  // the same generation, and a higher hash: it wins
  const start = Number(edited.rev.split('-')[0]);
  const hash = 'f'.repeat(32);
  const revisions = { start, ids: [hash, first._rev.split('-')[1]] };
  const replicated = { ...first, _rev: `${String(start)}-${hash}`, name: 'Elsewhere', _revisions: revisions };
  await db.bulk({ docs: [replicated], new_edits: false });
  await world.flow.sync();
  expect(await people.get(ada.id)).toMatchObject({ name: 'Elsewhere' });
  await db.destroy(id, replicated._rev);
  expect(await db.get(id)).toMatchObject({ _rev: edited.rev, name: 'Ada 2' });
  await world.flow.sync();
  expect(await people.get(ada.id)).toMatchObject({ name: 'Ada 2' });
  expect([await conflictsOf(world), await parkedOf(world)]).toEqual([[], []]);
});

test('a linked document that becomes one of another kind is heard of, edited there again, too', async () => {
  const { world, people, ada, db, id } = await setup();
  const edit = async (doc: Doc): Promise<void> => {
    const { _rev } = await db.get(id);
    await db.insert({ ...(await db.get(id)), ...doc, _id: id, _rev });
  };
  await edit({ type: 'company', name: 'Ada Ltd' });
  await world.flow.sync();
  expect(await people.get(ada.id)).toMatchObject({ name: 'Ada Ltd' });
  await edit({ name: 'Ada Inc' });
  await world.flow.sync();
  expect(await people.get(ada.id)).toMatchObject({ name: 'Ada Inc' });
  expect([await conflictsOf(world), await parkedOf(world)]).toEqual([[], []]);
});

test('documents of other kinds cost nothing but their page of the feed', async () => {
  const { world, server, db } = await setup();
  const rows = async (table: string): Promise<number> =>
    (await world.db.query<{ n: number }>(`select count(*)::int as n from syncflow.${table}`))[0]?.n ?? 0;
  await world.flow.sync();
  const before = [await rows('link'), await rows('inbox')];
  await db.bulk({
    docs: Array.from({ length: 40 }, (_, index) => ({ _id: `company:${String(index)}`, type: 'company' })),
  });
  server.clearRequests();
  await world.flow.sync();
  expect([await rows('link'), await rows('inbox')]).toEqual(before);
  expect(server.requests.filter(({ path }) => path.includes('_all_docs'))).toEqual([]);
  // one that becomes a person is a new one
  await db.insert({ type: 'person', name: 'Grace', _rev: (await db.get('company:1'))._rev }, 'company:1');
  await world.flow.sync();
  expect(await world.db.query('select name from person order by id')).toEqual([{ name: 'Ada' }, { name: 'Grace' }]);
});
