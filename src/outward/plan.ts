/** What a link needs next, decided from the record, the shadow and the policies. Pure; every state has an answer. */
import { own } from '../catalog/own.js';
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import { hubChildren } from '../merge/child-pairs.js';
import { childMarker } from '../merge/children.js';
import {
  hubText,
  hubValue,
  isOutdated,
  put,
  referenceKey,
  UnresolvedReference,
  type Resolver,
} from '../merge/project.js';
import { hubChanged, pair, sameRemote, type ChildShadow, type Pair, type Shadow } from '../merge/shadow.js';
import type { ChildMapping, Mapping, Unit } from '../subscriber/compile.js';
import { writePath } from '../subscriber/path.js';
import type { ChildWrites } from '../subscriber/base.js';
import type { Policies } from '../subscriber/policy.js';

export type LinkState = 'new' | 'linked' | 'gone' | 'excluded';

/** Why something is set aside. Stable: the CLI groups by it. */
export type ParkCode =
  | 'validation' // the record, or what inward sync would make of it, doesn't satisfy the catalog
  | 'mapping' // a lens refused a value
  | 'rejected' // the remote refused it
  | 'policy' // a policy says park
  | 'row-missing' // the row is gone without a DELETE: hidden, perhaps
  | 'remote-missing' // the remote isn't found, without proof of deletion
  | 'delete-conflict' // deleted on one side, edited on the other
  | 'ambiguous' // several candidates match
  | 'unknown-create' // a create may have happened and can't be looked up
  | 'reference' // it refers to a record that isn't there, or is parked
  | 'constraint' // the hub refused the write
  | 'truncate' // the table was truncated: its deletes wait for release
  | 'brake' // too many deletes at once
  | 'brake-updates' // too many updates at once
  | 'loop' // two systems undo each other
  | 'twin' // two remotes claim the same record
  | 'moved' // an applied plan said something else of it
  | 'failed'; // it failed too often

export interface PlanInput {
  readonly link: {
    readonly state: LinkState;
    readonly key: RecordKey | undefined;
    readonly remoteId: string | undefined;
    /** A DELETE mark was seen, and the row not since. */
    readonly deleted: boolean;
    readonly shadow: Shadow;
  };
  /** The record; undefined where there is no row, or it is softly deleted. */
  readonly record: AnyRecord | undefined;
  /** A row is there but marked as deleted: as good a proof as a DELETE mark. */
  readonly softDeleted: boolean;
  /** The subscriber's `where`. */
  readonly inScope: boolean;
  readonly policies: Policies;
  readonly mapping: Mapping;
  readonly resolver: Resolver;
  /** Units that a create leaves out, to be told later: they refer to records that wait for this one. */
  readonly without?: ReadonlySet<string>;
}

/** A remote write, frozen: what is sent, and the pairs that hold once it is answered. */
export interface Draft {
  readonly values: Record<string, Json>;
  readonly changed: Record<string, Json>;
  readonly children: Readonly<Record<string, ChildWrites>>;
  readonly sent: Readonly<Record<string, Pair>>;
  readonly sentChildren: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Pair>>>>>>;
}

export type Plan =
  | { readonly kind: 'nothing'; readonly shadow?: Shadow }
  | { readonly kind: 'create'; readonly draft: Draft }
  | { readonly kind: 'update'; readonly draft: Draft; readonly shadow: Shadow }
  | { readonly kind: 'delete' }
  /** The remote must be read before anything can be decided. */
  | { readonly kind: 'look' }
  | { readonly kind: 'wait'; readonly reference: UnresolvedReference }
  | { readonly kind: 'park'; readonly code: ParkCode; readonly reason: string }
  /** The record is outside of the subscriber's `where`, or a policy leaves it alone. */
  | { readonly kind: 'exclude' }
  /** Let go of the pair; the remote stays as it is. */
  | { readonly kind: 'unlink' }
  /** There is nothing on either side. */
  | { readonly kind: 'forget' };

export function plan(input: PlanInput): Plan {
  const { link, record, policies } = input;
  if (link.state === 'gone') return { kind: 'nothing' };
  if (record === undefined) return planAbsent(input);
  if (!input.inScope) {
    if (link.remoteId === undefined) return { kind: 'exclude' };
    return policies.leave === 'delete' ? { kind: 'delete' } : { kind: 'exclude' };
  }
  if (link.remoteId === undefined) {
    if (policies.createOutward === 'park') return { kind: 'park', code: 'policy', reason: 'createOutward is "park"' };
    if (policies.createOutward === 'ignore') return { kind: 'exclude' };
    return drafted(() => ({ kind: 'create', draft: draftCreate(input, record) }));
  }
  if (link.state === 'excluded') return { kind: 'look' };
  return drafted(() => planUpdate(input, record));
}

