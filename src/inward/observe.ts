/** A sight of a remote meets its link: merged at once where the hub needs no write, else applied in a transaction. */
import { unlistedRivals } from '../apply/adopt.js';
import { own } from '../catalog/own.js';
import {
  applyObservation,
  mergeSeen,
  observedSettlement,
  observedWithoutRecord,
  shadowAfter,
  type Observation,
} from '../apply/apply.js';
import { applyDeletion } from '../apply/deletion.js';
import { extractRecord, type Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { loadReferences } from '../engine/references.js';
import { blockedResult, closed, createUnderWayResult, parkResult, retryResult, type Result } from '../engine/result.js';
import { childEditsOverridden } from '../merge/child-edits.js';
import type { Conflict } from '../merge/merge.js';
import { remoteValue, type Resolver } from '../merge/project.js';
import { pair, sameRemote, type Shadow } from '../merge/shadow.js';
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import { laneOf } from '../outward/operation.js';
import { lateConflicts, withLate } from './late.js';
import type { Sights } from './sights.js';
import { openCreate } from '../store/intents.js';
import type { Link } from '../store/links.js';
import type { Sight } from '../subscriber/outcome.js';

/** The hub's side as it was read a moment ago: enough as long as nothing has to be written there. */
export interface Basis {
  readonly record: AnyRecord | undefined;
  readonly resolver: Resolver;
}

/** Returns the result to commit; undefined where it was committed already. */
export async function observe(
  env: Environment,
  binding: Binding,
  link: Link,
  shown: Observation,
  basis?: Basis,
): Promise<Result | undefined> {
  if (link.key === undefined) return applyObservation(env, binding, link, shown);
  const seen = await withLate(env.db, binding, link, shown);
  const result = withoutWriting(binding, link, seen, basis ?? (await readBasis(env, binding, link.key, seen)));
  return result ?? applyObservation(env, binding, link, seen);
}

/** What a sight of a record's remote means; undefined where the hub is to be written, or something stands in the way. Pure. */
export function withoutWriting(
  binding: Binding,
  link: Link,
  seen: Observation,
  { record, resolver }: Basis,
): Result | undefined {
  if (record === undefined) return overridden(binding, link, seen);
  if (!binding.subscriber.where(record)) return outOfScope(binding, link, seen);
  try {
    const merged = mergeSeen(binding, link, seen, { record, resolver });
    if (merged.changesHub) return undefined;
    return {
      settlement: {
        ...observedSettlement(binding, link, seen),
        shadow: shadowAfter(merged, record),
        ...(merged.owed ? { dueInMs: 0 } : {}),
      },
      conflicts: [...merged.conflicts, ...lateConflicts(binding, seen, record)],
      history: seen.history ?? [],
      emit: seen.emit ?? [],
      ...closed(seen.intent, seen.outcome ?? 'done'),
    };
  } catch {
    // the transaction meets the same problem, and turns it into a result with everything that belongs to it
    return undefined;
  }
}

/** It left the subscriber's `where`: kept as it is, or deleted by the plan. */
function outOfScope(binding: Binding, link: Link, seen: Observation): Result {
  const deletes = binding.policies.leave === 'delete' ? { dueInMs: 0 } : {};
  return {
    settlement: {
      link,
      state: 'excluded',
      remoteId: seen.remoteId,
      proof: 'there',
      version: binding.subscriber.versionOf(seen.remote),
      ...deletes,
    },
    history: seen.history ?? [],
    emit: seen.emit ?? [],
    ...closed(seen.intent, seen.outcome ?? 'done'),
  };
}

async function readBasis(env: Environment, binding: Binding, key: RecordKey, seen: Observation): Promise<Basis> {
  const row = (await binding.catalog.rows.load(env.db, [key])).get(key);
  const { record } = extractRecord(binding.catalog, row);
  return {
    record,
    resolver: await loadReferences(env.db, binding, {
      records: record === undefined ? [] : [record],
      remotes: [seen.remote],
    }),
  };
}

/**
 * What somebody edited in a remote since the shadow, and a deletion here overrides: logged, so that it isn't lost. The shadow is
 * the one that holds then: what was logged isn't logged again, and should the row come back, its values are owed to the remote.
 */
export function editsOverridden(
  { mapping }: Binding,
  shadow: Shadow,
  remote: unknown,
): { readonly conflicts: readonly Conflict[]; readonly shadow: Shadow } {
  const units = { ...shadow.units };
  const conflicts = mapping.units.flatMap((unit): Conflict[] => {
    const base = own(shadow.units, unit.name);
    const r = remoteValue(unit, remote);
    const isSame = base === undefined ? r == null : sameRemote(base.r, r);
    if (unit.direction === 'outward' || isSame) return [];
    units[unit.name] = pair(undefined, r);
    // of a remote that was never seen, nobody knows which of its values are ours
    const rule = base === undefined ? 'deleted here, set there' : 'deleted here, edited there';
    return [{ unit: unit.name, base: base?.h ?? null, hub: null, remote: r ?? null, winner: 'hub', rule }];
  });
  if (mapping.children.length === 0) return { conflicts, shadow: { ...shadow, units } };
  const children = mapping.children.map((child) => [child.name, childEditsOverridden(child, shadow, remote)] as const);
  return {
    conflicts: [...conflicts, ...children.flatMap(([, child]) => child.conflicts)],
    shadow: { units, children: Object.fromEntries(children.map(([name, { shadows }]) => [name, shadows])) },
  };
}

/** The record was deleted here: what was edited there since is logged, then the deletion goes on. */
function overridden(binding: Binding, link: Link, seen: Observation): Result {
  const result = observedWithoutRecord(binding, link, seen, link.key);
  const { conflicts, shadow } = editsOverridden(binding, result.settlement.shadow ?? link.shadow, seen.remote);
  return {
    ...result,
    settlement: { ...result.settlement, version: binding.subscriber.versionOf(seen.remote), shadow },
    conflicts,
  };
}

/** Reads the remote of a link and merges what is seen, together with the others of its pass. */
export async function lookAt(
  env: Environment,
  binding: Binding,
  link: Link,
  sights: Sights,
): Promise<Result | undefined> {
  if (link.remoteId === undefined) return lookByMarker(env, binding, link, sights);
  if (link.state === 'gone' && link.planned?.by !== 'person') return lookAtDeleted(env, binding, link, link.remoteId);
  if (link.sight !== undefined && link.key === undefined) {
    return taken(env, binding, link, { remote: link.sight, remoteId: link.remoteId }, sights);
  }
  const { remoteId } = link;
  const sight = await env.spans.during(link, 'fetch', { kind: 'client' }, async (span) => {
    const seen = await binding.calls.run(() => binding.subscriber.look(remoteId, laneOf(link)), link.lane);
    span?.set({ outcome: seen.kind });
    return seen;
  });
  return seenSight(env, binding, link, remoteId, sight, sights);
}

async function taken(
  env: Environment,
  binding: Binding,
  link: Link,
  seen: Observation,
  sights: Sights,
): Promise<Result | undefined> {
  if (link.key !== undefined) return sights.take(link, seen);
  return sights.take(link, { ...seen, rivals: await unlistedRivals(env, binding, seen) });
}

/** The remote has shown nothing, this time. */
function unanswered(
  env: Environment,
  binding: Binding,
  link: Link,
  sight: Extract<Sight, { kind: 'retry' | 'blocked' }>,
): Result {
  return sight.kind === 'retry'
    ? retryResult(env, link, sight.reason, { ...sight, look: true })
    : blockedResult(env, binding, link, sight.reason, sight.afterMs);
}

/** An event may come before its remote can be read everywhere: so often is it looked for again before the event counts as mistaken. */
const looksForNew = 3;

function seenSight(
  env: Environment,
  binding: Binding,
  link: Link,
  remoteId: string,
  sight: Sight,
  sights: Sights,
): Promise<Result | undefined> | Result {
  if (sight.kind !== 'retry' && sight.kind !== 'blocked') env.contacts.heard(binding.id, env.clock.now());
  switch (sight.kind) {
    case 'found':
      return taken(env, binding, link, { remote: sight.remote, remoteId }, sights);
    case 'gone':
      return sights.alone(() => applyDeletion(env, binding, link));
    case 'missing':
      // an event told that it was deleted: together that is proof
      if (link.gone) return sights.alone(() => applyDeletion(env, binding, link));
      if (link.key === undefined)
        return link.attempts < looksForNew
          ? retryResult(env, link, sight.reason, { look: true })
          : { settlement: { link, forget: true } };
      return parkResult(
        link,
        'remote-missing',
        `${sight.reason}; it is not known to be deleted, so nothing was deleted here`,
        { look: true },
      );
    case 'retry':
    case 'blocked':
      return unanswered(env, binding, link, sight);
  }
}

/**
 * The pair was deleted, and something told of its remote since. Mostly that came late. Where it is there again, a request of ours may have
 * come late and made it once more, or somebody has brought it back: only a person can tell, and it never becomes a record by itself.
 */
async function lookAtDeleted(
  env: Environment,
  binding: Binding,
  link: Link,
  remoteId: string,
): Promise<Result | undefined> {
  const sight = await binding.calls.run(() => binding.subscriber.look(remoteId, laneOf(link)), link.lane);
  switch (sight.kind) {
    case 'found': {
      // a record that came back under its key may be given its remote again at this moment
      const create = await openCreate(env.db, binding.id, undefined);
      if (create !== undefined && !create.parked) return createUnderWayResult(link);
      if (!binding.subscriber.accepts(sight.remote)) return { settlement: { link } };
      const reason = `it was deleted, and is there again: a request of ours that came late has made it, or somebody brought it back`;
      return parkResult(link, 'twin', reason, { look: true });
    }
    case 'gone':
    case 'missing':
      return { settlement: { link } };
    case 'retry':
    case 'blocked':
      return unanswered(env, binding, link, sight);
  }
}

/** A remote that bears our marker may be there although its id never came back. */
async function lookByMarker(
  env: Environment,
  binding: Binding,
  link: Link,
  sights: Sights,
): Promise<Result | undefined> {
  if (link.key === undefined) return { settlement: { link, forget: true } };
  if (!binding.subscriber.capabilities.marker) return { settlement: { link, dueInMs: 0 } };
  const { key } = link;
  const found = await env.spans.during(link, 'fetch', { kind: 'client' }, async (span) => {
    const claiming = await binding.calls.run(() => binding.subscriber.find({ by: 'key', key }), link.lane);
    span?.set({ outcome: claiming.length > 0 ? 'found' : 'missing' });
    return claiming;
  });
  if (found.length > 1) {
    return parkResult(
      link,
      'twin',
      `${found.length} remotes bear its marker: ${found.map((one) => binding.subscriber.identify(one)).join(', ')}`,
    );
  }
  const [remote] = found;
  // nobody said that it was deleted: its key is another by now, and what told of this one came later (a mass UPDATE)
  const isGone = !link.deleted && (await binding.catalog.rows.load(env.db, [key])).get(key) === undefined;
  if (remote === undefined || isGone) return { settlement: { link, dueInMs: 0 } };
  return taken(env, binding, link, { remote, remoteId: binding.subscriber.identify(remote) }, sights);
}
