/** Dotted paths into remote objects. Only own properties are read; prototype keys are refused. */
import type { Json } from '../catalog/values.js';
import { SyncflowError } from '../errors.js';

export type Path = readonly string[];

const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

export function parsePath(place: string, text: string): Path {
  const path = text.split('.');
  for (const step of path) {
    if (step !== '' && !isForbidden(step)) continue;
    const why = step === '' ? 'a part of it is empty' : `JavaScript gives "${step}" to every object`;
    throw new SyncflowError('config', `${place}: "${text}" can't be a remote key: ${why}`, {
      hint:
        step === ''
          ? "Write its parts with a single dot between them: 'address.city'."
          : 'Give it another name in the remote, or leave the field out of the mapping.',
    });
  }
  return path;
}

/** Whether a key can't be told from what every object inherits. */
export function isForbidden(step: string): boolean {
  return forbidden.has(step);
}

/** The value at a path; undefined where any step is absent. */
export function readPath(value: unknown, path: Path): Json | undefined {
  let current: unknown = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, step)) return undefined;
    current = (current as Record<string, unknown>)[step];
  }
  return current as Json | undefined;
}

/** Sets the value at a path, making the objects on the way. */
export function writePath(target: Record<string, Json>, path: Path, value: Json): void {
  let current = target;
  for (const step of path.slice(0, -1)) {
    const next = Object.hasOwn(current, step) ? current[step] : undefined;
    const object =
      typeof next === 'object' && next !== null && !Array.isArray(next) ? (next as Record<string, Json>) : {};
    current[step] = object;
    current = object;
  }
  const last = path.at(-1);
  if (last !== undefined) current[last] = value;
}