function planAbsent({ link, softDeleted, policies }: PlanInput): Plan {
  const proven = link.deleted || softDeleted;
  if (link.remoteId === undefined) return { kind: 'forget' };
  if (!proven) {
    if (link.state === 'excluded') return { kind: 'nothing' };
    return {
      kind: 'park',
      code: 'row-missing',
      reason:
        'the row is not there, but no DELETE was seen (hidden by row-level security, or removed with triggers off)',
    };
  }
  if (link.state === 'excluded') return { kind: 'unlink' };
  switch (policies.deleteOutward) {
    case 'propagate':
      return { kind: 'delete' };
    case 'unlink':
      return { kind: 'unlink' };
    case 'park':
      return { kind: 'park', code: 'policy', reason: 'the record was deleted and deleteOutward is "park"' };
    case 'ignore':
      return { kind: 'exclude' };
  }
}

function planUpdate({ link, mapping, resolver }: PlanInput, record: AnyRecord): Plan {
  if (mapping.units.some((unit) => needsLook(unit, own(link.shadow.units, unit.name), record))) return { kind: 'look' };
  if (mapping.children.some((child) => link.shadow.children?.[child.name] === undefined)) return { kind: 'look' };
  const update = draftUpdate(mapping, link.shadow, record, resolver);
  const writes = Object.keys(update.sent).length > 0 || Object.values(update.children).some(hasWrites);
  if (writes) return { kind: 'update', draft: update, shadow: update.shadow };
  // after the writes, whose answers may show it already: the remote may never show the line, and must not hold them up
  if (update.unseen || mapping.children.some((child) => mustBePutBack(child, link.shadow, record)))
    return { kind: 'look' };
  return update.absorbed ? { kind: 'nothing', shadow: update.shadow } : { kind: 'nothing' };
}

/**
 * Of the units that refer to a record, those that a create may leave out: their fields may be empty. None where one of them is
 * needed, or a child row refers to it. Pure.
 */
export function dispensable(mapping: Mapping, record: AnyRecord, reference: UnresolvedReference): string[] {
  const refers = (unit: Unit, row: AnyRecord): boolean => {
    const value = unit.reference === reference.catalog ? (hubValue(unit, row) ?? null) : null;
    return value !== null && 'key' in reference.wanted && referenceKey(unit, value) === reference.wanted.key;
  };
  const units = mapping.units.filter((unit) => unit.direction !== 'inward' && refers(unit, record));
  const needed = units.some((unit) => unit.fields.some((field) => !field.nullable && !field.optional));
  return needed ? [] : units.map((unit) => unit.name);
}

/** A unit without a pair is a first load of that field; an inward-only one that the hub changed is put back. */
function needsLook(unit: Unit, base: Pair | undefined, record: AnyRecord): boolean {
  if (base === undefined) return true;
  return unit.direction === 'inward' && hubChanged(base, hubText(unit, record));
}

/** What only the remote may say of a line was edited here, or the line of an inward-only collection was removed. */
function mustBePutBack(child: ChildMapping, shadow: Shadow, record: AnyRecord): boolean {
  const hub = hubChildren(child, record);
  return Object.entries(shadow.children?.[child.name] ?? {}).some(([key, { units }]) => {
    const row = hub.get(key);
    if (row === undefined) return child.direction === 'inward';
    return child.units.some((unit) => {
      const base = own(units, unit.name);
      return unit.direction === 'inward' && base !== undefined && hubChanged(base, hubText(unit, row));
    });
  });
}

function hasWrites(writes: ChildWrites): boolean {
  return writes.add.length + writes.update.length + writes.remove.length > 0;
}

function drafted(work: () => Plan): Plan {
  try {
    return work();
  } catch (error) {
    if (error instanceof UnresolvedReference) return { kind: 'wait', reference: error };
    throw error;
  }
}

function draftCreate({ mapping, resolver, without }: PlanInput, record: AnyRecord): Draft {
  const units = mapping.units.filter((unit) => without?.has(unit.name) !== true);
  const { values, sent } = projectAll(units, record, resolver);
  const children: Record<string, ChildWrites> = {};
  const sentChildren: Record<string, Record<string, Record<string, Pair>>> = {};
  for (const child of mapping.children) {
    if (child.direction === 'inward') continue;
    const add = [...hubChildren(child, record)].map(([key, row]) => newChild(child, key, row, resolver));
    children[child.name] = {
      add: add.map(({ key, values: childValues }) => ({ key, values: childValues })),
      update: [],
      remove: [],
    };
    sentChildren[child.name] = Object.fromEntries(add.map(({ key, sent: childSent }) => [key, childSent]));
  }
  return { values, changed: values, children, sent, sentChildren };
}

function newChild(child: ChildMapping, key: RecordKey, row: AnyRecord, resolver: Resolver) {
  const { values, sent } = projectAll(child.units, row, resolver);
  if (child.markerPath !== undefined) writePath(values, child.markerPath, childMarker(key));
  return { key, values, sent };
}

