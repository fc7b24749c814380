/** A remote that was deleted: what becomes of its record, by policy. Only with positive proof. */
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import { own } from '../catalog/own.js';
import { extractRecord, type Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import {
  createUnderWayResult,
  emitResult,
  heldResult,
  parkResult,
  writeResults,
  type Result,
} from '../engine/result.js';
import { childrenEditedHere } from '../merge/child-edits.js';
import { hubText } from '../merge/project.js';
import { hubChanged } from '../merge/shadow.js';
import { lockBrake, overBrake } from '../outward/brake.js';
import type { Queryable } from '../store/database.js';
import { openCreate } from '../store/intents.js';
import { holdsLease, type Link } from '../store/links.js';
import { announceWriter, makeDue } from '../store/marks.js';
import { problemResult } from './apply.js';
import { hubTransaction } from './save.js';

/** Applies a remote's deletion. The returned result is still to be committed; undefined: it was. */
export async function applyDeletion(env: Environment, binding: Binding, link: Link): Promise<Result | undefined> {
  const { key } = link;
  if (key === undefined) {
    if (link.state === 'linked') return { settlement: { link, state: 'gone' } };
    // it may be what a create of ours has made, whose answer isn't in yet: that takes the proof over
    const create = await openCreate(env.db, binding.id, link.createdAt);
    return create === undefined || create.parked ? { settlement: { link, forget: true } } : createUnderWayResult(link);
  }
  try {
    const result = await env.db.transaction((tx) => deleteInside(tx, binding, link, key), { byIndex: 'unordered' });
    if (result !== 'fenced') emitResult(env, result);
    return undefined;
  } catch (error) {
    const result = problemResult(env, binding, link, error);
    return { ...result, settlement: { ...result.settlement, ...again } };
  }
}

/** The remote is read again by the next attempt; that it was deleted is proven. */
const again = { look: true, proof: 'deleted' } as const;

async function deleteInside(tx: Queryable, binding: Binding, link: Link, key: RecordKey): Promise<Result | 'fenced'> {
  const { catalog, policies } = binding;
  await announceWriter(tx, { origin: binding.id, editedAt: link.remoteEditedAt });
  // before any row: whoever waits for it holds nothing that its holder may need
  if (policies.deleteInward === 'propagate') await lockBrake(tx, binding);
  if (!(await holdsLease(tx, link))) return 'fenced';
  const row = (await catalog.rows.load(tx, [key], { lock: 'all' })).get(key);
  const { record } = extractRecord(catalog, row);
  const fate = fateOf(binding, link, record);
  const held =
    fate.kind === 'delete'
      ? await overBrake(tx, binding, { direction: 'inward', operation: 'delete' }, [link])
      : undefined;
  const result = held === undefined ? resultOf(binding, link, fate) : heldResult(link, 'delete', held, again);
  if (fate.kind === 'delete' && held === undefined)
    await catalog.main.delete(key, { tx: hubTransaction(tx, catalog), before: row, origin: binding.id });
  if (!(await writeResults(tx, binding, [result])).has(link.id)) return 'fenced';
  // the record goes on without this remote
  if (fate.kind === 'release')
    await makeDue(tx, [{ subscriber: binding.id, key, lane: 0, at: null, by: null, deleted: undefined }]);
  return result;
}

type Fate =
  /** There is no record either. */
  | { readonly kind: 'agreed' }
  /** The record isn't synced with that remote any more: only the pair ends. */
  | { readonly kind: 'release' }
  /** By policy the record stays, and stays apart. */
  | { readonly kind: 'unlink' }
  | { readonly kind: 'park'; readonly code: 'policy' | 'delete-conflict'; readonly reason: string }
  | { readonly kind: 'delete' };

/** What becomes of a record whose remote was deleted. Pure. */
function fateOf(binding: Binding, link: Link, record: AnyRecord | undefined): Fate {
  if (record === undefined) return { kind: 'agreed' };
  if (link.state === 'excluded' || !binding.subscriber.where(record)) return { kind: 'release' };
  switch (binding.policies.deleteInward) {
    case 'park':
      return { kind: 'park', code: 'policy', reason: 'its remote was deleted and deleteInward is "park"' };
    case 'unlink':
    case 'ignore':
      return { kind: 'unlink' };
    case 'propagate': {
      const edited = editedHere(binding, link, record);
      if (edited.length === 0) return { kind: 'delete' };
      const reason = `its remote was deleted while ${edited.join(', ')} ${edited.length === 1 ? 'was' : 'were'} edited here`;
      return { kind: 'park', code: 'delete-conflict', reason };
    }
  }
}

function editedHere({ mapping }: Binding, link: Link, record: AnyRecord): string[] {
  const units = mapping.units.filter(
    (unit) => unit.direction !== 'inward' && hubChanged(own(link.shadow.units, unit.name), hubText(unit, record)),
  );
  const children = mapping.children.filter((child) => childrenEditedHere(child, link.shadow, record));
  return [...units, ...children].map((one) => one.name);
}

function resultOf(binding: Binding, link: Link, fate: Fate): Result {
  const subject = { subscriber: binding.id, key: link.key, remoteId: link.remoteId };
  switch (fate.kind) {
    case 'agreed':
      return tombstone(link);
    case 'release':
      return { ...tombstone(link), history: [{ ...subject, event: 'unlinked' }] };
    case 'unlink':
      return { settlement: { link, state: 'gone' }, history: [{ ...subject, event: 'unlinked' }] };
    case 'park':
      return parkResult(link, fate.code, fate.reason, again);
    case 'delete':
      return {
        ...tombstone(link),
        history: [{ ...subject, event: 'record-deleted' }],
        emit: [{ name: 'applied', event: { ...subject, operation: 'delete', units: [] } }],
      };
  }
}

/** Neither side is there any more: the link stays as a tombstone, so that a late event can't bring the record back. */
export function tombstone(link: Link): Result {
  return { settlement: { link, state: 'gone', key: null, proof: 'deleted' } };
}
