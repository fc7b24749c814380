/** A process was killed while it held links under a lease. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.js';
import { hubs } from '../setup/hub.js';
import { contactCatalog, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  test('what it held is free soon where nobody else can be at work, and stays reserved where others can', async () => {
    const { Contact, MemoryContact } = contactCatalog('leased');
    Contact.register(MemoryContact);
    const accounts = { memory: new MemorySystem() };
    const before = await startOn(db, [Contact], accounts, {}, false);
    await before.flow.stop();
    await db.query(
      `insert into syncflow.link (subscriber, key, due_at, lease_owner, lease_until)
       values ('leased/memory', '["1"]', clock_timestamp(), 'the dead', clock_timestamp() + interval '1 hour')`,
    );
    await startOn(db, [Contact], accounts, {}, false);
    const [link] = await db.query<{ seconds: number }>(
      `select extract(epoch from lease_until - clock_timestamp())::float8 as seconds from syncflow.link where key = '["1"]'`,
    );
    if (db.shared) expect(link?.seconds).toBeGreaterThan(3_000);
    else expect(link?.seconds ?? 0).toBeLessThanOrEqual(3);
  });
});
