/** Turns a declared mapping into what the engine walks, and refuses one that can't work. */
import type { CatalogDefinition, ChildInfo, TableInfo } from '../catalog/catalog.js';
import type { FieldInfo } from '../catalog/fields.js';
import { didYouMean, SyncflowError } from '../errors.js';
import type { AnyLens, Authority, ChildrenSpec, Direction, MappingSpec, UnitSpec } from './mapping.js';
import { checkChildren, checkUnit } from './options.js';
import { parsePath, type Path } from './path.js';
import { placesOf, type Places } from './places.js';

/** A mapped field (or several hub fields that are one remote key): the unit in which sides are compared and merged. */
export interface Unit {
  readonly name: string;
  readonly fields: readonly FieldInfo[];
  readonly path: Path;
  /** Of a reference: between the remote id, as text, and what stands in the remote. */
  readonly lens: { put(hub: unknown): unknown; get(remote: unknown, before: unknown): unknown };
  /** A lens was given: what the remote shows is handed to it as it is. */
  readonly lensed: boolean;
  readonly direction: Direction;
  readonly authority: Authority;
  readonly tie: 'hub' | 'remote';
  readonly group: string | undefined;
  /** Name of the catalog whose record this unit refers to; its remote value is that record's remote id. */
  readonly reference: string | undefined;
}

export interface ChildMapping {
  readonly name: string;
  readonly info: ChildInfo;
  readonly path: Path;
  readonly idPath: Path;
  readonly markerPath: Path | undefined;
  readonly authority: 'hub' | 'remote';
  readonly direction: Direction;
  readonly units: readonly Unit[];
}

export interface Mapping {
  readonly units: readonly Unit[];
  readonly children: readonly ChildMapping[];
  readonly places: Places;
}

const identity = {
  put: (hub: unknown): unknown => hub,
  get: (remote: unknown): unknown => remote ?? null,
};

/** @throws SyncflowError `config` naming the subscriber, the unit and the cure. */
export function compileMapping(subscriber: string, definition: CatalogDefinition, spec: MappingSpec): Mapping {
  const units: Unit[] = [];
  const children: ChildMapping[] = [];
  for (const [name, entry] of Object.entries(spec)) {
    const child = definition.children.find((one) => one.name === name);
    if (child !== undefined) children.push(compileChildren(subscriber, child, entry));
    else units.push(compileUnit(`${subscriber}: ${name}`, definition, name, entry));
  }
  refuseOverlap(subscriber, units);
  return { units, children, places: placesOf(units, children) };
}

function compileChildren(subscriber: string, info: ChildInfo, entry: MappingSpec[string]): ChildMapping {
  const place = `${subscriber}: ${info.name}`;
  if (typeof entry === 'string' || !('units' in entry)) {
    throw new SyncflowError('config', `${place}: child rows are mapped with { remote, id, units }`);
  }
  const spec: ChildrenSpec = entry;
  checkChildren(place, spec);
  const direction = spec.direction ?? 'both';
  const units = Object.entries(spec.units)
    .map(([name, unit]) => compileUnit(`${place}.${name}`, info, name, unit))
    // a one-way collection has no two-way units
    .map((unit): Unit => (unit.direction === 'both' ? { ...unit, direction } : unit));
  refuseOverlap(place, units);
  return {
    name: info.name,
    info,
    path: parsePath(place, spec.remote),
    idPath: parsePath(place, spec.id),
    markerPath: spec.marker === undefined ? undefined : parsePath(place, spec.marker),
    authority: spec.authority ?? 'hub',
    direction,
    units,
  };
}

function compileUnit(place: string, table: TableInfo, name: string, entry: string | UnitSpec): Unit {
  const spec: UnitSpec = typeof entry === 'string' ? { remote: entry } : entry;
  checkUnit(place, spec);
  const fields = (spec.hub ?? [name]).map((field) => requireField(place, table, field));
  const single = fields.length === 1 ? fields[0] : undefined;
  if (single === undefined && spec.via === undefined) {
    throw new SyncflowError('config', `${place}: several hub fields need a lens`, { hint: 'Give one with via.' });
  }
  if (single === undefined) refuseReferences(place, fields);
  const inwardOnly = fields.some((field) => field.inwardOnly);
  return {
    name,
    fields,
    path: parsePath(place, spec.remote),
    lens: (spec.via as (AnyLens & Unit['lens']) | undefined) ?? identity,
    lensed: spec.via !== undefined,
    direction: spec.direction ?? (inwardOnly ? 'inward' : 'both'),
    authority: spec.authority ?? 'hub',
    tie: spec.tie ?? 'hub',
    group: spec.group,
    reference: single?.references?.().definition.name,
  };
}

/** The lens of several fields would be given the hub's key, which means nothing to the remote. */
function refuseReferences(place: string, fields: readonly FieldInfo[]): void {
  const reference = fields.find((field) => field.references !== undefined);
  if (reference === undefined) return;
  throw new SyncflowError('config', `${place}: the reference "${reference.name}" can't share a remote key`, {
    hint: 'Map it by itself.',
  });
}

function requireField(place: string, table: TableInfo, name: string): FieldInfo {
  const field = table.columns.find((column) => column.name === name);
  if (field !== undefined) return field;
  const guess = didYouMean(
    name,
    table.columns.map((column) => column.name),
  );
  throw new SyncflowError('config', `${place}: the catalog has no field "${name}"`, {
    hint: guess === undefined ? 'Name its hub fields with hub: […].' : `Did you mean "${guess}"?`,
  });
}

function refuseOverlap(place: string, units: readonly Unit[]): void {
  const seen = new Map<string, string>();
  for (const unit of units) {
    const keys = [`remote key "${unit.path.join('.')}"`, ...unit.fields.map((field) => `hub field "${field.name}"`)];
    for (const key of keys) {
      const other = seen.get(key);
      if (other !== undefined) {
        throw new SyncflowError('config', `${place}: ${key} is mapped twice, by "${other}" and "${unit.name}"`, {
          hint: 'One unit per key: two would overwrite each other.',
        });
      }
      seen.set(key, unit.name);
    }
  }
  refuseNested(place, units);
}

/** Of `address` and `address.city` the one would replace what the other wrote. What only comes in may be read twice. */
function refuseNested(place: string, units: readonly Unit[]): void {
  const written = units.filter((unit) => unit.direction !== 'inward');
  for (const outer of written) {
    const inner = written.find(
      ({ path }) => path.length > outer.path.length && outer.path.every((step, index) => step === path[index]),
    );
    if (inner === undefined) continue;
    throw new SyncflowError(
      'config',
      `${place}: remote key "${inner.path.join('.')}" of "${inner.name}" is inside of "${outer.path.join('.')}" of "${outer.name}"`,
      { hint: 'Map the whole or its parts: they would overwrite each other.' },
    );
  }
}
