import { describe, expect, test } from 'vitest';
import type { CreateOperation, RemoteEvent } from '../../src/subscriber/base.js';
import type { Outcome } from '../../src/subscriber/outcome.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import {
  contactCatalog,
  delivery,
  memorySide,
  MemorySystem,
  only,
  parkedOf,
  useStage,
  writesWhenQuiet,
  type Side,
} from './stage.js';

const stage = useStage();

const sides: { what: string; side: Side; snapshot: boolean }[] = [
  { what: 'a marker, without a snapshot', side: {}, snapshot: false },
  { what: 'a marker, with a snapshot', side: {}, snapshot: true },
  { what: 'no marker, without a snapshot', side: { capabilities: { marker: false } }, snapshot: false },
  { what: 'no marker, with a snapshot', side: { capabilities: { marker: false } }, snapshot: true },
];

describe.each(sides)('$what', ({ side, snapshot }) => {
  async function createdWith(work: (system: MemorySystem, tell: (id: string) => Promise<void>) => Promise<void>) {
    const Contact = contactCatalog();
    Contact.register(memorySide(side));
    const system = new MemorySystem();
    const world = await stage.start([Contact], { memory: system });
    const contacts = world.flow.catalog(Contact);
    const tell = async (id: string): Promise<void> => {
      const object = only(system);
      const event: RemoteEvent<MemoryObject> = { id, remoteId: object.id, kind: 'changed' };
      await world.flow.receive('memory', delivery([snapshot ? { ...event, snapshot: object } : event]));
    };
    system.beforeAnswer = async () => {
      system.beforeAnswer = undefined;
      await work(system, tell);
      // the event is looked at before our answer comes
      await stage.db.query('select 1');
      for (let round = 0; round < 20; round++) {
        const [row] = await stage.db.query<{ open: number }>(
          'select count(*)::int as open from syncflow.inbox where settled_at is null',
        );
        if (row?.open === 0) break;
      }
    };
    const ada = await contacts.save({ name: 'Ada', email: 'ada@example.com' });
    await world.flow.settled();
    await world.flow.sync();
    return { world, contacts, ada, system };
  }

  test('makes no second record and no second remote', async () => {
    const { world, contacts, ada, system } = await createdWith(async (_system, tell) => tell('created'));
    expect(system.writes).toBe(1);
    expect(only(system).values).toMatchObject({ name: 'Ada', email: 'ada@example.com' });
    expect(await stage.db.query('select 1 from contact')).toHaveLength(1);
    expect(await contacts.get(ada.id)).toEqual(ada);
    expect(await stage.db.query('select 1 from syncflow.link')).toHaveLength(1);
    expect(await parkedOf(world)).toEqual([]);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('tells of an edit that came right after our create', async () => {
    const { world, contacts, ada, system } = await createdWith(async (remote, tell) => {
      await tell('created');
      remote.edit(only(remote).id, { city: 'London' });
      await tell('edited');
    });
    expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
    expect(only(system).values).toMatchObject({ city: 'London' });
    expect(system.writes).toBe(1);
    expect(await stage.db.query('select 1 from contact')).toHaveLength(1);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });
});

// Bug: `commitTogether` (engine/result.ts) takes any clash with `link_remote` for a twin. Where an event's own link came in between
// `absorbTwins` and the settling of our answer, a second try would absorb it; instead the record is parked without its remote's id,
// and in a system without markers the event's link then makes a second record. This race makes the tests above fail now and then.
test('an event whose link comes in at the very moment when our answer is committed', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide({ capabilities: { marker: false } }));
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  await stage.db.execute(`create sequence syncflow.once;
    create function syncflow.race() returns trigger language plpgsql as $race$ begin
      if nextval('syncflow.once') = 1 then
        insert into syncflow.link (subscriber, remote_id, look, due_at) values (new.subscriber, new.remote_id, true, clock_timestamp());
      end if;
      return new;
    end $race$;
    create trigger race before update on syncflow.link for each row
      when (old.remote_id is null and new.remote_id is not null) execute function syncflow.race()`);
  await world.flow.catalog(Contact).save({ name: 'Ada' });
  await world.flow.sync();
  expect(await stage.db.query('select key, remote_id, parked_code from syncflow.link')).toEqual([
    { key: '["1"]', remote_id: only(system).id, parked_code: null },
  ]);
  expect(await stage.db.query('select 1 from contact')).toHaveLength(1);
});

