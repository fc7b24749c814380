/** What was seen becomes a row: by the main class, whose `save` may be the user's own. */
import { CatalogBase, type AnyRecord, type HubTransaction } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import { extractRecord, type Binding, type CatalogBinding } from '../engine/binding.js';
import { SyncflowError } from '../errors.js';
import type { Queryable } from '../store/database.js';
import type { Settling } from '../store/marks.js';
import type { RowLock } from '../store/rows-sql.js';

/** A row, and the record that subscribers see in it; undefined where it counts as deleted. */
export interface Loaded {
  readonly row: AnyRecord;
  readonly record: AnyRecord | undefined;
}

/** Reads rows again that are about to be written, and locks them: all, or those that nobody else has locked. */
export async function loadRows(
  tx: Queryable,
  catalog: CatalogBinding,
  keys: readonly RecordKey[],
  lock: RowLock,
): Promise<Map<RecordKey, Loaded>> {
  const rows = await catalog.rows.load(tx, keys, { lock });
  return new Map([...rows].map(([key, row]) => [key, { row, record: extractRecord(catalog, row).record }]));
}

export async function loadRow(tx: Queryable, catalog: CatalogBinding, key: RecordKey): Promise<Loaded | undefined> {
  return (await loadRows(tx, catalog, [key], 'all')).get(key);
}

/** A record that only a remote has: what it doesn't give is left to the columns' defaults. */
export function newRecord({ definition }: CatalogBinding, patch: AnyRecord): AnyRecord {
  const record = { ...patch };
  for (const { name, nullable, optional } of definition.columns)
    if (record[name] === null && !nullable && (optional || definition.key.includes(name))) record[name] = undefined;
  return record;
}

/** A record as it is to be written, and the row as it stands. */
export interface Saving {
  readonly next: AnyRecord;
  readonly before: Loaded | undefined;
}

export interface Saved {
  readonly key: RecordKey;
  readonly record: AnyRecord;
}

export async function saveRow(tx: Queryable, binding: Binding, { next, before }: Saving): Promise<Saved> {
  const { catalog } = binding;
  const key = await catalog.main.save(next, {
    tx: hubTransaction(tx, catalog),
    before: before?.row,
    origin: binding.id,
  });
  const after = await loadRow(tx, catalog, key);
  return { key, record: written(key, after) };
}

/** The same for many: together, unless the main class saves each in its own way. Their order is kept. */
export async function saveRows(tx: Queryable, binding: Binding, saving: readonly Saving[]): Promise<Saved[]> {
  const { catalog } = binding;
  if (hasOwnSave(catalog)) {
    const saved: Saved[] = [];
    for (const one of saving) saved.push(await saveRow(tx, binding, one));
    return saved;
  }
  const keys = await catalog.rows.writeAll(
    tx,
    saving.map(({ next, before }) => ({ record: next, before: before?.row })),
  );
  const after = await loadRows(tx, catalog, keys, 'all');
  return keys.map((key) => ({ key, record: written(key, after.get(key)) }));
}

function written(key: RecordKey, after: Loaded | undefined): AnyRecord {
  if (after?.record === undefined) throw new SyncflowError('validation', `save left no record under ${key}`);
  return after.record;
}

function hasOwnSave({ main }: CatalogBinding): boolean {
  return main.save !== CatalogBase.prototype.save;
}

/**
 * For which records the subscriber needs no mark of what it writes: each row is read again right after it was written, and the link
 * settled with that, under another key where that was changed. No updates where `save` may write other rows as well; no inserts where a
 * remote chooses the key, since another record may have been deleted under it.
 * @param keys of the rows that are updated
 */
export function settlesOwn(binding: Binding, keys: readonly RecordKey[]): Settling {
  const { id, catalog, mapping } = binding;
  const { key } = catalog.definition;
  const choosesKey = mapping.units.some(
    ({ direction, fields }) => direction !== 'outward' && fields.some(({ name }) => key.includes(name)),
  );
  const rows = hasOwnSave(catalog) ? 'nothing' : choosesKey ? 'updates' : 'updates and inserts';
  return { subscriber: id, keys, rows };
}

/** The face of a transaction that `save` and `delete` overrides see. */
export function hubTransaction(tx: Queryable, catalog: CatalogBinding): HubTransaction {
  return {
    query: (sql, params) => tx.query(sql, params as never),
    write: (_definition, record, before) => catalog.rows.write(tx, record, before),
    remove: (_definition, key) => catalog.rows.remove(tx, key),
  };
}
