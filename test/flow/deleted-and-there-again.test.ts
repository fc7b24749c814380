/** A pair was deleted, and its remote is there again: a request of ours came late, somebody brought it back, or the row came back under its key. */
import { describe, expect, test } from 'vitest';
import { done, unknown, type Outcome } from '../../src/subscriber/outcome.js';
import type { Capabilities } from '../../src/subscriber/capabilities.js';
import type { CreateOperation } from '../../src/subscriber/base.js';
import { leastCapabilities } from '../../src/subscriber/capabilities.js';
import { MemorySubscriber, type MemoryObject } from '../../src/testing/memory-system/index.js';
import { hubs } from '../setup/hub.js';
import { contactCatalog, memorySide, MemorySystem, useStage } from './stage.js';

/** A contact's remote has the id that its key gives it, and bears no marker. */
function chosenIdContacts() {
  const Contact = contactCatalog();
  class ChosenContact extends MemorySubscriber<typeof Contact> {
    override readonly mapping = this.map({ name: 'values.name', city: 'values.city' });
    override readonly capabilities: Capabilities = {
      ...leastCapabilities,
      chosenId: true,
      polling: true,
      listing: true,
    };
    override keyOf(): undefined {
      return undefined;
    }
    override create({ key, values }: CreateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
      const id = `contact:${key}`;
      this.account.calls.push({ call: 'create', id });
      const fault = this.account.fault('create');
      const there = this.account.objects.get(id);
      const object = there ?? this.account.put(id, { ...(values as { values: Record<string, unknown> }).values });
      if (fault === 'answer-lost') return Promise.resolve(unknown('the answer was lost'));
      return Promise.resolve(there === undefined ? done(id, object) : { kind: 'exists', remoteId: id, remote: object });
    }
  }
  Contact.register(ChosenContact);
  return Contact;
}

describe.each(hubs)('$name', (hub) => {
  const stage = useStage(hub);

  async function deleted() {
    const Contact = chosenIdContacts();
    const system = new MemorySystem();
    const world = await stage.start([Contact], { memory: system });
    const contacts = world.flow.catalog(Contact);
    const ada = await contacts.save({ name: 'Ada', city: 'London' });
    await world.flow.sync();
    const [id = ''] = system.objects.keys();
    await contacts.delete(ada.id);
    await world.flow.sync();
    expect(system.objects.size).toBe(0);
    return { Contact, world, contacts, ada, system, id };
  }

  test('the row came back under its key: its remote is made again, under the same id', async () => {
    const { world, contacts, ada, system, id } = await deleted();
    await contacts.save({ ...ada, city: 'Paris' });
    await world.flow.sync();
    expect(await world.flow.parked()).toEqual([]);
    expect([...system.objects.keys()]).toEqual([id]);
    system.edit(id, { city: 'Rome' });
    await world.flow.sync();
    expect(await contacts.get(ada.id)).toMatchObject({ city: 'Rome' });
    expect(await world.flow.parked()).toEqual([]);
  });

  test('nothing came back here: it becomes no record, and is parked with the reason', async () => {
    const { world, contacts, ada, system, id } = await deleted();
    system.put(id, { name: 'Ada', city: 'London' });
    await world.flow.sync();
    expect(await contacts.get(ada.id)).toBeUndefined();
    expect(await world.flow.parked()).toMatchObject([{ remoteId: id, code: 'twin' }]);
    await world.flow.retry();
    await world.flow.sync();
    expect(await world.flow.parked()).toMatchObject([{ remoteId: id, code: 'twin' }]);
    expect(system.objects.size).toBe(1);
  });

  test('a create that was looked for in vain comes after its record was deleted, in a system without markers', async () => {
    const Contact = contactCatalog();
    Contact.register(memorySide({ match: ['email'], capabilities: { marker: false } }));
    const system = new MemorySystem();
    const world = await stage.start([Contact], { memory: system });
    const contacts = world.flow.catalog(Contact);
    system.faults.push({ call: 'create', kind: 'throws' });
    const ada = await contacts.save({ name: 'Ada', email: 'ada@x', city: null });
    await expect.poll(() => system.calls.filter((one) => one.call === 'find').length).toBeGreaterThan(0);
    await world.flow.pause('contact/memory');
    await contacts.delete(ada.id);
    await world.flow.resume('contact/memory');
    await world.flow.sync();
    for (const id of system.objects.keys()) system.remove(id);
    system.put('late', { name: 'Ada', email: 'ada@x', city: null });
    system.put('other', { name: 'Bob', email: 'bob@x', city: null });
    await world.flow.sync();
    const records = await world.db.query<{ email: string }>('select email from contact');
    expect(records.map(({ email }) => email)).toEqual(['bob@x']);
    expect(await world.flow.parked()).toMatchObject([{ remoteId: 'late', code: 'twin' }]);
    await world.flow.retry();
    await world.flow.settled();
    expect(await world.flow.parked()).toMatchObject([{ remoteId: 'late', code: 'twin' }]);
  });

  test('it was only shown late: nothing stands there', async () => {
    const { world, system, id } = await deleted();
    system.put(id, { name: 'Ada', city: 'London' });
    system.remove(id);
    await world.flow.sync();
    expect(await world.flow.parked()).toEqual([]);
  });

  test('it is deleted there after it was parked: nothing is parked any more', async () => {
    const { world, system, id } = await deleted();
    system.put(id, { name: 'Ada', city: 'London' });
    await world.flow.sync();
    system.remove(id);
    await world.flow.sync();
    expect(await world.flow.parked()).toEqual([]);
  });

  test('the listing of a rescan shows it', async () => {
    const { Contact, world, system, id } = await deleted();
    system.put(id, { name: 'Ada', city: 'London' });
    system.forgetChanges();
    await world.flow.rescan(`${Contact.definition.name}/memory`);
    await world.flow.settled();
    expect(await world.flow.parked()).toMatchObject([{ remoteId: id, code: 'twin' }]);
  });
});
