/** Merge of child rows (invoice lines), by child key: the merge of a record in small, plus births and deaths. Pure. */
import { own } from '../catalog/own.js';
import type { AnyRecord } from '../catalog/catalog.js';
import { keyFields, parseKey, type RecordKey } from '../catalog/key.js';
import type { ChildMapping } from '../subscriber/compile.js';
import { childConflict, editedThere, withSeen } from './child-edits.js';
import { hubChildren, pairUp, remoteChildren, type Match, type RemoteChild } from './child-pairs.js';
import { mergeUnits, type Applied, type Conflict, type MergeInput } from './merge.js';
import { hubText } from './project.js';
import { childShadowsOfSent, rebase } from './sent.js';
import { hubChanged, pair, type ChildShadow, type Pair, type Pairs } from './shadow.js';

/** A child that inward sync writes; its key is unknown until the hub gives one. */
export interface ChildApplied {
  readonly key: RecordKey | undefined;
  readonly id: string;
  readonly record: AnyRecord;
  readonly pairs: Pairs;
  readonly applied: readonly Applied[];
}

export interface ChildrenMerged {
  readonly mapping: ChildMapping;
  /** Children that need no write in the hub. */
  readonly shadows: Readonly<Record<string, ChildShadow>>;
  /** Rows that the hub had already and keeps as they are. */
  readonly kept: ReadonlySet<RecordKey>;
  /** The whole collection as the hub should hold it; undefined where nothing changes. */
  readonly records: readonly AnyRecord[] | undefined;
  readonly written: readonly ChildApplied[];
  readonly conflicts: readonly Conflict[];
  /** The remote must still be told of an added, changed or removed child. */
  readonly owed: boolean;
}

export function mergeChildren(mapping: ChildMapping, input: MergeInput): ChildrenMerged {
  const known = input.shadow.children?.[mapping.name];
  const base = known ?? {};
  const hub = hubChildren(mapping, input.record);
  const remote = remoteChildren(mapping, input.remote);
  if (remote === undefined) return unseen(mapping, hub, input);
  const draft: Draft = { shadows: {}, kept: new Map(), written: [], conflicts: [], dirty: false, owed: false };
  const byKey = pairUp(mapping, { base: known, hub, remote, sent: input.sent, resolver: input.resolver });
  for (const key of new Set([...hub.keys(), ...Object.keys(base), ...byKey.paired.keys()])) {
    mergeChild(mapping, key, { base: base[key], hub: hub.get(key), match: byKey.paired.get(key) }, input, draft);
  }
  for (const child of byKey.strangers) {
    if (mapping.direction !== 'outward') applyChild(mapping, undefined, undefined, child, {}, input, draft);
  }
  const records = [...draft.kept.values(), ...draft.written.map((child) => child.record)];
  return {
    mapping,
    shadows: draft.shadows,
    kept: new Set(draft.kept.keys()),
    records: draft.dirty ? records : undefined,
    written: draft.written,
    conflicts: draft.conflicts,
    owed: draft.owed && mapping.direction !== 'inward',
  };
}

/** The remote shows no list: rows and shadows stay as they are. Only what was never sent is owed to it. */
function unseen(mapping: ChildMapping, hub: ReadonlyMap<RecordKey, AnyRecord>, input: MergeInput): ChildrenMerged {
  const shadows = childShadowsOfSent(mapping, input.shadow, input.sent);
  const owed = mapping.direction !== 'inward' && [...hub.keys()].some((key) => shadows[key] === undefined);
  return { mapping, shadows, kept: new Set(hub.keys()), records: undefined, written: [], conflicts: [], owed };
}

/** Completes the shadows of a collection with what the hub shows after the write. */
export function childShadowsAfterWrite(merged: ChildrenMerged, record: AnyRecord): Record<string, ChildShadow> {
  const hub = hubChildren(merged.mapping, record);
  const shadows: Record<string, ChildShadow> = { ...merged.shadows };
  const taken = new Set(Object.keys(shadows));
  for (const child of merged.written) {
    const key = child.key ?? newChildKey(merged, child, hub, taken);
    if (key === undefined) continue;
    taken.add(key);
    const row = hub.get(key);
    const units: Record<string, Pair> = { ...child.pairs };
    for (const { unit, r } of child.applied) units[unit.name] = pair(row === undefined ? null : hubText(unit, row), r);
    shadows[key] = { id: child.id, units };
  }
  return shadows;
}

/** The key that the hub gave a new child: the row with the same values, else the first new one. */
function newChildKey(
  merged: ChildrenMerged,
  child: ChildApplied,
  hub: ReadonlyMap<RecordKey, AnyRecord>,
  taken: ReadonlySet<string>,
): RecordKey | undefined {
  const known = new Set(merged.written.map((one) => one.key));
  const fresh = [...hub].filter(([key]) => !taken.has(key) && !known.has(key) && !merged.kept.has(key));
  const equal = fresh.find(([, row]) =>
    child.applied.every(({ unit }) => hubText(unit, row) === hubText(unit, child.record)),
  );
  return (equal ?? fresh[0])?.[0];
}

/** What is written into a child's marker. */
export function childMarker(key: RecordKey): string {
  const parts = parseKey(key);
  return parts.length === 1 && parts[0] !== undefined && !parts[0].startsWith('["') ? parts[0] : key;
}

