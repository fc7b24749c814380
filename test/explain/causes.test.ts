/** Parked records by cause. */
import { expect, test } from 'vitest';
import { causeOf, groupByCause } from '../../src/explain/causes.js';
import { cureOf } from '../../src/explain/cures.js';
import { contactCatalog, memorySide, MemorySystem, useStage } from '../flow/stage.js';

const stage = useStage();

test.each([
  ['No such customer: cus_Nq2x81abY', 'No such customer: <id>'],
  ['email: "a@b.example" is taken', 'email: "…" is taken'],
  ['email ada@b.example is taken', 'email <email> is taken'],
  ['a reference to customer ["42"] isn’t linked yet', 'a reference to customer <key> isn’t linked yet'],
  ['404 not found after 12 tries', '404 not found after <n> tries'],
  ['object 6f9619ff-8b86-d011-b42d-00c04fc964ff is locked', 'object <id> is locked'],
  ['line1 and v2 stay, 17.50 goes', 'line1 and v2 stay, <n> goes'],
])('%s → %s', (reason, cause) => expect(causeOf(reason)).toBe(cause));

test('equal causes of two subscribers are one, other codes are another; the most frequent comes first', () => {
  const reason = (id: string, subscriber: string, code: string, text: string, count: number) => ({
    ...{ id, subscriber, code, count, key: `["${id}"]`, reason: text },
    ...{ oldest: `2026-01-0${id}T00:00:00Z`, newest: `2026-02-0${id}T00:00:00Z` },
  });
  const groups = groupByCause([
    reason('3', 'a/x', 'rejected', 'order 7 is closed', 2),
    reason('2', 'a/y', 'rejected', 'order 9 is closed', 5),
    reason('1', 'a/x', 'brake', '40 deletes', 3),
  ]);
  expect(groups).toMatchObject([
    {
      code: 'rejected',
      cause: 'order <n> is closed',
      count: 7,
      subscribers: ['a/x', 'a/y'],
      oldest: '2026-01-02T00:00:00Z',
      newest: '2026-02-03T00:00:00Z',
      example: { id: '3', reason: 'order 7 is closed' },
    },
    { code: 'brake', count: 3, cure: expect.stringContaining('syncflow release a/x') as string },
  ]);
});

test('a code that this version doesn’t know still has a cure', () => {
  expect(cureOf('of-a-later-version')).toMatch(/retry/);
  expect(cureOf('constructor')).toMatch(/retry/);
});

test('the hub counts them, filtered by subscriber and code', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  system.faults.push(...Array.from({ length: 50 }, () => ({ call: 'create', kind: 'rejected' }) as const));
  for (const name of ['a', 'b', 'c']) await world.flow.catalog(Contact).save({ name });
  await world.flow.sync();
  await stage.db.query(`insert into contact (id, name) values (900, '')`);
  await world.flow.sync();
  const causes = await world.flow.parkedCauses();
  expect(causes.map(({ code, count }) => [code, count])).toEqual([
    ['rejected', 3],
    ['validation', 1],
  ]);
  expect(await world.flow.parkedCauses({ code: 'validation' })).toMatchObject([{ example: { key: '["900"]' } }]);
  expect(await world.flow.parkedCauses({ subscriber: 'contact/memory', code: 'twin' })).toEqual([]);
  await expect(world.flow.parkedCauses({ subscriber: 'contact/other' })).rejects.toThrow('there is no subscriber');
});
