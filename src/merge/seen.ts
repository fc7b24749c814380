/** Whether a remote shows what both sides last agreed on. Pure. */
import { own } from '../catalog/own.js';
import type { ChildMapping, Mapping, Unit } from '../subscriber/compile.js';
import { readPath } from '../subscriber/path.js';
import { childrenById, remoteValue } from './project.js';
import { sameRemote, type ChildShadow, type Pairs, type Shadow } from './shadow.js';

/** Somebody edited a value, or added or removed a child row, and the shadow doesn't know of it yet. */
export function showsUnseenEdit(mapping: Mapping, shadow: Shadow, remote: unknown): boolean {
  return (
    differs(mapping.units, shadow.units, remote) ||
    mapping.children.some((child) => childrenDiffer(child, shadow.children?.[child.name] ?? {}, remote))
  );
}

function differs(units: readonly Unit[], base: Pairs, remote: unknown): boolean {
  return units.some((unit) => {
    const known = own(base, unit.name);
    return unit.direction !== 'outward' && known !== undefined && !sameRemote(known.r, remoteValue(unit, remote));
  });
}

function childrenDiffer(child: ChildMapping, base: Readonly<Record<string, ChildShadow>>, remote: unknown): boolean {
  // a remote that shows no list says nothing about it
  if (child.direction === 'outward' || !Array.isArray(readPath(remote, child.path))) return false;
  const shown = childrenById(child, remote);
  const known = Object.values(base);
  if (shown.size !== known.length) return true;
  return known.some(({ id, units }) => {
    const value = id === undefined ? undefined : shown.get(id);
    return value === undefined || differs(child.units, units, value);
  });
}