/** Every outward unit of a record, nested as the remote holds it, and the pairs that this states. */
function projectAll(units: readonly Unit[], record: AnyRecord, resolver: Resolver) {
  const values: Record<string, Json> = {};
  const sent: Record<string, Pair> = {};
  for (const unit of units) {
    if (unit.direction === 'inward') continue;
    const r = put(unit, record, resolver);
    writePath(values, unit.path, r);
    sent[unit.name] = pair(hubText(unit, record), r);
  }
  return { values, sent };
}

interface UpdateDraft extends Draft {
  readonly shadow: Shadow;
  /** Hub changes that make no difference to the remote (rounding): the shadow takes them, nothing is sent. */
  readonly absorbed: boolean;
  /** A child must be written whose id is not known: its remote was never seen with it. */
  readonly unseen: boolean;
}

function draftUpdate(mapping: Mapping, shadow: Shadow, record: AnyRecord, resolver: Resolver): UpdateDraft {
  const units = diffUnits(mapping.units, shadow.units, record, resolver);
  const children: Record<string, ChildWrites> = {};
  const sentChildren: Record<string, Record<string, Record<string, Pair>>> = {};
  const childShadows: Record<string, Record<string, ChildShadow>> = {};
  let absorbed = units.absorbed;
  let unseen = false;
  for (const child of mapping.children) {
    const base = shadow.children?.[child.name] ?? {};
    if (child.direction === 'inward') {
      childShadows[child.name] = base;
      continue;
    }
    const diff = diffChildren(child, base, record, resolver);
    children[child.name] = diff.writes;
    sentChildren[child.name] = diff.sent;
    childShadows[child.name] = diff.shadows;
    absorbed ||= diff.absorbed;
    unseen ||= diff.unseen;
  }
  return {
    values: units.values,
    changed: units.changed,
    children,
    sent: units.sent,
    sentChildren,
    shadow: { units: units.pairs, ...(mapping.children.length === 0 ? {} : { children: childShadows }) },
    absorbed,
    unseen,
  };
}

function diffUnits(
  units: readonly Unit[],
  base: Readonly<Record<string, Pair>>,
  record: AnyRecord,
  resolver: Resolver,
) {
  const values: Record<string, Json> = {};
  const changed: Record<string, Json> = {};
  const sent: Record<string, Pair> = {};
  const pairs: Record<string, Pair> = { ...base };
  let absorbed = false;
  for (const unit of units) {
    const before = own(base, unit.name);
    if (unit.direction === 'inward') continue;
    const h = hubText(unit, record);
    if (!hubChanged(before, h) && !isOutdated(unit, before, record, resolver)) {
      writePath(values, unit.path, before?.r ?? null);
      continue;
    }
    const r = put(unit, record, resolver);
    writePath(values, unit.path, r);
    if (sameRemote(r, before?.r) || (r === null && before?.r === undefined)) {
      pairs[unit.name] = pair(h, before?.r);
      absorbed = true;
      continue;
    }
    writePath(changed, unit.path, r);
    sent[unit.name] = pair(h, r);
  }
  return { values, changed, sent, pairs, absorbed };
}

function diffChildren(
  child: ChildMapping,
  base: Readonly<Record<string, ChildShadow>>,
  record: AnyRecord,
  resolver: Resolver,
) {
  const hub = hubChildren(child, record);
  const add: ChildWrites['add'][number][] = [];
  const update: ChildWrites['update'][number][] = [];
  const sent: Record<string, Record<string, Pair>> = {};
  const shadows: Record<string, ChildShadow> = { ...base };
  let absorbed = false;
  let unseen = false;
  for (const [key, row] of hub) {
    const known = base[key];
    if (known === undefined) {
      const made = newChild(child, key, row, resolver);
      add.push({ key, values: made.values });
      sent[key] = made.sent;
      continue;
    }
    const diff = diffUnits(child.units, known.units, row, resolver);
    if (diff.absorbed) {
      shadows[key] = { ...known, units: diff.pairs };
      absorbed = true;
    }
    if (Object.keys(diff.sent).length === 0) continue;
    if (known.id === undefined) {
      unseen = true;
      continue;
    }
    if (child.markerPath !== undefined) writePath(diff.values, child.markerPath, childMarker(key));
    update.push({ key, remoteId: known.id, values: diff.values, changed: diff.changed });
    sent[key] = diff.sent;
  }
  const removed = Object.entries(base).filter(([key]) => !hub.has(key));
  const remove = removed.flatMap(([key, { id }]) => (id === undefined ? [] : [{ key, remoteId: id }]));
  unseen ||= remove.length < removed.length;
  return { writes: { add, update, remove }, sent, shadows, absorbed, unseen };
}
