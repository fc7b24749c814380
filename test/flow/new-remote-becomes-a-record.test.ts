import { z } from 'zod';
import { expect, test } from 'vitest';
import { markerClaim } from '../../src/apply/candidates.js';
import { Catalog } from '../../src/catalog/catalog.js';
import type { Sight } from '../../src/subscriber/outcome.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import {
  contactCatalog,
  contactMapping,
  delivery,
  memorySide,
  MemorySystem,
  parkedOf,
  useStage,
  writesWhenQuiet,
} from './stage.js';

const stage = useStage();

test('its key comes from the database', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  system.put('x', { name: 'Xenia', own: 1 });
  await world.flow.sync();
  expect(await stage.db.query('select id::int as id, name, email, city from contact')).toEqual([
    { id: 1, name: 'Xenia', email: null, city: null },
  ]);
  expect(system.writes).toBe(0);
  expect(world.events.map((one) => one.name)).toEqual(['applied']);
  // and it is a pair from then on
  await world.flow.catalog(Contact).save({ id: 1, city: 'London' });
  await world.flow.sync();
  expect(system.objects.get('x')?.values).toMatchObject({ name: 'Xenia', own: 1, city: 'London' });
  expect(system.writes).toBe(1);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('its key comes from a mapped unit', async () => {
  class Product extends Catalog({
    name: 'product',
    key: 'sku',
    fields: { sku: z.string().min(1), title: z.string().nullable() },
  }) {}
  Product.register(memorySide({ mapping: { sku: 'values.sku', title: 'values.title' } }));
  const system = new MemorySystem();
  const world = await stage.start([Product], { memory: system });
  system.put('p1', { sku: 'A-1', title: 'Anvil' });
  system.put('p2', { title: 'No sku' });
  await world.flow.sync();
  expect(await world.flow.catalog(Product).get('A-1')).toEqual({ sku: 'A-1', title: 'Anvil' });
  expect(await stage.db.query('select 1 from product')).toHaveLength(1);
  expect(await world.flow.parked()).toMatchObject([{ remoteId: 'p2' }]);
  expect(system.writes).toBe(0);
  system.edit('p2', { sku: 'B-2' });
  await world.flow.sync();
  expect(await world.flow.catalog(Product).get('B-2')).toEqual({ sku: 'B-2', title: 'No sku' });
  expect(await world.flow.parked()).toEqual([]);
});

test('policy "park": set aside until the policy changes', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide(), { policies: { createInward: 'park' } });
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  system.put('x', { name: 'Xenia' });
  await world.flow.sync();
  expect(await stage.db.query('select 1 from contact')).toEqual([]);
  expect(await parkedOf(world)).toEqual([{ subscriber: 'contact/memory', key: null, code: 'policy' }]);
  await world.flow.stop();
  const Next = contactCatalog();
  Next.register(memorySide());
  const next = await stage.start([Next], { memory: system });
  expect(await next.flow.retry()).toBe(1);
  await next.flow.sync();
  expect(await stage.db.query('select name from contact')).toEqual([{ name: 'Xenia' }]);
});

test('policy "ignore": left alone, by later edits and deletions, too', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide(), { policies: { createInward: 'ignore' } });
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  system.put('x', { name: 'Xenia' });
  await world.flow.sync();
  system.edit('x', { name: 'Xena' });
  await world.flow.sync();
  system.remove('x');
  await world.flow.sync();
  expect(await stage.db.query('select 1 from contact')).toEqual([]);
  expect(await parkedOf(world)).toEqual([]);
  expect(system.writes).toBe(0);
});

