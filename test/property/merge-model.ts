/**
 * A world of one record and one remote, as small as it can be: the engine's road with the real `merge`, `plan` and shadows, a hub
 * that is an object, and a remote that stores values in its own form.
 */
import fc from 'fast-check';
import { z } from 'zod';
import { shadowAfter } from '../../src/apply/apply.js';
import { Catalog, type AnyRecord } from '../../src/catalog/catalog.js';
import { canonicalJson, type Json } from '../../src/catalog/values.js';
import { merge, type Conflict } from '../../src/merge/merge.js';
import type { Sent } from '../../src/merge/sent.js';
import { emptyShadow, type Shadow } from '../../src/merge/shadow.js';
import { plan, type Draft } from '../../src/outward/plan.js';
import { compileMapping, type Mapping } from '../../src/subscriber/compile.js';
import type { Direction, UnitSpec } from '../../src/subscriber/mapping.js';
import { readPath } from '../../src/subscriber/path.js';
import { defaultPolicies } from '../../src/subscriber/policy.js';
import { nobody } from '../merge/merge-support.js';

export const names = ['u0', 'u1', 'u2', 'u3', 'u4'] as const;
export type Name = (typeof names)[number];
export type Value = string | null;

const Thing = Catalog({
  name: 'thing',
  key: 'id',
  fields: {
    id: z.int(),
    u0: z.string().nullable(),
    u1: z.string().nullable(),
    u2: z.string().nullable(),
    u3: z.string().nullable(),
    u4: z.string().nullable(),
  },
});

/** How the remote stores what it is sent. */
export const forms = {
  exact: (value: Json): Json => value,
  trim: (value: Json): Json => (typeof value === 'string' ? value.trim() : value),
  lower: (value: Json): Json => (typeof value === 'string' ? value.toLowerCase() : value),
  round: (value: Json): Json =>
    typeof value === 'string' && /^\d+\.\d+$/.test(value) ? String(Math.round(Number(value))) : value,
  emptyIsNull: (value: Json): Json => (value === '' ? null : value),
} as const;
export type Form = keyof typeof forms;

export interface UnitModel {
  readonly name: Name;
  readonly direction: Direction;
  readonly authority: 'hub' | 'remote' | 'latest';
  readonly tie: 'hub' | 'remote';
  readonly group: string | undefined;
  readonly form: Form;
  readonly nested: boolean;
}

export interface Times {
  readonly hubEditedAt?: string;
  readonly remoteEditedAt?: string;
}

export const value: fc.Arbitrary<Value> = fc.constantFrom('a', 'A', ' a', 'b', 'B ', 'c', '1.4', '1.2', '2', '', null);

const time = fc.constantFrom(undefined, '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z');
export const times: fc.Arbitrary<Times> = fc.tuple(time, time).map(([hub, remote]) => ({
  ...(hub === undefined ? {} : { hubEditedAt: hub }),
  ...(remote === undefined ? {} : { remoteEditedAt: remote }),
}));

interface UnitChoices {
  readonly directions?: readonly Direction[];
  readonly groups?: boolean;
}

/** 2 to 5 units with directions, authorities, groups and forms of their own. Members of a group share authority and direction. */
export function unitModels({ directions = ['both', 'outward', 'inward'], groups = true }: UnitChoices = {}) {
  const one = fc.record({
    direction: fc.constantFrom(...directions),
    authority: fc.constantFrom('hub' as const, 'remote' as const, 'latest' as const),
    tie: fc.constantFrom('hub' as const, 'remote' as const),
    group: groups ? fc.constantFrom(undefined, undefined, 'g') : fc.constant(undefined),
    form: fc.constantFrom(...(Object.keys(forms) as Form[])),
    nested: fc.boolean(),
  });
  return fc.array(one, { minLength: 2, maxLength: 5 }).map((list): UnitModel[] => {
    const leader = list.find((unit) => unit.group !== undefined);
    return list.map((unit, index) => ({
      ...unit,
      ...(unit.group === undefined || leader === undefined
        ? {}
        : { direction: 'both' as const, authority: leader.authority, tie: leader.tie }),
      name: names[index] as Name,
    }));
  });
}

export function mappingOf(units: readonly UnitModel[]): Mapping {
  const spec = units.map(({ name, direction, authority, tie, group, nested }): [string, UnitSpec] => [
    name,
    { remote: nested ? `deep.${name}` : name, direction, authority, tie, ...(group === undefined ? {} : { group }) },
  ]);
  return compileMapping('thing/test', Thing.definition, Object.fromEntries(spec));
}

const same = (one: unknown, other: unknown): boolean => canonicalJson(one as Json) === canonicalJson(other as Json);

export type Values = Partial<Record<Name, Value>>;

export class World {
  readonly units: readonly UnitModel[];
  readonly mapping: Mapping;
  record: AnyRecord;
  /** By unit; what isn't there is absent in the remote. */
  remote: Values = {};
  shadow: Shadow = emptyShadow;
  times: Times = {};
  readonly conflicts: Conflict[] = [];
  hubWrites = 0;
  remoteWrites = 0;
  #seen = 0;
  #version = 0;

