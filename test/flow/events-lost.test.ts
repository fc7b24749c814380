import { describe, expect, test } from 'vitest';
import type { ChangePage, ListPage } from '../../src/subscriber/base.js';
import { beginRun, standingOf } from '../../src/store/runs.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { contactCatalog, memorySide, MemorySystem, only, parkedOf, useStage, writesWhenQuiet } from './stage.js';

const stage = useStage();

async function oneContact(side: ReturnType<typeof memorySide> = memorySide()) {
  const Contact = contactCatalog();
  Contact.register(side);
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', city: 'Oldtown' });
  await world.flow.sync();
  return { world, contacts, ada, system, id: only(system).id };
}

test('webhooks that never came are found by a rescan', async () => {
  const { world, contacts, ada, system, id } = await oneContact(memorySide({ capabilities: { polling: false } }));
  system.edit(id, { city: 'London' });
  system.put('new', { name: 'Grace' });
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual(ada);
  await world.flow.rescan('contact/memory');
  await world.flow.settled();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(await stage.db.query(`select name from contact where name = 'Grace'`)).toHaveLength(1);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('a deletion that was never told is found by a rescan', async () => {
  const { world, contacts, ada, system, id } = await oneContact(memorySide({ capabilities: { polling: false } }));
  system.remove(id);
  await world.flow.rescan('contact/memory');
  await world.flow.settled();
  expect(await contacts.get(ada.id)).toBeUndefined();
});

/** A listing in two pages that leaves out what is hidden; it may break off before the last page. */
function hidingSide(hidden: ReadonlySet<string>, breaksOff: () => boolean = () => false) {
  return class extends memorySide({ capabilities: { polling: false } }) {
    override async list(cursor?: string): Promise<ListPage<MemoryObject>> {
      const { remotes } = await super.list();
      const shown = remotes.filter(({ id }) => !hidden.has(id));
      if (cursor === undefined) return { remotes: shown.slice(0, 1), cursor: 'rest' };
      if (breaksOff()) throw new Error('the system is down');
      return { remotes: shown.slice(1) };
    }
  };
}

test('a deletion that was never told, of a remote whose create has no answer yet', async () => {
  const { world, contacts, system } = await oneContact(memorySide({ capabilities: { polling: false } }));
  system.beforeAnswer = async () => {
    system.beforeAnswer = undefined;
    const [grace] = [...system.objects.values()].filter(({ values }) => values['name'] === 'Grace');
    system.remove(grace?.id ?? '');
    await world.flow.rescan('contact/memory');
  };
  const { id } = await contacts.save({ name: 'Grace' });
  await world.flow.settled();
  expect(await contacts.get(id)).toBeUndefined();
  expect(system.objects.size).toBe(1);
});

test('what a rescan doesn’t list is asked for; being absent from the list alone deletes nothing', async () => {
  const hidden = new Set<string>();
  const { world, contacts, ada, system, id } = await oneContact(hidingSide(hidden));
  const bob = await contacts.save({ name: 'Bob' });
  await world.flow.sync();
  hidden.add(id);
  system.edit(id, { city: 'London' });
  await world.flow.rescan('contact/memory');
  await world.flow.settled();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(await contacts.get(bob.id)).toEqual(bob);
  expect(await parkedOf(world)).toEqual([]);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('a listing that breaks off proves nothing yet; the next rescan does', async () => {
  let broken = false;
  const { world, contacts, ada, system, id } = await oneContact(hidingSide(new Set(), () => broken));
  broken = true;
  system.remove(id);
  const looks = system.calls.length;
  await expect(world.flow.rescan('contact/memory')).rejects.toThrow('the system is down');
  await world.flow.settled();
  expect(system.calls.length).toBe(looks);
  expect(await contacts.get(ada.id)).toEqual(ada);
  broken = false;
  await world.flow.rescan('contact/memory');
  await world.flow.settled();
  expect(await contacts.get(ada.id)).toBeUndefined();
});

test('a rescan whose process ended is taken up by another, though there is nothing to poll', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide({ capabilities: { polling: false } }));
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system }, { pollIntervalMs: 5 });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', city: 'Oldtown' });
  await world.flow.sync();
  system.edit(only(system).id, { city: 'London' });
  const told = new Promise((resolve) => world.flow.on('applied', resolve));
  await beginRun(stage.db, 'contact/memory', 'backfill');
  await told;
  await world.flow.settled();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(await standingOf(stage.db, 'contact/memory', 'backfill')).toBe('finished');
});

