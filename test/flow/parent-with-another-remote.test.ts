/** A record gets another remote: what refers to it is told. */
import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.js';
import { references } from '../../src/catalog/fields.js';
import type { Database } from '../../src/store/database.js';
import { MemorySubscriber } from '../../src/testing/memory-system/index.js';
import { hubs } from '../setup/hub.js';
import { remoteValues, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

type Remote = { readonly values: Readonly<Record<string, unknown>> };

function shop(prefix: string) {
  class Party extends Catalog({ name: `${prefix}_party`, key: 'id', fields: { id: z.int(), name: z.string() } }) {}
  class MemoryParty extends MemorySubscriber<typeof Party> {
    override readonly mapping = this.map({ name: 'values.name' });
    override accepts(remote: Remote): boolean {
      return !('note' in remote.values);
    }
  }
  class Bill extends Catalog({
    name: `${prefix}_bill`,
    key: 'id',
    fields: { id: z.int(), party_id: references(Party).nullable(), note: z.string() },
  }) {}
  class MemoryBill extends MemorySubscriber<typeof Bill> {
    override readonly mapping = this.map({ party_id: 'values.party', note: 'values.note' });
    override accepts(remote: Remote): boolean {
      return 'note' in remote.values;
    }
  }
  Party.register(MemoryParty, { policies: { createInward: 'park' } });
  Bill.register(MemoryBill);
  return { Party, Bill };
}

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  async function started(prefix: string) {
    const { Party, Bill } = shop(prefix);
    // without a foreign key, as where it is deferred
    await db.execute(`create table ${prefix}_bill (id bigint primary key, party_id bigint, note text not null)`);
    const system = new MemorySystem();
    const world = await startOn(db, [Party, Bill], { memory: system });
    await db.execute(`insert into ${prefix}_party (id, name) values (1, 'Ada'), (2, 'Bob');
      insert into ${prefix}_bill (id, party_id, note) values (1, 1, 'of Ada'), (2, 2, 'of Bob')`);
    await settle(world);
    const idsOf = (name: string) =>
      [...system.objects.values()].flatMap(({ id, values }) => (values['name'] === name ? [id] : []));
    const named = (note: string) => remoteValues(system).find((values) => values['note'] === note)?.['party'];
    const parked = async () => (await world.flow.parked()).filter(({ subscriber }) => subscriber.startsWith(prefix));
    return { system, world, idsOf, named, parked, party: `${prefix}_party/memory`, bill: `${prefix}_bill/memory` };
  }

  test('linked by hand to another remote', async () => {
    const { system, world, idsOf, named, parked, party } = await started('relinked');
    const [former] = idsOf('Ada');
    const bob = named('of Bob');
    expect(named('of Ada')).toBe(former);
    system.put('other', { name: 'Ada' });
    await world.flow.unlink({ subscriber: party, key: '["1"]' });
    await world.flow.link({ subscriber: party, key: '["1"]', remoteId: 'other' });
    await settle(world);
    expect(named('of Ada')).toBe('other');
    expect(named('of Bob')).toBe(bob);
    const { writes } = system;
    await world.flow.sync();
    expect(system.writes).toBe(writes);
    expect(await parked()).toEqual([]);
    expect(await db.query('select party_id::int from relinked_bill order by id')).toEqual([
      { party_id: 1 },
      { party_id: 2 },
    ]);
    await world.flow.stop();
  });

  test('its row deleted, and inserted again under its key once its remote is gone', async () => {
    const { system, world, idsOf, named, parked } = await started('remade');
    const [former] = idsOf('Ada');
    await db.execute('delete from remade_party where id = 1');
    await settle(world);
    expect(idsOf('Ada')).toEqual([]);
    await db.execute(`insert into remade_party (id, name) values (1, 'Ada')`);
    await settle(world);
    const [now] = idsOf('Ada');
    expect(now).not.toBe(former);
    expect(named('of Ada')).toBe(now);
    expect(await parked()).toEqual([]);
    const { writes } = system;
    await world.flow.sync();
    expect(system.writes).toBe(writes);
    await world.flow.stop();
  });

  test('a system that keeps the former one is told once, and the conflict log says so', async () => {
    const { system, world, idsOf, named, parked } = await started('stubborn');
    const [former] = idsOf('Ada');
    system.normalise = (values) => (values['note'] === 'of Ada' ? { ...values, party: former } : values);
    await db.execute('delete from stubborn_party where id = 1');
    await settle(world);
    const { writes } = system;
    await db.execute(`insert into stubborn_party (id, name) values (1, 'Ada')`);
    await settle(world);
    await world.flow.sync();
    await settle(world);
    expect(named('of Ada')).toBe(former);
    expect(system.writes).toBe(writes + 2);
    expect(await parked()).toEqual([]);
    expect(await world.flow.conflicts({ subscriber: 'stubborn_bill/memory' })).toMatchObject([
      { unit: 'party_id', hub: '"1"', remote: JSON.stringify(former), winner: 'remote' },
    ]);
    // another one is told again
    system.normalise = (values) => values;
    await db.execute('delete from stubborn_party where id = 1');
    await settle(world);
    await db.execute(`insert into stubborn_party (id, name) values (1, 'Ada')`);
    await settle(world);
    expect(named('of Ada')).toBe(idsOf('Ada')[0]);
    await world.flow.stop();
  });
});
