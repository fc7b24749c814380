/** A remote that was deleted: what becomes of its record, by policy. Only with positive proof. */
import { own } from '../catalog/own.js';
import { extractRecord, type Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { emitResult, errorResult, parkResult, writeResults, type Result } from '../engine/result.js';
import { childrenEditedHere } from '../merge/child-edits.js';
import { hubText } from '../merge/project.js';
import { hubChanged } from '../merge/shadow.js';
import { overBrake } from '../outward/brake.js';
import type { Queryable } from '../store/database.js';
import { holdsLease, type Link } from '../store/links.js';
import { announce, hubTransaction } from './apply.js';

/** Applies a remote's deletion. The returned result is still to be committed; undefined: it was. */
export async function applyDeletion(env: Environment, binding: Binding, link: Link): Promise<Result | undefined> {
  const subject = { subscriber: binding.id, key: link.key, remoteId: link.remoteId };
  if (link.key === undefined)
    return { settlement: link.state === 'linked' ? { link, state: 'gone' } : { link, forget: true } };
  switch (binding.policies.deleteInward) {
    case 'park':
      return parkResult(link, 'policy', 'its remote was deleted and deleteInward is "park"', { look: true });
    case 'unlink':
    case 'ignore':
      return { settlement: { link, state: 'gone' }, history: [{ ...subject, event: 'unlinked' }] };
    case 'propagate':
      break;
  }
  const held = await overBrake(env.db, binding, 'record-deleted', 1);
  if (held !== undefined) return parkResult(link, 'brake', held, { look: true });
  try {
    const result = await env.db.transaction((tx) => deleteRecord(tx, binding, link));
    if (result !== 'fenced') emitResult(env, result);
    return undefined;
  } catch (error) {
    const result = errorResult(env, link, error);
    return { ...result, settlement: { ...result.settlement, look: true } };
  }
}

async function deleteRecord(tx: Queryable, binding: Binding, link: Link): Promise<Result | 'fenced'> {
  const { catalog } = binding;
  const key = link.key;
  if (key === undefined) return 'fenced';
  await announce(tx, binding.id, link.remoteEditedAt);
  if (!(await holdsLease(tx, link))) return 'fenced';
  const row = (await catalog.rows.load(tx, [key], { lock: true })).get(key);
  const { record } = extractRecord(catalog, row);
  const result = row === undefined || record === undefined ? tombstone(link) : await remove();
  const settled = await writeResults(tx, binding, [result]);
  return settled.size === 1 ? result : 'fenced';

  async function remove(): Promise<Result> {
    const { units, children } = binding.mapping;
    const edited = [
      ...units.filter(
        (unit) =>
          unit.direction !== 'inward' && hubChanged(own(link.shadow.units, unit.name), hubText(unit, record ?? {})),
      ),
      ...children.filter((child) => childrenEditedHere(child, link.shadow, record ?? {})),
    ];
    if (edited.length > 0) {
      const names = edited.map((unit) => unit.name).join(', ');
      return parkResult(
        link,
        'delete-conflict',
        `its remote was deleted while ${names} ${edited.length === 1 ? 'was' : 'were'} edited here`,
        { look: true },
      );
    }
    await catalog.main.delete(key as string, { tx: hubTransaction(tx, catalog), before: row, origin: binding.id });
    const gone = tombstone(link);
    const subject = { subscriber: binding.id, key, remoteId: link.remoteId };
    return {
      ...gone,
      history: [{ ...subject, event: 'record-deleted' }],
      emit: [{ name: 'applied', event: { ...subject, operation: 'delete', units: [] } }],
    };
  }
}

/** Neither side is there any more: the link stays as a tombstone, so that a late event can't bring the record back. */
export function tombstone(link: Link): Result {
  return { settlement: { link, state: 'gone', key: null } };
}