test('a rescan takes nothing off its parking place', async () => {
  const { world, contacts, system, id } = await oneContact(memorySide({ capabilities: { polling: false } }));
  await contacts.save({ name: 'Bob' });
  await world.flow.sync();
  await stage.db.execute('truncate contact');
  await expect.poll(() => parkedOf(world), { timeout: 10_000 }).toHaveLength(2);
  const parked = await world.flow.parked();
  system.edit(id, { city: 'London' });
  await stage.db.query(`insert into contact (name) values ('Carl')`);
  system.faults.push({ call: 'create', kind: 'rejected' });
  await expect.poll(() => parkedOf(world), { timeout: 10_000 }).toHaveLength(3);
  const writes = system.writes;
  await world.flow.rescan('contact/memory');
  await world.flow.settled();
  const after = await world.flow.parked();
  expect(after).toHaveLength(3);
  expect(after).toEqual(expect.arrayContaining([...parked]));
  expect(system.writes).toBe(writes);
  expect(system.objects.size).toBe(2);
});

test('polling makes up for webhooks that never came', async () => {
  const { world, contacts, ada, system, id } = await oneContact();
  system.edit(id, { city: 'London' });
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('a cursor that is too old makes the poller list everything again', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system }, { pollIntervalMs: 20 });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada' });
  await world.flow.sync();
  const applied = new Promise<void>((resolve) => world.flow.on('applied', () => resolve()));
  system.edit(only(system).id, { city: 'London' });
  system.forgetChanges();
  await applied;
  await world.flow.settled();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
});

test('a cursor that is too old makes sync() list everything again', async () => {
  const { world, contacts, ada, system, id } = await oneContact();
  system.edit(id, { city: 'London' });
  system.forgetChanges();
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('a worker that dies between dropping an expired cursor and listing again', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada' });
  await world.flow.sync();
  await world.flow.stop();
  system.edit(only(system).id, { city: 'London' });
  system.forgetChanges();
  await stage.db.query('delete from syncflow.cursor'); // all that the dead worker got done
  const next = await stage.start([Contact], { memory: system });
  await next.flow.sync();
  expect(await next.flow.catalog(Contact).get(ada.id)).toEqual({ ...ada, city: 'London' });
});

test('a worker that never loaded anything and dies while it lists again', async () => {
  let down = false;
  const Contact = contactCatalog();
  class Flaky extends memorySide() {
    override async list(): Promise<ListPage<MemoryObject>> {
      if (down) throw new Error('the system is down');
      return super.list();
    }
  }
  Contact.register(Flaky);
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system }, { backfill: false });
  const ada = await world.flow.catalog(Contact).save({ name: 'Ada' });
  await world.flow.sync();
  system.edit(only(system).id, { city: 'London' });
  system.forgetChanges();
  down = true;
  await expect(world.flow.sync()).rejects.toThrow('the system is down');
  await world.flow.stop();
  down = false;
  const next = await stage.start([Contact], { memory: system }, { backfill: false });
  await next.flow.sync();
  expect(await next.flow.catalog(Contact).get(ada.id)).toEqual({ ...ada, city: 'London' });
});

