import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.js';
import { bulkIds, claimMarks } from '../../src/store/marks.js';
import { hintsToRoute } from '../../src/store/inbox.js';
import { migrate } from '../../src/store/migrate.js';
import { hubs } from '../setup/hub.js';

describe.each(hubs)('marks on $name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
    await migrate(db);
  }, 60_000);
  afterAll(() => db.close());

  test('a statement that changed keys is claimed as a whole, even beyond the limit', async () => {
    await db.execute(`
      insert into syncflow.mark (catalog, key, op) values ('thing', 'first', 'U');
      insert into syncflow.mark (catalog, key, op, old_key, statement) select 'thing', 'new ' || n, 'K', 'old ' || n, 'one' from generate_series(1, 20) n;
      insert into syncflow.mark (catalog, key, op) values ('thing', 'later', 'U');
      insert into syncflow.mark (catalog, key, op, old_key, statement) values ('thing', 'x', 'K', 'y', 'another')`);
    const claim = async () => {
      const marks = await db.transaction((tx) => claimMarks(tx, ['thing'], 3));
      return [marks.length, marks[0]?.key, marks.at(-1)?.key];
    };
    expect(await claim()).toEqual([21, 'first', 'new 20']);
    expect(await claim()).toEqual([2, 'later', 'x']);
    expect(await claim()).toEqual([0, undefined, undefined]);
  });

  test('those of a mass UPDATE come last, and can be left for later', async () => {
    await db.execute(`
      insert into syncflow.mark (id, catalog, key, op) values (${bulkIds} + 1, 'mass', 'bulk', 'U');
      insert into syncflow.mark (catalog, key, op) values ('mass', 'live', 'U')`);
    const claim = async (which?: 'live') =>
      (await db.transaction((tx) => claimMarks(tx, ['mass'], 1, which))).map(({ key, bulk }) => [key, bulk]);
    expect(await hintsToRoute(db, ['mass'], [])).toEqual({ marks: true, bulk: true, events: false });
    expect(await claim('live')).toEqual([['live', false]]);
    expect(await claim('live')).toEqual([]);
    expect(await claim()).toEqual([['bulk', true]]);
    expect(await hintsToRoute(db, ['mass'], [])).toEqual({ marks: false, bulk: false, events: false });
  });
});
