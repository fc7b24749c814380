/** A deploy maps a field to another place of the remote: a first load of it there, and no edit that empties the hub. */
import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Catalog, type CatalogClass } from '../../src/catalog/catalog.js';
import type { Database } from '../../src/store/database.js';
import { MemorySubscriber } from '../../src/testing/memory-system/index.js';
import { hubs } from '../setup/hub.js';
import { callsOf, remoteValues, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

/** The same catalog at every call, as the next deploy of a program has it. */
function contacts(name: string, phone: 'values.phone' | 'values.tel'): CatalogClass {
  class Contact extends Catalog({
    name,
    key: 'id',
    fields: { id: z.int(), name: z.string(), phone: z.string().nullable() },
  }) {}
  class MemoryContact extends MemorySubscriber<typeof Contact> {
    override readonly mapping = this.map({ name: 'values.name', phone });
  }
  Contact.register(MemoryContact);
  return Contact;
}

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  const phones = (name: string) => db.query(`select name, phone from ${name} order by id`);
  const there = (system: MemorySystem) =>
    Object.fromEntries(
      remoteValues(system).map(({ name, phone, tel }): [string, unknown] => [String(name), { phone, tel }]),
    );

  async function first(name: string, system: MemorySystem): Promise<void> {
    const world = await startOn(db, [contacts(name, 'values.phone')], { memory: system });
    await db.execute(`insert into ${name} (id, name, phone) values (1, 'Ada', '1'), (2, 'Bob', null), (3, 'Cyd', '3')`);
    await settle(world);
    await world.flow.stop();
  }

  test('what the hub holds goes to the new place; what stands there already is loaded as ever', async () => {
    const system = new MemorySystem();
    await first('moved_contact', system);
    for (const { id, values } of [...system.objects.values()]) {
      if (values['name'] === 'Bob') system.edit(id, { tel: '2' });
      if (values['name'] === 'Cyd') system.edit(id, { tel: '33' });
    }
    const world = await startOn(db, [contacts('moved_contact', 'values.tel')], { memory: system });
    await world.flow.sync();
    await settle(world);
    expect(await phones('moved_contact')).toEqual([
      { name: 'Ada', phone: '1' },
      { name: 'Bob', phone: '2' },
      { name: 'Cyd', phone: '3' },
    ]);
    expect(there(system)).toEqual({
      Ada: { phone: '1', tel: '1' },
      Bob: { phone: null, tel: '2' },
      Cyd: { phone: '3', tel: '3' },
    });
    expect(await world.flow.conflicts({ subscriber: 'moved_contact/memory' })).toMatchObject([
      { key: '["3"]', unit: 'phone', hub: '"3"', remote: '"33"', winner: 'hub' },
    ]);
    const { writes } = system;
    await world.flow.sync();
    expect(system.writes).toBe(writes);
    await world.flow.stop();
  });

  test('while workers of both versions run, whoever comes to a record empties nothing', async () => {
    const system = new MemorySystem();
    await first('both_contact', system);
    const next = await startOn(db, [contacts('both_contact', 'values.tel')], { memory: system });
    await settle(next);
    await next.flow.stop();
    const former = await startOn(db, [contacts('both_contact', 'values.phone')], { memory: system });
    await db.execute(`update both_contact set phone = '11' where id = 1`);
    await settle(former);
    await former.flow.stop();
    const again = await startOn(db, [contacts('both_contact', 'values.tel')], { memory: system });
    await settle(again);
    expect(await phones('both_contact')).toMatchObject([{ phone: '11' }, { phone: null }, { phone: '3' }]);
    expect(there(system)).toMatchObject({ Ada: { phone: '11', tel: '11' }, Cyd: { phone: '3', tel: '3' } });
    await again.flow.stop();
  });

  test('a create whose answer was lost before the deploy has not told the new place', async () => {
    const system = new MemorySystem();
    const world = await startOn(db, [contacts('lost_contact', 'values.phone')], { memory: system });
    system.faults.push({ call: 'create', kind: 'answer-lost' });
    system.beforeAnswer = async () => {
      world.mortal.dieAt(1, 'before').catch(() => undefined);
    };
    await db.execute(`insert into lost_contact (id, name, phone) values (1, 'Ada', '1')`);
    await expect.poll(() => callsOf(system, 'create')).toBe(1);
    await world.flow.stop().catch(() => undefined);
    system.beforeAnswer = undefined;
    await db.execute(
      `update syncflow.link set lease_until = clock_timestamp() - interval '1 second', due_at = clock_timestamp()`,
    );
    const next = await startOn(db, [contacts('lost_contact', 'values.tel')], { memory: system });
    await settle(next);
    expect(system.objects.size).toBe(1);
    expect(await phones('lost_contact')).toEqual([{ name: 'Ada', phone: '1' }]);
    expect(there(system)).toEqual({ Ada: { phone: '1', tel: '1' } });
    await next.flow.stop();
  });
});
