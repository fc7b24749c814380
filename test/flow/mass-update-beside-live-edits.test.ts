/** A mass UPDATE is routed behind the edits that come after it: people don't wait until all of it has gone its way. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.js';
import { hubs } from '../setup/hub.js';
import { contactCatalog, remoteValues, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

/** Just enough to count as a mass. */
const records = 1_000;

describe.each(hubs)('$name', { timeout: 120_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  async function scene(name: string) {
    const { Contact, MemoryContact } = contactCatalog(name);
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system }, { batchSize: 10 });
    await db.query(`insert into ${name} (id, name) select i, 'N' || i from generate_series(1, ${records}) i`);
    await settle(world, 60_000);
    const updated: unknown[] = [];
    const edit = system.edit.bind(system);
    system.edit = (id, values) => {
      updated.push(system.objects.get(id)?.values['name']);
      return edit(id, values);
    };
    return { world, system, updated, id: `${name}/memory` };
  }

  test('an edit that comes after it is among the first to be written', async () => {
    const { world, system, updated, id } = await scene('mass_live');
    await world.flow.pause(id);
    await db.query(`update mass_live set city = 'Paris'`);
    await db.query(`update mass_live set email = 'ada@x' where id = 700`);
    await expect.poll(() => db.query('select from syncflow.mark limit 1')).toEqual([]);
    await world.flow.resume(id);
    await settle(world, 60_000);
    // its own write takes both along
    expect(updated.indexOf('N700')).toBeLessThan(20);
    expect(updated).toHaveLength(records);
    const [first] = remoteValues(system).filter(({ email }) => email === 'ada@x');
    expect(first).toMatchObject({ name: 'N700', city: 'Paris' });
  });

  test('an edit that comes while it is being written waits for none of its calls', async () => {
    const { world, system, updated } = await scene('mass_busy');
    const held: (() => void)[] = [];
    system.beforeAnswer = () => new Promise((answer) => held.push(answer));
    await db.query(`update mass_busy set city = 'Paris'`);
    // two batches under way: as many calls as the system allows at once, twelve more wait for their turn, and none is answered
    await expect.poll(() => held.length).toBe(8);
    await db.query(`update mass_busy set email = 'ada@x' where id = 700`);
    const intended = `select from syncflow.intent i join syncflow.link l on l.id = i.link_id and l.subscriber = 'mass_busy/memory'
      where i.closed_at is null and l.key = '["700"]'`;
    await expect.poll(() => db.query(intended)).toHaveLength(1);
    await expect
      .poll(() => {
        held.shift()?.();
        return updated;
      })
      .toContain('N700');
    // the first turn that became free was its own, or the second
    expect(updated.indexOf('N700')).toBeLessThan(10);
    system.beforeAnswer = undefined;
    for (const answer of held) answer();
    await settle(world, 60_000);
  });

  test('a TRUNCATE after it forgets what is not routed yet: its deletes are held all the same', async () => {
    const { world, system, id } = await scene('mass_cut');
    await db.execute(`update mass_cut set city = 'Paris'; truncate mass_cut`);
    await settle(world, 60_000);
    expect((await world.flow.held(id)).counts).toMatchObject([{ operation: 'delete', count: records }]);
    expect(system.objects.size).toBe(records);
    expect(await db.query('select from syncflow.mark')).toEqual([]);
  });

  test('an edit that was routed before keeps its time and its name', async () => {
    const { world } = await scene('mass_name');
    await db.execute(
      `begin; update mass_name set city = 'Paris'; set local syncflow.origin = '@ada'; update mass_name set email = 'a@x' where id = 5; commit`,
    );
    await settle(world, 60_000);
    const [five, six] = await db.query<{ by: string }>(
      `select edited_by as by from syncflow.link where subscriber = 'mass_name/memory' and key in ('["5"]', '["6"]') order by key`,
    );
    expect(five?.by).toBe('@ada');
    expect(six?.by).not.toBe('@ada');
  });
});
