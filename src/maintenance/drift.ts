/** What differs between a record and its remote, why, and what a repair would make of it. Pure. */
import { own } from '../catalog/own.js';
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import type { Binding } from '../engine/binding.js';
import { messageOf } from '../errors.js';
import { hubChildren } from '../merge/child-pairs.js';
import { merge, type Merged } from '../merge/merge.js';
import { childrenById, get, hubText, isOutdated, put, remoteValue, type Resolver } from '../merge/project.js';
import { hubChanged, sameRemote, type Pair, type Pairs } from '../merge/shadow.js';
import type { Link } from '../store/links.js';
import type { ChildMapping, Unit } from '../subscriber/compile.js';
import { readPath } from '../subscriber/path.js';

/**
 * Why something differs.
 *
 * - `edited-there`, `edited-here`, `edited-both`: since both sides last agreed, and no worker has heard of it
 * - `never-agreed`: the field was never synced for this record
 * - `normalised`: no drift: it differs only by what the remote makes of the value (rounding, case), as agreed
 * - `unsent`: a record that no remote was made for · `unseen`: a remote that nobody here knows
 * - `not-listed`: linked, but the listing didn't show its remote: deleted there, or hidden
 * - `row-missing`: linked, but the row is gone, and no DELETE was seen
 * - `twin`: a second remote of a record
 * - `unreadable`: its row can't be read, or the catalog's `extract` throws
 * - `waiting`: a worker is about to sync it, or has just done so · `parked`: set aside, and waits for a person
 */
export type DriftCause =
  | 'edited-there'
  | 'edited-here'
  | 'edited-both'
  | 'never-agreed'
  | 'normalised'
  | 'unsent'
  | 'unseen'
  | 'not-listed'
  | 'row-missing'
  | 'twin'
  | 'unreadable'
  | 'waiting'
  | 'parked';

/**
 * What `verify --repair` does about a difference, by the ordinary road. `merge-here`, `merge-there`: the value of one side is
 * written to the other · `make-here`, `make-there` · `ask`: the remote is read, and only its own answer counts ·
 * `park`: a person must decide · `none`
 */
export interface RepairStep {
  readonly action: 'merge-here' | 'merge-there' | 'make-here' | 'make-there' | 'ask' | 'park' | 'none';
  /** Whose value stays, where a value is merged. */
  readonly winner?: 'hub' | 'remote' | 'merged';
  /** Why. */
  readonly rule: string;
}

export interface Difference {
  readonly subscriber: string;
  readonly key: RecordKey | undefined;
  readonly remoteId: string | undefined;
  /** `field`: values differ · `only-here`, `only-there`: no counterpart · `twin`: a second remote of the same record. */
  readonly kind: 'field' | 'only-here' | 'only-there' | 'twin';
  /** The field; of a line with its key. */
  readonly unit?: string;
  readonly cause: DriftCause;
  /** The record is parked, so that the difference is known and waits for a person. */
  readonly parked: boolean;
  readonly repair: RepairStep;
}

/** How often a field (or a whole record: `(record)`) differs for a cause. */
export interface DriftCount {
  readonly field: string;
  readonly cause: DriftCause;
  readonly count: number;
}

/** A field that differs, before it is known whether somebody is at work on the record. */
export interface FieldDrift {
  readonly unit: string;
  /** The same without keys of lines. */
  readonly field: string;
  readonly cause: DriftCause;
  readonly repair: RepairStep;
}

export interface Compared {
  readonly drifts: readonly FieldDrift[];
  /** Fields that differ as agreed. */
  readonly normalised: readonly string[];
}

/** Compares a record with its remote, field by field. */
export function compareRecord(
  binding: Binding,
  link: Link,
  record: AnyRecord,
  remote: unknown,
  resolver: Resolver,
): Compared {
  const found: Found[] = [];
  const { units, children } = binding.mapping;
  for (const unit of units)
    judge(found, unit.name, unit.name, compareUnit(unit, link.shadow.units, record, remote, resolver));
  for (const child of children) compareChildren(child, link, record, remote, resolver, found);
  const drifts = found.filter(({ verdict }) => verdict !== 'normalised');
  const normalised = found.filter(({ verdict }) => verdict === 'normalised').map(({ field }) => field);
  if (drifts.length === 0) return { drifts: [], normalised };
  const outcome = predict(binding, link, record, remote, resolver);
  return {
    drifts: drifts.map(({ unit, field, verdict }) => ({
      unit,
      field,
      cause: verdict,
      repair: repairOf(outcome, unit, verdict),
    })),
    normalised,
  };
}

