/** Random calls of the store, to be made on two hubs alike. */
import fc from 'fast-check';
import type { Binding } from '../../../src/engine/binding.js';
import { overBrake } from '../../../src/outward/brake.js';
import { lockAwaited, wakeWaiting } from '../../../src/store/awaited.js';
import { inCircle, wakeCircles } from '../../../src/store/circles.js';
import type { Database, Queryable } from '../../../src/store/database.js';
import { insertConflicts, insertHistory } from '../../../src/store/history.js';
import * as drift from '../../../src/store/drift.js';
import * as decisions from '../../../src/store/decisions.js';
import * as heldChanges from '../../../src/store/held.js';
import * as inbox from '../../../src/store/inbox.js';
import * as intents from '../../../src/store/intents.js';
import * as links from '../../../src/store/links.js';
import * as listed from '../../../src/store/listed.js';
import * as marks from '../../../src/store/marks.js';
import * as overview from '../../../src/store/overview.js';
import * as referred from '../../../src/store/referred.js';
import * as resolutions from '../../../src/store/resolutions.js';
import { pruneTable } from '../../../src/store/prune.js';
import * as runs from '../../../src/store/runs.js';
import * as settle from '../../../src/store/settle.js';
import * as settings from '../../../src/store/settings.js';
import * as witnesses from '../../../src/store/witnesses.js';

/** What earlier commands have found, the same on both hubs. */
export interface Known {
  readonly claimed: links.Link[];
  readonly intents: intents.Intent[];
  readonly runs: string[];
  readonly events: string[];
}

export interface Command {
  readonly name: string;
  /** For whoever reads a failure. */
  readonly show: string;
  /** It opens transactions of its own; any other is in one. */
  readonly opensOwn: boolean;
  /** What it returns must be the same on both. */
  readonly run: (tx: Queryable, db: Database, known: Known) => Promise<unknown>;
}

const subscriber = fc.constantFrom('customer/a', 'customer/b');
const key = fc.constantFrom('["1"]', '["2"]', '["3"]', '["4"]');
const remoteId = fc.constantFrom('r1', 'r2', 'r3', 'r4');
const lane = fc.integer({ min: 0, max: 2 });
const at = fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T00:00:03.123456Z', '2026-01-01 00:01:00.5+00');
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { freq: 3 });
const few = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(arbitrary, { minLength: 1, maxLength: 3 });
const distinct = <T extends object>(arbitrary: fc.Arbitrary<T>, nameOf: (one: T) => unknown): fc.Arbitrary<T[]> =>
  fc.uniqueArray(arbitrary, { minLength: 1, maxLength: 3, selector: (one) => JSON.stringify(nameOf(one)) });
/** The limit is never reached: which of several rows that are alike a claim takes is nobody's promise. */
const all = 100;

function command<T>(name: string, given: fc.Arbitrary<T>, run: (given: T) => Command['run']): fc.Arbitrary<Command> {
  return given.map((values) => ({
    name,
    opensOwn: name === 'runs' || name === 'openFirstRuns',
    run: run(values),
    show: `${name} ${JSON.stringify(values)}`,
    toString: () => `${name} ${JSON.stringify(values)}`,
  }));
}

const byKey = distinct(fc.record({ subscriber, key }), (one) => [one.subscriber, one.key]);
const byRemote = distinct(fc.record({ subscriber, remoteId }), (one) => [one.subscriber, one.remoteId]);