  constructor(units: readonly UnitModel[], hub: Values) {
    this.units = units;
    this.mapping = mappingOf(units);
    this.record = { id: 1, ...Object.fromEntries(names.map((name) => [name, hub[name] ?? null])) };
  }

  hub(name: Name): Value {
    return this.record[name] as Value;
  }

  there(name: Name): Value {
    return this.remote[name] ?? null;
  }

  /** Somebody edits the hub. */
  editHub(values: Values): void {
    Object.assign(this.record, values);
  }

  /** Somebody edits the remote, which stores it in its form. */
  editRemote(values: Values): void {
    for (const unit of this.units) {
      const edited = values[unit.name];
      if (edited !== undefined) this.remote[unit.name] = forms[unit.form](edited) as Value;
    }
    this.#version += 1;
  }

  #shown(): Record<string, Json> {
    const shown: Record<string, Json> = {};
    const deep: Record<string, Json> = {};
    for (const unit of this.units) {
      const stored = this.remote[unit.name];
      if (stored !== undefined) (unit.nested ? deep : shown)[unit.name] = stored;
    }
    return { ...shown, deep };
  }

  /** A look: merge, hub write and shadow as one. Returns whether anything came of it. */
  look(sent?: Sent): boolean {
    this.#seen = this.#version;
    const before = this.shadow;
    const merged = merge({
      mapping: this.mapping,
      shadow: this.shadow,
      record: this.record,
      remote: this.#shown(),
      resolver: nobody,
      ...this.times,
      ...(sent === undefined ? {} : { sent }),
    });
    const next = { ...this.record, ...merged.patch };
    if (merged.changesHub) this.hubWrites += 1;
    const moved = !same(next, this.record);
    this.record = next;
    this.shadow = shadowAfter(merged, next);
    this.conflicts.push(...merged.conflicts);
    return moved || merged.conflicts.length > 0 || !same(before, this.shadow);
  }

  /** A pass outward; a conditional write that is refused is followed by a look. Returns whether anything came of it. */
  push({ meanwhile }: { meanwhile?: () => void } = {}): boolean {
    const next = plan({
      link: { state: 'linked', key: '["1"]', remoteId: 'r1', deleted: false, shadow: this.shadow },
      record: this.record,
      softDeleted: false,
      inScope: true,
      policies: defaultPolicies,
      mapping: this.mapping,
      resolver: nobody,
    });
    if (next.kind === 'look') return this.look();
    if (next.kind === 'nothing') {
      if (next.shadow === undefined) return false;
      this.shadow = next.shadow;
      return true;
    }
    if (next.kind !== 'update') throw new Error(`an agreed pair is not to be planned as ${next.kind}`);
    this.shadow = next.shadow;
    if (this.#version !== this.#seen) {
      this.look();
      return true; // refused: planned again
    }
    this.#write(next.draft);
    meanwhile?.();
    this.look({ units: next.draft.sent, children: {}, firstHand: true });
    return true;
  }

  #write({ changed }: Draft): void {
    for (const unit of this.units) {
      const written = readPath(changed, unit.nested ? ['deep', unit.name] : [unit.name]);
      if (written !== undefined) this.remote[unit.name] = forms[unit.form](written) as Value;
    }
    this.remoteWrites += 1;
  }

  /** First one way, then the other, until nothing comes of either. Returns the rounds that it took. */
  settle(first: 'look' | 'push' = 'look', bound = 6): number {
    for (let round = 0; round < bound; round++) {
      const looked = first === 'look' ? this.look() : this.push();
      const pushed = first === 'look' ? this.push() : this.look();
      if (!looked && !pushed) return round;
    }
    throw new Error(`not quiet after ${bound} rounds`);
  }

  /** Both sides hold the same, in the form of each. */
  disagreements(): string[] {
    return this.units.flatMap(({ name, form }) => {
      const here = (forms[form](this.hub(name)) ?? null) as Value;
      return here === this.there(name)
        ? []
        : [`${name}: ${String(this.hub(name))} here, ${String(this.there(name))} there`];
    });
  }
}

/** A world in agreement: the hub's values were written to the remote, and inward ones come from there. */
export function agreedWorld(units: readonly UnitModel[], values: Values): World {
  const world = new World(units, values);
  for (const unit of units) world.remote[unit.name] = forms[unit.form](values[unit.name] ?? null) as Value;
  for (const unit of units) if (unit.direction === 'inward') world.record[unit.name] = world.remote[unit.name];
  // the pairs that a first write leaves behind: the hub's form beside the remote's
  world.shadow = {
    units: Object.fromEntries(units.map(({ name }) => [name, { h: world.hub(name), r: world.there(name) }])),
  };
  return world;
}

export const some = (units: readonly UnitModel[]): fc.Arbitrary<Values> =>
  fc
    .array(fc.tuple(fc.constantFrom(...units.map((unit) => unit.name)), value), { maxLength: units.length })
    .map((list) => Object.fromEntries(list) as Values);
