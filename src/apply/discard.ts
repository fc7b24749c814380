/**
 * A person takes a held mass change back. The side that made it gets what both last agreed on, by the ordinary road: a change made
 * here is undone by an edit in the hub, which goes to every subscriber; one made there, by a write to the remote. One
 * transaction for each record: what can't be taken back stays held, with the reason.
 */
import type { AnyRecord } from '../catalog/catalog.js';
import { keyFields, type RecordKey } from '../catalog/key.js';
import { own } from '../catalog/own.js';
import { extractRecord, type Binding } from '../engine/binding.js';
import { messageOf, SyncflowError } from '../errors.js';
import { hubChildren } from '../merge/child-pairs.js';
import { fieldsOf, hubText, valueOfText } from '../merge/project.js';
import { hubChanged, type Pairs, type Shadow } from '../merge/shadow.js';
import type { Database, Queryable } from '../store/database.js';
import { listHeld, lockHeld, settleHeld, type HeldChange, type LockedHeld } from '../store/held.js';
import { insertHistory } from '../store/history.js';
import { announceWriter } from '../store/marks.js';
import { createAgain } from '../store/overview.js';
import type { ChildMapping, Unit } from '../subscriber/compile.js';
import { hubTransaction } from './save.js';

export interface Discarded {
  readonly discarded: number;
  /** Still held, each with what stands in the way; the first 1,000. */
  readonly failed: readonly (Pick<HeldChange, 'id' | 'key' | 'remoteId'> & { readonly reason: string })[];
}

const page = 200;
const maxFailures = 1_000;

export async function discardHeld(db: Database, binding: Binding, by: string): Promise<Discarded> {
  const failed: Discarded['failed'][number][] = [];
  let discarded = 0;
  let after = '0';
  for (;;) {
    const held = await listHeld(db, [binding.id], page, after);
    for (const { id, key, remoteId } of held) {
      try {
        if (await db.transaction((tx) => discardOne(tx, binding, id, by))) discarded += 1;
      } catch (error) {
        if (failed.length < maxFailures) failed.push({ id, key, remoteId, reason: inFull(error) });
      }
    }
    after = held.at(-1)?.id ?? after;
    if (held.length < page) return { discarded, failed };
  }
}

async function discardOne(tx: Queryable, binding: Binding, id: string, by: string): Promise<boolean> {
  await announceWriter(tx, { origin: `@${by} (discard)`, editedAt: undefined });
  const held = await lockHeld(tx, id);
  if (held === undefined) return false;
  if (held.direction === 'inward') await discardInward(tx, held);
  else await discardOutward(tx, binding, held);
  const { subscriber, key, remoteId } = held;
  await insertHistory(tx, [
    {
      subscriber,
      key: key ?? undefined,
      remoteId: remoteId ?? undefined,
      event: 'discarded',
      detail: { reason: `${held.direction} ${held.operation}`, editedBy: by },
    },
  ]);
  return true;
}

/** What was edited there is overwritten by the pass that reads it; what was deleted there is made again. */
async function discardInward(tx: Queryable, held: LockedHeld): Promise<void> {
  if (held.operation === 'update') {
    await settleHeld(tx, held.id, { shadow: { ...held.shadow, insists: 'hub' }, look: true });
    return;
  }
  if (!(await createAgain(tx, held.id))) throw refusal('its record isn’t there any more', 'Release it instead.');
}

async function discardOutward(tx: Queryable, binding: Binding, held: LockedHeld): Promise<void> {
  const { catalog } = binding;
  const key = held.key ?? undefined;
  if (key === undefined)
    throw refusal('its record has another key by now', 'Release it, or change the key back in the hub.');
  const row = (await catalog.rows.load(tx, [key], { lock: 'all' })).get(key);
  const { record } = extractRecord(catalog, row);
  if (record !== undefined && held.operation === 'delete') {
    // it came back, or it only left the subscriber's `where`: then its remote stays, and is left alone
    await settleHeld(tx, held.id, {
      shadow: held.shadow,
      look: false,
      excluded: !binding.subscriber.where(record),
    });
    return;
  }
  const next = { ...row, ...agreedRecord(binding, held.shadow, key, record) };
  const { softDelete, columns } = catalog.definition;
  if (record === undefined && row !== undefined && softDelete !== undefined)
    next[softDelete] = columns.find((one) => one.name === softDelete)?.nullable === true ? null : false;
  const problems = catalog.main.validate(next);
  if (problems.length > 0)
    throw new SyncflowError(
      'validation',
      `what both sides agreed on isn’t valid here any more: ${problems.map(({ field, problem }) => `${field}: ${problem}`).join('; ')}`,
      { hint: 'Write the record by hand, or let the change go (release).' },
    );
  await catalog.main.save(next, { tx: hubTransaction(tx, catalog), before: row, origin: 'app' });
  await settleHeld(tx, held.id, { shadow: held.shadow, look: false });
}

/** The fields that a record held when both sides last agreed; of a record that is there, those that differ. Pure. */
function agreedRecord(
  { mapping, catalog }: Binding,
  shadow: Shadow,
  key: RecordKey,
  record: AnyRecord | undefined,
): AnyRecord {
  const fields: AnyRecord = record === undefined ? keyFields(catalog.definition, key) : {};
  Object.assign(fields, agreedFields(mapping.units, shadow.units, record));
  for (const child of mapping.children) {
    const rows = agreedChildren(child, shadow, record);
    if (rows !== undefined) fields[child.name] = rows;
  }
  return fields;
}

function agreedFields(units: readonly Unit[], pairs: Pairs, record: AnyRecord | undefined): AnyRecord {
  const fields: AnyRecord = {};
  for (const unit of units) {
    const agreed = own(pairs, unit.name);
    // a value that is owed was never agreed on
    if (agreed?.h === undefined || (record !== undefined && !hubChanged(agreed, hubText(unit, record)))) continue;
    Object.assign(fields, fieldsOf(unit, valueOfText(unit, agreed.h)));
  }
  return fields;
}

/** Lines as they were: edited ones put back, added ones gone, removed ones made again from what was mapped. */
function agreedChildren(child: ChildMapping, shadow: Shadow, record: AnyRecord | undefined): AnyRecord[] | undefined {
  const known = shadow.children?.[child.name];
  if (known === undefined || child.direction === 'inward') return undefined;
  const hub = hubChildren(child, record);
  return Object.entries(known).map(([key, { units }]) => {
    const row = hub.get(key);
    return { ...(row ?? keyFields(child.info, key)), ...agreedFields(child.units, units, row) };
  });
}

/** What stands in the way, and what to do about it. */
function inFull(error: unknown): string {
  const hint = error instanceof SyncflowError ? error.hint : undefined;
  return hint === undefined ? messageOf(error) : `${messageOf(error)}. ${hint}`;
}

const refusal = (message: string, hint: string): SyncflowError => new SyncflowError('usage', message, { hint });
