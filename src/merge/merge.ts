/**
 * Three-way merge of one record: base is the shadow, the sides are the hub's record and an observed remote. Pure.
 * Every observation goes through here, the answer to our own write included.
 */
import { own } from '../catalog/own.js';
import type { AnyRecord } from '../catalog/catalog.js';
import type { Json } from '../catalog/values.js';
import type { Mapping, Unit } from '../subscriber/compile.js';
import { decideConflict, type Decision, type EditTimes } from './authority.js';
import { mergeChildren, type ChildrenMerged } from './children.js';
import { fieldsOf, get, hubText, isOutdated, put, remoteValue, type Resolver } from './project.js';
import { rebase, type Sent, type SentPairs } from './sent.js';
import { hubChanged, isEmpty, pair, sameRemote, type Pair, type Pairs, type Shadow } from './shadow.js';

export interface MergeInput extends EditTimes {
  readonly mapping: Mapping;
  readonly shadow: Shadow;
  /** The hub's record as it is now; undefined where the remote's record is yet to be made. */
  readonly record: AnyRecord | undefined;
  readonly remote: unknown;
  readonly resolver: Resolver;
  readonly sent?: Sent;
}

/** What the merge of units knows beside them. */
export interface UnitsInput extends Omit<MergeInput, 'mapping' | 'shadow' | 'sent'> {
  /** The hub wins where the remote was edited, and is told: see `Shadow.insists`. */
  readonly insists?: boolean;
  /** What a write of ours sent whose own answer this is. */
  readonly told?: SentPairs | undefined;
}

/** A field that both sides changed, and who won. Values are canonical: hub text, remote JSON. */
export interface Conflict {
  readonly unit: string;
  readonly base: Json;
  readonly hub: Json;
  readonly remote: Json;
  readonly winner: 'hub' | 'remote' | 'merged';
  readonly rule: string;
}

/** A unit whose hub value is about to be written; its pair is complete once the hub shows what it kept. */
export interface Applied {
  readonly unit: Unit;
  readonly r: Json | undefined;
  /** Why the remote's value is taken. */
  readonly rule: string;
}

export interface UnitsMerged {
  readonly pairs: Pairs;
  /** Hub fields to write. */
  readonly patch: AnyRecord;
  readonly applied: readonly Applied[];
  readonly conflicts: readonly Conflict[];
  /** The hub holds something that the remote must still be told. */
  readonly owed: boolean;
}

export interface Merged extends UnitsMerged {
  readonly children: readonly ChildrenMerged[];
  /** Whether the hub must be written. */
  readonly changesHub: boolean;
}

export function merge(input: MergeInput): Merged {
  const units = mergeUnits(
    input.mapping.units,
    rebase(input.mapping.units, input.shadow.units, input.sent?.units, {
      remote: input.remote,
      firstHand: input.sent?.firstHand === true,
    }),
    {
      ...input,
      insists: input.shadow.insists !== undefined,
      told: input.sent?.firstHand === true ? input.sent.units : undefined,
    },
  );
  const children = input.mapping.children.map((mapping) => mergeChildren(mapping, input));
  const patch = { ...units.patch };
  for (const child of children) if (child.records !== undefined) patch[child.mapping.name] = child.records;
  return {
    pairs: units.pairs,
    patch,
    applied: units.applied,
    conflicts: [...units.conflicts, ...children.flatMap((child) => child.conflicts)],
    children,
    owed: units.owed || children.some((child) => child.owed),
    changesHub: Object.keys(patch).length > 0,
  };
}

