/** An update was looked for and not seen; its request comes after all, over a newer value (a worker that stood still, a slow network). */
import { describe, expect, test } from 'vitest';
import type { Query } from '../../src/subscriber/base.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { hubs } from '../setup/hub.js';
import {
  conflictsOf,
  contactCatalog,
  contactMapping,
  delivery,
  memorySide,
  MemorySystem,
  only,
  useStage,
  writesWhenQuiet,
} from './stage.js';

/** The remote has the last word about the city. */
const mapping = { ...contactMapping, city: { remote: 'values.city', authority: 'remote' } } as const;

describe.each(hubs)('$name', (hub) => {
  const stage = useStage(hub);

  async function oldtownUnseen(normalise = (values: Record<string, unknown>) => values) {
    const Contact = contactCatalog();
    Contact.register(memorySide());
    const system = new MemorySystem();
    system.normalise = normalise;
    const world = await stage.start([Contact], { memory: system });
    const contacts = world.flow.catalog(Contact);
    const ada = await contacts.save({ name: 'Ada', city: 'Newtown' });
    await world.flow.sync();
    system.faults.push({ call: 'update', kind: 'throws' });
    await contacts.save({ ...ada, city: 'Oldtown' });
    await world.flow.sync();
    await contacts.save({ ...ada, city: 'London' });
    await world.flow.sync();
    const { id } = only(system);
    expect(system.objects.get(id)?.values['city']).toMatch(/^london/i);
    return { world, contacts, ada, system, id };
  }

  test('it gives way to what the hub holds by now, and stands in the conflict log', async () => {
    const { world, contacts, ada, system, id } = await oldtownUnseen();
    system.edit(id, { city: 'Oldtown' });
    await world.flow.sync();
    expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
    expect(system.objects.get(id)?.values).toMatchObject({ name: 'Ada', city: 'London' });
    expect(await conflictsOf(world)).toMatchObject([
      { unit: 'city', winner: 'hub', remote: '"Oldtown"', hub: '"London"' },
    ]);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('the same in a system that gives values a form of its own', async () => {
    const { world, contacts, ada, system, id } = await oldtownUnseen((values) =>
      Object.fromEntries(
        Object.entries(values).map(([name, value]) => [
          name,
          typeof value === 'string' && name === 'city' ? `${value.trim().toUpperCase()} ` : value,
        ]),
      ),
    );
    system.edit(id, { city: 'Oldtown' });
    await world.flow.sync();
    expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
    expect(system.objects.get(id)?.values).toMatchObject({ city: 'LONDON ' });
    expect(await conflictsOf(world)).toMatchObject([{ unit: 'city', winner: 'hub', hub: '"London"' }]);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('the same told by an event that names our own request as its cause', async () => {
    const { world, contacts, ada, system, id } = await oldtownUnseen();
    system.edit(id, { city: 'Oldtown' });
    const [late] = await stage.db.query<{ cause: string }>(
      `select idempotency_key as cause from syncflow.intent where outcome = 'not seen'`,
    );
    await world.flow.receive(
      'memory',
      delivery([{ id: 'late', remoteId: id, kind: 'changed', cause: late?.cause ?? '' }]),
    );
    await world.flow.settled();
    expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
    expect(system.objects.get(id)?.values).toMatchObject({ city: 'London' });
  });

  test('what somebody edited beside it is an edit', async () => {
    const { world, contacts, ada, system, id } = await oldtownUnseen();
    system.edit(id, { city: 'Oldtown', name: 'Ada L.' });
    await world.flow.sync();
    expect(await contacts.get(ada.id)).toEqual({ ...ada, name: 'Ada L.', city: 'London' });
    expect(system.objects.get(id)?.values).toMatchObject({ name: 'Ada L.', city: 'London' });
  });

  test('a create that comes late, and is found before another is made: its old values are no edits', async () => {
    const Contact = contactCatalog();
    const system = new MemorySystem();
    let looks = 0;
    const meanwhile: (() => unknown)[] = [];
    class Late extends memorySide({ mapping, match: ['email'], capabilities: { marker: false } }) {
      override async find(query: Query<MemoryObject>): Promise<readonly MemoryObject[]> {
        await meanwhile[looks++]?.();
        return super.find(query);
      }
    }
    Contact.register(Late);
    const world = await stage.start([Contact], { memory: system }, { retry: { baseMs: 1, maxMs: 1 } });
    const contacts = world.flow.catalog(Contact);
    const ada = { id: 1, name: 'Ada', email: 'a@x', note: null };
    // before the create; after it, twice; before the next one
    meanwhile[1] = () => contacts.save({ ...ada, city: 'London' });
    meanwhile[3] = () => system.put('late', { name: 'Ada', email: 'a@x', city: 'Newtown' });
    system.faults.push({ call: 'create', kind: 'throws' });
    await contacts.save({ ...ada, city: 'Newtown' });
    await world.flow.settled();
    await world.flow.sync();
    expect(looks).toBeGreaterThan(3);
    expect(await contacts.get(1)).toEqual({ ...ada, city: 'London' });
    expect(only(system).values).toMatchObject({ name: 'Ada', city: 'London' });
  });

  // several are applied together
  test.each([1, 3])('the same of %i, heard of by events', async (count) => {
    const Contact = contactCatalog();
    Contact.register(memorySide({ mapping, match: ['email'], capabilities: { marker: false } }));
    const system = new MemorySystem();
    const world = await stage.start([Contact], { memory: system }, { retry: { baseMs: 1, maxMs: 1 } });
    const contacts = world.flow.catalog(Contact);
    const people = Array.from({ length: count }, (_, n) => ({ id: n + 1, name: 'Ada', email: `a${n}@x`, note: null }));
    for (const person of people) {
      system.faults.push({ call: 'create', kind: 'throws' }, { call: 'create', kind: 'rejected' });
      await contacts.save({ ...person, city: 'Newtown' });
      await world.flow.settled();
    }
    await world.flow.pause('contact/memory');
    for (const person of people) {
      await contacts.save({ ...person, city: 'London' });
      system.put(`late${person.id}`, { name: 'Ada', email: person.email, city: 'Newtown' });
    }
    const events = people.map(({ id }) => ({ id: `${id}`, remoteId: `late${id}`, kind: 'changed' }) as const);
    await world.flow.receive('memory', delivery(events));
    // the remotes' turn comes first
    await stage.db.query(`update syncflow.link set due_at = due_at + interval '1 hour' where key is not null`);
    await world.flow.resume('contact/memory');
    await expect
      .poll(() => stage.db.query(`select 1 from syncflow.link where key is not null and remote_id like 'late%'`))
      .toHaveLength(count);
    await world.flow.settled();
    for (const person of people) expect(await contacts.get(person.id)).toEqual({ ...person, city: 'London' });
    expect([...system.objects.values()].map(({ values }) => values['city'])).toEqual(people.map(() => 'London'));
  });

  test('another value is an edit', async () => {
    const { world, contacts, ada, system, id } = await oldtownUnseen();
    system.edit(id, { city: 'Paris' });
    await world.flow.sync();
    expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'Paris' });
    expect(await conflictsOf(world)).toEqual([]);
  });

  test('once seen, an update is over: its value, entered there again, is an edit', async () => {
    const { world, contacts, ada, system, id } = await oldtownUnseen();
    await contacts.save({ ...ada, city: 'Rome' });
    await world.flow.sync();
    system.edit(id, { city: 'London' });
    await world.flow.sync();
    expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'London' });
  });
});
