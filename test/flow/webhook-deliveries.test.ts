import { expect, test } from 'vitest';
import type { CreateOperation, UpdateOperation } from '../../src/subscriber/base.js';
import type { Outcome } from '../../src/subscriber/outcome.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import {
  conflictsOf,
  contactCatalog,
  delivery,
  memorySide,
  MemorySystem,
  only,
  useStage,
  writesWhenQuiet,
} from './stage.js';

const stage = useStage();

/** Keeps the idempotency keys of our own writes, as a system with history tells them in its events. */
async function withHistory() {
  const causes: string[] = [];
  class History extends memorySide({ capabilities: { history: true, polling: false } }) {
    override async create(operation: CreateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
      causes.push(operation.idempotencyKey);
      return super.create(operation);
    }
    override async update(operation: UpdateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
      causes.push(operation.idempotencyKey);
      return super.update(operation);
    }
  }
  const Contact = contactCatalog();
  Contact.register(History);
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', city: 'Oldtown' });
  await world.flow.sync();
  return { world, contacts, ada, system, causes, id: only(system).id };
}

test('a forged delivery is refused, and leaves nothing', async () => {
  const { world, id } = await withHistory();
  const forged = delivery([{ id: '1', remoteId: id, kind: 'deleted' }], 'forged');
  await expect(world.flow.receive('memory', forged)).rejects.toMatchObject({ code: 'webhook' });
  expect(await stage.db.query('select 1 from syncflow.inbox where settled_at is null')).toEqual([]);
  const genuine = delivery([{ id: '1', remoteId: id, kind: 'changed' }]);
  expect(await world.flow.receive('memory', genuine)).toEqual({ fresh: 1 });
});

test('an account that nobody has is refused', async () => {
  const { world } = await withHistory();
  await expect(world.flow.receive('memry', delivery([]))).rejects.toMatchObject({
    code: 'webhook',
    context: { status: 404 },
  });
});

test('a replayed delivery is fresh once', async () => {
  const { world, id } = await withHistory();
  const events = [
    { id: '1', remoteId: id, kind: 'changed' as const },
    { id: '2', remoteId: id, kind: 'changed' as const },
  ];
  expect(await world.flow.receive('memory', delivery(events))).toEqual({ fresh: 2 });
  expect(await world.flow.receive('memory', delivery(events))).toEqual({ fresh: 0 });
});

test('an event of our own write that shows what we knew is no news', async () => {
  const { world, contacts, ada, system, causes, id } = await withHistory();
  await contacts.save({ id: ada.id, city: 'London' });
  await world.flow.settled();
  const cause = causes.at(-1) ?? '';
  const before = system.calls.length;
  await world.flow.receive(
    'memory',
    delivery([
      {
        id: '1',
        remoteId: id,
        kind: 'changed',
        cause,
        previous: { values: { city: 'Oldtown' } },
        snapshot: only(system),
      },
    ]),
  );
  await world.flow.settled();
  expect(await conflictsOf(world)).toEqual([]);
  expect(system.calls.length).toBe(before);
});

test('an event of our own write that shows what we had not seen tells of an edit that it overwrote', async () => {
  const { world, contacts, ada, system, causes, id } = await withHistory();
  system.edit(id, { city: 'Remoton' }); // nobody told us
  await contacts.save({ id: ada.id, city: 'London' });
  await world.flow.settled();
  expect(only(system).values).toMatchObject({ city: 'London' });
  const event = {
    id: '1',
    remoteId: id,
    kind: 'changed' as const,
    cause: causes.at(-1) ?? '',
    previous: { values: { city: 'Remoton' } },
  };
  await world.flow.receive('memory', delivery([event]));
  await world.flow.receive('memory', delivery([event]));
  await world.flow.settled();
  expect(await conflictsOf(world)).toEqual([
    {
      subscriber: 'contact/memory',
      unit: 'city',
      base: '"Oldtown"',
      hub: '"London"',
      remote: '"Remoton"',
      winner: 'hub',
    },
  ]);
  expect(
    await stage.db.query(`select key, detail::text as detail from syncflow.history where event = 'overwritten'`),
  ).toEqual([{ key: `["${ada.id}"]`, detail: '{"units":["city"]}' }]);
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});
