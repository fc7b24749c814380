import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.js';
import { hubs } from '../setup/hub.js';
import { callsOf, contactCatalog, emitted, expectAgreement, marksRouted, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  async function scene(name: string) {
    const { Contact, MemoryContact } = contactCatalog(name);
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    for (const id of [1, 2, 3]) await world.flow.catalog(Contact).save({ id, name: `N${id}`, email: `${id}@x` });
    await settle(world);
    const codes = async () =>
      (await world.flow.parked({ subscriber: `${name}/memory` })).map(({ key, code }) => `${key ?? ''} ${code}`).sort();
    return { ...world, system, Contact, codes };
  }
  const all = ['["1"] truncate', '["2"] truncate', '["3"] truncate'];

  test('a create whose answer was lost is held with the rest: its remote waits for the release, and nothing is asked meanwhile', async () => {
    const { Contact, MemoryContact } = contactCatalog('truncated_unknown');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const retry = { baseMs: 600_000, maxMs: 600_000 };
    const world = await startOn(db, [Contact], { memory: system }, { retry });
    system.faults.push({ call: 'create', kind: 'answer-lost' });
    await world.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: '1@x' });
    await emitted(world, 'retried');
    await db.query('truncate truncated_unknown');
    await marksRouted(db);
    await world.flow.sync();
    const codes = (await world.flow.parked()).map(({ key, code }) => [key, code]);
    expect(codes).toEqual(
      expect.arrayContaining([
        ['["1"]', 'truncate'],
        [null, 'reference'],
      ]),
    );
    await world.flow.release('truncated_unknown/memory');
    await settle(world);
    expect(await world.flow.parked()).toEqual([]);
    expect(system.objects.size).toBe(0);
    await world.flow.stop();
  });

  test('its deletes are held, a retry does not let them go, a release does', async () => {
    const { flow, system, codes, ...world } = await scene('truncated');
    await db.query('truncate truncated');
    await settle({ flow, ...world });
    expect(await codes()).toEqual(all);
    await flow.retry();
    await flow.sync();
    expect(system.objects.size).toBe(3);
    await flow.release('truncated/memory');
    await settle({ flow, ...world });
    expect(system.objects.size).toBe(0);
    await expectAgreement(db, 'truncated', system);
    await flow.stop();
  });

  test('and loaded again: what is back is updated, the rest stays held', async () => {
    const { flow, system, codes, ...world } = await scene('truncated_loaded');
    await db.execute(
      `truncate truncated_loaded; insert into truncated_loaded (id, name, email) values (1, 'N1', '1@x'), (2, 'N2', 'new@x')`,
    );
    await settle({ flow, ...world });
    expect(await codes()).toEqual(['["3"] truncate']);
    expect(system.writes).toBe(4);
    await flow.release('truncated_loaded/memory');
    await settle({ flow, ...world });
    await expectAgreement(db, 'truncated_loaded', system);
    await flow.stop();
  });

  test('and an edit there meanwhile is no reason to let it go', async () => {
    const { flow, system, codes, ...world } = await scene('truncated_edited_there');
    await db.query('truncate truncated_edited_there');
    await settle({ flow, ...world });
    for (const id of [...system.objects.keys()]) system.edit(id, { city: 'London' });
    await flow.sync();
    expect(await codes()).toEqual(all);
    expect(callsOf(system, 'delete')).toBe(0);
    await flow.stop();
  });

  // routeMarks holds for the T mark first and then makes every key of the batch due, also of marks older than the T
  test('right after an edit: the edited record is held too', async () => {
    const { flow, system, codes, ...world } = await scene('truncated_after_edit');
    await db.execute(`update truncated_after_edit set email = 'new@x' where id = 1; truncate truncated_after_edit`);
    await settle({ flow, ...world });
    const seen = await codes();
    await flow.release('truncated_after_edit/memory');
    await settle({ flow, ...world });
    await flow.stop();
    expect(seen).toEqual(all);
    expect(system.objects.size).toBe(0);
  });

  // settleLinks drops parked_code when the generation has moved on, and makes the link due: the plan finds a proven deletion
  test('while a push of one of its records is under way: held all the same', async () => {
    const { flow, system, codes, Contact, ...world } = await scene('truncated_while');
    system.beforeAnswer = async () => {
      system.beforeAnswer = undefined;
      await db.query('truncate truncated_while');
      await marksRouted(db);
    };
    await flow.catalog(Contact).save({ id: 1, email: 'new@x' });
    await settle({ flow, ...world });
    const seen = await codes();
    await flow.stop();
    expect(callsOf(system, 'delete')).toBe(0);
    expect(seen).toEqual(all);
  });

  // setPaused sets due_at of whatever it resumes, and claimLinks doesn't look at parked_code
  test('and one record paused and resumed: still held', async () => {
    const { flow, system, codes, ...world } = await scene('truncated_resumed');
    await db.query('truncate truncated_resumed');
    await settle({ flow, ...world });
    await flow.pause('truncated_resumed/memory', '["1"]');
    await flow.resume('truncated_resumed/memory', '["1"]');
    await settle({ flow, ...world });
    const seen = await codes();
    await flow.stop();
    expect(callsOf(system, 'delete')).toBe(0);
    expect(seen).toEqual(all);
  });
});
