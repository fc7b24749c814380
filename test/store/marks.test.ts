import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.js';
import { claimMarks } from '../../src/store/marks.js';
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
});
