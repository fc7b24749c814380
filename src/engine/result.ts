/** What a pass over one link came to, and how results are committed. */
import { parseKey, type RecordKey } from '../catalog/key.js';
import type { Environment } from './environment.js';
import type { Conflict } from '../merge/merge.js';
import { withPlaces } from '../merge/mapped-shadow.js';
import type { UnresolvedReference } from '../merge/project.js';
import { brakeCode } from '../outward/brake.js';
import { retryDelayMs } from '../outward/retry.js';
import type { ParkCode } from '../outward/plan.js';
import { markerClaim } from '../apply/candidates.js';
import { closeIntents, countMissed, markUnknown, type Intent } from '../store/intents.js';
import { type Link } from '../store/links.js';
import { makeDue } from '../store/marks.js';
import { settleLinks, type Settlement } from '../store/settle.js';
import {
  awaitedByKey,
  awaitedByRemote,
  lockAwaited,
  wakeWaiting,
  type Awaited,
  type Standing,
} from '../store/awaited.js';
import { wakeReferrers, type Renewed } from '../store/referred.js';
import { wakeCircles, type Waiter } from '../store/circles.js';
import { insertConflicts, insertHistory, type HistoryRow } from '../store/history.js';
import { sqlState, transactionAgain, type Database, type Queryable } from '../store/database.js';
import { holdSubscriber } from '../store/settings.js';
import { makeSighted } from '../store/inbox.js';
import { messageOf, SyncflowError } from '../errors.js';
import type { Binding } from './binding.js';
import type { SyncflowEvents } from '../events.js';

/** An event to emit once the result is committed. */
export type Emission = {
  [N in keyof SyncflowEvents]: { readonly name: N; readonly event: SyncflowEvents[N] };
}[keyof SyncflowEvents];

export interface Result {
  readonly settlement: Settlement;
  readonly conflicts?: readonly Conflict[];
  readonly history?: readonly HistoryRow[];
  readonly close?: { readonly id: string; readonly outcome: string };
  /** Id of an intent whose outcome isn't known. */
  readonly unknown?: string;
  /** Id of an intent whose remote a look didn't find. */
  readonly missed?: string;
  /** The link that must exist before this one can go on. */
  readonly awaits?: Awaited;
  /** It waits for this one in its turn, and this one can't do without it. */
  readonly circular?: boolean;
  /** The key that its link lets go of: a record that is there under it begins anew. */
  readonly anew?: RecordKey;
  readonly emit?: readonly Emission[];
  /** Hold the whole subscriber for so many ms. */
  readonly holdMs?: number;
}

/** How long a waiting link sleeps when nothing wakes it. */
const waitFallbackMs = 15_000;
/** Fallback rounds after which a missing reference parks its record. */
const maxWaits = 8;

/** Commits a batch of results; links whose lease was lost are left as they are. */
export async function commitResults(env: Environment, binding: Binding, results: readonly Result[]): Promise<void> {
  if (results.length === 0) return;
  const startedAt = env.clock.now();
  const settled = await commitTogether(env, binding, results);
  env.spans.made(
    results.map(({ settlement }) => settlement.link),
    'settle',
    startedAt,
  );
  for (const result of results) if (settled.has(result.settlement.link.id)) emitResult(env, result);
  await noteLate(
    env.db,
    results.flatMap(({ settlement: { link, remoteId }, close }) =>
      settled.has(link.id) || close === undefined || close.outcome === 'exists' || typeof remoteId !== 'string'
        ? []
        : { link, remoteId },
    ),
  );
}

/**
 * Answers to creates that came when their lease was over. Somebody else may have made another remote meanwhile, and such a one then
 * bears nothing that says whose it is: that is noted, so that it becomes no record of its own.
 */
export async function noteLate(
  db: Database,
  answers: readonly { readonly link: Link; readonly remoteId: string }[],
): Promise<void> {
  const late = answers.flatMap(({ link: { subscriber, key, remoteId: known, lane }, remoteId }) =>
    key === undefined || known !== undefined
      ? []
      : { subscriber, remoteId, lane, gone: false, at: null, claims: markerClaim(key) },
  );
  if (late.length > 0) await transactionAgain(db, (tx) => makeSighted(tx, late));
}

