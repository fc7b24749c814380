/** What two sessions do to each other: the hub in memory waits, skips and refuses as Postgres does. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Catalog } from '../../../src/catalog/catalog.js';
import { groundOf } from '../../../src/engine/ground.js';
import { systemClock } from '../../../src/engine/environment.js';
import { sqlState, type Database, type Queryable } from '../../../src/store/database.js';
import { claimEvents, insertEvents, makeSighted } from '../../../src/store/inbox.js';
import { lockAwaited } from '../../../src/store/awaited.js';
import {
  claimLinks,
  deleteLinks,
  findLinks,
  holdsLease,
  lockRecordLinks,
  type Link,
} from '../../../src/store/links.js';
import { settleLinks } from '../../../src/store/settle.js';
import { claimMarks, makeDue } from '../../../src/store/marks.js';
import { HubRows } from '../../../src/store/rows.js';
import { writeSetting } from '../../../src/store/settings.js';
import { MemoryHub } from '../../simulation/memory-hub/hub.js';
import { hasPostgres, TestPostgres } from '../../setup/hub.js';

class Customer extends Catalog({ name: 'customer', key: 'id', fields: { id: z.int(), name: z.string() } }) {}

const hubs: readonly { readonly name: string; readonly open: () => Promise<Database> }[] = [
  { name: 'memory', open: async () => new MemoryHub(systemClock) },
  ...(hasPostgres ? [{ name: 'postgres', open: () => TestPostgres.create() }] : []),
];

/** A transaction that stays open until it is told to end. */
class Session {
  readonly tx: Promise<Queryable>;
  readonly #done: Promise<string>;
  #end: (rollback: boolean) => void = () => undefined;

  constructor(db: Database, lockTimeoutMs?: number) {
    let opened: (tx: Queryable) => void = () => undefined;
    this.tx = new Promise((resolve) => (opened = resolve));
    const end = new Promise<boolean>((resolve) => (this.#end = resolve));
    this.#done = db
      .transaction(
        async (tx) => {
          opened(tx);
          if (await end) throw new Error('rolled back');
        },
        lockTimeoutMs === undefined ? {} : { lockTimeoutMs },
      )
      .then(
        () => 'committed',
        (error: unknown) => sqlState(error) ?? 'rolled back',
      );
  }

  commit(): Promise<string> {
    this.#end(false);
    return this.#done;
  }
  rollback(): Promise<string> {
    this.#end(true);
    return this.#done;
  }
}

/** Whether it is still waiting after a while. */
const waits = (work: Promise<unknown>): Promise<boolean> =>
  Promise.race([
    work.then(
      () => false,
      () => false,
    ),
    new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 150)),
  ]);

const stateOf = (work: Promise<unknown>): Promise<string | undefined> => work.then(() => undefined, sqlState);

const due = (key: string, subscriber = 'customer/a') => ({
  subscriber,
  key,
  lane: 0,
  at: null,
  by: null,
  deleted: false,
});
const claimAll = (db: Queryable) =>
  claimLinks(db, { subscriber: 'customer/a', limit: 10, owner: 'w', leaseMs: 60_000 });

