/** Pages of objects, and what they are searched for. Pure. */
import { canonicalJson } from '../../catalog/values.js';
import { readPath } from '../../subscriber/path.js';
import { isObject, type JsonObject } from './plain.js';

export interface PageRequest {
  readonly created?: { readonly gte?: number; readonly lte?: number };
  readonly starting_after?: string;
}

export interface RemotePage<Remote> {
  readonly data: readonly Remote[];
  readonly has_more: boolean;
}

/** Where a list goes on: the last object's id, and its time in case that it is deleted meanwhile. */
export function formatListCursor(last: { readonly id: string; readonly created: number }): string {
  return `${last.created}:${last.id}`;
}

export function parseListCursor(cursor: string): { readonly id: string; readonly created: number } {
  const at = cursor.indexOf(':');
  return { created: Number(cursor.slice(0, at)), id: cursor.slice(at + 1) };
}

/** Whether an object has all of these values; "nothing there" is no value to be known by. */
export function matches(remote: unknown, values: JsonObject): boolean {
  const wanted = [...leaves(values, [])];
  return wanted.length > 0 && wanted.every(([path, value]) => canonicalJson(readPath(remote, path)) === value);
}

function* leaves(values: JsonObject, path: readonly string[]): Generator<[readonly string[], string]> {
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === '') continue;
    if (isObject(value)) yield* leaves(value, [...path, name]);
    else yield [[...path, name], canonicalJson(value)];
  }
}