const dueCommands = [
  command(
    'makeDue',
    distinct(
      fc.record({
        subscriber,
        key,
        lane,
        at: maybe(at),
        by: maybe(fc.constantFrom('customer/a', '@app')),
        deleted: fc.boolean(),
      }),
      (one) => [one.subscriber, one.key],
    ),
    (rows) => (tx) => marks.makeDue(tx, rows),
  ),
  command(
    'makeSighted',
    distinct(
      fc.record({
        subscriber,
        remoteId,
        lane,
        gone: fc.boolean(),
        at: maybe(at),
        later: fc.boolean(),
        claims: fc.option(fc.constant('key ["1"]'), { nil: undefined }),
      }),
      (one) => [one.subscriber, one.remoteId],
    ),
    (rows) => (tx) => inbox.makeSighted(tx, rows),
  ),
  command('makeLooked', byKey, (rows) => async (tx) => [...(await inbox.makeLooked(tx, rows))].sort()),
  command(
    'queueRecords',
    fc.tuple(subscriber, fc.uniqueArray(key, { minLength: 1 }), fc.boolean()),
    ([id, ...given]) =>
      (tx) =>
        listed.queueRecords(tx, { subscriber: id, catalog: id.split('/')[0] ?? '' }, ...given),
  ),
  command(
    'noteListed',
    distinct(
      fc.record({ subscriber, remoteId, look: fc.boolean(), sight: maybe(fc.constant({ a: 1 })), claims: maybe(key) }),
      (one) => [one.subscriber, one.remoteId],
    ),
    (rows) => (tx, _db, known) => listed.noteListed(tx, known.runs.at(-1) ?? '1', rows),
  ),
  command(
    'lookAtUnlisted',
    subscriber,
    (one) => (tx, _db, known) => listed.lookAtUnlisted(tx, one, known.runs.at(-1) ?? '1'),
  ),
  command(
    'noteDecisions',
    fc.tuple(subscriber, remoteId, key, fc.boolean()),
    ([one, remote, record, isRemote]) =>
      (tx) =>
        decisions.noteDecisions(tx, [
          {
            subscriber: one,
            ...(isRemote ? { remoteId: remote } : { key: record }),
            planned: { by: 'person', do: 'link', key: record },
          },
        ]),
  ),
  command(
    'findDecided',
    fc.tuple(subscriber, remoteId, key),
    ([one, remote, record]) =>
      (tx) =>
        decisions.findDecided(tx, one, { remoteId: remote, key: record }),
  ),
  command('claimants', fc.tuple(subscriber, few(key)), (given) => (tx) => listed.claimants(tx, ...given)),
  command(
    'pairedRemotes',
    fc.tuple(subscriber, fc.integer({ min: 1, max: 3 })),
    (given) => (tx) => witnesses.pairedRemotes(tx, ...given),
  ),
  command(
    'witnessesComing',
    fc.tuple(subscriber, fc.integer({ min: 1, max: 6 }).map(String)),
    (given) => (tx) => witnesses.witnessesComing(tx, ...given),
  ),
  command('makeAllDue', few(subscriber), (given) => (tx) => marks.makeAllDue(tx, given)),
  command(
    'holdTruncated',
    fc.tuple(few(subscriber), at),
    ([some, when]) =>
      (tx) =>
        marks.holdTruncated(tx, some, when),
  ),
  command(
    'releaseKeys',
    fc.tuple(few(subscriber), fc.option(few(key), { nil: undefined })),
    (given) => (tx) => marks.releaseKeys(tx, ...given),
  ),
  command(
    'moveKeys',
    fc.tuple(
      fc.uniqueArray(subscriber, { minLength: 1 }),
      fc.shuffledSubarray(['["1"]', '["2"]', '["3"]'], { minLength: 2 }),
    ),
    ([some, keys]) =>
      (tx) =>
        marks.moveKeys(
          tx,
          some,
          keys.map((from, index) => ({ from, to: keys[(index + 1) % keys.length] ?? from })),
        ),
  ),
];

const pairs = fc.constantFrom(
  { units: {} },
  { units: { name: { h: 'x', r: 'y' } } },
  { units: {}, children: { lines: { '["7"]': { id: 'l7', units: { about: { h: 'x', r: 'y' } } } } } },
);
const settlement = fc.record(
  {
    state: fc.constantFrom('new', 'linked', 'gone', 'excluded'),
    key: maybe(key),
    remoteId: maybe(remoteId),
    version: maybe(fc.constant('v1')),
    shadow: pairs,
    look: fc.boolean(),
    flips: fc.constant({ name: [{ value: 'd', atMs: 5 }] }),
    claims: key,
    dueInMs: fc.constantFrom(0, 200.5, 4_000),
    waitsFor: fc.oneof(
      fc.tuple(subscriber, key).map((given) => given.join(':')),
      fc.tuple(subscriber, remoteId).map((given) => given.join('@')),
    ),
    parked: fc.record({
      code: fc.constantFrom('truncate', 'brake', 'brake-updates', 'loop', 'delete-conflict'),
      reason: fc.constant('so'),
    }),
    failed: fc.constant('it failed'),
    proof: fc.constantFrom('there', 'deleted'),
    forget: fc.constant(true),
  },
  { requiredKeys: [] },
);