/** Merges the units of a record, or of one child row. */
export function mergeUnits(units: readonly Unit[], base: Pairs, input: UnitsInput): UnitsMerged {
  const out: Draft = { pairs: {}, patch: {}, applied: [], conflicts: [] };
  const sides = units.map((unit) => sidesOf(unit, own(base, unit.name), input));
  const groups = new Map<string, Winner>();
  for (const side of sides) {
    const group = side.unit.group;
    if (group === undefined || groups.has(group)) continue;
    const members = sides.filter((one) => one.unit.group === group);
    const winner = groupWinner(members, input);
    if (winner !== undefined) groups.set(group, winner);
  }
  for (const side of sides) {
    const forced = side.unit.group === undefined ? undefined : groups.get(side.unit.group);
    mergeUnit(side, input, forced, out);
    noteKept(side, input, out);
  }
  const owed = sides.some(({ unit, h }) => {
    if (input.record === undefined || unit.direction === 'inward' || out.applied.some((one) => one.unit === unit))
      return false;
    const agreed = own(out.pairs, unit.name);
    return hubChanged(agreed, h) || isOutdated(unit, agreed, input.record, input.resolver);
  });
  return { ...out, owed };
}

/** A reference whose new id the remote was told just now, and that keeps the former one: it isn't told the same again. */
function noteKept({ unit, h, r }: Sides, { record, resolver, told }: UnitsInput, out: Draft): void {
  const agreed = own(out.pairs, unit.name);
  const ours = own(told ?? {}, unit.name);
  if (record === undefined || ours?.r === undefined || !isOutdated(unit, agreed, record, resolver)) return;
  out.pairs[unit.name] = { ...agreed, told: ours.r };
  out.conflicts.push({
    unit: unit.name,
    base: h,
    hub: h,
    remote: r ?? null,
    winner: 'remote',
    rule: 'the remote was told another id, and keeps its own',
  });
}

interface Draft {
  readonly pairs: Record<string, Pair>;
  readonly patch: AnyRecord;
  readonly applied: Applied[];
  readonly conflicts: Conflict[];
}

/** Who takes a group; `merged`: its authority functions give values, each member's its own. */
type Winner = Decision['winner'];

interface Sides {
  readonly unit: Unit;
  readonly base: Pair | undefined;
  readonly h: string | null;
  readonly r: Json | undefined;
  readonly hub: boolean;
  readonly remote: boolean;
  /** Computed only when asked: a lens may throw, and an unchanged field must not park its record. */
  same(): boolean;
}

type SideInput = Pick<UnitsInput, 'record' | 'remote' | 'resolver' | 'insists'>;

function sidesOf(unit: Unit, base: Pair | undefined, input: SideInput): Sides {
  const { record, resolver } = input;
  const h = record === undefined ? null : hubText(unit, record);
  const r = remoteValue(unit, input.remote);
  const isEdited = base === undefined || !sameRemote(base.r, r);
  return {
    unit,
    base,
    h,
    r,
    hub: record !== undefined && (hubChanged(base, h) || (input.insists === true && isEdited)),
    remote: isEdited,
    same: () => {
      if (record === undefined) return false;
      if (h === null && (r === undefined || r === null)) return true;
      if (unit.direction !== 'inward' && sameRemote(put(unit, record, resolver), r)) return true;
      if (unit.direction === 'outward' || r === undefined) return false;
      return hubText(unit, { ...record, ...get(unit, r, record, resolver) }) === h;
    },
  };
}

/** A group moves together: where both sides have something to say in it, a single winner takes all. */
function groupWinner(members: readonly Sides[], input: SideInput & EditTimes): Winner | undefined {
  const both = members.filter((side) => side.unit.direction === 'both');
  if (!both.some((side) => side.hub) || !both.some((side) => side.remote)) return undefined;
  const differing = both.filter((side) => (side.hub || side.remote) && !side.same());
  // an edit made on both sides alike is an edit; a value that both happen to hold at first load is none
  const telling = both.filter((side) => side.base !== undefined || differing.includes(side));
  if (!telling.some(hubSays) || !telling.some(remoteSays)) return undefined;
  const judge = differing.find((side) => hubSays(side) && remoteSays(side)) ?? differing[0];
  if (input.insists === true) return 'hub';
  return judge === undefined ? undefined : decideConflict(judge, input, input.resolver).winner;
}

/** At the first load of a field, nothing never wins: a side that has nothing there says nothing. */
function hubSays(side: Sides): boolean {
  return side.hub && (side.base !== undefined || side.h !== null);
}

