/** `explain` answers "why is this e-mail what it is" from what the hub itself has kept. */
import { expect, test } from 'vitest';
import type { Explanation } from '../../src/explain/explanation.js';
import { SyncflowError } from '../../src/errors.js';
import { Syncflow } from '../../src/syncflow.js';
import { atOnce, contactCatalog, delivery, memorySide, MemorySystem, only, useStage } from '../flow/stage.js';
import type { World } from '../flow/world.js';

const stage = useStage();

const latest = { email: { remote: 'values.email', authority: 'latest' }, name: 'values.name' } as const;

/** Contacts in two systems; the second is told by webhooks. */
async function twoSystems() {
  const Contact = contactCatalog();
  Contact.register(memorySide({ mapping: latest }), { as: 'shop', account: 'shop' });
  Contact.register(memorySide({ mapping: latest, capabilities: { polling: false } }), { as: 'crm', account: 'crm' });
  const shop = new MemorySystem();
  const crm = new MemorySystem();
  const world = await stage.start([Contact], { shop, crm });
  return { Contact, shop, crm, world };
}

const changesOf = (explanation: Explanation, unit = 'email') =>
  explanation.timeline.flatMap((entry) =>
    entry.conflict === undefined
      ? entry.changes
          .filter((change) => change.unit === unit)
          .map(({ from, to, rule }) => [entry.subscriber, entry.direction, from, to, rule])
      : [[entry.subscriber, 'conflict', entry.conflict.hub, entry.conflict.remote, entry.conflict.rule]],
  );

async function editInCrm(world: World, crm: MemorySystem, id: string, email: string): Promise<void> {
  const edited = crm.edit(only(crm).id, { email });
  const event = { id, remoteId: edited.id, kind: 'changed' as const, at: edited.editedAt };
  await world.flow.receive('crm', delivery([event]));
  await world.flow.sync();
}

test('a history of five steps: whose value it is, by which event and rule, and what lost', async () => {
  const { Contact, shop, crm, world } = await twoSystems();
  const contacts = world.flow.catalog(Contact);
  // 1 the app, 2 psql, 3 an edit in one system, 4 an edit in the other, told by a webhook, 5 both sides at once
  const { id } = await contacts.save({ name: 'Ada', email: '1@x' });
  await world.flow.sync();
  await stage.db.transaction(async (tx) => {
    await tx.query(`select set_config('application_name', 'psql', true)`);
    await tx.query(`update contact set email = '2@x' where id = $1`, [id]);
  });
  await world.flow.sync();
  shop.edit(only(shop).id, { email: '3@x' });
  await world.flow.sync();
  await editInCrm(world, crm, 'evt_4', '4@x');
  const before = await world.flow.explain(Contact, id, { field: 'email' });
  expect(before.origins['email']).toMatchObject({
    value: '4@x',
    by: { kind: 'subscriber', subscriber: 'contact/crm' },
    editedAt: expect.stringMatching(/^\d{4}-/) as string,
    rule: 'only the remote had changed it',
    events: ['evt_4'],
  });
  await atOnce(world, 'contact/shop', async () => {
    await contacts.save({ id, email: 'lost@x' });
    const object = shop.edit(only(shop).id, { email: '5@x' });
    shop.objects.set(object.id, { ...object, editedAt: '2999-01-01T00:00:00Z' });
  });

  const explanation = await world.flow.explain('contact', `["${id}"]`, { field: 'email' });
  const of = (subscriber: string) =>
    changesOf(explanation)
      .filter((one) => one[0] === subscriber)
      .map(([, ...rest]) => rest);
  expect(of('contact/shop')).toEqual([
    ['outward', null, '1@x', 'the hub had changed it'],
    ['outward', '1@x', '2@x', 'the hub had changed it'],
    ['inward', '2@x', '3@x', 'only the remote had changed it'],
    ['outward', '3@x', '4@x', 'the hub had changed it'],
    ['conflict', 'lost@x', '5@x', 'latest: the remote edit is newer'],
    ['inward', 'lost@x', '5@x', 'latest: the remote edit is newer'],
  ]);
  expect(of('contact/crm')).toEqual([
    ['outward', null, '1@x', 'the hub had changed it'],
    ['outward', '1@x', '2@x', 'the hub had changed it'],
    ['outward', '2@x', '3@x', 'the hub had changed it'],
    ['inward', '3@x', '4@x', 'only the remote had changed it'],
    ['outward', '4@x', 'lost@x', 'the hub had changed it'],
    ['outward', 'lost@x', '5@x', 'the hub had changed it'],
  ]);
  const times = explanation.timeline.map((entry) => entry.at);
  expect(times).toEqual([...times].sort());
  const writers = explanation.timeline.filter((entry) => entry.direction === 'outward').map((entry) => entry.by);
  expect(writers).toContainEqual({ kind: 'hub', role: 'postgres (psql)' });
  expect(writers).toContainEqual({ kind: 'subscriber', subscriber: 'contact/shop' });
  expect(explanation.origins).toEqual({
    email: {
      value: '5@x',
      by: { kind: 'subscriber', subscriber: 'contact/shop' },
      editedAt: '2999-01-01T00:00:00Z',
      at: expect.any(String) as string,
      rule: 'latest: the remote edit is newer',
      lost: { side: 'hub', value: 'lost@x', subscriber: 'contact/shop' },
      events: expect.arrayContaining([String(shop.sequence)]) as string[],
    },
  });
  expect(explanation.record?.fields['email']).toBe('5@x');
  expect(explanation.subscribers.map(({ standing, units }) => [standing, units.map((unit) => unit.state)])).toEqual([
    ['in-agreement', ['agreed']],
    ['in-agreement', ['agreed']],
  ]);
});

