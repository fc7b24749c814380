/** A copy of production, started under another name, must not write to production's remotes. */
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

  test('it refuses to start, writes nothing, and can be told to take over', async () => {
    const { Contact, MemoryContact } = contactCatalog('copied');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const production = await startOn(db, [Contact], { memory: system }, { environment: 'production' });
    await production.flow.catalog(Contact).save({ name: 'Ada' });
    await settle(production);
    await production.flow.stop();
    await db.query(`update copied set email = 'staging@x'`);
    await expect(startOn(db, [Contact], { memory: system }, { environment: 'staging' })).rejects.toMatchObject({
      code: 'environment',
    });
    expect(system.writes).toBe(1);
    const staging = await startOn(
      db,
      [Contact],
      { memory: system },
      { environment: 'staging', adoptEnvironment: true },
    );
    await settle(staging);
    await expectAgreement(db, 'copied', system);
    await staging.flow.stop();
    await expect(startOn(db, [Contact], { memory: system }, { environment: 'production' })).rejects.toMatchObject({
      code: 'environment',
    });
  });
});
