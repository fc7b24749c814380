import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.js';
import type { ListPage } from '../../src/subscriber/base.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { hubs } from '../setup/hub.js';
import { contactCatalog, expectAgreement, remoteValues, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  async function scene(name: string) {
    const { Contact, MemoryContact } = contactCatalog(name);
    Contact.register(MemoryContact, { as: 'a', account: 'a' });
    Contact.register(MemoryContact, { as: 'b', account: 'b' });
    const a = new MemorySystem();
    const b = new MemorySystem();
    const world = await startOn(db, [Contact], { a, b });
    return { world, a, b, contacts: world.flow.catalog(Contact), flow: world.flow };
  }

  test('the same class registered twice: each account has its own remotes, and edits go from one to the other', async () => {
    const { world, a, b, contacts, flow } = await scene('twice');
    const ada = await contacts.save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    await expectAgreement(db, 'twice', a, 'a');
    await expectAgreement(db, 'twice', b, 'b');
    const [id = ''] = a.objects.keys();
    a.edit(id, { email: 'from-a@x' });
    await flow.sync();
    expect(await contacts.get(ada.id)).toMatchObject({ email: 'from-a@x' });
    await expectAgreement(db, 'twice', a, 'a');
    await expectAgreement(db, 'twice', b, 'b');
    expect([a.writes, b.writes]).toEqual([1, 2]);
  });

  test('for one write: it doesn’t go there, a later edit takes it along', async () => {
    const { world, a, b, contacts } = await scene('except_write');
    const ada = await contacts.save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    await contacts.save({ id: ada.id, email: 'only-a@x' }, { except: ['except_write/b'] });
    await settle(world);
    expect(remoteValues(a)).toMatchObject([{ email: 'only-a@x' }]);
    expect(remoteValues(b)).toMatchObject([{ email: 'a@x' }]);
    await contacts.save({ id: ada.id, city: 'London' });
    await settle(world);
    await expectAgreement(db, 'except_write', b, 'b');
    await expect(contacts.save({ id: ada.id, city: 'Rome' }, { except: ['except_write/c'] })).rejects.toMatchObject({
      code: 'usage',
    });
    expect(await contacts.get(ada.id)).toMatchObject({ city: 'London' });
  });

  test('a whole catalog, by its name: all of its subscribers; with a key one record of it everywhere', async () => {
    const { world, a, b, contacts, flow } = await scene('paused_catalog');
    await contacts.save({ id: 1, name: 'Ada' });
    await settle(world);
    expect(await flow.pause('paused_catalog')).toEqual(['paused_catalog/a', 'paused_catalog/b']);
    await contacts.save({ id: 2, name: 'Grace' });
    await settle(world);
    expect([a.writes, b.writes]).toEqual([1, 1]);
    expect(await flow.resume('paused_catalog')).toEqual(['paused_catalog/a', 'paused_catalog/b']);
    await settle(world);
    expect([a.writes, b.writes]).toEqual([2, 2]);
    await flow.pause('paused_catalog', '["1"]');
    await contacts.save({ id: 1, name: 'Augusta' });
    await contacts.save({ id: 2, name: 'Hopper' });
    await settle(world);
    expect([a.writes, b.writes]).toEqual([3, 3]);
    await flow.resume('paused_catalog', '["1"]');
    await settle(world);
    expect(remoteValues(a)).toMatchObject([{ name: 'Augusta' }, { name: 'Hopper' }]);
    await expect(flow.pause('paused_catalgo')).rejects.toMatchObject({ hint: 'Did you mean "paused_catalog"?' });
  });

  test('one record, until resumed: settled() doesn’t wait for it', async () => {
    const { world, a, contacts, flow } = await scene('paused_record');
    await contacts.save({ id: 1, name: 'Ada' });
    await contacts.save({ id: 2, name: 'Grace' });
    await settle(world);
    await flow.pause('paused_record/a', '["1"]');
    await db.query(`update paused_record set email = 'new@x'`);
    await settle(world);
    expect(
      remoteValues(a)
        .map(({ email }) => email)
        .sort(),
    ).toEqual(['new@x', null].sort());
    await flow.resume('paused_record/a', '["1"]');
    await settle(world);
    await expectAgreement(db, 'paused_record', a, 'a');
  });

  test('during a first load: no further page is asked for; resumed, it goes on where it stopped', async () => {
    const system = new MemorySystem();
    for (let n = 1; n <= 9; n++) system.put(`r${n}`, { name: `There ${n}` });
    const { Contact, MemoryContact } = contactCatalog('paused_load');
    const asked: (string | undefined)[] = [];
    let whenAsked = (): Promise<unknown> => Promise.resolve();
    class Paged extends MemoryContact {
      override async list(cursor?: string): Promise<ListPage<MemoryObject>> {
        asked.push(cursor);
        await whenAsked();
        const [from, all] = [Number(cursor ?? 0), [...system.objects.values()]];
        return { remotes: all.slice(from, from + 2), ...(from + 2 < all.length ? { cursor: String(from + 2) } : {}) };
      }
    }
    Contact.register(Paged, { as: 'memory' });
    whenAsked = () => (asked.length === 2 ? world.flow.pause('paused_load') : Promise.resolve());
    const world = await startOn(db, [Contact], { memory: system }, {}, false);
    await expect.poll(() => asked.length).toBe(2);
    await settle(world);
    await world.flow.sync();
    expect(asked).toEqual([undefined, '2']);
    expect(await db.query('select 1 from paused_load')).toEqual([]);
    await world.flow.resume('paused_load');
    await world.flow.sync();
    expect(asked).toEqual([undefined, '2', '4', '6', '8']);
    await expectAgreement(db, 'paused_load', system);
  });

  test('one record that is not there yet', async () => {
    const { world, a, b, contacts, flow } = await scene('paused_early');
    await flow.pause('paused_early/a', '["1"]');
    await contacts.save({ id: 1, name: 'Ada' });
    await settle(world);
    expect([a.objects.size, b.objects.size]).toEqual([0, 1]);
    await flow.resume('paused_early/a', '["1"]');
    await settle(world);
    await expectAgreement(db, 'paused_early', a, 'a');
  });

  test('a whole subscriber: creates, edits and deletes meanwhile are made up for, once', async () => {
    const { world, a, b, contacts, flow } = await scene('paused_all');
    await contacts.save({ id: 1, name: 'Ada' });
    await contacts.save({ id: 2, name: 'Grace' });
    await settle(world);
    await flow.pause('paused_all/a');
    await contacts.save({ id: 3, name: 'Edsger' });
    for (const email of ['1@x', '2@x', '3@x']) await contacts.save({ id: 1, email });
    await contacts.delete(2);
    await settle(world);
    await expectAgreement(db, 'paused_all', b, 'b');
    expect(a.writes).toBe(2);
    expect((await flow.status()).map(({ subscriber, paused }) => [subscriber, paused])).toEqual([
      ['paused_all/a', true],
      ['paused_all/b', false],
    ]);
    await flow.resume('paused_all/a');
    await settle(world);
    await expectAgreement(db, 'paused_all', a, 'a');
    expect(a.writes).toBe(5);
  });
});