/** One transaction for all; where one result breaks a constraint, each for itself, so that it can't hold up the others. */
async function commitTogether(env: Environment, binding: Binding, results: readonly Result[]): Promise<Set<string>> {
  try {
    return await transactionAgain(env.db, (tx) => writeResults(tx, binding, results), { byIndex: 'unordered' });
  } catch (error) {
    if (sqlState(error)?.startsWith('23') !== true) throw error;
    const [only] = results;
    if (only !== undefined && results.length === 1) {
      // an event's own link for the remote came in while we committed: it gives way the second time
      const again = await env.db.transaction((tx) => writeResults(tx, binding, [only])).catch(() => undefined);
      if (again !== undefined) return again;
      const { link, remoteId } = only.settlement;
      const twin = parkResult(link, 'twin', `${remoteId ?? 'its remote'} is linked to another record already`, {
        look: true,
      });
      return env.db.transaction((tx) =>
        writeResults(tx, binding, [{ ...twin, ...(only.close === undefined ? {} : { close: only.close }) }]),
      );
    }
    const settled = new Set<string>();
    for (const one of results) for (const id of await commitTogether(env, binding, [one])) settled.add(id);
    return settled;
  }
}

/** The same inside a transaction of the caller's. Returns the ids of links that were settled. */
export async function writeResults(tx: Queryable, binding: Binding, results: readonly Result[]): Promise<Set<string>> {
  const standings = await lockAwaited(
    tx,
    results.flatMap((result) => result.awaits ?? []),
  );
  const settlements = results.map(({ settlement, awaits, circular }): Settlement => {
    const placed = { ...settlement, shadow: withPlaces(binding.mapping, settlement.shadow ?? settlement.link.shadow) };
    // in a circle nobody is on their way: such a wait counts
    return awaits === undefined || (circular === true && standings.get(awaits.name) === 'coming')
      ? placed
      : awaiting(placed, standings.get(awaits.name));
  });
  await makeSighted(
    tx,
    results.flatMap(({ awaits }) =>
      awaits?.remoteId === undefined || standings.has(awaits.name) ? [] : [sightOf(awaits, awaits.remoteId)],
    ),
  );
  const settled = await settleLinks(tx, settlements);
  const committed = results.filter((result) => settled.has(result.settlement.link.id));
  await makeDue(
    tx,
    committed.flatMap(({ settlement, anew: key }) =>
      key === undefined
        ? []
        : { subscriber: settlement.link.subscriber, key, lane: 0, at: null, by: null, deleted: undefined },
    ),
  );
  await closeIntents(
    tx,
    committed.flatMap((result) => result.close ?? []),
  );
  await markUnknown(
    tx,
    committed.flatMap((result) => result.unknown ?? []),
  );
  await countMissed(
    tx,
    committed.flatMap((result) => result.missed ?? []),
  );
  await insertConflicts(
    tx,
    committed.map(({ settlement, conflicts = [] }) => ({
      link: settlement.link,
      key: keyAfter(settlement),
      conflicts,
    })),
  );
  await insertHistory(
    tx,
    committed.flatMap((result) => [...(result.history ?? []), ...parkedHistory(binding, result)]),
  );
  const holdMs = Math.max(0, ...committed.map((result) => result.holdMs ?? 0));
  if (holdMs > 0) await holdSubscriber(tx, binding.id, holdMs);
  await wakeWaiting(
    tx,
    committed.flatMap(({ settlement }) => wakes(binding, settlement)),
  );
  await wakeReferrers(
    tx,
    committed.flatMap(({ settlement }) => renewedBy(binding, settlement)),
  );
  await wakeCircles(
    tx,
    committed.flatMap(({ settlement, awaits }) =>
      awaits === undefined || settlement.parked !== undefined ? [] : waiterOf(settlement.link, awaits),
    ),
  );
  return settled;
}

/** A record without a remote that waits for another. */
export function waiterOf(link: Link, awaits: Awaited): Waiter[] {
  if (link.key === undefined || link.remoteId !== undefined || awaits.key === undefined) return [];
  return [{ id: link.id, own: awaitedByKey(link.subscriber, link.key), awaited: awaits.name }];
}

function awaiting(settlement: Settlement, standing: Standing | undefined): Settlement {
  if (standing === undefined) return settlement;
  const { dueInMs, failed: _waiting, ...rest } = settlement;
  // what is on its way is no failure, however often it is waited for
  if (standing === 'coming') return dueInMs === undefined ? rest : { ...rest, dueInMs };
  if (standing === 'ready') return { ...rest, dueInMs: 0 };
  return {
    ...rest,
    parked: {
      code: 'reference',
      reason: `${settlement.failed ?? 'a reference isn’t linked'}: it is parked or left out itself`,
    },
  };
}

