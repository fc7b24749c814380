/** A person puts the value that lost a conflict back: an edit like any other. */
import { expect, test } from 'vitest';
import type { ResolveRequest } from '../../src/apply/resolution.js';
import { atOnce, contactCatalog, memorySide, MemorySystem, only, useStage, writesWhenQuiet } from './stage.js';

const stage = useStage();

/** Both sides had changed the city; Hubville won, Remoton lost. A second system hears what holds. */
async function conflict(mapping = {}) {
  const Contact = contactCatalog();
  const units = { name: 'values.name', city: 'values.city' };
  Contact.register(memorySide({ mapping: { ...units, ...mapping } }), { as: 'a', account: 'a' });
  Contact.register(memorySide({ mapping: { name: 'values.name', city: 'values.city' } }), { as: 'b', account: 'b' });
  const a = new MemorySystem();
  const b = new MemorySystem();
  const world = await stage.start([Contact], { a, b });
  const contacts = world.flow.catalog(Contact);
  const { id } = await contacts.save({ name: 'Ada', city: 'Oldtown' });
  await world.flow.sync();
  await atOnce(world, 'contact/a', async () => {
    await contacts.save({ id, city: 'Hubville' });
    a.edit(only(a).id, { city: 'Remoton' });
  });
  const [logged] = await world.flow.conflicts();
  const resolve = (take: ResolveRequest['take'], value?: ResolveRequest['value']) =>
    world.flow.resolveConflict({ id: logged?.id ?? '', take, value, by: 'grace' });
  const cities = async () => [(await contacts.get(id))?.city, only(a).values['city'], only(b).values['city']];
  return { a, b, cities, contacts, id, resolve, world };
}

test('the remote’s value is put back in the hub, and goes to every system; the log says who decided', async () => {
  const { a, b, cities, id, resolve, world } = await conflict();
  expect(await cities()).toEqual(['Hubville', 'Hubville', 'Hubville']);
  expect((await world.flow.status()).map((one) => one.conflicts)).toEqual([1, 0]);
  const subject = { subscriber: 'contact/a', key: `["${id}"]`, unit: 'city' };
  expect(await resolve('remote')).toEqual({ ...subject, value: 'Remoton', changed: true });
  await world.flow.sync();
  expect(await cities()).toEqual(['Remoton', 'Remoton', 'Remoton']);
  expect(await world.flow.conflicts()).toMatchObject([
    { hub: '"Hubville"', remote: '"Remoton"', winner: 'hub', resolvedBy: 'grace', taken: 'remote' },
  ]);
  expect((await world.flow.status()).map((one) => one.conflicts)).toEqual([0, 0]);
  const { timeline } = await world.flow.explain('contact', id, { field: 'city' });
  expect(timeline.find((entry) => entry.conflict !== undefined)?.conflict?.resolved).toMatchObject({ by: 'grace' });
  expect(await writesWhenQuiet(world, [a, b])).toBe(0);
  await expect(resolve('hub')).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringMatching(/resolved already, by grace/) as string,
  });
});

test('a value of one’s own; the side that had won is only noted', async () => {
  const own = await conflict();
  expect(await own.resolve('value', 'Elsewhere')).toMatchObject({ value: 'Elsewhere', changed: true });
  await own.world.flow.sync();
  expect(await own.cities()).toEqual(['Elsewhere', 'Elsewhere', 'Elsewhere']);
  await own.world.flow.stop();
});

test('the side that had won: nothing is written, the entry is noted', async () => {
  const { a, b, resolve, world } = await conflict();
  expect(await resolve('hub')).toMatchObject({ value: 'Hubville', changed: false });
  expect(await writesWhenQuiet(world, [a, b])).toBe(0);
  expect(await world.flow.conflicts()).toMatchObject([{ taken: 'hub' }]);
});

test('what doesn’t fit, or isn’t there any more, is refused, and the conflict stays open', async () => {
  const { contacts, id, resolve, world } = await conflict();
  await expect(resolve('value', 7)).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringMatching(/city of contact can’t take that value/) as string,
  });
  await expect(world.flow.resolveConflict({ id: '999', take: 'hub', by: 'x' })).rejects.toMatchObject({
    code: 'usage',
  });
  await contacts.delete(id);
  await expect(resolve('remote')).rejects.toMatchObject({
    message: expect.stringMatching(/isn’t there any more/) as string,
  });
  expect(await world.flow.conflicts()).toMatchObject([{ resolvedBy: null, resolvedAt: null }]);
});

test('a value that the catalog doesn’t take is refused as any other write', async () => {
  const { contacts, id, world } = await conflict({ name: { remote: 'values.name', authority: 'hub' } });
  await stage.db.query(
    `insert into syncflow.conflict (link_id, subscriber, key, unit, hub, remote, winner, rule) values (1, 'contact/a', $1, 'name', '"Ada"', '""', 'hub', 'x')`,
    [`["${id}"]`],
  );
  const [logged] = await world.flow.conflicts();
  const refused = world.flow.resolveConflict({ id: logged?.id ?? '', take: 'remote', by: 'x' });
  await expect(refused).rejects.toMatchObject({ code: 'validation' });
  expect(await contacts.get(id)).toMatchObject({ name: 'Ada' });
});