const linkCommands = [
  command(
    'claimLinks',
    fc.tuple(subscriber, fc.constantFrom(500, 20_000), fc.boolean()),
    ([one, leaseMs, isUrgent]) =>
      async (tx) => {
        const claim = { subscriber: one, limit: all, owner: 'w1', leaseMs };
        return inIdOrder(await links.claimLinks(tx, isUrgent ? { ...claim, mostLane: 0 } : claim));
      },
  ),
  command(
    'renewLeases',
    fc.constant(9_000),
    (ms) => async (tx, _db, known) => [...(await links.renewLeases(tx, known.claimed, ms))].sort(),
  ),
  command('shortenLeases', fc.constant(1_000), (ms) => (tx) => links.shortenLeases(tx, ms)),
  command('releaseLeases', fc.boolean(), () => (tx, _db, known) => links.releaseLeases(tx, known.claimed)),
  command('holdsLease', fc.nat(9), (which) => async (tx, _db, known) => {
    const link = known.claimed[which % known.claimed.length];
    return link === undefined ? undefined : links.holdsLease(tx, link);
  }),
  command('holdLeases', fc.boolean(), () => async (tx, _db, known) => [...(await links.holdLeases(tx, known.claimed))]),
  command('settleLinks', few(fc.tuple(fc.nat(9), settlement)), (given) => async (tx, _db, known) => {
    const chosen = new Map(given.map(([which, one]) => [known.claimed[which % known.claimed.length], one]));
    const some = [...chosen].flatMap(([link, one]) =>
      link === undefined ? [] : [{ ...one, link } as settle.Settlement],
    );
    return [...(await settle.settleLinks(tx, some))].sort();
  }),
  // seldom by chance: a remote that was deleted with its record, so that what is told of it later meets a tombstone
  command('bury', fc.tuple(subscriber, remoteId, fc.boolean()), ([one, id, isParked]) => async (tx) => {
    await inbox.makeSighted(tx, [{ subscriber: one, remoteId: id, lane: 0, gone: false, at: null }]);
    const claimed = await links.claimLinks(tx, { subscriber: one, limit: all, owner: 'w2', leaseMs: 500 });
    const parked = isParked ? { parked: { code: 'twin', reason: 'so' } as const } : {};
    const ended = claimed.map((link) => ({ link, state: 'gone', key: null, proof: 'deleted', ...parked }) as const);
    return [...(await settle.settleLinks(tx, ended))].sort();
  }),
  command(
    'findLinks',
    fc.tuple(byKey, byRemote),
    ([keys, ids]) =>
      async (tx) =>
        inIdOrder(await links.findLinks(tx, [...keys, ...ids])),
  ),
  command('lockRecordLinks', fc.tuple(subscriber, few(key)), (given) => async (tx) => [
    ...(await links.lockRecordLinks(tx, ...given)),
  ]),
  command(
    'lockAwaited',
    fc.tuple(byKey, byRemote),
    ([keys, ids]) =>
      async (tx) =>
        [
          ...(await lockAwaited(
            tx,
            [...keys, ...ids].map((one, index) => ({ ...one, name: `n${index}` })),
          )),
        ].sort(),
  ),
  command(
    'wakeWaiting',
    few(fc.tuple(subscriber, key)),
    (given) => (tx) =>
      wakeWaiting(
        tx,
        given.map((one) => one.join(':')),
      ),
  ),
  command(
    'wakeReferrers',
    few(
      fc.record({
        own: subscriber,
        key,
        remoteId,
        subscriber,
        holder: fc.constantFrom(
          { unit: 'name' },
          { unit: 'about', child: 'lines' },
          { unit: 'other', child: 'others' },
        ),
        text: fc.constantFrom('x', 'z', null),
      }),
    ),
    (given) => (tx) =>
      referred.wakeReferrers(
        tx,
        given.map(({ holder, ...one }) => ({ ...one, ...holder })),
      ),
  ),
  command('circles', fc.tuple(subscriber, key, key), ([one, own, awaited]) => async (tx) => {
    const waiters = [{ id: '1', own: `${one}:${own}`, awaited: `${one}:${awaited}` }];
    await wakeCircles(tx, waiters);
    return [...(await inCircle(tx, waiters))];
  }),
  command('setPaused', fc.tuple(subscriber, key, fc.boolean()), (given) => (tx) => overview.setPaused(tx, ...given)),
  command(
    'retryParked',
    fc.tuple(
      fc.option(subscriber, { nil: undefined }),
      fc.boolean(),
      fc.constantFrom(undefined, ['so'], ['other'], []),
    ),
    ([one, held, given]) =>
      (tx) =>
        overview.retryParked(tx, { subscriber: one, held, reasons: given }),
  ),
  command('releaseHeld', subscriber, (given) => (tx) => heldChanges.releaseHeld(tx, given, '@ada')),
  command(
    'settleHeld',
    fc.tuple(fc.integer({ min: 1, max: 12 }), fc.boolean(), fc.boolean()),
    (given) => async (tx) => {
      const [id, look, excluded] = given;
      const one = await heldChanges.lockHeld(tx, String(id));
      if (one !== undefined) await heldChanges.settleHeld(tx, one.id, { shadow: one.shadow, look, excluded });
      return one;
    },
  ),
  command('resolve', fc.integer({ min: 1, max: 12 }), (id) => async (tx) => {
    const conflict = await resolutions.lockConflict(tx, String(id));
    await resolutions.markResolved(tx, String(id), { taken: 'value', value: 'x', by: 'ada' });
    return conflict;
  }),
  command('createAgain', fc.integer({ min: 1, max: 12 }), (id) => (tx) => overview.createAgain(tx, String(id))),
];

