/** What a plan says of one remote, one record, or the two together. Pure. */
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import type { Merged } from '../merge/merge.js';
import { hubText } from '../merge/project.js';
import type { Verdict } from '../apply/judge.js';
import type { Planned } from '../store/links.js';
import type { ItemDecision } from '../store/plans.js';
import type { Mapping } from '../subscriber/compile.js';

/**
 * `linked` already · `marker`: linked by our marker · `match`: one record and one remote match · `ambiguous`: several could belong
 * together · `here`, `there`: only on that side, and to be made on the other · `left`: left alone.
 */
export type ItemKind = 'linked' | 'marker' | 'match' | 'ambiguous' | 'here' | 'there' | 'left';

export interface Difference {
  readonly unit: string;
  readonly winner: 'hub' | 'remote' | 'merged';
  readonly rule: string;
  readonly hub: Json;
  readonly remote: Json;
}

export interface Detail {
  /** Of an ambiguous one: who could belong together. */
  readonly records?: readonly RecordKey[];
  readonly remotes?: readonly string[];
  /** Fields that differ between the two of a pair. */
  readonly differ?: readonly Difference[];
  /** Why it comes to nothing when the plan is applied: it can't be a record, refers to what isn't there yet, or is outside of `where`. */
  readonly stops?: 'parked' | 'waiting' | 'outside';
  /** What a person should know: why it is ambiguous, or left alone, or would be parked. */
  readonly note?: string;
}

export interface Judgement {
  readonly kind: ItemKind;
  readonly key: RecordKey | null;
  readonly detail: Detail;
}

/** Fields in which the two of a new pair differ, and whose value would stay. */
export function differences(mapping: Mapping, record: AnyRecord, merged: Merged): Difference[] {
  const logged = merged.conflicts.map(({ unit, winner, rule, hub, remote }) => ({ unit, winner, rule, hub, remote }));
  const named = new Set(logged.map((one) => one.unit));
  const filled = merged.applied
    .filter(({ unit }) => !named.has(unit.name))
    .map(({ unit, r, rule }): Difference => {
      named.add(unit.name);
      return { unit: unit.name, winner: 'remote', rule, hub: hubText(unit, record), remote: r ?? null };
    });
  const owed = mapping.units.flatMap((unit): Difference[] => {
    const pair = merged.pairs[unit.name];
    const hub = hubText(unit, record);
    if (
      named.has(unit.name) ||
      unit.direction === 'inward' ||
      pair === undefined ||
      pair.h !== undefined ||
      hub === null
    )
      return [];
    return [{ unit: unit.name, winner: 'hub', rule: 'the remote has nothing', hub, remote: pair.r ?? null }];
  });
  return [...logged, ...filled, ...owed];
}

/** What a judgement of a remote means for the plan. */
export function judgementOf(
  verdict: Verdict,
  facts: {
    readonly remoteId: string;
    readonly marked: RecordKey | undefined;
    readonly free: readonly RecordKey[];
    readonly rivals: readonly string[];
  },
): Judgement {
  switch (verdict.kind) {
    case 'adopt':
      return { kind: facts.marked === undefined ? 'match' : 'marker', key: verdict.key, detail: {} };
    case 'create':
      return { kind: 'there', key: null, detail: {} };
    case 'exclude':
      return { kind: 'left', key: null, detail: { note: 'the policy createInward says so' } };
    case 'park':
      if (verdict.code === 'policy') return { kind: 'left', key: null, detail: { note: verdict.reason } };
      return {
        kind: 'ambiguous',
        key: null,
        detail: {
          records: facts.marked === undefined ? facts.free : [facts.marked],
          remotes: [facts.remoteId, ...facts.rivals],
          note: verdict.reason,
        },
      };
    case 'later':
    case 'await':
      return {
        kind: 'ambiguous',
        key: null,
        detail: { remotes: [facts.remoteId], note: 'a write of ours has no answer yet' },
      };
  }
}

/** The approval in one text. It holds no values: an edit that changes nobody's partner and nobody's winner doesn't move the world. */
export function saysOf({ kind, key, detail }: Judgement): string {
  const parts: string[] = [kind];
  if (key !== null && kind !== 'here' && kind !== 'left' && kind !== 'ambiguous') parts.push(`with ${key}`);
  if (detail.records !== undefined && detail.records.length > 0)
    parts.push(`records ${[...detail.records].sort().join(', ')}`);
  if (detail.remotes !== undefined && detail.remotes.length > 1)
    parts.push(`remotes ${[...detail.remotes].sort().join(', ')}`);
  const winners = (detail.differ ?? []).map(({ unit, winner }) => `${unit}: ${winner}`).sort();
  if (winners.length > 0) parts.push(`wins in ${winners.join(', ')}`);
  return parts.join('; ');
}

/** What the engine is told of an item when its plan is applied. Nothing of an ambiguous one that nobody decided: that is parked. */
export function plannedOf(kind: ItemKind, key: RecordKey | null, decision: ItemDecision | null): Planned | undefined {
  if (decision !== null) {
    if (decision.do === 'link')
      return { by: 'person', do: 'link', ...(decision.key === undefined ? {} : { key: decision.key }) };
    return { by: 'person', do: decision.do === 'new' ? 'create' : 'leave' };
  }
  switch (kind) {
    case 'marker':
    case 'match':
      return key === null ? undefined : { by: 'plan', do: 'link', key };
    case 'here':
    case 'there':
      return { by: 'plan', do: 'create' };
    case 'left':
      return { by: 'plan', do: 'leave' };
    case 'ambiguous':
    case 'linked':
      return undefined;
  }
}
