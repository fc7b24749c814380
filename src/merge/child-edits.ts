/** What was edited in child rows on one side, where the other side deletes them or their record. Pure. */
import { own } from '../catalog/own.js';
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import type { ChildMapping, Unit } from '../subscriber/compile.js';
import { hubChildren, remoteChildren } from './child-pairs.js';
import type { Conflict } from './merge.js';
import { hubText, remoteValue } from './project.js';
import { hubChanged, pair, sameRemote, type ChildShadow, type Pairs, type Shadow } from './shadow.js';

interface LostSides {
  readonly base?: Pairs;
  readonly hub?: AnyRecord;
  readonly remote?: Json;
}

/** A child that one side edited and the other deleted: the log holds all of its mapped values, by unit. */
export function childConflict(
  mapping: ChildMapping,
  key: RecordKey | undefined,
  { base, hub, remote }: LostSides,
  winner: 'hub' | 'remote',
  rule: string,
): Conflict {
  const each = (valueOf: (unit: Unit) => Json | undefined): Json =>
    Object.fromEntries(mapping.units.map((unit) => [unit.name, valueOf(unit) ?? null]));
  return {
    unit: `${mapping.name}${key ?? ''}`,
    base: base === undefined ? null : each((unit) => own(base, unit.name)?.h),
    hub: hub === undefined ? null : each((unit) => hubText(unit, hub)),
    remote: remote === undefined ? null : each((unit) => remoteValue(unit, remote)),
    winner,
    rule,
  };
}

/** Units of a child that somebody edited there since the shadow. */
export function editedThere(mapping: ChildMapping, base: Pairs, remote: Json): Unit[] {
  return mapping.units.filter((unit) => {
    const agreed = own(base, unit.name);
    return agreed !== undefined && unit.direction !== 'outward' && !sameRemote(agreed.r, remoteValue(unit, remote));
  });
}

/** The shadow of a child whose edits there were logged: they aren't logged again, and the hub's values are owed. */
export function withSeen(base: Pairs, edited: readonly Unit[], remote: Json): Pairs {
  return {
    ...base,
    ...Object.fromEntries(edited.map((unit) => [unit.name, pair(undefined, remoteValue(unit, remote))])),
  };
}

/** Whether lines were added, edited or removed here since the shadow. */
export function childrenEditedHere(mapping: ChildMapping, shadow: Shadow, record: AnyRecord): boolean {
  if (mapping.direction === 'inward') return false;
  const base = shadow.children?.[mapping.name] ?? {};
  const hub = hubChildren(mapping, record);
  if (Object.keys(base).some((key) => !hub.has(key))) return true;
  const units = mapping.units.filter((unit) => unit.direction !== 'inward');
  return [...hub].some(([key, row]) => {
    const known = base[key];
    return known === undefined || units.some((unit) => hubChanged(own(known.units, unit.name), hubText(unit, row)));
  });
}

/** Lines that somebody edited or added there since the shadow, and that a deletion of their record overrides. */
export function childEditsOverridden(
  mapping: ChildMapping,
  shadow: Shadow,
  remote: unknown,
): { readonly conflicts: readonly Conflict[]; readonly shadows: Readonly<Record<string, ChildShadow>> } {
  const base = shadow.children?.[mapping.name] ?? {};
  const shadows: Record<string, ChildShadow> = { ...base };
  if (mapping.direction === 'outward') return { conflicts: [], shadows };
  const known = new Map(Object.entries(base).map(([key, child]) => [child.id, { key, child }]));
  // a child that was sent, and not seen since, can't be told from one that was added there
  const unsure = known.has(undefined);
  const rule = 'deleted here, edited there';
  const conflicts = (remoteChildren(mapping, remote) ?? []).flatMap(({ id, value }): Conflict[] => {
    const ours = known.get(id);
    if (ours === undefined)
      return unsure ? [] : [childConflict(mapping, undefined, { remote: value }, 'hub', 'deleted here, added there')];
    const edited = editedThere(mapping, ours.child.units, value);
    if (edited.length === 0) return [];
    shadows[ours.key] = { ...ours.child, units: withSeen(ours.child.units, edited, value) };
    return [childConflict(mapping, ours.key, { base: ours.child.units, remote: value }, 'hub', rule)];
  });
  return { conflicts, shadows };
}
