/**
 * A hint that comes in while a link is settled must stay. A guard, not a reproduction: updates of 5,000 records were lost under
 * load before links were locked by a statement of its own, but this test passes on that code, too.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database, Queryable } from '../../src/store/database.js';
import { claimLinks } from '../../src/store/links.js';
import { settleLinks } from '../../src/store/settle.js';
import { makeDue } from '../../src/store/marks.js';
import { migrate } from '../../src/store/migrate.js';
import { hubs } from '../setup/hub.js';

/** Enough that the planner joins as it does in earnest. */
const due = Array.from({ length: 300 }, (_, index) => ({
  subscriber: 's/x',
  key: `["${index}"]`,
  lane: 0,
  at: '2026-01-01T00:00:00Z',
  by: null,
  deleted: false,
}));

for (const hub of hubs.filter((one) => one.name !== 'embedded')) {
  describe(`two sessions on ${hub.name}`, () => {
    let db: Database;
    beforeAll(async () => {
      db = await hub.open();
      await migrate(db);
    });
    afterAll(async () => {
      await db.close();
    });

    test('a link that becomes due while it is settled stays due', async () => {
      await db.transaction((tx) => makeDue(tx, due));
      const links = await claimLinks(db, { subscriber: 's/x', limit: 300, owner: 'w', leaseMs: 60_000 });
      expect(links.length).toBe(300);
      let settling: Promise<unknown> | undefined;
      await db.transaction(async (router: Queryable) => {
        await makeDue(router, due);
        settling = db.transaction(
          (tx) =>
            settleLinks(
              tx,
              links.map((link) => ({ link, state: 'linked' as const })),
            ),
          { lockTimeoutMs: 30_000 },
        );
        await waitForBlocked(db);
      });
      await settling;
      expect(
        await db.query(
          'select due_at is not null as due, generation::int, count(*)::int from syncflow.link group by 1, 2',
        ),
      ).toEqual([{ due: true, generation: 2, count: 300 }]);
    });
  });
}

/** Resolves once another session waits for a lock. */
async function waitForBlocked(db: Database): Promise<void> {
  for (;;) {
    const rows = await db.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (rows.length > 0) return;
  }
}
