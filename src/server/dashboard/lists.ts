/** Lists that somebody decides by: what is held, what a plan says, what differs. Each row with what people know its record by. */
import { findBinding } from '../../engine/prepare.js';
import { describeHeld } from '../../explain/held.js';
import type { ItemKind } from '../../first-load/item.js';
import type { DescribedItem, PlanSide } from '../../first-load/sides.js';
import type { Difference } from '../../maintenance/drift.js';
import { linksNamed } from '../../store/dashboard.js';
import { countHeld, listHeld, type HeldCount } from '../../store/held.js';
import type { Syncflow } from '../../syncflow.js';
import type { DriftRow, HeldRow, Named, Page, PlanRow } from './contract.js';
import { recordLabels } from '../../engine/labels.js';

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
    return pageOf(await describeHeld(db, binding, held));
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
