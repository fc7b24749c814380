/** Turns a declared mapping into what the engine walks, and refuses one that can't work. */
import type { CatalogDefinition, ChildInfo, TableInfo } from '../catalog/catalog.js';
import type { FieldInfo } from '../catalog/fields.js';
import { didYouMean, SyncflowError } from '../errors.js';
import type { AnyLens, Authority, ChildrenSpec, Direction, MappingSpec, UnitSpec } from './mapping.js';
import { parsePath, type Path } from './path.js';

/** A mapped field (or several hub fields that are one remote key): the unit in which sides are compared and merged. */
export interface Unit {
  readonly name: string;
  readonly fields: readonly FieldInfo[];
  readonly path: Path;
  readonly lens: { put(hub: unknown): unknown; get(remote: unknown, before: unknown): unknown };
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
  return { units, children };
}

function compileChildren(subscriber: string, info: ChildInfo, entry: MappingSpec[string]): ChildMapping {
  const place = `${subscriber}: ${info.name}`;
  if (typeof entry === 'string' || !('units' in entry)) {
    throw new SyncflowError('config', `${place}: child rows are mapped with { remote, id, units }`);
  }
  const spec: ChildrenSpec = entry;
  const units = Object.entries(spec.units).map(([name, unit]) => compileUnit(`${place}.${name}`, info, name, unit));
  refuseOverlap(place, units);
  return {
    name: info.name,
    info,
    path: parsePath(place, spec.remote),
    idPath: parsePath(place, spec.id),
    markerPath: spec.marker === undefined ? undefined : parsePath(place, spec.marker),
    authority: spec.authority ?? 'hub',
    direction: spec.direction ?? 'both',
    units,
  };
}

function compileUnit(place: string, table: TableInfo, name: string, entry: string | UnitSpec): Unit {
  const spec: UnitSpec = typeof entry === 'string' ? { remote: entry } : entry;
  const fields = (spec.hub ?? [name]).map((field) => requireField(place, table, field));
  const single = fields.length === 1 ? fields[0] : undefined;
  if (single === undefined && spec.via === undefined) {
    throw new SyncflowError('config', `${place}: several hub fields need a lens`, { hint: 'Give one with via.' });
  }
  const inwardOnly = fields.some((field) => field.inwardOnly);
  return {
    name,
    fields,
    path: parsePath(place, spec.remote),
    lens: (spec.via as (AnyLens & Unit['lens']) | undefined) ?? identity,
    direction: spec.direction ?? (inwardOnly ? 'inward' : 'both'),
    authority: spec.authority ?? 'hub',
    tie: spec.tie ?? 'hub',
    group: spec.group,
    reference: spec.via === undefined ? single?.references?.().definition.name : undefined,
  };
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

/** Two units of one key, or of a key and one inside of it, would overwrite each other. */
function refuseOverlap(place: string, units: readonly Unit[]): void {
  for (const [index, unit] of units.entries()) {
    for (const other of units.slice(0, index)) {
      const field = unit.fields.find(({ name }) => other.fields.some((one) => one.name === name));
      if (field !== undefined) throw mappedTwice(place, `hub field "${field.name}"`, other, unit);
      const [outer, inner] = other.path.length > unit.path.length ? [unit, other] : [other, unit];
      if (outer.path.every((step, at) => inner.path[at] === step))
        throw mappedTwice(place, `remote key "${inner.path.join('.')}"`, other, unit);
    }
  }
}

function mappedTwice(place: string, what: string, one: Unit, other: Unit): SyncflowError {
  return new SyncflowError('config', `${place}: ${what} is mapped twice, by "${one.name}" and "${other.name}"`, {
    hint: 'One unit per key, and none inside of another: two would overwrite each other.',
  });
}
