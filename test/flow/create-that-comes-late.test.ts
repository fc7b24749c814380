/**
 * A create was looked for and not seen; its remote is there when the next create, of the record as it stands by then, is looked for.
 * What the remote shows is what the first one sent: no edit of somebody's.
 */
import { describe, expect, test } from 'vitest';
import type { CreateOperation } from '../../src/subscriber/base.js';
import type { Outcome } from '../../src/subscriber/outcome.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { hubs } from '../setup/hub.js';
import {
  conflictsOf,
  contactCatalog,
  ContactSide,
  MemorySystem,
  only,
  sideCapabilities,
  useStage,
  writesWhenQuiet,
} from './stage.js';

describe.each(hubs)('$name', (hub) => {
  const stage = useStage(hub);

  /** @param meanwhile what somebody edits in the remote that came late, before it is looked for */
  async function world(meanwhile: Record<string, unknown> = {}) {
    const Contact = contactCatalog();
    const system = new MemorySystem();
    let edit: () => Promise<unknown> = async () => undefined;
    const sent: CreateOperation<MemoryObject>[] = [];
    Contact.register(
      class extends ContactSide {
        override async create(operation: CreateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
          sent.push(operation);
          if (sent.length === 1) {
            await edit();
            return { kind: 'unknown', reason: 'no answer' };
          }
          const [first] = sent;
          const values = (first?.values as { values: Record<string, unknown> }).values;
          system.put('late', { ...values, marker: operation.key });
          if (Object.keys(meanwhile).length > 0) system.edit('late', meanwhile);
          return { kind: 'unknown', reason: 'no answer' };
        }
      },
    );
    const started = await stage.start([Contact], { memory: system });
    const contacts = started.flow.catalog(Contact);
    const bob = await contacts.save({ name: 'Bob', city: 'Rome' });
    edit = () => contacts.save({ id: bob.id, name: 'Bob', city: 'Oslo' });
    await started.flow.sync();
    await started.flow.sync();
    expect(sent).toHaveLength(2);
    return { started, contacts, bob, system };
  }

  test('the edit made here in between reaches it', async () => {
    const { started, contacts, bob, system } = await world();
    expect(await contacts.get(bob.id)).toMatchObject({ city: 'Oslo' });
    expect(only(system).values).toMatchObject({ name: 'Bob', city: 'Oslo' });
    expect(await conflictsOf(started)).toEqual([]);
    expect(await writesWhenQuiet(started, [system])).toBe(0);
  });

  test('what somebody made of the first one’s value stands against it in the conflict log', async () => {
    const { started, system } = await world({ city: 'Paris' });
    const [conflict] = await conflictsOf(started);
    expect(conflict).toMatchObject({ unit: 'city', hub: '"Oslo"', remote: '"Paris"' });
    expect(await writesWhenQuiet(started, [system])).toBe(0);
  });

  test.each([true, false])(
    'what somebody has entered there is none of ours: neither value is lost (markers: %s)',
    async (marker) => {
      const Contact = contactCatalog();
      const system = new MemorySystem();
      let creates = 0;
      Contact.register(
        class extends ContactSide {
          override readonly match = ['name'];
          override readonly capabilities = { ...sideCapabilities, marker };
          override async create(): Promise<Outcome<MemoryObject>> {
            creates += 1;
            system.put('theirs', { name: 'Bob', city: 'Lima' });
            return { kind: 'unknown', reason: 'no answer' };
          }
        },
      );
      const started = await stage.start([Contact], { memory: system });
      await started.flow.catalog(Contact).save({ name: 'Bob', city: 'Rome' });
      await started.flow.sync();
      await started.flow.sync();
      expect(creates).toBe(1);
      expect(only(system).id).toBe('theirs');
      const conflicts = await conflictsOf(started);
      expect(conflicts).toMatchObject([{ unit: 'city', hub: '"Rome"', remote: '"Lima"' }]);
    },
  );
});
