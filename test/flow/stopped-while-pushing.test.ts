import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.js';
import { systemClock, type Clock } from '../../src/engine/environment.js';
import { hubs } from '../setup/hub.js';
import { contactCatalog, expectAgreement, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  test('stop() waits for what is under way, and the next start goes on: nothing is lost or doubled', async () => {
    const { Contact, MemoryContact } = contactCatalog('stopped');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const first = await startOn(db, [Contact], { memory: system }, { batchSize: 10 });
    let stopping: Promise<void> | undefined;
    system.beforeAnswer = async () => {
      stopping ??= first.flow.stop();
    };
    await db.query(`insert into stopped (id, name) select i, 'N' || i from generate_series(1, 50) i`);
    await expect.poll(() => stopping !== undefined, { timeout: 10_000 }).toBe(true);
    await stopping;
    expect(system.objects.size).toBeLessThan(50);
    const [open] = await db.query(
      `select (select count(*)::int from syncflow.intent where closed_at is null) as intents, (select count(*)::int from syncflow.link where lease_owner is not null) as leases`,
    );
    expect(open).toEqual({ intents: 0, leases: 0 });
    expect(await db.query('select 1 from syncflow.sleeper')).toEqual([]);
    const second = await startOn(db, [Contact], { memory: system });
    await settle(second);
    await expectAgreement(db, 'stopped', system);
    expect(system.writes).toBe(50);
  });

  test('stop() is safe when doubled, before start, and in the middle of it', async () => {
    const { Contact, MemoryContact } = contactCatalog('stopped_early');
    Contact.register(MemoryContact);
    const world = await startOn(db, [Contact], { memory: new MemorySystem() }, {}, false);
    await Promise.all([world.flow.stop(), world.flow.stop()]);
    await expect(world.flow.settled()).rejects.toMatchObject({ code: 'usage' });
  });

  // reconcileLinks only ends the heart-beat where nothing threw: it goes on for ever, and gives the released links a lease that nobody holds
  test('the database fails in the middle of a pass: the heart-beat of the leases ends with the pass', async () => {
    const { Contact, MemoryContact } = contactCatalog('heart_beat');
    Contact.register(MemoryContact);
    const leaseMs = 30_000_000;
    let beats = 0;
    const clock: Clock = {
      now: () => systemClock.now(),
      sleep: async (ms, signal) => {
        if (ms !== leaseMs / 3) return systemClock.sleep(ms, signal);
        beats += 1;
        await systemClock.sleep(2_000_000, signal);
        beats -= 1;
      },
    };
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system }, { leaseMs, clock });
    world.mortal.failOnce(/insert into syncflow\.intent/);
    await world.flow.catalog(Contact).save({ name: 'Ada' });
    await settle(world);
    await expectAgreement(db, 'heart_beat', system);
    await world.flow.stop();
    expect(beats).toBe(0);
  });
});