test('a create that nobody can look up is parked; an event that shows its marker proves it', async () => {
  const Contact = contactCatalog();
  // only a lagging search knows markers: no look-up by them, but each remote shows its own
  class Shown extends memorySide({ capabilities: { marker: false, polling: false } }) {
    override keyOf(remote: MemoryObject): string | undefined {
      return typeof remote.values['marker'] === 'string' ? remote.values['marker'] : undefined;
    }
  }
  Contact.register(Shown);
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system }, { retry: { baseMs: 1, maxMs: 1 } });
  system.faults.push({ call: 'create', kind: 'answer-lost' });
  const ada = await world.flow.catalog(Contact).save({ name: 'Ada', city: 'Rome' });
  await world.flow.settled();
  expect(await parkedOf(world)).toMatchObject([{ code: 'unknown-create' }]);
  const remote = only(system);
  await world.flow.receive('memory', delivery([{ id: '1', remoteId: remote.id, kind: 'changed', snapshot: remote }]));
  await world.flow.settled();
  expect(await parkedOf(world)).toEqual([]);
  await world.flow.catalog(Contact).save({ id: ada.id, city: 'Paris' });
  await world.flow.settled();
  expect(only(system).values).toMatchObject({ name: 'Ada', city: 'Paris' });
  expect(await stage.db.query('select 1 from syncflow.intent where closed_at is null')).toEqual([]);
  expect(system.writes).toBe(2);
});

test('an event caused by a create that counts as failed: what came late is looked at, and set aside', async () => {
  const Contact = contactCatalog();
  const keys: string[] = [];
  class Keyed extends memorySide({ match: ['email'], capabilities: { marker: false } }) {
    override create(operation: CreateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
      keys.push(operation.idempotencyKey);
      return super.create(operation);
    }
  }
  Contact.register(Keyed);
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system }, { retry: { baseMs: 1, maxMs: 1 } });
  system.faults.push({ call: 'create', kind: 'throws' });
  await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
  await world.flow.settled();
  expect(keys).toHaveLength(2);
  system.objects.set('late', { id: 'late', editedAt: '', values: { name: 'Ada', email: 'a@x' } });
  await world.flow.receive('memory', delivery([{ id: '1', remoteId: 'late', kind: 'changed', cause: keys[0] ?? '' }]));
  await world.flow.settled();
  expect(await world.flow.parked()).toMatchObject([{ code: 'twin', remoteId: 'late' }]);
  expect(await stage.db.query('select 1 from contact')).toHaveLength(1);
});

test('an event about what an earlier create made late, while the next one is under way: it is parked as a twin', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system }, { retry: { baseMs: 1, maxMs: 1 } });
  system.faults.push({ call: 'create', kind: 'throws' });
  system.beforeAnswer = async () => {
    system.beforeAnswer = undefined;
    const late: MemoryObject = { id: 'late', editedAt: '', values: { ...only(system).values } };
    system.objects.set('late', late);
    await world.flow.receive('memory', delivery([{ id: '1', remoteId: 'late', kind: 'changed', snapshot: late }]));
    await expect
      .poll(() => stage.db.query('select 1 from syncflow.inbox where settled_at is null'), { timeout: 10_000 })
      .toEqual([]);
  };
  await world.flow.catalog(Contact).save({ name: 'Ada' });
  await world.flow.settled();
  expect(await world.flow.parked()).toMatchObject([{ code: 'twin', key: null, remoteId: 'late' }]);
});

test('an event names an answered create as its cause, and the remote bears nothing: it is a twin, and no record', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide({ capabilities: { marker: false, idempotencyHours: 24 } }));
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
  await world.flow.settled();
  const { id } = only(system);
  const [create] = await stage.db.query<{ cause: string }>('select idempotency_key as cause from syncflow.intent');
  // the same request once more, late: the system had forgotten its key
  system.objects.set('late', { id: 'late', editedAt: '', values: { name: 'Ada', email: 'a@x' } });
  await world.flow.receive(
    'memory',
    delivery([{ id: '1', remoteId: 'late', kind: 'changed', cause: create?.cause ?? '' }]),
  );
  await world.flow.settled();
  expect(await world.flow.parked()).toMatchObject([
    {
      code: 'twin',
      key: null,
      remoteId: 'late',
      reason: expect.stringContaining(`is linked to ${id} already`) as string,
    },
  ]);
  expect(await stage.db.query('select 1 from contact')).toHaveLength(1);
});

test('deleted there before the answer came, and told: the deletion isn’t forgotten', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide({ capabilities: { polling: false } }));
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  system.beforeAnswer = async () => {
    system.beforeAnswer = undefined;
    const { id } = only(system);
    system.remove(id);
    // another worker: this one waits for the answer
    await stage.start([Contact], { memory: system });
    await world.flow.receive('memory', delivery([{ id: '1', remoteId: id, kind: 'deleted' }]));
    // looked at before our answer comes
    for (let looked = false; !looked;) {
      const [row] = await stage.db.query<{ open: number }>(
        `select (select count(*) from syncflow.inbox where settled_at is null)::int
           + (select count(*) from syncflow.link where key is null and settled_at is null)::int as open`,
      );
      looked = row?.open === 0;
    }
  };
  const ada = await contacts.save({ name: 'Ada' });
  await world.flow.settled();
  expect(system.objects.size).toBe(0);
  expect(await contacts.get(ada.id)).toBeUndefined();
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});
