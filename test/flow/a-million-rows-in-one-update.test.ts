/**
 * One UPDATE of a whole table, on a real Postgres: it waits for nobody, everything of it is written once, and whoever edits meanwhile is
 * not behind it. `SYNCFLOW_MASS_ROWS=1000000` does it in full size.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasPostgres, TestPostgres } from '../setup/hub.js';
import { contactCatalog, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

const rows = Number(process.env['SYNCFLOW_MASS_ROWS'] ?? 5_000);
const withinMs = 60_000 + rows * 2;

describe.skipIf(!hasPostgres)('postgres', { timeout: withinMs * 3 }, () => {
  let db: TestPostgres;
  beforeAll(async () => {
    db = await TestPostgres.create();
  }, 60_000);
  afterAll(() => db.close());

  test(`${rows} rows in one UPDATE, and one that is edited while they are written`, async () => {
    const { Contact, MemoryContact } = contactCatalog('massive');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system }, { batchSize: 200 });
    await db.query(
      `insert into massive (id, name, email) select i, 'N' || i, i || '@x' from generate_series(1, ${rows}) i`,
    );
    await settle(world, withinMs);
    expect(system.objects.size).toBe(rows);

    const written = new Map<string, number>();
    let whenLive: number | undefined;
    let editing: Promise<unknown> | undefined;
    const edit = system.edit.bind(system);
    system.edit = (id, values) => {
      written.set(id, (written.get(id) ?? 0) + 1);
      if (values['email'] === 'live@x') whenLive ??= written.size;
      // somebody edits the last row once the mass is on its way
      if (written.size === 100) editing ??= db.query(`update massive set email = 'live@x' where id = ${rows}`);
      return edit(id, values);
    };
    // a row that the mass doesn't touch: its edit is one of its own
    await db.query(`update massive set city = 'Paris' where id < ${rows}`);
    await settle(world, withinMs);
    await editing;
    await settle(world, withinMs);
    expect(written.size).toBe(rows);
    expect([...written.values()].every((count) => count === 1)).toBe(true);
    expect(whenLive).toBeLessThan(rows);
    expect([...system.objects.values()].filter(({ values }) => values['city'] === 'Paris')).toHaveLength(rows - 1);
    expect(await db.query('select from syncflow.mark limit 1')).toEqual([]);
    expect(
      await db.query('select from syncflow.link where due_at is not null or lease_owner is not null limit 1'),
    ).toEqual([]);
    expect(world.events.filter(({ name }) => name === 'error' || name === 'parked')).toEqual([]);
    await world.flow.stop();
  });
});
