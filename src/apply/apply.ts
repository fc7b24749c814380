/**
 * Inward apply: one short transaction that locks the row, reads it again, merges, saves, and settles shadow, history and link
 * together. Whatever had to be fetched was fetched before.
 */
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { loadReferences } from '../engine/references.js';
import {
  againResult,
  closed,
  emitResult,
  errorResult,
  heldResult,
  noteLate,
  parkResult,
  retryResult,
  waitResult,
  writeResults,
  type Emission,
  type Result,
} from '../engine/result.js';
import { SyncflowError } from '../errors.js';
import { asLate, lateConflicts } from '../inward/late.js';
import { childShadowsAfterWrite } from '../merge/children.js';
import { merge, type Merged } from '../merge/merge.js';
import { hubText, UnresolvedReference, type Resolver } from '../merge/project.js';
import { shadowOfSent, type Sent } from '../merge/sent.js';
import { pair, type Pair, type Shadow } from '../merge/shadow.js';
import { isBraked, lockBrake, overBrake } from '../outward/brake.js';
import { plan } from '../outward/plan.js';
import { sqlState, type Queryable } from '../store/database.js';
import type { HistoryRow } from '../store/history.js';
import type { Intent } from '../store/intents.js';
import { holdsLease, type Link } from '../store/links.js';
import { type Settlement } from '../store/settle.js';
import { announceWriter } from '../store/marks.js';
import { adopt, type Adoption } from './adopt.js';
import { detailOfApplied, laneDetail } from './audit.js';
import { loopIn, rememberValues } from './loop.js';
import { loadRow, newRecord, saveRow, settlesOwn, type Loaded } from './save.js';

/** A sight of a remote: by look-up, by listing, or as the answer to our own write. */
export interface Observation {
  readonly remote: unknown;
  readonly remoteId: string;
  /** What we had sent, where this answers or resolves a write. */
  readonly sent?: Sent;
  /** Of it, what came late: by a request that had been given up. */
  readonly late?: Sent;
  readonly intent?: Intent;
  /** How the intent ends; `done` unless given. */
  readonly outcome?: string;
  /** Further history to write with it (`created`, `updated`). */
  readonly history?: readonly HistoryRow[];
  readonly emit?: readonly Emission[];
  /** Ask for another look: the observation may be old (a replay). */
  readonly look?: boolean;
  /** Of a remote without a record: others that match the same one. */
  readonly rivals?: readonly string[];
}

/** Applies an observation, or says what prevents it. The returned result is still to be committed; undefined: it was. */
export async function applyObservation(
  env: Environment,
  binding: Binding,
  link: Link,
  seen: Observation,
): Promise<Result | undefined> {
  try {
    const result = await env.spans.during(link, 'apply', {}, () =>
      env.db.transaction((tx) => applyInside(env, tx, binding, link, seen), { byIndex: 'unordered' }),
    );
    if (result === 'fenced') {
      if (seen.intent !== undefined) await noteLate(env.db, [{ link, remoteId: seen.remoteId }]);
      return undefined;
    }
    emitResult(env, result);
    return undefined;
  } catch (error) {
    const result = failure(env, binding, link, seen, error);
    if (link.key !== undefined || error instanceof Refusal || !keepsPair(result)) return result;
    return keepAdoption(env, binding, link, seen, result);
  }
}

/** The merge of a remote and its record must wait, or can't be made. That they belong together holds: the record gets no second one. */
async function keepAdoption(
  env: Environment,
  binding: Binding,
  link: Link,
  seen: Observation,
  result: Result,
): Promise<Result | undefined> {
  try {
    const paired = await env.db.transaction(async (tx) => {
      if (!(await holdsLease(tx, link))) return 'fenced';
      const { key } = await adopt(tx, binding, link, seen);
      return key === undefined ? undefined : commit(tx, binding, pairedOnly(binding, result, key, seen));
    });
    if (paired === undefined) return result;
    if (paired !== 'fenced') emitResult(env, paired);
    return undefined;
  } catch (error) {
    return error instanceof Refusal ? error.result : result;
  }
}

