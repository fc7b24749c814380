import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.js';
import type { Brake } from '../../src/subscriber/policy.js';
import { hubs } from '../setup/hub.js';
import { callsOf, contactCatalog, expectAgreement, remoteValues, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  async function scene(name: string, brake: Partial<Brake> = { updates: { count: 3, share: 0.2 } }, records = 20) {
    const { Contact, MemoryContact } = contactCatalog(name);
    Contact.register(MemoryContact, { brake });
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await db.query(
      `insert into ${name} (id, name, email) select i, 'N' || i, i || '@x' from generate_series(1, ${records}) i`,
    );
    await settle(world);
    const { flow } = world;
    const id = `${name}/memory`;
    const held = async () =>
      (await flow.held(id)).counts.map(({ direction, operation, count }) => [direction, operation, count]);
    const emails = async () =>
      (await db.query<{ email: string }>(`select email from ${name} order by id`)).map((row) => row.email);
    const history = async (event: string) =>
      (await db.query(`select 1 from syncflow.history where subscriber = $1 and event = $2`, [id, event])).length;
    return { system, world, flow, id, held, emails, history };
  }

  test('outward: too many updates are held, creates and deletes go on, a release lets them go', async () => {
    const { system, world, flow, id, held, history } = await scene('held_out');
    const told: unknown[] = [];
    flow.on('held', (event) => told.push([event.direction, event.operation]));
    await db.execute(
      `update held_out set email = 'all@x'; insert into held_out (id, name) values (99, 'New'); delete from held_out where id = 1`,
    );
    await settle(world);
    expect(await held()).toEqual([['outward', 'update', 19]]);
    expect(new Set(told.map(String))).toEqual(new Set(['outward,update']));
    expect(callsOf(system, 'update')).toBe(0);
    expect([callsOf(system, 'create'), callsOf(system, 'delete')]).toEqual([21, 1]);
    expect(await flow.retry({ subscriber: id })).toBe(0);
    expect(await flow.release(id, undefined, 'ada')).toBe(19);
    await settle(world);
    await expectAgreement(db, 'held_out', system);
    expect([await history('released'), await held()]).toEqual([19, []]);
  });

  test('outward: a discard puts back what both sides had agreed on, by an edit of the hub', async () => {
    const { system, world, flow, id, held, emails, history } = await scene('undone_out');
    const before = await emails();
    await db.query(`update undone_out set email = 'all@x', city = 'Nowhere'`);
    await settle(world);
    expect(await held()).toEqual([['outward', 'update', 20]]);
    expect(await flow.discard(id, 'ada')).toEqual({ discarded: 20, failed: [] });
    await settle(world);
    expect(await emails()).toEqual(before);
    expect(callsOf(system, 'update')).toBe(0);
    await expectAgreement(db, 'undone_out', system);
    expect(await history('discarded')).toBe(20);
    const { timeline } = await flow.explain('undone_out', 3);
    expect(JSON.stringify(timeline)).toContain('discarded');
  });

  test('outward deletes: a discard inserts the records again, each with its remote', async () => {
    const { system, world, flow, id, held, emails } = await scene('undeleted', { count: 3, share: 0.2 });
    const [before, ids] = [await emails(), [...system.objects.keys()].sort()];
    await db.query('delete from undeleted');
    await settle(world);
    expect(await held()).toEqual([['outward', 'delete', 20]]);
    expect(await flow.discard(id)).toEqual({ discarded: 20, failed: [] });
    await settle(world);
    expect(await emails()).toEqual(before);
    expect([...system.objects.keys()].sort()).toEqual(ids);
    expect(system.writes).toBe(20);
    await expectAgreement(db, 'undeleted', system);
  });

  test('a TRUNCATE is held, and can be discarded too', async () => {
    const { system, world, flow, id, held, emails } = await scene('untruncated');
    const before = await emails();
    await db.execute('truncate untruncated');
    await settle(world);
    expect(await held()).toEqual([['outward', 'delete', 20]]);
    await flow.discard(id);
    await settle(world);
    expect(await emails()).toEqual(before);
    await expectAgreement(db, 'untruncated', system);
  });

  test('what can’t be taken back stays held, and says why', async () => {
    const { world, flow, id, held } = await scene('stubborn', { count: 3, share: 0.2 }, 6);
    await db.execute('delete from stubborn; create unique index stubborn_name on stubborn (name)');
    await db.query(`insert into stubborn (id, name) values (50, 'N2')`);
    await settle(world);
    const result = await flow.discard(id);
    expect(result.discarded).toBe(5);
    expect(result.failed).toMatchObject([{ key: '["2"]' }]);
    await settle(world);
    expect(await held()).toEqual([['outward', 'delete', 1]]);
  });

  test('inward: too many updates are held, a release applies them', async () => {
    const { system, world, flow, id, held, emails } = await scene('held_in');
    for (const one of [...system.objects.keys()]) system.edit(one, { email: 'there@x' });
    await flow.sync();
    const left = (await emails()).filter((email) => email !== 'there@x').length;
    expect(left).toBe(16); // a fifth of 20 passes
    expect(await held()).toEqual([['inward', 'update', 16]]);
    await flow.release(id);
    await settle(world);
    expect(new Set(await emails())).toEqual(new Set(['there@x']));
    await expectAgreement(db, 'held_in', system);
  });

  test('inward: a discard overwrites what was edited there, whatever the authority, and logs it', async () => {
    const { system, world, flow, id, emails } = await scene('undone_in');
    for (const one of [...system.objects.keys()]) system.edit(one, { city: 'There' });
    await flow.sync();
    const { discarded, failed } = await flow.discard(id, 'ada');
    expect([discarded, failed]).toEqual([16, []]);
    await settle(world);
    expect(remoteValues(system).filter(({ city }) => city === 'There')).toHaveLength(4);
    expect(await emails()).toHaveLength(20);
    await expectAgreement(db, 'undone_in', system);
    const logged = await flow.conflicts({ subscriber: id });
    expect(logged).toHaveLength(16);
    expect(logged[0]).toMatchObject({ winner: 'hub', rule: 'the edit there was discarded', remote: '"There"' });
    await flow.sync();
    expect(await flow.parked({ subscriber: id })).toEqual([]);
  });

  test('inward deletes: a discard makes the remotes again', async () => {
    const { system, world, flow, id, held, emails } = await scene('remade', { count: 3, share: 0.2 });
    for (const one of [...system.objects.keys()]) system.remove(one);
    await flow.sync();
    expect(await held()).toEqual([['inward', 'delete', 20]]);
    await flow.discard(id);
    await settle(world);
    expect((await emails()).length).toBe(20);
    expect(system.objects.size).toBe(20);
    await expectAgreement(db, 'remade', system);
  });

  test('once it has tripped, a further edit of a held record doesn’t slip through', async () => {
    const { system, world, held } = await scene('tripped');
    await db.query(`update tripped set email = 'all@x'`);
    await settle(world);
    for (const id of [1, 2]) {
      await db.query(`update tripped set city = 'Rome' where id = ${id}`);
      await settle(world);
    }
    expect(callsOf(system, 'update')).toBe(0);
    expect(await held()).toEqual([['outward', 'update', 20]]);
  });

  test('what a release let go isn’t counted again when it is over', async () => {
    const { world, system, flow, id, held } = await scene('over');
    await flow.release(id, 60_000);
    await db.query(`update over set email = 'all@x'`);
    await settle(world);
    await db.query(`update syncflow.setting set value = clock_timestamp()::text where name = $1`, [`release:${id}`]);
    await db.query(`update over set city = 'Rome' where id = 1`);
    await settle(world);
    expect(await held()).toEqual([]);
    await expectAgreement(db, 'over', system);
  });

  test('neither a first load nor a field that is mapped later trips it', async () => {
    const { Contact, MemoryContact } = contactCatalog('loaded');
    class WithoutCity extends MemoryContact {
      override readonly mapping = this.map({ email: 'values.email', name: 'values.name' }) as never;
    }
    const brake = { updates: { count: 3, share: 0.2 } };
    const system = new MemorySystem();
    for (let n = 1; n <= 20; n++) system.put(`r${n}`, { name: `N${n}`, marker: `["${n}"]`, city: null });
    const alone = await startOn(db, [Contact], {});
    await db.query(
      `insert into loaded (id, name, email, city) select i, 'N' || i, i || '@x', 'Rome' from generate_series(1, 20) i`,
    );
    await settle(alone);
    await alone.flow.stop();
    Contact.register(WithoutCity, { as: 'memory', brake });
    const first = await startOn(db, [Contact], { memory: system });
    expect((await first.flow.held('loaded')).counts).toEqual([]);
    expect(remoteValues(system).filter(({ email }) => email !== undefined)).toHaveLength(20);
    await first.flow.sync(); // what it tells of our own writes is read by then
    await first.flow.stop();
    const Later = contactCatalog('loaded');
    Later.Contact.register(Later.MemoryContact, { as: 'memory', brake });
    const second = await startOn(db, [Later.Contact], { memory: system });
    expect((await second.flow.held('loaded')).counts).toEqual([]);
    expect(remoteValues(system).filter(({ city }) => city === 'Rome')).toHaveLength(20);
    await db.query(`update loaded set city = 'Paris' where id = 1`);
    await settle(second);
    expect((await second.flow.held('loaded')).counts).toEqual([]);
    await expectAgreement(db, 'loaded', system);
  });

  test('unless it is asked for, no update is held', async () => {
    const { world, system, held } = await scene('unasked', {});
    await db.query(`update unasked set email = 'all@x'`);
    await settle(world);
    expect(await held()).toEqual([]);
    await expectAgreement(db, 'unasked', system);
  });
});
