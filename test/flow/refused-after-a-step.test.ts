/** An operation of several calls is refused after the first of them took effect. */
import { expect, test } from 'vitest';
import type { CreateOperation, UpdateOperation } from '../../src/subscriber/base.js';
import { done, exists, rejected, unknown, type Outcome } from '../../src/subscriber/outcome.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { conflictsOf, contactCatalog, memorySide, MemorySystem, only, useStage, writesWhenQuiet } from './stage.js';

const stage = useStage();

interface Values {
  readonly name?: string;
  readonly city?: string | null;
}
const valuesOf = (values: unknown): Values => (values as { values?: Values }).values ?? {};

/** The name is one call, the city another: it refuses "Nowhere". */
function inTwoCalls(marker: boolean, onRefusal: (system: MemorySystem) => void) {
  return class extends memorySide({
    mapping: { name: 'values.name', city: { remote: 'values.city', authority: 'remote' } },
    capabilities: { marker },
  }) {
    override async create(operation: CreateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
      const { name, city } = valuesOf(operation.values);
      const { id } = await operation.step('head', { name: name ?? '' }, async () => {
        const made = `r${this.account.calls.length}`;
        this.account.calls.push({ call: 'create', id: made });
        this.account.put(made, { name, ...(marker ? { marker: operation.key } : {}) });
        return { id: made };
      });
      if (city === 'Nowhere') return rejected('there is no such city');
      return done(id, this.account.edit(id, { city }));
    }

    override async update(operation: UpdateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
      const { name, city } = valuesOf(operation.changed);
      const { remoteId } = operation;
      if (name !== undefined)
        await operation.step('head', { name }, async () => {
          this.account.edit(remoteId, { name });
          return null;
        });
      if (city === 'Nowhere') {
        onRefusal(this.account);
        return rejected('there is no such city');
      }
      const changed = city === undefined ? {} : { city };
      return done(remoteId, this.account.edit(remoteId, changed));
    }
  };
}

async function begin(marker = true, onRefusal: (system: MemorySystem) => void = () => undefined) {
  const Contact = contactCatalog();
  Contact.register(inTwoCalls(marker, onRefusal));
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  return { world, system, contacts: world.flow.catalog(Contact) };
}

test('a create: what it made is found by its marker, and no second one is made when the record is corrected', async () => {
  const { world, system, contacts } = await begin();
  const ada = await contacts.save({ name: 'Ada', city: 'Nowhere' });
  await world.flow.settled();
  expect(await world.flow.parked()).toMatchObject([{ code: 'rejected', reason: 'there is no such city' }]);
  await contacts.save({ id: ada.id, name: 'Ada', city: 'London' });
  await world.flow.settled();
  expect(only(system).values).toMatchObject({ name: 'Ada', city: 'London' });
  expect(await world.flow.parked()).toEqual([]);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('a create in a system that can’t be asked: parked, and not made again by itself, nor when the record is corrected', async () => {
  const { world, system, contacts } = await begin(false);
  const ada = await contacts.save({ name: 'Ada', city: 'Nowhere' });
  await world.flow.settled();
  expect(await world.flow.parked()).toMatchObject([{ code: 'unknown-create' }]);
  await contacts.save({ id: ada.id, name: 'Ada', city: 'London' });
  await world.flow.settled();
  expect(await world.flow.parked()).toMatchObject([{ code: 'unknown-create' }]);
  expect(system.objects.size).toBe(1);
});

test('an update that can’t be read after the refusal: it is read later, and its part is ours all the same', async () => {
  const { world, system, contacts } = await begin(true, ({ faults }) =>
    faults.push({ call: 'fetch', kind: 'refused' }),
  );
  const ada = await contacts.save({ name: 'Ada', city: 'London' });
  await world.flow.settled();
  await contacts.save({ id: ada.id, name: 'Countess', city: 'Nowhere' });
  await world.flow.settled();
  await contacts.save({ id: ada.id, name: 'Ada', city: 'Paris' });
  await world.flow.settled();
  expect(only(system).values).toMatchObject({ name: 'Ada', city: 'Paris' });
  expect(await conflictsOf(world)).toEqual([]);
});

test('an update: what its first call wrote is ours, so that taking it back is an edit that counts', async () => {
  const { world, system, contacts } = await begin();
  const ada = await contacts.save({ name: 'Ada', city: 'London' });
  await world.flow.settled();
  await contacts.save({ id: ada.id, name: 'Countess', city: 'Nowhere' });
  await world.flow.settled();
  expect(await world.flow.parked()).toMatchObject([{ code: 'rejected', reason: 'there is no such city' }]);
  expect(only(system).values).toMatchObject({ name: 'Countess', city: 'London' });
  await contacts.save({ id: ada.id, name: 'Ada', city: 'Paris' });
  await world.flow.settled();
  expect(await contacts.get(ada.id)).toMatchObject({ name: 'Ada', city: 'Paris' });
  expect(only(system).values).toMatchObject({ name: 'Ada', city: 'Paris' });
  expect(await conflictsOf(world)).toEqual([]);
  expect(await world.flow.parked()).toEqual([]);
});

test.each([
  ['exists', (remote: MemoryObject | undefined) => exists('r1', remote)],
  ['exists, unseen', () => exists<MemoryObject>('r1')],
  ['unknown', () => unknown('500')],
])(
  'a create that ends half-way (%s): what its object was born with is no edit, the rest is owed',
  async (_, answer) => {
    let isBroken = true;
    const Contact = contactCatalog();
    class InTwoCalls extends memorySide({
      mapping: { name: 'values.name', city: { remote: 'values.city', authority: 'remote' } },
    }) {
      override async create(operation: CreateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
        const { name, city } = valuesOf(operation.values);
        const { id } = await operation.step('head', { name: name ?? '' }, async () => ({
          id: this.account.put('r1', { name, city: 'Draft', marker: operation.key }).id,
        }));
        if (!isBroken) return done(id, this.account.edit(id, { city }));
        isBroken = false;
        return answer(this.account.objects.get(id));
      }
    }
    Contact.register(InTwoCalls);
    const system = new MemorySystem();
    const world = await stage.start([Contact], { memory: system });
    const { id } = await world.flow.catalog(Contact).save({ name: 'Ada', city: 'London' });
    await world.flow.settled();
    expect(await world.flow.catalog(Contact).get(id)).toMatchObject({ city: 'London' });
    expect(only(system).values).toMatchObject({ name: 'Ada', city: 'London' });
    expect(await conflictsOf(world)).toEqual([]);
  },
);
