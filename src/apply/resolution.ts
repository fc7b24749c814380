/**
 * A person decides about a logged conflict: the value that lost is put back, or another is set. That is an edit of the record
 * like any other: validated, saved in the hub by the catalog's `save`, marked by its trigger, and carried to every subscriber by
 * the plan. The entry of the log stays as it is, and says who decided, when, and what.
 */
import type { AnyRecord } from '../catalog/catalog.js';
import { showKey, type RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import type { Binding } from '../engine/binding.js';
import { loadReferences } from '../engine/references.js';
import { messageOf, SyncflowError } from '../errors.js';
import { fieldsOf, get, hubText, valueOfText } from '../merge/project.js';
import type { Database, Queryable } from '../store/database.js';
import { lockConflict, markResolved, type LoggedConflict, type Taken } from '../store/resolutions.js';
import type { Unit } from '../subscriber/compile.js';
import { writePath } from '../subscriber/path.js';
import { hubTransaction, loadRow } from './save.js';

export interface ResolveRequest {
  readonly id: string;
  readonly take: Taken;
  /** With `take: 'value'`: as the hub's record would hold it; a list for a unit of several fields. */
  readonly value?: Json | undefined;
  /** Who decided, for the log. */
  readonly by: string;
}

export interface Resolved {
  readonly subscriber: string;
  readonly key: RecordKey;
  readonly unit: string;
  /** The hub's value now, as canonical text. */
  readonly value: string | null;
  /** False: the hub held it already, and nothing was written. */
  readonly changed: boolean;
}

/** @throws SyncflowError `usage` where it can't be resolved so, `validation` where the record wouldn't be valid */
export function resolveConflict(
  db: Database,
  bindings: readonly Binding[],
  request: ResolveRequest,
): Promise<Resolved> {
  return db.transaction(async (tx) => {
    const conflict = await lockConflict(tx, request.id);
    if (conflict === undefined)
      throw refusal(
        `there is no conflict ${request.id} in the log`,
        'See: syncflow conflicts. They are kept for 90 days.',
      );
    if (conflict.resolvedBy !== null)
      throw refusal(
        `conflict ${request.id} was resolved already, by ${conflict.resolvedBy}`,
        'Edit the record to change it again.',
      );
    const { binding, unit, key } = subjectOf(bindings, conflict);
    const before = await loadRow(tx, binding.catalog, key);
    if (before?.record === undefined)
      throw refusal(
        `record ${showKey(key)} of ${binding.catalog.definition.name} isn’t there any more`,
        'Insert it again, with the values of the log: syncflow conflicts --json has them.',
      );
    const patch = await patchOf(tx, binding, unit, before.record, { conflict, request });
    const changed = hubText(unit, { ...before.record, ...patch }) !== hubText(unit, before.record);
    if (changed) await save(tx, binding, { key, row: before.row, patch, conflict: conflict.id });
    const after = await loadRow(tx, binding.catalog, key);
    const value = after?.record === undefined ? null : hubText(unit, after.record);
    await markResolved(tx, conflict.id, { taken: request.take, value, by: request.by });
    return { subscriber: conflict.subscriber, key, unit: unit.name, value, changed };
  });
}

function subjectOf(
  bindings: readonly Binding[],
  { id, subscriber, unit: name, key }: LoggedConflict,
): { readonly binding: Binding; readonly unit: Unit; readonly key: RecordKey } {
  const binding = bindings.find((one) => one.id === subscriber);
  if (binding === undefined)
    throw refusal(
      `conflict ${id} is about ${subscriber}, which isn’t registered here any more`,
      'Register it again; or edit the record in the hub, which settles it for those that are.',
    );
  if (key === null)
    throw refusal(
      `conflict ${id} is about a remote of ${subscriber} that has no record here`,
      `Edit it in ${subscriber.split('/')[1] ?? 'its system'}.`,
    );
  const unit = binding.mapping.units.find((one) => one.name === name);
  if (unit === undefined)
    throw refusal(
      `conflict ${id} is about ${name} of ${subscriber} ${showKey(key)}, which is no mapped field of the record itself`,
      'A line is decided by an edit of its row in the hub; a field that was renamed, by an edit of that.',
    );
  if (unit.direction === 'inward')
    throw refusal(
      `${name} of ${subscriber} is mapped inward only: the remote’s value would come back`,
      `Change it in ${subscriber.split('/')[1] ?? 'its system'}.`,
    );
  return { binding, unit, key };
}

async function patchOf(
  tx: Queryable,
  binding: Binding,
  unit: Unit,
  record: AnyRecord,
  { conflict, request }: { readonly conflict: LoggedConflict; readonly request: ResolveRequest },
): Promise<AnyRecord> {
  try {
    switch (request.take) {
      case 'hub':
        return fieldsOf(unit, valueOfText(unit, conflict.hub as string | null));
      case 'value':
        return fieldsOf(unit, request.value);
      case 'remote': {
        const remote: Record<string, Json> = {};
        writePath(remote, unit.path, conflict.remote);
        const resolver = await loadReferences(tx, binding, { remotes: [remote] });
        return get(unit, conflict.remote, record, resolver);
      }
    }
  } catch (error) {
    throw refusal(
      `${unit.name} of ${binding.catalog.definition.name} can’t take that value: ${messageOf(error)}`,
      `Nothing was written. Give one that fits: syncflow conflicts resolve ${conflict.id} --take value '<JSON>'`,
    );
  }
}

interface Edit {
  readonly key: RecordKey;
  readonly row: AnyRecord;
  readonly patch: AnyRecord;
  readonly conflict: string;
}

async function save(tx: Queryable, { catalog }: Binding, { key, row, patch, conflict }: Edit): Promise<void> {
  const next = { ...row, ...patch };
  const problems = catalog.main.validate(next);
  if (problems.length > 0)
    throw new SyncflowError(
      'validation',
      `${catalog.definition.name} ${showKey(key)} wouldn’t be valid: ${problems.map(({ field, problem }) => `${field}: ${problem}`).join('; ')}`,
      {
        hint: `Nothing was written, and the conflict stays open. Give a value that fits: syncflow conflicts resolve ${conflict} --take value '<JSON>'`,
      },
    );
  await catalog.main.save(next, { tx: hubTransaction(tx, catalog), before: row, origin: 'app' });
}

const refusal = (message: string, hint: string): SyncflowError => new SyncflowError('usage', message, { hint });