describe.each(hubs)('two sessions on $name', { timeout: 30_000 }, (hub) => {
  let db: Database;
  let rows: HubRows;
  let one: Session;
  let two: Session;
  beforeEach(async () => {
    db = await hub.open();
    const ground = groundOf(db);
    await ground.migrate();
    rows = new HubRows(Customer.definition, await ground.prepareTables(Customer.definition));
    await ground.capture([Customer.definition]);
    one = new Session(db);
    two = new Session(db);
  });
  afterEach(async () => {
    await Promise.all([one.rollback(), two.rollback()]);
    await db.close();
  });

  test('what is not committed is seen by its own session only', async () => {
    await makeDue(await one.tx, [due('["1"]')]);
    const wanted = [{ subscriber: 'customer/a', key: '["1"]' }];
    expect(await findLinks(await one.tx, wanted)).toHaveLength(1);
    expect(await findLinks(await two.tx, wanted)).toHaveLength(0);
    await one.commit();
    expect(await findLinks(await two.tx, wanted)).toHaveLength(1);
  });

  test('a rolled back insert leaves nothing but a gap in the ids', async () => {
    await makeDue(await one.tx, [due('["1"]')]);
    await one.rollback();
    await makeDue(db, [due('["2"]')]);
    const [link] = await claimAll(db);
    expect([link?.key, link?.id]).toEqual(['["2"]', '2']);
  });

  test('a claim skips what somebody has locked', async () => {
    await makeDue(db, [due('["1"]'), due('["2"]')]);
    await lockRecordLinks(await one.tx, 'customer/a', ['["1"]']);
    expect((await claimAll(await two.tx)).map((link) => link.key)).toEqual(['["2"]']);
  });

  test('a link that gives way while its lock is waited for is found in the one that takes its place', async () => {
    await makeDue(db, [due('["1"]')]);
    await makeSighted(db, [{ subscriber: 'customer/a', remoteId: 'r1', lane: 0, gone: false, at: null }]);
    const links = await claimAll(db);
    const own = links.find((link) => link.key !== undefined) as Link;
    const stranger = links.find((link) => link.key === undefined) as Link;
    const tx = await one.tx;
    await deleteLinks(tx, [own.id]);
    await settleLinks(tx, [{ link: stranger, key: '["1"]', state: 'linked' }]);
    const standing = lockAwaited(await two.tx, [{ name: 'n', subscriber: 'customer/a', key: '["1"]' }]);
    expect(await waits(standing)).toBe(true);
    await one.commit();
    expect([...(await standing)]).toEqual([['n', 'ready']]);
  });

  test('two inserts of one key: the second waits, then changes what the first has made', async () => {
    await makeDue(await one.tx, [due('["1"]')]);
    const second = makeDue(await two.tx, [due('["1"]')]);
    expect(await waits(second)).toBe(true);
    await one.commit();
    await second;
    await two.commit();
    expect((await claimAll(db)).map((link) => link.generation)).toEqual(['2']);
  });

  test('and inserts its own where the first is rolled back', async () => {
    await makeDue(await one.tx, [due('["1"]')]);
    const second = makeDue(await two.tx, [due('["1"]')]);
    expect(await waits(second)).toBe(true);
    await one.rollback();
    await second;
    await two.commit();
    expect((await claimAll(db)).map((link) => link.generation)).toEqual(['1']);
  });

  test('a unique value that another session is about to take: a wait, then 23505', async () => {
    await makeDue(db, [due('["1"]')]);
    const [link] = await claimAll(db);
    if (link === undefined) throw new Error('nothing to claim');
    await makeSighted(await one.tx, [{ subscriber: 'customer/a', remoteId: 'r1', lane: 0, gone: false, at: null }]);
    const second = stateOf(settleLinks(await two.tx, [{ link, state: 'linked', remoteId: 'r1' }]));
    expect(await waits(second)).toBe(true);
    await one.commit();
    expect(await second).toBe('23505');
    expect(await stateOf(findLinks(await two.tx, [{ subscriber: 'customer/a', key: '["1"]' }]))).toBe('25P02');
  });

  test('whoever waited for a row judges by what it is now', async () => {
    await makeDue(db, [due('["1"]')]);
    const [link] = await claimAll(db);
    if (link === undefined) throw new Error('nothing to claim');
    await makeDue(await one.tx, [due('["1"]')]);
    const settling = settleLinks(await two.tx, [{ link, state: 'linked', remoteId: 'r1' }]);
    expect(await waits(settling)).toBe(true);
    await one.commit();
    expect(await settling).toEqual(new Set([link.id]));
    await two.commit();
    // the hint that came in meanwhile keeps it due
    expect((await claimAll(db)).map((again) => again.remoteId)).toEqual(['r1']);
  });

  test('a lease that went to another worker is no longer held', async () => {
    await makeDue(db, [due('["1"]')]);
    const [old] = await claimLinks(db, { subscriber: 'customer/a', limit: 1, owner: 'w', leaseMs: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const [link] = await claimAll(db);
    if (old === undefined || link === undefined) throw new Error('nothing to claim');
    expect([await holdsLease(await one.tx, old), await holdsLease(await one.tx, link)]).toEqual([false, true]);
    expect(await settleLinks(await one.tx, [{ link: old, state: 'linked' }])).toEqual(new Set());
  });

  test('marks are claimed as they are committed, not in the order of their ids', async () => {
    await rows.write(await one.tx, { name: 'first' }, undefined);
    await rows.write(db, { name: 'second' }, undefined);
    const keys = async (): Promise<(string | null)[]> =>
      (await db.transaction((tx) => claimMarks(tx, ['customer'], 10))).map((mark) => mark.key);
    expect(await keys()).toEqual(['["2"]']);
    await one.commit();
    expect(await keys()).toEqual(['["1"]']);
  });

  test('one router at a time', async () => {
    await rows.write(db, { name: 'x' }, undefined);
    expect(await claimMarks(await one.tx, ['customer'], 10)).toHaveLength(1);
    expect(await claimMarks(await two.tx, ['customer'], 10)).toHaveLength(0);
    await one.rollback();
    expect(await claimMarks(await two.tx, ['customer'], 10)).toHaveLength(1);
  });

  test('a locked row of a catalog: a load that locks waits, and sees what was committed', async () => {
    const key = await rows.write(db, { name: 'old' }, undefined);
    await rows.write(await one.tx, { id: 1, name: 'new' }, { id: 1, name: 'old' });
    expect((await rows.load(await two.tx, [key])).get(key)).toMatchObject({ name: 'old' });
    const loading = rows.load(await two.tx, [key], { lock: 'all' });
    expect(await waits(loading)).toBe(true);
    await one.commit();
    expect((await loading).get(key)).toMatchObject({ name: 'new' });
  });

  test('a load of free rows passes over what somebody has locked, and locks the others', async () => {
    const keys = [await rows.write(db, { name: 'a' }, undefined), await rows.write(db, { name: 'b' }, undefined)];
    await rows.write(await one.tx, { id: 1, name: 'new' }, { id: 1, name: 'a' });
    expect([...(await rows.load(await two.tx, keys, { lock: 'free' })).keys()]).toEqual([keys[1]]);
    const writing = rows.write(await one.tx, { id: 2, name: 'new' }, { id: 2, name: 'b' });
    expect(await waits(writing)).toBe(true);
    await two.commit();
    await writing;
  });

  test('a row that was deleted while its lock was waited for is not there', async () => {
    const key = await rows.write(db, { name: 'old' }, undefined);
    await rows.remove(await one.tx, key);
    const loading = rows.load(await two.tx, [key], { lock: 'all' });
    expect(await waits(loading)).toBe(true);
    await one.commit();
    expect((await loading).size).toBe(0);
  });

  test('events that somebody routes are skipped, and come back with a rollback', async () => {
    const event = { id: 'e1', remoteId: 'r1', kind: 'changed' } as const;
    expect(await insertEvents(db, [{ subscriber: 'customer/a', event }])).toHaveProperty('size', 1);
    expect(await insertEvents(db, [{ subscriber: 'customer/a', event }])).toHaveProperty('size', 0);
    expect(await claimEvents(await one.tx, ['customer/a'], 10)).toHaveLength(1);
    expect(await claimEvents(await two.tx, ['customer/a'], 10)).toHaveLength(0);
    await one.rollback();
    expect(await claimEvents(await two.tx, ['customer/a'], 10)).toHaveLength(1);
  });

  test('two that wait for each other: one of them is told so', async () => {
    await writeSetting(db, 'x', '0');
    await writeSetting(db, 'y', '0');
    await writeSetting(await one.tx, 'x', '1');
    await writeSetting(await two.tx, 'y', '2');
    const states = [
      stateOf(writeSetting(await one.tx, 'y', '1')),
      stateOf(writeSetting(await two.tx, 'x', '2')),
    ] as const;
    const loser = await Promise.race(states.map(async (state, index) => ({ state: await state, index })));
    expect(loser.state).toBe('40P01');
    await (loser.index === 0 ? one : two).rollback();
    expect(await states[loser.index === 0 ? 1 : 0]).toBe(undefined);
  });

  test('a wait ends with the time that the transaction allows for it', async () => {
    await makeDue(db, [due('["1"]')]);
    await lockRecordLinks(await one.tx, 'customer/a', ['["1"]']);
    const hasty = new Session(db, 200);
    expect(await stateOf(lockRecordLinks(await hasty.tx, 'customer/a', ['["1"]']))).toBe('55P03');
    expect(await hasty.rollback()).toBe('rolled back');
  });
});
