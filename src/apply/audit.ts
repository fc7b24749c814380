/** What history keeps of a write, so that `explain` can tell where a value came from. Pure. */
import { own } from '../catalog/own.js';
import type { AnyRecord } from '../catalog/catalog.js';
import type { Json } from '../catalog/values.js';
import type { Conflict, Merged } from '../merge/merge.js';
import { hubText } from '../merge/project.js';
import type { AuditedChange, HistoryDetail } from '../store/history.js';
import type { Intent } from '../store/intents.js';
import type { Link } from '../store/links.js';
import { backfillLane } from '../store/listed.js';
import type { Mapping } from '../subscriber/compile.js';

/** Longer values are cut: the audit is bounded. */
const longestValue = 4_000;

/** What inward sync changed in the hub, and by which rule. */
export function detailOfApplied(
  mapping: Mapping,
  outcome: {
    readonly merged: Pick<Merged, 'applied' | 'conflicts' | 'children'>;
    readonly before: AnyRecord | undefined;
    readonly after: AnyRecord;
    readonly editedAt: string | undefined;
  },
): HistoryDetail {
  const { merged, before, after, editedAt } = outcome;
  const changes: Record<string, AuditedChange> = {};
  for (const unit of mapping.units) {
    const from = before === undefined ? null : hubText(unit, before);
    const to = hubText(unit, after);
    if (from === to) continue;
    const rule =
      merged.applied.find((one) => one.unit === unit)?.rule ??
      ruleOf(merged.conflicts, unit.name) ??
      'written by the catalog’s save';
    changes[unit.name] = { from: kept(from), to: kept(to), rule };
  }
  const units = [
    ...merged.applied.map(({ unit }) => unit.name),
    ...merged.children.filter((child) => child.records !== undefined).map((child) => child.mapping.name),
  ];
  return { units, changes, ...(editedAt === undefined ? {} : { editedAt }) };
}

function ruleOf(conflicts: readonly Conflict[], unit: string): string | undefined {
  return conflicts.find((one) => one.unit === unit)?.rule;
}

/** What a write of ours changed in the remote, and whose edit that carried on. */
export function detailOfSent({ id, body }: Intent): HistoryDetail {
  const { draft, base, editedAt, editedBy } = body;
  const changes = Object.fromEntries(
    Object.entries(draft.sent).map(([unit, sent]): [string, AuditedChange] => [
      unit,
      { from: kept(own(base, unit) ?? null), to: kept(sent.r ?? null), hub: kept(sent.h ?? null) },
    ]),
  );
  return {
    units: [...Object.keys(draft.sent), ...Object.keys(draft.children)],
    changes,
    intent: id,
    ...(editedAt === undefined ? {} : { editedAt }),
    ...(editedBy === undefined ? {} : { editedBy }),
  };
}

/** What a first load or a rescan does is no mass change that somebody made. */
export function laneDetail({ lane }: Pick<Link, 'lane'>): Pick<HistoryDetail, 'lane'> {
  return lane < backfillLane ? {} : { lane };
}

function kept<T extends Json>(value: T): T | string {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= longestValue ? value : `${text.slice(0, longestValue)}…`;
}