type Verdict = 'equal' | 'normalised' | 'edited-there' | 'edited-here' | 'edited-both' | 'never-agreed';

interface Found {
  readonly unit: string;
  readonly field: string;
  readonly verdict: Exclude<Verdict, 'equal'>;
}

function judge(found: Found[], unit: string, field: string, verdict: Verdict): void {
  if (verdict !== 'equal') found.push({ unit, field, verdict });
}

function compareUnit(unit: Unit, pairs: Pairs, record: AnyRecord, remote: unknown, resolver: Resolver): Verdict {
  const h = hubText(unit, record);
  const r = remoteValue(unit, remote);
  if (equalExactly(unit, h, r, record, resolver)) return 'equal';
  const pair: Pair | undefined = own(pairs, unit.name);
  if (pair === undefined) return 'never-agreed';
  const here = hubChanged(pair, h) || isOutdated(unit, pair, record, resolver);
  const there = !sameRemote(pair.r, r);
  if (here) return there ? 'edited-both' : 'edited-here';
  return there ? 'edited-there' : 'normalised';
}

function equalExactly(
  unit: Unit,
  h: string | null,
  r: Json | undefined,
  record: AnyRecord,
  resolver: Resolver,
): boolean {
  try {
    if (h === null && (r === undefined || r === null)) return true;
    if (unit.direction !== 'inward') return sameRemote(put(unit, record, resolver), r);
    return hubText(unit, { ...record, ...get(unit, r, record, resolver) }) === h;
  } catch {
    return false; // a value that its lens refuses can't be in agreement
  }
}

function compareChildren(
  child: ChildMapping,
  link: Link,
  record: AnyRecord,
  remote: unknown,
  resolver: Resolver,
  found: Found[],
): void {
  const shadows = link.shadow.children?.[child.name] ?? {};
  const remotes = childrenById(child, remote);
  const isShown = Array.isArray(readPath(remote, child.path));
  const line = `${child.name} (line)`;
  for (const [key, row] of hubChildren(child, record)) {
    const shadow = shadows[key];
    const value = shadow?.id === undefined ? undefined : remotes.get(shadow.id);
    if (shadow?.id === undefined || value === undefined) {
      // what the hub adds to an inward-only collection stays in the hub alone; a remote that shows no list says nothing about it
      if (shadow === undefined ? child.direction === 'inward' : !isShown) continue;
      judge(found, `${child.name}${key}`, line, shadow?.id === undefined ? 'edited-here' : 'edited-there');
      continue;
    }
    remotes.delete(shadow.id);
    for (const unit of child.units)
      judge(
        found,
        `${child.name}${key}.${unit.name}`,
        `${child.name}.${unit.name}`,
        compareUnit(unit, shadow.units, row, value, resolver),
      );
  }
  if (child.direction === 'outward') return;
  const known = new Set(Object.values(shadows).map(({ id }) => id));
  for (const id of remotes.keys())
    judge(found, `${child.name} ${id}`, line, known.has(id) ? 'edited-here' : 'edited-there');
}

type Prediction = { readonly merged: Merged } | { readonly refused: string };

/** The merge that a repair would come to if the remote still shows what the listing shows. */
function predict(binding: Binding, link: Link, record: AnyRecord, remote: unknown, resolver: Resolver): Prediction {
  try {
    return {
      merged: merge({
        mapping: binding.mapping,
        shadow: link.shadow,
        record,
        remote,
        resolver,
        hubEditedAt: link.editedAt,
        remoteEditedAt: binding.subscriber.editedAt(remote) ?? link.remoteEditedAt,
      }),
    };
  } catch (error) {
    return { refused: messageOf(error) };
  }
}

function repairOf(outcome: Prediction, unit: string, verdict: Verdict): RepairStep {
  if ('refused' in outcome) return { action: 'park', rule: outcome.refused };
  const { conflicts, applied } = outcome.merged;
  const conflict = conflicts.find((one) => one.unit === unit);
  const rule = conflict?.rule ?? applied.find((one) => one.unit.name === unit)?.rule;
  const winner = conflict?.winner ?? (rule !== undefined || verdict === 'edited-there' ? 'remote' : 'hub');
  return {
    action: winner === 'remote' ? 'merge-here' : 'merge-there',
    winner,
    rule: rule ?? (winner === 'hub' ? 'only the hub had changed it' : 'only the remote had changed it'),
  };
}