/** What stands in the way goes by itself, or when a person acts: until then the two are known to belong together. */
export function keepsPair({ settlement }: Result): boolean {
  return settlement.parked !== undefined || settlement.waitsFor !== undefined;
}

export function pairedOnly(binding: Binding, result: Result, key: RecordKey, { remoteId }: Observation): Result {
  const subject = { subscriber: binding.id, key, remoteId };
  return {
    ...result,
    settlement: { ...result.settlement, key, state: 'linked', remoteId, look: true },
    history: [...(result.history ?? []), { ...subject, event: 'linked' }],
    emit: [...(result.emit ?? []), { name: 'linked', event: subject }],
  };
}

export function failure(env: Environment, binding: Binding, link: Link, seen: Observation, error: unknown): Result {
  const problem = problemResult(env, binding, link, error);
  // whatever stands in the way, the remote was seen
  const base: Result = { ...problem, settlement: { ...problem.settlement, proof: 'there' } };
  // the write that this answers has happened, whatever stands in the way of its inward half
  if (seen.intent === undefined) return base;
  const settlement: Settlement = {
    ...base.settlement,
    state: 'linked',
    remoteId: seen.remoteId,
    shadow: shadowOfSent(binding.mapping, link.shadow, seen.sent, seen),
    look: true,
  };
  return {
    ...base,
    settlement,
    ...closed(seen.intent, seen.outcome ?? 'done'),
    history: seen.history ?? [],
    emit: seen.emit ?? [],
  };
}

/** What an error inside of a transaction that writes the hub means for the link. */
export function problemResult(env: Environment, binding: Binding, link: Link, error: unknown): Result {
  if (error instanceof UnresolvedReference) return waitResult(binding, link, error, true);
  if (error instanceof Refusal) return error.result;
  // nothing of the record's: a right or a column is gone, and every write meets it until somebody mends that
  if (error instanceof SyncflowError && error.code === 'table')
    env.emit('error', { where: `${binding.id} inward`, error });
  const state = sqlState(error);
  if (state?.startsWith('23') === true) {
    const detail = (error as { constraint?: string; message?: string }).constraint ?? 'a constraint';
    const reason = `the hub refused the write: ${detail} (${state})`;
    // two rows that swap a unique value need more than one try
    return link.attempts < 3
      ? retryResult(env, link, reason, { look: true })
      : parkResult(link, 'constraint', reason, { look: true });
  }
  return withLook(errorResult(env, link, error));
}

function withLook(result: Result): Result {
  return { ...result, settlement: { ...result.settlement, look: true } };
}

/** Ends an apply with a result instead of a write; the transaction rolls back. */
export class Refusal extends Error {
  readonly result: Result;
  constructor(result: Result) {
    super('refused');
    this.result = result;
  }
}

