/** What is written into a document, and what of it is mapped. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../catalog/values.js';
import { SyncflowError } from '../../errors.js';
import type { ChildWrites } from '../../subscriber/base.js';
import type { ChildrenSpec, MappingSpec } from '../../subscriber/mapping.js';
import { parsePath, readPath, writePath, type Path } from '../../subscriber/path.js';

/** The places of a mapping: all that we ever write into a document. */
export interface Shape {
  readonly paths: readonly Path[];
  readonly children: readonly ChildShape[];
}

export interface ChildShape {
  readonly name: string;
  readonly path: Path;
  readonly idPath: Path;
  readonly paths: readonly Path[];
}

/** What an operation writes. */
export interface Writes {
  readonly values: unknown;
  readonly children: Readonly<Record<string, ChildWrites>>;
}

type Draft = Record<string, Json>;

export function shapeOf(mapping: MappingSpec): Shape {
  const paths: Path[] = [];
  const children: ChildShape[] = [];
  for (const [name, entry] of Object.entries(mapping)) {
    if (typeof entry !== 'string' && 'units' in entry) children.push(childShape(name, entry));
    else paths.push(parsePath(name, typeof entry === 'string' ? entry : entry.remote));
  }
  return { paths, children };
}

function childShape(name: string, spec: ChildrenSpec): ChildShape {
  const units = Object.entries(spec.units).map(([unit, entry]) =>
    parsePath(`${name}.${unit}`, typeof entry === 'string' ? entry : entry.remote),
  );
  const marker = spec.marker === undefined ? [] : [parsePath(name, spec.marker)];
  return { name, path: parsePath(name, spec.remote), idPath: parsePath(name, spec.id), paths: [...units, ...marker] };
}

/**
 * A copy of `base` with the mapped values of `writes` in their places; whatever isn't mapped stays. A null is written as null:
 * the hub said "nothing", which is not the same as never having said anything.
 */
export function withWrites<D extends object>(base: D, shape: Shape, writes: Writes): D {
  const draft = structuredClone(base) as D & Draft;
  for (const path of shape.paths) {
    const value = readPath(writes.values, path);
    if (value === undefined) continue;
    refuseReserved(path);
    writePath(draft, path, wire(value));
  }
  for (const child of shape.children) writeChildren(draft, child, writes.children[child.name]);
  return draft;
}

/** Whether a document shows already what `writes` would write. */
export function holds(doc: object, shape: Shape, writes: Writes): boolean {
  return isDeepStrictEqual(wire(doc as Json), wire(withWrites(doc, shape, writes) as Json));
}

/** Whether a document shows at every mapped place what `known` says; places that `known` leaves out count as absent or null. */
export function shows(doc: object, shape: Shape, known: unknown): boolean {
  return shape.paths.every((path) =>
    isDeepStrictEqual(readPath(doc, path) ?? null, wire(readPath(known, path) ?? null)),
  );
}

/**
 * Whether a document holds an integer that a JavaScript number can't keep. CouchDB keeps any integer: to read such a document
 * and to write it back would change it.
 */
export function holdsInexactInteger(value: unknown): boolean {
  if (typeof value === 'number')
    return Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21;
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(holdsInexactInteger);
}

function writeChildren(draft: Draft, shape: ChildShape, writes: ChildWrites | undefined): void {
  if (writes === undefined || writes.add.length + writes.update.length + writes.remove.length === 0) return;
  refuseReserved(shape.path);
  const present = readPath(draft, shape.path);
  const removed = new Set(writes.remove.map((one) => one.remoteId));
  const list = (Array.isArray(present) ? (present as Json[]) : []).filter(
    (child) => !removed.has(childId(child, shape) ?? ''),
  );
  for (const one of writes.update) {
    const child = list.find((candidate) => childId(candidate, shape) === one.remoteId);
    if (child !== undefined) writePlaces(child as Draft, shape.paths, one.changed);
  }
  for (const one of writes.add) {
    const fresh: Draft = {};
    writePlaces(fresh, shape.paths, one.values);
    if (readPath(fresh, shape.idPath) === undefined) writePath(fresh, shape.idPath, plainKey(one.key));
    // it is there already when the answer to an earlier try was lost
    const twin = list.find((candidate) => childId(candidate, shape) === childId(fresh, shape));
    if (twin === undefined) list.push(fresh);
    else writePlaces(twin as Draft, shape.paths, one.values);
  }
  writePath(draft, shape.path, list);
}

function writePlaces(target: Draft, paths: readonly Path[], values: unknown): void {
  for (const path of paths) {
    const value = readPath(values, path);
    if (value !== undefined) writePath(target, path, wire(value));
  }
}

function childId(child: unknown, shape: ChildShape): string | undefined {
  const id = readPath(child, shape.idPath);
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined;
}

/** A child's id is its key in the hub: readable where the key has one part. */
function plainKey(key: string): string {
  const parts = JSON.parse(key) as string[];
  return parts.length === 1 ? (parts[0] ?? key) : key;
}

/** A value as it is after the way over the wire: without undefined. */
function wire(value: Json): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

function refuseReserved(path: Path): void {
  if (path[0]?.startsWith('_') !== true) return;
  throw new SyncflowError('config', `"${path.join('.')}" is CouchDB's own and can't be written`, {
    hint: 'Map it with direction: "inward".',
  });
}