const inIdOrder = <T extends { readonly id: string }>(list: readonly T[]): T[] =>
  [...list].sort((a, b) => Number(a.id) - Number(b.id));

const kind = fc.constantFrom('create', 'update', 'delete');
const hintCommands = [
  command('insertIntents', few(fc.tuple(fc.nat(9), kind, fc.nat(200))), (given) => async (tx, _db, known) => {
    const some = given.flatMap(([which, what, name]): intents.NewIntent[] => {
      const link = known.claimed[which % known.claimed.length];
      const body = { key: '["1"]', known: {}, draft: { kind: what }, base: {} } as unknown as intents.IntentBody;
      return link === undefined ? [] : [{ link, kind: what, idempotencyKey: `i${name}`, body }];
    });
    // one by one: in which order several of one call get their ids is nobody's promise
    const made: [string, intents.Intent][] = [];
    for (const intent of some) made.push(...(await intents.insertIntents(tx, [intent])));
    return made;
  }),
  command(
    'openIntents',
    fc.boolean(),
    () => async (tx, _db, known) =>
      [...(await intents.openIntents(tx, known.claimed))].sort(([a], [b]) => Number(a) - Number(b)),
  ),
  command('saveSteps', fc.nat(9), (which) => async (tx, _db, known) => {
    const intent = known.intents[which % known.intents.length];
    const link = known.claimed.find((one) => one.id === intent?.linkId);
    if (intent === undefined || link === undefined) return undefined;
    const step = { name: 's', key: 'k', body: { a: [1] }, done: true, result: null };
    return [await intents.saveSteps(tx, intent, link, [step]), await intents.hasSteps(tx, intent)];
  }),
  command('closeIntents', fc.tuple(fc.nat(9), fc.boolean()), ([which, seen]) => (tx, _db, known) => {
    const intent = known.intents[which % known.intents.length];
    const outcome = seen ? 'done' : intents.notSeen;
    return intents.closeIntents(tx, intent === undefined ? [] : [{ id: intent.id, outcome }]);
  }),
  command('unseenCreates', subscriber, (one) => (tx) => intents.unseenCreates(tx, one)),
  command(
    'unseenWrites',
    fc.tuple(fc.array(fc.nat(9), { maxLength: 3 }), fc.constantFrom('create', 'update')),
    ([which, kind]) =>
      async (tx, _db, known) => {
        const ids = which.flatMap((one) => known.intents[one % known.intents.length]?.linkId ?? []);
        return [...(await intents.unseenWrites(tx, ids, kind))].sort();
      },
  ),
  command('markUnknown', fc.nat(9), (which) => (tx, _db, known) => {
    const intent = known.intents[which % known.intents.length];
    return intents.markUnknown(tx, intent === undefined ? [] : [intent.id]);
  }),
  command('countMissed', fc.nat(), (which) => (tx, _db, known) => {
    const intent = known.intents[which % known.intents.length];
    return intents.countMissed(tx, intent === undefined ? [] : [intent.id]);
  }),
  command(
    'openCreate',
    fc.tuple(subscriber, fc.option(at, { nil: undefined })),
    (given) => (tx) => intents.openCreate(tx, ...given),
  ),
  command(
    'intentsByCause',
    few(fc.nat(20)),
    (given) => async (tx) =>
      [
        ...(await intents.intentsByCause(
          tx,
          given.map((name) => `i${name}.step`),
        )),
      ].sort(([a], [b]) => (a < b ? -1 : 1)),
  ),
  command(
    'insertEvents',
    few(fc.tuple(subscriber, fc.nat(6), remoteId, lane, maybe(at))),
    (given) => async (tx) =>
      [
        ...(await inbox.insertEvents(
          tx,
          given.map(([one, id, remote, urgent, when]) => ({
            subscriber: one,
            lane: urgent,
            event: {
              id: `e${id}`,
              remoteId: remote,
              kind: 'changed' as const,
              ...(when === null ? {} : { at: when, snapshot: { n: [1, 'x'] } }),
            },
          })),
        )),
      ].sort(),
  ),
  command('claimEvents', few(subscriber), (given) => (tx) => inbox.claimEvents(tx, given, all)),
  command(
    'settleEvents',
    few(fc.tuple(fc.integer({ min: 1, max: 9 }), maybe(at))),
    (given) => (tx) =>
      inbox.settleEvents(
        tx,
        [...new Map(given)].map(([id, when]) => ({ id: String(id), payload: when === null ? {} : { at: when } })),
      ),
  ),
  command(
    'knownEvents',
    fc.tuple(subscriber, few(fc.nat(6))),
    ([one, given]) =>
      async (tx) =>
        [
          ...(await inbox.knownEvents(
            tx,
            one,
            given.map((id) => `e${id}`),
          )),
        ].sort(),
  ),
  command(
    'cursors',
    fc.tuple(subscriber, fc.constantFrom('x', 'y'), fc.boolean()),
    ([one, value, drops]) =>
      async (tx) => {
        const before = await inbox.readCursor(tx, one, 'c');
        if (drops) return [before, await inbox.dropCursor(tx, one, 'c', value)];
        await inbox.writeCursor(tx, one, 'c', value);
        return [before];
      },
  ),
];