test('polls that fail are made up for without a gap', async () => {
  let failures = 0;
  class Flaky extends memorySide() {
    override async changes(cursor: string | undefined): Promise<ChangePage<MemoryObject>> {
      if (failures > 0) {
        failures -= 1;
        throw new Error('the system is down');
      }
      return super.changes(cursor);
    }
  }
  const { world, contacts, ada, system, id } = await oneContact(Flaky);
  failures = 3;
  for (const city of ['Paris', 'Rome', 'London']) {
    system.edit(id, { city });
    await expect(world.flow.sync()).rejects.toThrow('the system is down');
  }
  system.put('new', { name: 'Grace' });
  await world.flow.sync();
  expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(await stage.db.query(`select 1 from contact where name = 'Grace'`)).toHaveLength(1);
  expect(await parkedOf(world)).toEqual([]);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('what happened while no worker ran is made up for', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const ada = await world.flow.catalog(Contact).save({ name: 'Ada' });
  const bob = await world.flow.catalog(Contact).save({ name: 'Bob' });
  await world.flow.sync();
  await world.flow.stop();
  const idOf = (name: string): string =>
    [...system.objects.values()].find((one) => one.values['name'] === name)?.id ?? '';
  system.edit(idOf('Ada'), { city: 'London' });
  system.remove(idOf('Bob'));
  await stage.db.query(`insert into contact (name) values ('Grace')`);
  const next = await stage.start([Contact], { memory: system });
  await next.flow.sync();
  expect(await next.flow.catalog(Contact).get(ada.id)).toEqual({ ...ada, city: 'London' });
  expect(await next.flow.catalog(Contact).get(bob.id)).toBeUndefined();
  expect([...system.objects.values()].map((one) => one.values['name']).sort()).toEqual(['Ada', 'Grace']);
  expect(system.writes).toBe(3);
});

describe('a rescan is asked for while a listing is past the page that changed', () => {
  /** Lists one object a page; the second page waits for `gate`, as often as it is read. */
  async function pastTheFirstPage() {
    let open = (): void => undefined;
    let reached = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const atTheSecond = new Promise<void>((resolve) => (reached = resolve));
    const system = new MemorySystem();
    system.put('r1', { name: 'Ada' });
    system.put('r3', { name: 'Cleo' });
    let isFirst = true;
    class Paged extends memorySide({ capabilities: { polling: false } }) {
      override async list(cursor?: string): Promise<ListPage<MemoryObject>> {
        if (cursor !== undefined && isFirst) {
          isFirst = false;
          reached();
          await gate;
        }
        const all = [...system.objects.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
        const rest = all.filter(({ id }) => cursor === undefined || id > cursor);
        return { remotes: rest.slice(0, 1), ...(rest.length > 1 ? { cursor: rest[0]?.id ?? '' } : {}) };
      }
    }
    const Contact = contactCatalog();
    Contact.register(Paged);
    const world = await stage.start([Contact], { memory: system });
    await atTheSecond;
    system.put('r0', { name: 'Zoe' }); // before the page that was read last
    const names = async () => {
      const rows = await stage.db.query<{ name: string }>('select name from contact order by name');
      return rows.map(({ name }) => name);
    };
    return { Contact, system, world, open, names };
  }

  test('by the same process: another listing follows', async () => {
    const { world, open, names } = await pastTheFirstPage();
    const rescans = [world.flow.rescan('contact/memory'), world.flow.rescan('contact/memory')];
    open();
    await Promise.all(rescans);
    await world.flow.settled();
    expect(await names()).toEqual(['Ada', 'Cleo', 'Zoe']);
    expect(await stage.db.query('select 1 from syncflow.run')).toHaveLength(2);
  });

  test('by another process: it begins anew', async () => {
    const { Contact, system, world, open, names } = await pastTheFirstPage();
    const other = await stage.start([Contact], { memory: system }, { backfill: false });
    await other.flow.rescan('contact/memory');
    open();
    await world.flow.settled();
    expect(await names()).toEqual(['Ada', 'Cleo', 'Zoe']);
  });
});
