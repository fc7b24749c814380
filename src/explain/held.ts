/** What is held, as whoever decides about it needs it: whom it happens to, who made it, which fields. */
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import { extractRecord, type Binding } from '../engine/binding.js';
import { labelOfPairs, labelOfRecord } from '../engine/labels.js';
import { SyncflowError } from '../errors.js';
import { hubText } from '../merge/project.js';
import { hubChanged } from '../merge/shadow.js';
import type { Queryable } from '../store/database.js';
import type { HeldChange } from '../store/held.js';
import { findLinks, type FoundLink } from '../store/links.js';

/** A change that waits for release or discard, and what each of the two would do. */
export interface DescribedHeld extends HeldChange {
  /** What people know the record by: its first few texts, as they are or as they were agreed on. */
  readonly label: string | null;
  /** Who made it, as the audit names people and roles. */
  readonly by: string | null;
  /** Outward updates: what the remote has, and what it would get. Null: of a deletion, or the remote must be read first. */
  readonly changes: readonly { readonly unit: string; readonly from: Json; readonly to: Json }[] | null;
}

/** Changes of one subscriber. */
export async function describeHeld(
  db: Queryable,
  binding: Binding,
  held: readonly HeldChange[],
): Promise<DescribedHeld[]> {
  const { id: subscriber } = binding;
  const links = await findLinks(
    db,
    held.map(({ key, remoteId }) => (remoteId === null ? { subscriber, key: key ?? '' } : { subscriber, remoteId })),
  );
  const byId = new Map(links.map((link) => [link.id, link]));
  const rows = await rowsOf(
    db,
    binding,
    held.flatMap(({ key }) => key ?? []),
  );
  return held.map((one) => describe(binding, one, byId.get(one.id), one.key === null ? undefined : rows.get(one.key)));
}

/** What can't be read is shown all the same, by what was agreed on. */
async function rowsOf(
  db: Queryable,
  { catalog }: Binding,
  keys: readonly RecordKey[],
): Promise<ReadonlyMap<RecordKey, AnyRecord>> {
  try {
    return await catalog.rows.load(db, keys, { problems: new Map() });
  } catch (error) {
    if (!(error instanceof SyncflowError) || error.code !== 'table') throw error;
    return new Map();
  }
}

function describe(
  binding: Binding,
  held: HeldChange,
  link: FoundLink | undefined,
  row: AnyRecord | undefined,
): DescribedHeld {
  const pairs = link?.shadow.units ?? {};
  const { record } = extractRecord(binding.catalog, row);
  return {
    ...held,
    label: (row === undefined ? null : labelOfRecord(row)) ?? labelOfPairs(binding, pairs),
    by: link?.editedBy ?? null,
    changes:
      held.direction === 'inward' || held.operation === 'delete' || record === undefined
        ? null
        : changesOf(binding, link, record),
  };
}

/** Fields that the hub has changed since both sides agreed. */
function changesOf(
  { mapping }: Binding,
  link: FoundLink | undefined,
  record: AnyRecord,
): NonNullable<DescribedHeld['changes']> {
  return mapping.units.flatMap((unit) => {
    if (unit.direction === 'inward') return [];
    const pair = link?.shadow.units[unit.name];
    const hub = hubText(unit, record);
    return hubChanged(pair, hub) ? [{ unit: unit.name, from: pair?.h ?? pair?.r ?? null, to: hub }] : [];
  });
}