const brake = {
  id: 'customer/a',
  brake: { windowSeconds: 60, count: 1, share: 0.1, updates: { count: 0, share: 0 } },
} as unknown as Binding;
const recordCommands = [
  command(
    'history',
    few(fc.tuple(subscriber, maybe(key), fc.constantFrom('deleted', 'record-updated'))),
    (given) => (tx) =>
      insertHistory(
        tx,
        given.map(([one, named, event]) => ({
          subscriber: one,
          key: named ?? undefined,
          remoteId: undefined,
          event: event as 'deleted',
          detail: { units: ['name'] },
        })),
      ),
  ),
  command('conflicts', fc.nat(9), (which) => (tx, _db, known) => {
    const link = known.claimed[which % known.claimed.length];
    const conflict = { unit: 'name', base: null, hub: 'a', remote: ['b'], winner: 'hub', rule: 'latest' };
    return link === undefined
      ? Promise.resolve()
      : insertConflicts(tx, [{ link, key: link.key, conflicts: [conflict as never] }]);
  }),
  command(
    'brake',
    fc.record({
      direction: fc.constantFrom('outward' as const, 'inward' as const),
      operation: fc.constantFrom('delete' as const, 'update' as const),
      keys: fc.uniqueArray(key, { maxLength: 3 }),
    }),
    ({ keys, ...change }) =>
      (tx) =>
        overBrake(
          tx,
          brake,
          change,
          keys.map((one) => ({ key: one, remoteId: undefined })),
        ),
  ),
  command(
    'runs',
    fc.tuple(subscriber, fc.constantFrom<runs.RunMode>('first', 'owed', 'anew')),
    ([one, mode]) =>
      (_tx, db) =>
        runs.openRun(db, one, 'backfill', { done: 0 }, mode),
  ),
  command(
    'openFirstRuns',
    subscriber, // one: the order in which several get their ids is up to the planner
    (given) => (_tx, db) => runs.openFirstRuns(db, [given], 'backfill', { done: 1, awaits: 'plan' }),
  ),
  command('endRun', fc.tuple(fc.nat(4), fc.boolean()), ([which, ends]) => (tx, _db, known) => {
    const run = known.runs[which % known.runs.length] ?? '1';
    return ends ? runs.finishRun(tx, run) : runs.saveRun(tx, run, { done: which });
  }),
  command('endWaitForPlans', few(subscriber), (given) => async (tx) => {
    await runs.endWaitForPlans(tx, given, { done: 0 });
    return runs.openProgress(tx, given[0] ?? '', 'backfill');
  }),
  command('beginRun', subscriber, (one) => async (tx) => {
    await runs.beginRun(tx, one, 'sweep');
    return runs.standingOf(tx, one, 'sweep');
  }),
  command(
    'settings',
    fc.tuple(subscriber, fc.constantFrom('pause', 'deaf', 'x'), fc.boolean()),
    ([one, name, sets]) =>
      async (tx) => {
        const setting = `${name}:${one}`;
        await (sets ? settings.writeSetting(tx, setting, 'v') : settings.dropSetting(tx, setting));
        return [await settings.readSetting(tx, setting), [...(await settings.settingsUnder(tx, 'pause:'))].sort()];
      },
  ),
  command(
    'hold',
    fc.tuple(subscriber, fc.boolean()),
    ([one, lifts]) =>
      (tx) =>
        lifts ? settings.liftHold(tx, [one]) : settings.holdSubscriber(tx, one, 2_500),
  ),
  command(
    'sleepers',
    fc.boolean(),
    (sleeps) => (tx) => (sleeps ? marks.announceSleep(tx, 'w1') : marks.announceAwake(tx, 'w1')),
  ),
  command('overview', subscriber, (one) => async (tx) => [
    await overview.isPending(tx, ['customer'], [one]),
    await overview.subscriberStatus(tx, ['customer/b', 'customer/a']),
    inIdOrder(await overview.listParked(tx, { subscriber: one })),
    await overview.listConflicts(tx, { subscriber: one }),
    await inbox.hintsToRoute(tx, ['customer'], [one]),
  ]),
  command('touchCursor', subscriber, (one) => (tx) => inbox.touchCursor(tx, one, 'changes')),
  command('drift', fc.tuple(subscriber, few(key), few(remoteId), at), ([one, keys, remoteIds, since]) => async (tx) => [
    (await inbox.cursorAgeMs(tx, one, 'changes')) ?? null,
    [...(await drift.linkStandings(tx, ['1', '2', '3', '4', '5'], since))].sort(),
    [...(await drift.hintsAbout(tx, { catalog: 'customer', subscriber: one, keys, remoteIds }))].sort(),
  ]),
  command(
    'prune',
    fc.constantFrom('inbox', 'intent', 'history', 'conflict', 'link'),
    (table) => (tx) => pruneTable(tx, table, 0.00002, all),
  ),
];

export const storeCommands = fc.oneof(
  { weight: 4, arbitrary: fc.oneof(...dueCommands) },
  { weight: 6, arbitrary: fc.oneof(...linkCommands) },
  { weight: 3, arbitrary: fc.oneof(...hintCommands) },
  { weight: 2, arbitrary: fc.oneof(...recordCommands) },
);