/** A remote that we have only heard of by a reference: go and look. */
function sightOf({ subscriber }: Awaited, remoteId: string) {
  return { subscriber, remoteId, lane: 0, gone: false, at: null };
}

/** Tells what was committed, within the span of the record. */
export function emitResult(env: Environment, result: Result): void {
  const { settlement, emit = [], conflicts = [] } = result;
  const told = emit.find(({ name }) => name === 'pushed' || name === 'applied')?.event;
  const outcome = {
    operation: told !== undefined && 'operation' in told ? told.operation : 'none',
    outcome: outcomeOf(result),
    conflicts: conflicts.length,
    failed: settlement.parked?.code,
  };
  const key = keyAfter(settlement);
  // before its span ends
  if (key !== undefined && emit.some(({ name }) => name === 'applied')) env.spans.wrote(settlement.link, key);
  env.spans.settled(settlement.link, outcome, () => emitAll(env, result));
}

function outcomeOf({ settlement, holdMs = 0 }: Result): string {
  if (settlement.parked !== undefined) return 'parked';
  if (holdMs > 0) return 'blocked';
  if (settlement.waitsFor !== undefined) return 'waits';
  return settlement.failed === undefined ? 'settled' : 'retry';
}

function emitAll(env: Environment, result: Result): void {
  const { settlement } = result;
  const { link } = settlement;
  const subject = { subscriber: link.subscriber, key: keyAfter(settlement), remoteId: remoteIdAfter(settlement) };
  for (const { name, event } of result.emit ?? []) env.emit(name, event);
  for (const { unit, winner, rule } of result.conflicts ?? []) env.emit('conflict', { ...subject, unit, winner, rule });
  if (settlement.parked !== undefined) env.emit('parked', { ...subject, ...settlement.parked });
  else if (settlement.failed !== undefined)
    env.emit('retried', { ...subject, reason: settlement.failed, inMs: settlement.dueInMs ?? 0 });
  else if (link.failing && settlement.waitsFor === undefined && settlement.dueInMs === undefined)
    env.emit('healed', subject);
}

function keyAfter(settlement: Settlement): string | undefined {
  return settlement.key ?? settlement.link.key;
}
function remoteIdAfter({ remoteId, link }: Settlement): string | undefined {
  return remoteId === undefined ? link.remoteId : (remoteId ?? undefined);
}

/** Of a reason in history, in characters. */
const longestReason = 2_000;

function parkedHistory(binding: Binding, { settlement }: Result): HistoryRow[] {
  if (settlement.parked === undefined) return [];
  return [
    {
      subscriber: binding.id,
      key: keyAfter(settlement),
      remoteId: remoteIdAfter(settlement),
      event: 'parked',
      detail: { code: settlement.parked.code, reason: settlement.parked.reason.slice(0, longestReason) },
    },
  ];
}

function isNewlyLinked({ state, link }: Settlement): boolean {
  return (state ?? link.state) === 'linked' && !(link.state === 'linked' && link.key !== undefined);
}

/** By which units others refer to a record that has just got a remote. */
function renewedBy({ id, referrers }: Binding, settlement: Settlement): Renewed[] {
  const [key, remoteId] = [keyAfter(settlement), remoteIdAfter(settlement)];
  if (referrers.length === 0 || !isNewlyLinked(settlement) || key === undefined || remoteId === undefined) return [];
  const text = parseKey(key)[0] ?? null;
  return referrers.map((referrer) => ({ own: id, key, remoteId, ...referrer, text }));
}

/** Who may be waiting for this link: for its remote to exist, or to hear that it won't for now. */
function wakes(binding: Binding, settlement: Settlement): string[] {
  const key = keyAfter(settlement);
  const remoteId = remoteIdAfter(settlement);
  const state = settlement.state ?? settlement.link.state;
  const isLeftOut = (state === 'excluded' || state === 'gone') && state !== settlement.link.state;
  if (!isNewlyLinked(settlement) && !isLeftOut && settlement.parked === undefined) return [];
  return [
    ...(key === undefined ? [] : [awaitedByKey(binding.id, key)]),
    ...(remoteId === undefined ? [] : [awaitedByRemote(binding.id, remoteId)]),
  ];
}

// Results of common cases --------------------------------------------------------------------------------------------

export function parkResult(link: Link, code: ParkCode, reason: string, more: Partial<Settlement> = {}): Result {
  return { settlement: { link, ...more, parked: { code, reason } } };
}