interface Draft {
  readonly shadows: Record<string, ChildShadow>;
  readonly kept: Map<RecordKey, AnyRecord>;
  readonly written: ChildApplied[];
  readonly conflicts: Conflict[];
  dirty: boolean;
  owed: boolean;
}

interface ChildSides {
  readonly base: ChildShadow | undefined;
  readonly hub: AnyRecord | undefined;
  readonly match: Match | undefined;
}

function mergeChild(mapping: ChildMapping, key: RecordKey, sides: ChildSides, input: MergeInput, draft: Draft): void {
  const { hub, match } = sides;
  if (hub !== undefined && match !== undefined) {
    applyChild(mapping, key, hub, match.child, agreedOn(mapping, key, sides.base, match, input), input, draft);
    return;
  }
  if (hub !== undefined) {
    childWithoutRemote(mapping, key, hub, sides.base, draft);
    return;
  }
  if (match === undefined) return; // gone on both sides
  if (sides.base !== undefined || input.sent?.children[mapping.name]?.[key] !== undefined) {
    childWithoutRow(mapping, key, sides.base, match, input, draft);
    return;
  }
  if (mapping.direction !== 'outward') applyChild(mapping, key, undefined, match.child, {}, input, draft);
}

/** Deleted in the hub, still there remotely: owed to the remote, unless the remote has the say and something to say. */
function childWithoutRow(
  mapping: ChildMapping,
  key: RecordKey,
  base: ChildShadow | undefined,
  match: Match,
  input: MergeInput,
  draft: Draft,
): void {
  const agreed = match.trust === 'guessed' ? (base?.units ?? {}) : agreedOn(mapping, key, base, match, input);
  const edited = editedThere(mapping, agreed, match.child.value);
  const winner =
    mapping.direction === 'inward' || (edited.length > 0 && mapping.authority === 'remote') ? 'remote' : 'hub';
  if (edited.length > 0 || winner === 'remote') {
    const rule = mapping.direction === 'inward' ? 'inward only, deleted here' : 'deleted here, edited there';
    draft.conflicts.push(childConflict(mapping, key, { base: agreed, remote: match.child.value }, winner, rule));
  }
  if (winner === 'remote') {
    applyChild(mapping, key, undefined, match.child, {}, input, draft);
    return;
  }
  draft.shadows[key] = { units: withSeen(agreed, edited, match.child.value), id: match.child.id };
  draft.owed = true;
}

/** The base of a pair, by how far the pair can be trusted. */
function agreedOn(
  mapping: ChildMapping,
  key: RecordKey,
  base: ChildShadow | undefined,
  { child, trust }: Match,
  input: MergeInput,
): Pairs {
  if (trust === 'guessed') return {};
  const sent = input.sent?.children[mapping.name]?.[key];
  const { firstHand = false } = input.sent ?? {};
  const seen = { remote: child.value, firstHand: firstHand && trust === 'sure' };
  return rebase(mapping.units, base?.units ?? {}, sent, seen);
}

/** A child of the hub that the remote doesn't show: new here, or deleted there. */
function childWithoutRemote(
  mapping: ChildMapping,
  key: RecordKey,
  hub: AnyRecord,
  base: ChildShadow | undefined,
  draft: Draft,
): void {
  // sent, but nowhere to be seen: never a reason to delete it here
  if (base?.id === undefined || mapping.direction === 'outward') {
    draft.kept.set(key, hub);
    draft.owed = true;
    return;
  }
  const edited = mapping.units.filter((unit) => hubChanged(own(base.units, unit.name), hubText(unit, hub)));
  if (edited.length === 0 || mapping.authority === 'remote') {
    draft.dirty = true;
    if (edited.length > 0) {
      const sides = { base: base.units, hub };
      draft.conflicts.push(childConflict(mapping, key, sides, 'remote', 'deleted there, edited here'));
    }
    return;
  }
  draft.kept.set(key, hub);
  draft.owed = true;
  draft.conflicts.push(childConflict(mapping, key, { base: base.units, hub }, 'hub', 'edited here, deleted there'));
}

function applyChild(
  mapping: ChildMapping,
  key: RecordKey | undefined,
  hub: AnyRecord | undefined,
  remote: RemoteChild,
  base: Pairs,
  input: MergeInput,
  draft: Draft,
): void {
  const merged = mergeUnits(mapping.units, base, {
    ...input,
    record: hub,
    remote: remote.value,
    told: input.sent?.firstHand === true && key !== undefined ? input.sent.children[mapping.name]?.[key] : undefined,
  });
  if (merged.owed) draft.owed = true;
  for (const conflict of merged.conflicts) {
    draft.conflicts.push({ ...conflict, unit: `${mapping.name}${key ?? ''}.${conflict.unit}` });
  }
  if (hub !== undefined && Object.keys(merged.patch).length === 0) {
    if (key !== undefined) {
      draft.kept.set(key, hub);
      draft.shadows[key] = { id: remote.id, units: merged.pairs };
    }
    return;
  }
  draft.dirty = true;
  const identity = key !== undefined && hub === undefined ? keyFields(mapping.info, key) : {};
  draft.written.push({
    key,
    id: remote.id,
    record: { ...identity, ...hub, ...merged.patch },
    pairs: merged.pairs,
    applied: merged.applied,
  });
}
