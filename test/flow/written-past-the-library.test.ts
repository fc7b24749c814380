/** Plain SQL, and the library's own `save` and `delete`: all are captured; overrides run where they can. */
import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Catalog, type AnyRecord, type Change } from '../../src/catalog/catalog.js';
import type { RecordKey } from '../../src/catalog/key.js';
import type { Database } from '../../src/store/database.js';
import { MemorySubscriber } from '../../src/testing/memory-system/index.js';
import { hubs } from '../setup/hub.js';
import { contactCatalog, expectAgreement, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

describe.each(hubs)('$name', { timeout: 120_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  test('1,000 rows in one UPDATE, and in one INSERT before', async () => {
    const { Contact, MemoryContact } = contactCatalog('bulk');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await db.query(`insert into bulk (id, name) select i, 'N' || i from generate_series(1, 1000) i`);
    await settle(world, 60_000);
    await db.query(`update bulk set email = id || '@x'`);
    await settle(world, 60_000);
    await expectAgreement(db, 'bulk', system);
    expect(system.writes).toBe(2000);
  });

  test('what is rolled back is never seen; what is written and taken back in one transaction writes nothing', async () => {
    const { Contact, MemoryContact } = contactCatalog('rolled_back');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await world.flow.catalog(Contact).save({ id: 1, name: 'Ada' });
    await settle(world);
    await db
      .transaction(async (tx) => {
        await tx.query(`insert into rolled_back (id, name) values (2, 'never')`);
        throw new Error('changed my mind');
      })
      .catch(() => undefined);
    await db.execute(`update rolled_back set email = 'x'; update rolled_back set email = null`);
    await db.execute(`insert into rolled_back (id, name) values (3, 'brief'); delete from rolled_back where id = 3`);
    await settle(world);
    await expectAgreement(db, 'rolled_back', system);
    expect(system.writes).toBe(1);
  });

  test('`save` and `delete` overrides run for the library’s writes and for inward sync, in its transaction', async () => {
    const seen: string[] = [];
    class Person extends Catalog({
      name: 'overridden',
      key: 'id',
      fields: { id: z.int(), name: z.string(), initial: z.string().nullable() },
    }) {
      override async save(
        record: { id: number; name: string; initial: string | null },
        change: Change<{ id: number; name: string; initial: string | null }>,
      ): Promise<RecordKey> {
        seen.push(`save ${change.origin} ${change.before === undefined ? 'new' : 'old'}`);
        if (record.name === 'forbidden') throw new Error('not this one');
        return super.save({ ...record, initial: record.name.slice(0, 1) }, change);
      }
      override async delete(
        key: RecordKey,
        change: Change<{ id: number; name: string; initial: string | null }>,
      ): Promise<void> {
        seen.push(`delete ${change.origin}`);
        await change.tx.query(`insert into graveyard (key) values ($1)`, [key]);
        await super.delete(key, change);
      }
    }
    class MemoryPerson extends MemorySubscriber<typeof Person> {
      override readonly mapping = this.map({ name: 'values.name', initial: 'values.initial' });
    }
    Person.register(MemoryPerson);
    await db.execute('create table graveyard (key text)');
    const system = new MemorySystem();
    const world = await startOn(db, [Person], { memory: system });
    const people = world.flow.catalog(Person);
    await people.save({ id: 1, name: 'Ada' });
    await settle(world);
    expect([...system.objects.values()][0]?.values).toMatchObject({ name: 'Ada', initial: 'A' });
    const [id = ''] = system.objects.keys();
    system.edit(id, { name: 'Grace' });
    await world.flow.sync();
    expect(await people.get(1)).toMatchObject({ name: 'Grace', initial: 'G' });
    expect(system.objects.get(id)?.values).toMatchObject({ name: 'Grace', initial: 'G' });
    system.remove(id);
    await world.flow.sync();
    expect(await people.get(1)).toBeUndefined();
    expect(await db.query<AnyRecord>('select key from graveyard')).toEqual([{ key: '["1"]' }]);
    await expect(people.save({ id: 2, name: 'forbidden' })).rejects.toThrow('not this one');
    expect(await people.get(2)).toBeUndefined();
    expect(seen).toEqual(['save app new', 'save overridden/memory old', 'delete overridden/memory', 'save app new']);
  });

  test('an override that refuses an inward edit: retried, then parked; the hub stays as it was', async () => {
    const { Contact: Base, MemoryContact } = contactCatalog('refusing');
    class Contact extends Base {
      override async save(
        record: Parameters<InstanceType<typeof Base>['save']>[0],
        change: Parameters<InstanceType<typeof Base>['save']>[1],
      ): Promise<RecordKey> {
        if (change.origin !== 'app') throw new Error('read-only for others');
        return super.save(record, change);
      }
    }
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system }, { retry: { baseMs: 1, maxMs: 2, maxAttempts: 3 } });
    const ada = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    const [id = ''] = system.objects.keys();
    system.edit(id, { email: 'there@x' });
    await world.flow.sync();
    expect(await world.flow.catalog(Contact).get(ada.id)).toMatchObject({ email: 'a@x' });
    expect(await world.flow.parked({ subscriber: 'refusing/memory' })).toMatchObject([{ code: 'failed' }]);
    expect(system.writes).toBe(1);
  });
});
