/** What people tell the two sides of a plan's item by: a label and the mapped values of each record and remote that it names. */
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import { extractRecord, type Binding } from '../engine/binding.js';
import { labelOfRecord, labelOfRemote } from '../engine/labels.js';
import { hubText, remoteValue } from '../merge/project.js';
import type { Queryable } from '../store/database.js';
import { sightsInPlan, type PlanItem } from '../store/plans.js';

/** A record, or a remote. */
export interface PlanSide {
  /** Its key as text (`["42"]`), or the remote's id. */
  readonly id: string;
  /** Its first few texts; null where it has none, or isn't there any more. */
  readonly label: string | null;
  /** By unit: of a record as the hub holds them, of a remote as that shows them. */
  readonly values: Readonly<Record<string, Json>>;
}

/** An item with all that it speaks of: the pair, or whoever could belong together. */
export interface DescribedItem extends PlanItem {
  readonly records: readonly PlanSide[];
  readonly remotes: readonly PlanSide[];
}

/** Values as they are now in the hub, and as the remotes were listed. */
export async function described(
  db: Queryable,
  binding: Binding,
  plan: string,
  items: readonly PlanItem[],
): Promise<DescribedItem[]> {
  const keysOf = ({ key, detail }: PlanItem): RecordKey[] => distinct([key, ...(detail.records ?? [])]);
  const idsOf = ({ remoteId, detail }: PlanItem): string[] => distinct([remoteId, ...(detail.remotes ?? [])]);
  const rows = await binding.catalog.rows.load(db, [...new Set(items.flatMap(keysOf))]);
  const sights = new Map<string | null, unknown>(items.map(({ remoteId, sight }) => [remoteId, sight]));
  const others = [...new Set(items.flatMap(idsOf))].filter((id) => !sights.has(id));
  for (const { remoteId, sight } of await sightsInPlan(db, plan, others)) sights.set(remoteId, sight);
  return items.map((item) => ({
    ...item,
    records: keysOf(item).map((key) => sideOfRecord(binding, key, rows.get(key))),
    remotes: idsOf(item).map((id) => sideOfRemote(binding, id, sights.get(id))),
  }));
}

function distinct(ids: readonly (string | null)[]): string[] {
  return [...new Set(ids.filter((id) => id !== null))];
}

function sideOfRecord(binding: Binding, id: RecordKey, row: AnyRecord | undefined): PlanSide {
  const { record } = extractRecord(binding.catalog, row);
  if (record === undefined) return { id, label: row === undefined ? null : labelOfRecord(row), values: {} };
  return { id, label: labelOfRecord(record), values: valuesOf(binding, (unit) => hubText(unit, record)) };
}

function sideOfRemote(binding: Binding, id: string, sight: unknown): PlanSide {
  if (sight === undefined) return { id, label: null, values: {} };
  return {
    id,
    label: labelOfRemote(binding, sight),
    values: valuesOf(binding, (unit) => remoteValue(unit, sight) ?? null),
  };
}

/** A value that can't be read is left out: its item says why it would be parked. */
function valuesOf(
  { mapping }: Binding,
  read: (unit: Binding['mapping']['units'][number]) => Json,
): Record<string, Json> {
  return Object.fromEntries(
    mapping.units.flatMap((unit): [string, Json][] => {
      try {
        return [[unit.name, read(unit)]];
      } catch {
        return [];
      }
    }),
  );
}
