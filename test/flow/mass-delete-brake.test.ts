import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/engine/environment.js';
import type { Database } from '../../src/store/database.js';
import { hubs } from '../setup/hub.js';
import { callsOf, contactCatalog, expectAgreement, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  test('too many deletes at once are held, other edits go on, a release lets them go', async () => {
    const { Contact, MemoryContact } = contactCatalog('braked');
    Contact.register(MemoryContact, { brake: { count: 3, share: 0.2 } });
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await db.query(`insert into braked (id, name) select i, 'N' || i from generate_series(1, 30) i`);
    await settle(world);
    expect(system.objects.size).toBe(30);
    await db.execute(`delete from braked where id <= 20; update braked set email = 'new@x' where id = 25`);
    await settle(world);
    expect(callsOf(system, 'delete')).toBe(0);
    expect([...system.objects.values()].filter(({ values }) => values['email'] === 'new@x')).toHaveLength(1);
    const parked = await world.flow.parked({ subscriber: 'braked/memory' });
    expect(new Set(parked.map(({ code }) => code))).toEqual(new Set(['brake']));
    expect(parked).toHaveLength(20);
    await world.flow.retry();
    await settle(world);
    expect(callsOf(system, 'delete')).toBe(0);
    await world.flow.release('braked/memory');
    await settle(world);
    expect(system.objects.size).toBe(10);
    await expectAgreement(db, 'braked', system);
  });

  test.each(['here', 'there'])(
    'deletes made %s that wait for their turn count: not even the first batch passes',
    async (side) => {
      const name = `braked_${side}`;
      const { Contact, MemoryContact } = contactCatalog(name);
      Contact.register(MemoryContact, { brake: { count: 5, share: 0.2 } });
      const system = new MemorySystem();
      const world = await startOn(db, [Contact], { memory: system }, { batchSize: 5 });
      await db.query(`insert into ${name} (id, name) select i, 'N' || i from generate_series(1, 30) i`);
      await settle(world);
      if (side === 'here') await db.query(`delete from ${name} where id <= 20`);
      else for (const id of [...system.objects.keys()].slice(0, 20)) system.remove(id);
      await world.flow.sync();
      expect(await db.query(`select from ${name}`)).toHaveLength(side === 'here' ? 10 : 30);
      expect(system.objects.size).toBe(side === 'here' ? 30 : 10);
      expect((await world.flow.held(`${name}/memory`)).counts).toMatchObject([{ operation: 'delete', count: 20 }]);
    },
  );

  test('the release lasts by the hub’s clock, whatever time the worker has', async () => {
    const { Contact, MemoryContact } = contactCatalog('braked_late');
    Contact.register(MemoryContact, { brake: { count: 2, share: 0.1 } });
    const system = new MemorySystem();
    const behind = { ...systemClock, now: () => new Date(Date.now() - 36_000_000) };
    const world = await startOn(db, [Contact], { memory: system }, { clock: behind });
    await db.query(`insert into braked_late (id, name) select i, 'N' || i from generate_series(1, 5) i`);
    await settle(world);
    await db.query('delete from braked_late');
    await settle(world);
    expect(system.objects.size).toBe(5);
    await world.flow.release('braked_late/memory');
    await settle(world);
    expect(system.objects.size).toBe(0);
  });

  test('an event about a remote doesn’t let its held delete go', async () => {
    const { Contact, MemoryContact } = contactCatalog('braked_event');
    Contact.register(MemoryContact, { brake: { count: 2, share: 0.1 } });
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await db.query(`insert into braked_event (id, name) select i, 'N' || i from generate_series(1, 5) i`);
    await settle(world);
    await db.query('delete from braked_event');
    await settle(world);
    const [first] = system.objects.keys();
    system.edit(first ?? '', { city: 'London' });
    await world.flow.sync();
    expect(system.objects.size).toBe(5);
    expect((await world.flow.parked({ subscriber: 'braked_event/memory' })).map(({ code }) => code)).toEqual(
      Array.from({ length: 5 }, () => 'brake'),
    );
  });

  test('few deletes pass, one by one, until the bound is reached', async () => {
    const { Contact, MemoryContact } = contactCatalog('braked_slowly');
    Contact.register(MemoryContact, { brake: { count: 3, share: 0.2 } });
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await db.query(`insert into braked_slowly (id, name) select i, 'N' || i from generate_series(1, 10) i`);
    await settle(world);
    for (const id of [1, 2, 3, 4, 5]) {
      await world.flow.catalog(Contact).delete(id);
      await settle(world);
    }
    expect(callsOf(system, 'delete')).toBe(3);
    expect((await world.flow.parked({ subscriber: 'braked_slowly/memory' })).map(({ key }) => key).sort()).toEqual([
      '["4"]',
      '["5"]',
    ]);
  });

  // setPaused makes due whatever it resumes; alone in its pass, the delete may be below the bound again
  test('a record held by the brake that is inserted again is simply updated', async () => {
    const { Contact, MemoryContact } = contactCatalog('braked_back');
    Contact.register(MemoryContact, { brake: { count: 1, share: 0.1 } });
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await db.query(`insert into braked_back (id, name) select i, 'N' || i from generate_series(1, 5) i`);
    await settle(world);
    await db.query('delete from braked_back');
    await settle(world);
    await db.query(
      `insert into braked_back (id, name, email) select i, 'N' || i, 'back@x' from generate_series(1, 5) i`,
    );
    await settle(world);
    expect(callsOf(system, 'delete')).toBe(0);
    await expectAgreement(db, 'braked_back', system);
  });
});