test('a scope that the record would not be in keeps it out', async () => {
  const Contact = contactCatalog();
  class Scoped extends memorySide() {
    override where(record: { readonly city?: unknown }): boolean {
      return record.city === 'London';
    }
  }
  Contact.register(Scoped);
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  system.put('in', { name: 'In', city: 'London' });
  system.put('out', { name: 'Out', city: 'Paris' });
  await world.flow.sync();
  expect(await stage.db.query('select name from contact')).toEqual([{ name: 'In' }]);
  expect(await parkedOf(world)).toEqual([]);
  system.edit('out', { city: 'London' });
  await world.flow.sync();
  expect(await stage.db.query('select name from contact order by id')).toEqual([{ name: 'In' }, { name: 'Out' }]);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('a save that refuses leaves nothing behind', async () => {
  const Base = contactCatalog();
  class Contact extends Base {
    override async save(...[record, change]: Parameters<InstanceType<typeof Base>['save']>) {
      const key = await super.save(record, change);
      await change.tx.query('insert into contact (name) values ($1)', ['audit']);
      if (record.name === 'Xenia') throw new Error('not today');
      return key;
    }
  }
  Contact.register(memorySide({ mapping: contactMapping }));
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system }, { retry: { baseMs: 1, maxMs: 5, maxAttempts: 3 } });
  system.put('x', { name: 'Xenia' });
  await world.flow.sync();
  expect(await stage.db.query('select 1 from contact')).toEqual([]);
  const parked = await world.flow.parked();
  expect(parked).toMatchObject([{ code: 'failed', remoteId: 'x' }]);
  expect(parked[0]?.reason).toMatch(/not today/);
});

test('an event comes before its remote can be read: looked at again, not forgotten', async () => {
  const Contact = contactCatalog();
  let hiddenFor = 2;
  class Lagging extends memorySide() {
    override async fetch(remoteId: string): Promise<Sight<MemoryObject>> {
      return hiddenFor-- > 0 ? { kind: 'missing', reason: '404' } : super.fetch(remoteId);
    }
  }
  Contact.register(Lagging);
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system }, { retry: { baseMs: 1, maxMs: 1 } });
  await world.flow.settled();
  system.put('new', { name: 'Ada' });
  await world.flow.sync();
  expect(await stage.db.query('select name from contact')).toEqual([{ name: 'Ada' }]);
});

test('one that never shows is forgotten after a few looks', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system }, { retry: { baseMs: 1, maxMs: 1 } });
  await world.flow.settled();
  await world.flow.receive('memory', delivery([{ id: '1', remoteId: 'nowhere', kind: 'changed' }]));
  await world.flow.settled();
  expect(system.calls.filter(({ id }) => id === 'nowhere')).toHaveLength(4);
  expect(await stage.db.query('select 1 from syncflow.link')).toEqual([]);
});

test('two systems bring the same at the same moment: one record', async () => {
  const Base = contactCatalog();
  class Contact extends Base {
    /** Slow enough for both to look for a record before one of them is there. */
    override async save(...[record, change]: Parameters<InstanceType<typeof Base>['save']>) {
      await change.tx.query('select pg_sleep(0.02)');
      return super.save(record, change);
    }
  }
  const names = ['one', 'two'];
  for (const name of names) Contact.register(memorySide({ match: ['email'] }), { as: name, account: name });
  const systems = { one: new MemorySystem(), two: new MemorySystem() };
  const emails = Array.from({ length: 30 }, (_, index) => `${index}@x`);
  for (const [name, system] of Object.entries(systems))
    for (const email of emails) system.put(`${name}-${email}`, { name: email, email });
  const world = await stage.start([Contact], systems);
  await world.flow.sync();
  expect(await stage.db.query('select 1 from contact')).toHaveLength(emails.length);
  expect([systems.one.objects.size, systems.two.objects.size]).toEqual([emails.length, emails.length]);
  expect(await parkedOf(world)).toEqual([]);
});

test('beside one that is known to be a record’s own, another that matches that record becomes none', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide({ match: ['email'], capabilities: { marker: false } }));
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const key = '["1"]';
  await world.flow.pause('contact/memory', key);
  await stage.db.query(`insert into contact (id, name, email) values (1, 'Ada', 'ada@example.com')`);
  // its create was answered when its lease was over: the remote is noted, and not settled yet
  await stage.db.query(
    `insert into syncflow.link (subscriber, remote_id, claims) values ('contact/memory', 'ours', $1)`,
    [markerClaim(key)],
  );
  system.put('theirs', { name: 'Ada L.', email: 'ada@example.com' });
  await world.flow.sync();
  expect(await stage.db.query('select id::int as id from contact')).toEqual([{ id: 1 }]);
  expect(await world.flow.parked()).toMatchObject([{ remoteId: 'theirs', code: 'ambiguous' }]);
});
