import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.js';
import { hubs } from '../setup/hub.js';
import { contactCatalog, expectAgreement, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  async function editedHere(name: string, there: Record<string, unknown>) {
    const { Contact, MemoryContact } = contactCatalog(name);
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    const { flow } = world;
    const ada = await flow.catalog(Contact).save({ name: 'Ada', email: 'a@x' });
    await settle(world);
    await flow.pause(`${name}/memory`);
    const [id = ''] = system.objects.keys();
    system.edit(id, there);
    await flow.catalog(Contact).save({ id: ada.id, email: 'b@x' });
    await flow.sync();
    await flow.resume(`${name}/memory`);
    await settle(world);
    return { system, values: system.objects.get(id)?.values };
  }

  test('different fields, edited here and there: both edits arrive', async () => {
    const { system, values } = await editedHere('both_edited', { city: 'London' });
    expect(values).toMatchObject({ email: 'b@x', city: 'London' });
    await expectAgreement(db, 'both_edited', system);
  });

  // Also our own echo is such an event. The look finds nothing to apply and settles the link with nothing due: owes() (apply.ts)
  // doesn't count a unit that only the hub changed, whose pair still has its old `h`.
  test('an edit here arrives although the same pass begins with a look that brings nothing new', async () => {
    const { system, values } = await editedHere('owed', {});
    expect(values).toMatchObject({ email: 'b@x' });
    await expectAgreement(db, 'owed', system);
  });
});