async function applyInside(
  env: Environment,
  tx: Queryable,
  binding: Binding,
  link: Link,
  shown: Observation,
): Promise<Result | 'fenced'> {
  const isCounted = link.key !== undefined && isBraked(binding, link);
  // before any row: whoever waits for it holds nothing that its holder may need
  if (isCounted) await lockBrake(tx, binding);
  const editedAt = seenAt(binding, link, shown);
  const nowMs = await announceWriter(tx, {
    origin: binding.id,
    editedAt,
    settles: settlesOwn(binding, link.key === undefined ? [] : [link.key]),
  });
  if (!(await holdsLease(tx, link))) return 'fenced';
  const target: Adoption =
    link.key === undefined ? await adopt(tx, binding, link, shown) : { key: link.key, adopted: false };
  const seen = asLate(binding, link, shown, target.unseen ?? []);
  const before = target.key === undefined ? undefined : await loadRow(tx, binding.catalog, target.key);
  if (target.key !== undefined && before?.record === undefined) {
    // nobody here has ever seen what this remote holds: no reason to delete it there
    if (target.adopted && binding.subscriber.keyOf(seen.remote) === undefined)
      throw new Refusal(againResult(env, link, 'the record that it matches was deleted just now', true));
    // the record was deleted while we looked: the plan will take it from here
    return commit(tx, binding, observedWithoutRecord(binding, link, seen, target.key));
  }
  const resolver = await loadReferences(tx, binding, {
    records: before?.record === undefined ? [] : [before.record],
    remotes: [seen.remote],
  });
  const merged = mergeSeen(binding, link, seen, { record: before?.record, resolver });
  if (isCounted && merged.changesHub && before !== undefined) {
    const held = await overBrake(tx, binding, { direction: 'inward', operation: 'update' }, [link]);
    if (held !== undefined) throw new Refusal(heldResult(link, 'update', held, { look: true }));
  }
  const written =
    merged.changesHub || before === undefined
      ? await saveRow(tx, binding, { next: prepareRow(binding, link, merged, before, nowMs), before })
      : undefined;
  return commit(
    tx,
    binding,
    appliedResult(binding, link, seen, {
      merged,
      resolver,
      before: before?.record,
      saved: written?.record,
      key: written?.key ?? target.key,
      adopted: target.adopted,
      nowMs,
    }),
  );
}

async function commit(tx: Queryable, binding: Binding, result: Result): Promise<Result | 'fenced'> {
  const settled = await writeResults(tx, binding, [result]);
  return settled.size === 1 ? result : 'fenced';
}

export function seenAt(binding: Binding, link: Link, seen: Observation): string | undefined {
  return binding.subscriber.editedAt(seen.remote) ?? link.remoteEditedAt;
}

/** Merges what was seen with the hub's side. */
export function mergeSeen(
  binding: Binding,
  link: Link,
  seen: Observation,
  hub: { readonly record: AnyRecord | undefined; readonly resolver: Resolver },
): Merged {
  return merge({
    mapping: binding.mapping,
    shadow: link.shadow,
    ...hub,
    remote: seen.remote,
    ...(seen.sent === undefined ? {} : { sent: seen.sent }),
    hubEditedAt: link.editedAt,
    remoteEditedAt: seenAt(binding, link, seen),
  });
}

/**
 * The row as the merge wants it.
 * @throws Refusal, or SyncflowError `validation`, where it may not be written
 */
export function prepareRow(
  binding: Binding,
  link: Link,
  merged: Merged,
  before: Loaded | undefined,
  nowMs: number,
): AnyRecord {
  const { catalog } = binding;
  const next = before === undefined ? newRecord(catalog, merged.patch) : { ...before.row, ...merged.patch };
  if (before === undefined && !binding.subscriber.where(next))
    throw new Refusal({ settlement: { link, state: 'excluded' } });
  const problems = catalog.main.validate(next);
  if (problems.length > 0) {
    throw new SyncflowError('validation', problems.map(({ field, problem }) => `${field}: ${problem}`).join('; '));
  }
  const looping = loopIn(link, merged, before?.record, next, nowMs);
  if (looping !== undefined) throw new Refusal(parkResult(link, 'loop', looping, { look: false }));
  return next;
}

interface Outcome {
  readonly merged: Merged;
  readonly resolver: Resolver;
  /** Undefined where the record is made. */
  readonly before: AnyRecord | undefined;
  /** As the table shows it after the write; undefined where nothing was written. */
  readonly saved: AnyRecord | undefined;
  readonly key: RecordKey | undefined;
  readonly adopted: boolean;
  readonly nowMs: number;
}

