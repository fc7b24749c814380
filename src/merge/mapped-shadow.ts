/**
 * A pair says what the remote showed at one place. Where a deploy maps a field to another one, its old pair says nothing about that:
 * the field is loaded there for the first time, as if it had just been mapped. Else nothing at the new place would look like an edit
 * there, and empty the hub. Pure.
 */
import { own } from '../catalog/own.js';
import type { Mapping } from '../subscriber/compile.js';
import { lineField } from '../subscriber/places.js';
import type { ChildShadow, Pairs, Shadow } from './shadow.js';

/** The shadow without the pairs of fields that are mapped to another place by now. */
export function asMapped(mapping: Mapping, shadow: Shadow): Shadow {
  const now = mapping.places;
  const then = shadow.places ?? {};
  const isMoved = (name: string): boolean => own(now, name) !== own(then, name);
  if (![...Object.keys(now), ...Object.keys(then)].some(isMoved)) return shadow;
  const children = mapping.children.flatMap((child): [string, Readonly<Record<string, ChildShadow>>][] => {
    const lines = own(shadow.children ?? {}, child.name);
    if (lines === undefined || isMoved(child.name)) return [];
    const stayed = (units: Pairs): Pairs => without(units, (unit) => isMoved(lineField(child.name, unit)));
    return [[child.name, mapValues(lines, (line) => ({ ...line, units: stayed(line.units) }))]];
  });
  return {
    ...shadow,
    units: without(shadow.units, isMoved),
    ...(shadow.children === undefined ? {} : { children: Object.fromEntries(children) }),
    places: now,
  };
}

/** The shadow as it is stored: it says to which places its pairs belong. */
export function withPlaces({ places }: Mapping, { places: _former, ...shadow }: Shadow): Shadow {
  return Object.keys(places).length === 0 ? shadow : { ...shadow, places };
}

function without(pairs: Pairs, isMoved: (name: string) => boolean): Pairs {
  return Object.fromEntries(Object.entries(pairs).filter(([name]) => !isMoved(name)));
}

function mapValues<T>(record: Readonly<Record<string, T>>, map: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
