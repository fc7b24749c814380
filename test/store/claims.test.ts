import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.js';
import { makeSighted } from '../../src/store/inbox.js';
import { insertIntents, type IntentBody } from '../../src/store/intents.js';
import { claimLinks, releaseLeases, type Link } from '../../src/store/links.js';
import { settleLinks } from '../../src/store/settle.js';
import { noteListed, queueRecords } from '../../src/store/listed.js';
import { makeDue } from '../../src/store/marks.js';
import { migrate } from '../../src/store/migrate.js';
import { finishRun, openRun } from '../../src/store/runs.js';
import { hubs } from '../setup/hub.js';

describe.each(hubs)('claims on $name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
    await migrate(db);
  }, 60_000);
  afterAll(() => db.close());

  const claim = (): Promise<Link[]> =>
    claimLinks(db, { subscriber: 'customer/a', limit: 10, owner: 'w', leaseMs: 60_000 });

  // a worker was killed while it created a remote, and a load has listed what came of it: that remote waits for the create to be
  // resolved, so the create must not wait for the remote
  test('a record whose create is open is claimed although a remote of the load waits to be judged', async () => {
    await makeDue(db, [{ subscriber: 'customer/a', key: '["1"]', lane: 0, at: null, by: null, deleted: false }]);
    const [link] = await claim();
    if (link === undefined) throw new Error('nothing to claim');
    const body = { key: '["1"]', known: {}, draft: {}, base: {} } as unknown as IntentBody;
    await insertIntents(db, [{ link, kind: 'create', idempotencyKey: 'i1', body }]);
    await releaseLeases(db, [link]);
    await makeSighted(db, [{ subscriber: 'customer/a', remoteId: 'r1', lane: 0, gone: false, at: null }]);
    await makeDue(db, [{ subscriber: 'customer/a', key: '["2"]', lane: 0, at: null, by: null, deleted: false }]);
    const run = await openRun(db, 'customer/a', 'backfill', {}, 'first');
    await finishRun(db, run?.id ?? '');
    // the record without a create waits until the remote is judged
    expect((await claim()).map((one) => one.key ?? one.remoteId).sort()).toEqual(['["1"]', 'r1']);
  });

  // a request that was paused past its lease is answered late: the link by which its remote is known is all that tells of a twin
  test('who has lost a lease settles nothing, and takes no link of the remote that it names', async () => {
    await makeDue(db, [{ subscriber: 'customer/b', key: '["1"]', lane: 0, at: null, by: null, deleted: false }]);
    const claimB = async (): Promise<Link> => {
      const [link] = await claimLinks(db, { subscriber: 'customer/b', limit: 1, owner: 'w', leaseMs: 60_000 });
      if (link === undefined) throw new Error('nothing to claim');
      return link;
    };
    const lost = await claimB();
    await releaseLeases(db, [lost]);
    const held = await claimB();
    await makeSighted(db, [{ subscriber: 'customer/b', remoteId: 'late', lane: 0, gone: false, at: null }]);
    const settle = (link: Link): Promise<Set<string>> =>
      db.transaction((tx) => settleLinks(tx, [{ link, state: 'linked', remoteId: 'late' }]));
    const remotes = () =>
      db.query(`select key, remote_id from syncflow.link where subscriber = 'customer/b' order by id`);
    expect(await settle(lost)).toEqual(new Set());
    expect(await remotes()).toEqual([
      { key: '["1"]', remote_id: null },
      { key: null, remote_id: 'late' },
    ]);
    expect(await settle(held)).toEqual(new Set([held.id]));
    expect(await remotes()).toEqual([{ key: '["1"]', remote_id: 'late' }]);
  });

  // between the two listings it was edited, and the feed has forgotten that: only the second listing shows it
  test('what a later listing shows is looked at: what an earlier one showed of it is forgotten', async () => {
    const list = async (name: string): Promise<void> => {
      const run = await openRun(db, 'customer/d', 'backfill', {}, 'anew');
      const shown = { subscriber: 'customer/d', remoteId: 'r1', look: true, claims: null };
      await noteListed(db, run?.id ?? '', [{ ...shown, sight: { name } }]);
      await finishRun(db, run?.id ?? '');
    };
    await list('Ada');
    await list('Ada Lovelace');
    const [link] = await claimLinks(db, { subscriber: 'customer/d', limit: 1, owner: 'w', leaseMs: 60_000 });
    expect(link).toMatchObject({ remoteId: 'r1', look: true, sight: undefined });
  });

  // a rescan that runs between the change of a key and its routing would give the record a second link, and a second remote
  test('a record whose change of key isn’t routed yet is left to that', async () => {
    await db.query(
      `insert into syncflow.mark (catalog, key, op, old_key, statement) values ('customer', '["8"]', 'K', '["7"]', 's1')`,
    );
    const queue = (catalog: string): Promise<void> =>
      queueRecords(db, { subscriber: `${catalog}/c`, catalog }, ['["8"]', '["9"]'], false);
    await queue('customer');
    await queue('order');
    expect(
      await db.query(`select subscriber, key from syncflow.link where subscriber like '%/c' order by subscriber, key`),
    ).toEqual([
      { subscriber: 'customer/c', key: '["9"]' },
      { subscriber: 'order/c', key: '["8"]' },
      { subscriber: 'order/c', key: '["9"]' },
    ]);
  });
});