test('an edit that is not sent yet, and one that no worker has seen', async () => {
  const { Contact, shop, crm, world } = await twoSystems();
  const { id } = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'old@x' });
  await world.flow.sync();
  await world.flow.pause('contact/shop');
  await world.flow.catalog(Contact).save({ id, email: 'new@x' });
  await world.flow.settled();
  const { subscribers, origins } = await world.flow.explain(Contact, id, { field: 'email' });
  expect(subscribers[1]).toMatchObject({ subscriber: 'contact/crm', standing: 'in-agreement' });
  expect(subscribers[0]).toMatchObject({
    subscriber: 'contact/shop',
    standing: 'paused',
    cure: 'syncflow resume contact/shop',
    units: [{ unit: 'email', hub: 'new@x', shadow: { hub: 'old@x', remote: 'old@x' }, state: 'owed' }],
  });
  expect(origins['email']).toMatchObject({ value: 'new@x', by: { kind: 'hub' }, rule: 'edited here' });
  await world.flow.stop();

  await stage.db.query(`update contact set email = 'unseen@x' where id = $1`, [id]);
  const idle = new Syncflow({ database: stage.db, catalogs: [Contact], accounts: { shop, crm } });
  expect(await idle.explain(Contact, id, { field: 'email' })).toMatchObject({
    unrouted: [{ by: { kind: 'hub', role: expect.stringContaining('postgres') as string } }],
    origins: { email: { value: 'unseen@x', rule: 'the last edit here; no subscriber has it yet' } },
  });
});

test('a value that both sides had when they were paired', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide({ mapping: latest, match: ['email'] }), { as: 'shop', account: 'shop' });
  const shop = new MemorySystem();
  shop.put('r1', { name: 'Ada', email: 'a@x' });
  await stage.db.execute(`create table contact (id bigint generated by default as identity primary key, email text,
    name text not null, city text, note text)`);
  await stage.db.query(`insert into contact (id, name, email) values (1, 'Ada', 'a@x')`);
  const { flow } = await stage.start([Contact], { shop });
  await flow.sync();
  const { origins, timeline } = await flow.explain(Contact, 1, { field: 'email' });
  const paired = timeline.find(({ event }) => event === 'linked');
  expect(paired).toBeDefined();
  expect(origins['email']).toMatchObject({
    value: 'a@x',
    at: paired?.at,
    rule: 'contact/shop had the same when the two were paired',
  });
});

test('a value that both sides have, and whose history is pruned', async () => {
  const { Contact, world } = await twoSystems();
  const { id } = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
  await world.flow.sync();
  await stage.db.query('delete from syncflow.history');
  const { origins } = await world.flow.explain(Contact, id, { field: 'email' });
  expect(origins['email']).toMatchObject({
    value: 'a@x',
    at: null,
    rule: expect.stringMatching(/^contact\/\w+, contact\/\w+ have the same; /) as string,
  });
});

