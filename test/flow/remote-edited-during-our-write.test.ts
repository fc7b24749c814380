import { expect, test } from 'vitest';
import {
  conflictsOf,
  contactCatalog,
  delivery,
  memorySide,
  MemorySystem,
  only,
  useStage,
  writesWhenQuiet,
  type Side,
} from './stage.js';

const stage = useStage();

async function oneContact(side: Side = {}) {
  const Contact = contactCatalog();
  Contact.register(memorySide(side));
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', city: 'Oldtown' });
  await world.flow.sync();
  return { world, contacts, ada, system, id: only(system).id };
}

/** Runs once, when our next write has taken effect and before its answer is given. */
function duringNextWrite(system: MemorySystem, work: () => Promise<void> | void): void {
  system.beforeAnswer = async () => {
    system.beforeAnswer = undefined;
    await work();
  };
}

test('of a key that we did not send', async () => {
  const { world, contacts, ada, system, id } = await oneContact();
  duringNextWrite(system, () => void system.edit(id, { city: 'London' }));
  await contacts.save({ id: ada.id, name: 'Ada Lovelace' });
  await world.flow.settled();
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, name: 'Ada Lovelace', city: 'London' });
  expect(only(system).values).toMatchObject({ name: 'Ada Lovelace', city: 'London' });
  expect(system.writes).toBe(2);
  expect(await conflictsOf(world)).toEqual([]);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('of the key that we sent', async () => {
  const { world, contacts, ada, system, id } = await oneContact();
  duringNextWrite(system, () => void system.edit(id, { name: 'Countess' }));
  await contacts.save({ id: ada.id, name: 'Ada Lovelace' });
  await world.flow.settled();
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, name: 'Countess' });
  expect(only(system).values).toMatchObject({ name: 'Countess', city: 'Oldtown' });
  expect(system.writes).toBe(2);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('while the hub is edited again, too', async () => {
  const { world, contacts, ada, system, id } = await oneContact();
  duringNextWrite(system, async () => {
    system.edit(id, { city: 'London' });
    await contacts.save({ id: ada.id, name: 'Countess' });
  });
  await contacts.save({ id: ada.id, name: 'Ada Lovelace' });
  await world.flow.settled();
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, name: 'Countess', city: 'London' });
  expect(only(system).values).toMatchObject({ name: 'Countess', city: 'London' });
  expect(await conflictsOf(world)).toEqual([]);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('of the key that we sent, back to what it was, told by an event with a snapshot', async () => {
  const { world, contacts, ada, system, id } = await oneContact();
  duringNextWrite(system, async () => {
    const snapshot = system.edit(id, { name: 'Ada' });
    await world.flow.receive('memory', delivery([{ id: 'undo', remoteId: id, kind: 'changed', snapshot }]));
    await routed(stage.db);
  });
  await contacts.save({ id: ada.id, name: 'Ada Lovelace' });
  await world.flow.settled();
  expect(await contacts.get(ada.id)).toEqual(ada);
  expect(only(system).values).toMatchObject({ name: 'Ada' });
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

/** Waits until no event awaits routing. */
async function routed(db: typeof stage.db): Promise<void> {
  for (;;) {
    const [row] = await db.query<{ open: number }>(
      'select count(*)::int as open from syncflow.inbox where settled_at is null',
    );
    if (row?.open === 0) return;
    // the embedded hub answers without ever letting timers have their turn
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('of the key that we sent, and whether our write arrived is unknown: neither value is lost', async () => {
  const Contact = contactCatalog();
  const lost = { once: true };
  // the request never arrives, and somebody there, who has not seen our value, edits the same field
  class Side extends memorySide({ mapping: { name: { remote: 'values.name', authority: 'remote' } } }) {
    override async update(operation: Parameters<InstanceType<ReturnType<typeof memorySide>>['update']>[0]) {
      if (!lost.once) return super.update(operation);
      lost.once = false;
      this.account.edit(operation.remoteId, { name: 'Countess' });
      throw new Error('the connection was cut');
    }
  }
  Contact.register(Side);
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada' });
  await world.flow.settled();
  await contacts.save({ id: ada.id, name: 'Ada Lovelace' });
  await world.flow.settled();
  expect((await contacts.get(ada.id))?.name).toBe('Countess');
  expect(await conflictsOf(world)).toMatchObject([
    { unit: 'name', hub: JSON.stringify('Ada Lovelace'), remote: JSON.stringify('Countess'), winner: 'remote' },
  ]);
});
