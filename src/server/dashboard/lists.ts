/** Lists that somebody decides by: what is held, what a plan says, what differs. Each row with what people know its record by. */
import type { AnyRecord } from '../../catalog/catalog.js';
import { extractRecord, type Binding } from '../../engine/binding.js';
import { findBinding } from '../../engine/prepare.js';
import type { ItemKind } from '../../first-load/item.js';
import type { DescribedItem, PlanSide } from '../../first-load/sides.js';
import type { Difference } from '../../maintenance/drift.js';
import { hubText } from '../../merge/project.js';
import { hubChanged } from '../../merge/shadow.js';
import { linksNamed } from '../../store/dashboard.js';
import { countHeld, listHeld, type HeldChange, type HeldCount } from '../../store/held.js';
import { findLinks, type FoundLink } from '../../store/links.js';
import type { Syncflow } from '../../syncflow.js';
import type { DriftRow, HeldRow, Named, Page, PlanRow } from './contract.js';
import { labelOfPairs, labelOfRecord, recordLabels } from '../../engine/labels.js';

const pageSize = 100;

export class Lists {
  readonly #flow: Syncflow;

  constructor(flow: Syncflow) {
    this.#flow = flow;
  }

  /** What waits for a release or a discard, oldest first, and what would change. */
  async held({ subscriber, after }: { subscriber: string; after?: string | undefined }): Promise<Page<HeldRow>> {
    const { db, bindings } = await this.#flow.inside();
    const binding = findBinding(bindings, subscriber);
    const held = await listHeld(db, [subscriber], pageSize, after);
    const links = await findLinks(
      db,
      held.map(({ key, remoteId }) => (remoteId === null ? { subscriber, key: key ?? '' } : { subscriber, remoteId })),
    );
    const byId = new Map(links.map((link) => [link.id, link]));
    const rows = await binding.catalog.rows.load(
      db,
      held.flatMap(({ key }) => key ?? []),
    );
    return pageOf(
      held.map((one) => heldRow(binding, one, byId.get(one.id), one.key === null ? undefined : rows.get(one.key))),
    );
  }

  /** How much of what is held. */
  async heldCounts(subscriber: string): Promise<{ readonly counts: readonly HeldCount[] }> {
    const { db } = await this.#flow.inside();
    return { counts: await countHeld(db, [subscriber]) };
  }

  async plan(request: {
    subscriber: string;
    kind?: ItemKind | undefined;
    after?: string | undefined;
  }): Promise<Page<PlanRow>> {
    const { subscriber, kind, after } = request;
    const items = await this.#flow.planItems(subscriber, {
      limit: pageSize,
      ...(kind === undefined ? {} : { kind }),
      ...(after === undefined ? {} : { after }),
    });
    return pageOf(items.map(planRow));
  }

  /** A page of differences, as the last comparison found them. `after`: how many were read. */
  async differences(subscriber: string, all: readonly Difference[], after = '0'): Promise<Page<DriftRow>> {
    const { db, bindings } = await this.#flow.inside();
    const from = Number(after);
    const some = all.slice(from, from + pageSize);
    const keys = some.flatMap(({ key }) => key ?? []);
    const remoteIds = some.flatMap(({ remoteId }) => remoteId ?? []);
    const labels = await recordLabels(db, findBinding(bindings, subscriber), keys);
    const links = await linksNamed(db, [subscriber], { keys, remoteIds }, pageSize * 2);
    const rows = some.map((one, index): DriftRow => ({
      ...one,
      id: String(from + index + 1),
      label: one.key === undefined ? null : (labels.get(one.key) ?? null),
      link:
        links.find(({ key, remoteId }) => (one.key !== undefined ? key === one.key : remoteId === one.remoteId))?.id ??
        null,
    }));
    return pageOf(rows);
  }
}

function heldRow(binding: Binding, held: HeldChange, link: FoundLink | undefined, row: AnyRecord | undefined): HeldRow {
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
): NonNullable<HeldRow['changes']> {
  return mapping.units.flatMap((unit) => {
    if (unit.direction === 'inward') return [];
    const pair = link?.shadow.units[unit.name];
    const hub = hubText(unit, record);
    return hubChanged(pair, hub) ? [{ unit: unit.name, from: pair?.h ?? pair?.r ?? null, to: hub }] : [];
  });
}

function planRow(item: DescribedItem): PlanRow {
  const { id, kind, key, remoteId, detail, decision } = item;
  const named = ({ id: one, label }: PlanSide): Named => ({ id: one, label });
  return {
    id,
    kind,
    key,
    remoteId,
    label: item.records.find((one) => one.id === key)?.label ?? null,
    remoteLabel: item.remotes.find((one) => one.id === remoteId)?.label ?? null,
    records: item.records.filter((one) => one.id !== key).map(named),
    remotes: item.remotes.filter((one) => one.id !== remoteId).map(named),
    differ: detail.differ ?? [],
    note: detail.note ?? null,
    decision,
  };
}

function pageOf<T extends { readonly id: string }>(rows: readonly T[]): Page<T> {
  return { rows, next: rows.length < pageSize ? null : (rows.at(-1)?.id ?? null) };
}