export function appliedResult(binding: Binding, link: Link, seen: Observation, outcome: Outcome): Result {
  const { merged, before, saved, key, adopted, nowMs } = outcome;
  const after = saved ?? before ?? {};
  const created = before === undefined;
  const subject = { subscriber: binding.id, key, remoteId: seen.remoteId };
  const detail = detailOfApplied(binding.mapping, { merged, before, after, editedAt: seenAt(binding, link, seen) });
  const { units = [] } = detail;
  const shadow = shadowAfter(merged, after);
  const history: HistoryRow[] = [...(seen.history ?? [])];
  const emit: Emission[] = [...(seen.emit ?? [])];
  if (adopted) {
    history.push({ ...subject, event: 'linked' });
    emit.push({ name: 'linked', event: subject });
  }
  if (merged.changesHub || created) {
    history.push({
      ...subject,
      event: created ? 'record-created' : 'record-updated',
      detail: { ...detail, ...laneDetail(link) },
    });
    emit.push({ name: 'applied', event: { ...subject, operation: created ? 'create' : 'update', units } });
  }
  return {
    settlement: {
      ...observedSettlement(binding, link, seen),
      ...(key === undefined || key === link.key ? {} : { key }),
      shadow,
      flips: rememberValues(link, merged, before, after, nowMs),
      ...(merged.owed || (saved !== undefined && isLeftToDo(binding, link, seen, shadow, outcome))
        ? { dueInMs: 0 }
        : {}),
    },
    conflicts: [...merged.conflicts, ...(before === undefined ? [] : lateConflicts(binding, seen, before))],
    history,
    emit,
    ...closed(seen.intent, seen.outcome ?? 'done'),
  };
}

/**
 * Whether the row, as it was read again, asks for anything of the remote: another column was changed by the table itself, a field that
 * only the hub may say, a record that has left the subscriber's `where`. No mark tells of it.
 */
function isLeftToDo(
  binding: Binding,
  link: Link,
  { remoteId }: Observation,
  shadow: Shadow,
  outcome: Outcome,
): boolean {
  const { saved: record, key, resolver } = outcome;
  try {
    const next = plan({
      link: { state: 'linked', key: key ?? link.key, remoteId, deleted: false, shadow },
      record,
      softDeleted: false,
      inScope: record !== undefined && binding.subscriber.where(record),
      policies: binding.policies,
      mapping: binding.mapping,
      resolver,
    });
    return next.kind !== 'nothing' || next.shadow !== undefined;
  } catch {
    return true; // the next pass meets the same, and says so
  }
}

export function observedSettlement(binding: Binding, link: Link, seen: Observation): Settlement {
  return {
    link,
    state: 'linked',
    remoteId: seen.remoteId,
    proof: 'there',
    version: binding.subscriber.versionOf(seen.remote),
    ...(seen.look === true ? { look: true, dueInMs: 0 } : {}),
  };
}

/** The shadow once the hub holds what the merge decided. */
export function shadowAfter(merged: Merged, record: AnyRecord): Shadow {
  const units: Record<string, Pair> = { ...merged.pairs };
  for (const { unit, r } of merged.applied) units[unit.name] = pair(hubText(unit, record), r);
  if (merged.children.length === 0) return { units };
  return {
    units,
    children: Object.fromEntries(
      merged.children.map((child) => [child.mapping.name, childShadowsAfterWrite(child, record)]),
    ),
  };
}

/** A remote was seen, but its record is gone: a difference from the shadow is an edit that the deletion overrides. */
export function observedWithoutRecord(
  binding: Binding,
  link: Link,
  seen: Observation,
  key: RecordKey | undefined,
): Result {
  return {
    settlement: {
      link,
      ...(key === undefined || key === link.key ? {} : { key }),
      state: 'linked',
      remoteId: seen.remoteId,
      proof: 'there',
      shadow: shadowOfSent(binding.mapping, link.shadow, seen.sent, seen),
      dueInMs: 0,
    },
    history: seen.history ?? [],
    emit: seen.emit ?? [],
    ...closed(seen.intent, seen.outcome ?? 'done'),
  };
}