/** The brake holds a change that was made there. */
export function heldResult(
  link: Link,
  operation: 'delete' | 'update',
  reason: string,
  more: Partial<Settlement> = {},
): Result {
  const event = { subscriber: link.subscriber, direction: 'inward', operation, count: 1, reason } as const;
  return { ...parkResult(link, brakeCode[operation], reason, more), emit: [{ name: 'held', event }] };
}

/** A system that answered so long ago is taken to be there, however short the longest wait is. */
const recentMs = 60_000;
/** Attempts that a record still has after an outage has used up the others. */
const spareAttempts = 3;

/** Try again later. A link that failed too often is parked, unless its system answers nobody, or has asked for patience. */
export function retryResult(
  env: Environment,
  link: Link,
  reason: string,
  options: { afterMs?: number | undefined; throttled?: boolean | undefined; look?: boolean } = {},
): Result {
  const { maxAttempts, maxMs } = env.retry;
  const attempts = link.attempts + 1;
  const isHeard = env.contacts.answers(link.subscriber, env.clock.now(), Math.max(maxMs, recentMs));
  const isItsOwn = isHeard && options.throttled !== true;
  if (attempts >= maxAttempts && isItsOwn)
    return parkResult(link, 'failed', `failed ${attempts} times; last: ${reason}`, { look: options.look ?? link.look });
  return {
    settlement: {
      link,
      look: options.look ?? link.look,
      failed: reason,
      ...(isItsOwn ? {} : { attempts: Math.min(attempts, Math.max(1, maxAttempts - spareAttempts)) }),
      dueInMs: retryDelayMs(attempts, options.afterMs, env.retry, env.random),
    },
  };
}

/** Plan it anew from what the remote shows now: at once the first time, then as after any failure, and as often. */
export function againResult(env: Environment, link: Link, reason: string, look: boolean): Result {
  const result = retryResult(env, link, reason, { look });
  if (link.attempts > 0) return result;
  return { ...result, settlement: { ...result.settlement, dueInMs: 0 } };
}

/** Wait until the referenced link exists. */
export function waitResult(binding: Binding, link: Link, reference: UnresolvedReference, look: boolean): Result {
  const subscriber = binding.references[reference.catalog];
  if (subscriber === undefined) {
    return parkResult(
      link,
      'reference',
      `refers to ${reference.catalog}, which has no subscriber in the account "${binding.account}"`,
      { look },
    );
  }
  if (link.attempts >= maxWaits)
    return parkResult(link, 'reference', `${reference.message}, and nothing brings it`, { look });
  const awaits: Awaited =
    'key' in reference.wanted
      ? { name: awaitedByKey(subscriber, reference.wanted.key), subscriber, key: reference.wanted.key }
      : {
          name: awaitedByRemote(subscriber, reference.wanted.remoteId),
          subscriber,
          remoteId: reference.wanted.remoteId,
        };
  return {
    settlement: { link, look, waitsFor: awaits.name, dueInMs: waitFallbackMs, failed: reference.message },
    awaits,
  };
}

/** A remote that a create under way may have made is looked at again when that has its outcome. Waiting for our own write is no failure. */
export function createUnderWayResult(link: Link): Result {
  return { settlement: { link, look: true, dueInMs: 200 } };
}

/** How long a whole subscriber is held when it is blocked and says nothing itself. */
export const blockedMs = 60_000;

/** The subscriber is held; the link stays as it is. */
export function blockedResult(
  env: Environment,
  binding: Binding,
  link: Link,
  reason: string,
  afterMs: number | undefined,
  intent?: Intent,
): Result {
  const inMs = afterMs ?? blockedMs;
  env.emit('blocked', { subscriber: binding.id, reason, inMs });
  return { settlement: { link, look: link.look, dueInMs: inMs }, holdMs: inMs, ...closed(intent, 'blocked') };
}

/** What an error inside merge, plan or validation means for the link. */
export function errorResult(env: Environment, link: Link, error: unknown): Result {
  if (error instanceof SyncflowError && error.code === 'mapping') return parkResult(link, 'mapping', error.message);
  if (error instanceof SyncflowError && error.code === 'validation')
    return parkResult(link, 'validation', error.message);
  return retryResult(env, link, messageOf(error));
}

export function closed(intent: Intent | undefined, outcome: string): { close?: { id: string; outcome: string } } {
  return intent === undefined ? {} : { close: { id: intent.id, outcome } };
}