test('with fetch the remotes are read, and what differs is named; without, nobody is asked', async () => {
  const { Contact, shop, world } = await twoSystems();
  const { id } = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
  await world.flow.sync();
  shop.edit(only(shop).id, { email: 'drifted@x' });
  const asked = shop.calls.length;
  expect((await world.flow.explain(Contact, id)).subscribers[0]?.fetched).toBeUndefined();
  expect(shop.calls.length).toBe(asked);
  const { subscribers } = await world.flow.explain(Contact, id, { fetch: true });
  expect(subscribers.map((one) => one.fetched)).toEqual([
    { kind: 'found', reason: null, differing: ['email'] },
    { kind: 'found', reason: null, differing: [] },
  ]);
  expect(subscribers[0]?.units[0]?.live).toEqual({ remote: 'drifted@x', differs: true });
  shop.remove(only(shop).id);
  expect((await world.flow.explain(Contact, id, { fetch: true })).subscribers[0]?.fetched?.kind).toBe('gone');
});

test('a parked record says why and what to do; a deleted one still has its past', async () => {
  const { Contact, shop, world } = await twoSystems();
  shop.faults.push({ call: 'create', kind: 'rejected' });
  const { id } = await world.flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
  await world.flow.sync();
  const parked = await world.flow.explain(Contact, id);
  expect(parked.subscribers[0]).toMatchObject({
    standing: 'parked',
    because: 'rejected: the system refuses it',
    cure: expect.stringContaining('correct the record') as string,
    link: { parked: { code: 'rejected', reason: 'the system refuses it' } },
  });
  expect(parked.timeline.find((entry) => entry.event === 'parked')?.parked).toEqual({
    code: 'rejected',
    reason: 'the system refuses it',
  });
  await world.flow.retry();
  await world.flow.sync();
  await world.flow.catalog(Contact).delete(id);
  await world.flow.sync();
  const gone = await world.flow.explain(Contact, id);
  expect(gone.record).toBeNull();
  expect(gone.subscribers.map((one) => [one.standing, one.former.map((link) => link.state)])).toEqual([
    ['unknown', ['gone']],
    ['unknown', ['gone']],
  ]);
  expect(gone.timeline.filter((entry) => entry.event === 'deleted')).toHaveLength(2);
});

test('a record whose key was changed keeps its past, and takes over none of another’s', async () => {
  const { Contact, world } = await twoSystems();
  const contacts = world.flow.catalog(Contact);
  const ada = await contacts.save({ name: 'Ada', email: 'ada@x' });
  const bob = await contacts.save({ name: 'Bob', email: 'bob@x' });
  await world.flow.sync();
  await stage.db.query(`update contact set id = case id when $1 then 1000 else $1::bigint end where id in ($1, $2)`, [
    ada.id,
    bob.id,
  ]);
  await world.flow.sync();
  const moved = await world.flow.explain(Contact, 1000, { field: 'name' });
  const created = moved.timeline.filter((entry) => entry.event === 'created').map((entry) => entry.changes[0]?.to);
  expect(created).toEqual(['Ada', 'Ada']);
});

test.each([
  ['contcat', 1, undefined, 'there is no catalog "contcat"', 'Did you mean "contact"?'],
  ['contact', '["x"]', undefined, "that can't be a key of contact", 'Its key is id (integer).'],
  ['contact', '["1", "2"]', undefined, "that can't be a key of contact", 'Its key is id (integer).'],
  ['contact', 4711, undefined, 'there is no contact 4711', 'No row, no link and no history'],
  ['contact', 1, 'emial', 'contact has no field "emial"', 'Did you mean "email"?'],
])('%s %s %s is refused, and what was meant is said', async (catalog, key, field, message, hint) => {
  const { world } = await twoSystems();
  const refused = world.flow.explain(catalog, key, field === undefined ? {} : { field });
  const error = await refused.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SyncflowError);
  expect(error).toMatchObject({ code: 'usage' });
  expect((error as SyncflowError).message).toContain(message);
  expect((error as SyncflowError).hint).toContain(hint);
});

test('the id of a remote, given for a key, leads to its record', async () => {
  const Note = contactCatalog();
  Note.register(memorySide(), { as: 'shop', account: 'shop' });
  const shop = new MemorySystem();
  const world = await stage.start([Note], { shop });
  shop.put('77777', { name: 'Ada' });
  await world.flow.sync();
  await expect(world.flow.explain(Note, 77777)).rejects.toMatchObject({
    hint: expect.stringMatching(/Did you mean \d+\? That is the id of its remote in contact\/shop/) as string,
  });
});
