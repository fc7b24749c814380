/** Where mapped fields stand in the remote. */
import type { Path } from './path.js';

/** Where fields stand in the remote that don't stand under their own name, by field; of a line's with its collection. */
export type Places = Readonly<Record<string, string>>;

interface Placed {
  readonly name: string;
  readonly path: Path;
}

interface PlacedLines extends Placed {
  readonly idPath: Path;
  readonly units: readonly Placed[];
}

export function placesOf(units: readonly Placed[], children: readonly PlacedLines[]): Places {
  const places: Record<string, string> = {};
  const note = (name: string, ownName: string, place: string): void => {
    if (place !== ownName) places[name] = place;
  };
  for (const { name, path } of units) note(name, name, path.join('.'));
  for (const child of children) {
    note(child.name, `${child.name} id`, `${child.path.join('.')} ${child.idPath.join('.')}`);
    for (const { name, path } of child.units) note(lineField(child.name, name), name, path.join('.'));
  }
  return places;
}

export const lineField = (collection: string, field: string): string => `${collection}>${field}`;