function remoteSays(side: Sides): boolean {
  return side.remote && (side.base !== undefined || !isEmpty(side.r));
}

function mergeUnit(side: Sides, input: SideInput & EditTimes, forced: Winner | undefined, out: Draft): void {
  const { unit, base, h, r } = side;
  if (input.record === undefined) {
    if (unit.direction === 'outward') out.pairs[unit.name] = pair(undefined, r);
    else apply(side, input, 'a new record', out);
    return;
  }
  if (forced !== undefined && unit.direction === 'both' && (side.hub || side.remote) && !side.same()) {
    if (forced === 'merged') decide(side, input, out);
    else settle(side, input, forced, `group ${unit.group ?? ''}`, out);
    return;
  }
  if (!side.hub && !side.remote) {
    if (base !== undefined) out.pairs[unit.name] = base;
    return;
  }
  if (side.hub && !side.remote && unit.direction !== 'inward') {
    if (base !== undefined) out.pairs[unit.name] = base; // owed to the remote: the plan finds the difference
    return;
  }
  if (side.same()) {
    out.pairs[unit.name] = pair(h, r);
    return;
  }
  mergeChanged(side, input, out);
}

function mergeChanged(side: Sides, input: SideInput & EditTimes, out: Draft): void {
  const { unit, base, h, r } = side;
  const firstLoad = base === undefined;
  if (unit.direction === 'outward') {
    if (!(firstLoad && isEmpty(r))) log(side, 'hub', firstLoad ? 'first load, outward only' : 'outward only', out);
    out.pairs[unit.name] = pair(undefined, r);
    return;
  }
  if (unit.direction === 'inward') {
    // whatever the hub held is gone, even where the remote has nothing
    if (side.hub && !(firstLoad && h === null))
      log(side, 'remote', firstLoad ? 'first load, inward only' : 'inward only', out);
    apply(side, input, firstLoad ? 'first load, inward only' : 'inward only', out);
    return;
  }
  if (!side.hub) {
    apply(side, input, 'only the remote had changed it', out);
    return;
  }
  if (firstLoad && isEmpty(r)) {
    out.pairs[unit.name] = pair(undefined, r);
    return;
  }
  if (firstLoad && h === null) {
    apply(side, input, 'first load, the hub had nothing', out);
    return;
  }
  decide(side, input, out);
}

/** By the field's own authority. */
function decide(side: Sides, input: SideInput & EditTimes, out: Draft): void {
  const { unit, base, r } = side;
  if (input.insists === true) {
    settle(side, input, 'hub', 'the edit there was discarded', out);
    return;
  }
  const decision = decideConflict(side, input, input.resolver);
  const rule = base === undefined ? `first load, ${decision.rule}` : decision.rule;
  if (decision.winner === 'merged') {
    log(side, 'merged', rule, out);
    Object.assign(out.patch, fieldsOf(unit, decision.value));
    out.pairs[unit.name] = pair(undefined, r);
    return;
  }
  settle(side, input, decision.winner, rule, out);
}

function settle(side: Sides, input: SideInput, winner: 'hub' | 'remote', rule: string, out: Draft): void {
  if (side.hub && side.remote) log(side, winner, rule, out);
  else if (winner === 'hub' ? side.remote : side.hub) log(side, winner, rule, out); // a group overrode a lone edit
  if (winner === 'hub') out.pairs[side.unit.name] = pair(undefined, side.r);
  else apply(side, input, rule, out);
}

function apply(side: Sides, input: SideInput, rule: string, out: Draft): void {
  const { unit, r } = side;
  Object.assign(out.patch, get(unit, r, input.record, input.resolver));
  out.applied.push({ unit, r, rule });
}

function log(side: Sides, winner: Conflict['winner'], rule: string, out: Draft): void {
  out.conflicts.push({
    unit: side.unit.name,
    base: side.base?.h ?? null,
    hub: side.h,
    remote: side.r ?? null,
    winner,
    rule,
  });
}
