/** Loads the links that a batch of records and remotes refer to, so that merge and plan stay pure. */
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import { own } from '../catalog/own.js';
import { hubChildren } from '../merge/child-pairs.js';
import {
  hubText,
  idAgreed,
  keyReferred,
  noReferences,
  remoteIdOf,
  remoteValue,
  type Resolver,
} from '../merge/project.js';
import { hubChanged, type Pairs, type Shadow } from '../merge/shadow.js';
import type { Queryable } from '../store/database.js';
import { findLinks, type FoundLink } from '../store/links.js';
import type { Unit } from '../subscriber/compile.js';
import { readPath } from '../subscriber/path.js';
import type { Binding } from './binding.js';

/** A pair that isn't linked yet, and will be. */
export interface ComingPair {
  readonly subscriber: string;
  readonly key: RecordKey;
  readonly remoteId: string;
}

type Wanted = { readonly subscriber: string; readonly key?: string; readonly remoteId?: string };

/** What refers to others: records as they are, remotes as they show themselves, and what a record and its remote last agreed on. */
export interface Referrers {
  readonly records?: readonly AnyRecord[];
  readonly remotes?: readonly unknown[];
  readonly agreed?: readonly { readonly record: AnyRecord; readonly shadow: Shadow }[];
}

/**
 * A resolver that knows every reference in the given records and remotes. One query, and a second where a record that is referred
 * to has another remote by now than its shadow says; none for a mapping without references. `coming` tells of pairs that are to be
 * taken for linked.
 */
export async function loadReferences(
  db: Queryable,
  binding: Binding,
  seen: Referrers,
  coming?: (wanted: readonly Wanted[]) => Promise<readonly ComingPair[]>,
): Promise<Resolver> {
  if (Object.keys(binding.references).length === 0) return noReferences;
  const wanted = new Wishes(binding);
  for (const record of seen.records ?? []) collectRecord(binding, record, wanted);
  for (const remote of seen.remotes ?? []) collectRemote(binding, remote, wanted);
  const known = new Known(binding);
  known.take(await findLinks(db, wanted.all));
  for (const pair of (await coming?.(wanted.all)) ?? []) known.takeComing(pair);
  const told = new Wishes(binding);
  for (const { record, shadow } of seen.agreed ?? []) collectTold(binding, record, shadow, known, told);
  known.take(await findLinks(db, told.all));
  return known;
}

/** References to be looked up, each once. */
class Wishes {
  readonly #binding: Binding;
  readonly #wanted = new Map<string, Wanted>();

  constructor(binding: Binding) {
    this.#binding = binding;
  }

  get all(): readonly Wanted[] {
    return [...this.#wanted.values()];
  }

  add(catalog: string, one: { readonly key?: string; readonly remoteId?: string }): void {
    const subscriber = this.#binding.references[catalog];
    if (subscriber !== undefined) this.#wanted.set(JSON.stringify([catalog, one]), { subscriber, ...one });
  }
}

/** The pairs that were found, both ways. */
class Known implements Resolver {
  readonly #binding: Binding;
  readonly #remoteIds = new Map<string, string>();
  readonly #keys = new Map<string, RecordKey>();
  readonly #remotes = new Set<string>();

  constructor(binding: Binding) {
    this.#binding = binding;
  }

  take(links: readonly FoundLink[]): void {
    for (const { subscriber, key, remoteId, state, leaving } of links) {
      if (remoteId !== undefined) this.#remotes.add(`${subscriber}@${remoteId}`);
      if (state !== 'linked' || key === undefined || remoteId === undefined) continue;
      this.#keys.set(`${subscriber}@${remoteId}`, key);
      // its row is there again before its remote is gone: it will have another
      if (!leaving) this.#remoteIds.set(`${subscriber}:${key}`, remoteId);
    }
  }

  /** What is linked already outweighs it. */
  takeComing({ subscriber, key, remoteId }: ComingPair): void {
    const [here, there] = [`${subscriber}:${key}`, `${subscriber}@${remoteId}`];
    if (!this.#remoteIds.has(here)) this.#remoteIds.set(here, remoteId);
    if (!this.#keys.has(there)) this.#keys.set(there, key);
  }

  remoteId(catalog: string, key: RecordKey): string | undefined {
    return this.#remoteIds.get(`${this.#binding.references[catalog] ?? ''}:${key}`);
  }

  key(catalog: string, remoteId: string): RecordKey | undefined {
    return this.#keys.get(`${this.#binding.references[catalog] ?? ''}@${remoteId}`);
  }

  knows(catalog: string, remoteId: string): boolean {
    return this.#remotes.has(`${this.#binding.references[catalog] ?? ''}@${remoteId}`);
  }
}

function collectRecord(binding: Binding, record: AnyRecord, wanted: Wishes): void {
  const walk = (units: readonly Unit[], row: AnyRecord): void => {
    for (const unit of units) {
      if (unit.reference === undefined) continue;
      const key = keyReferred(unit, row);
      if (key !== undefined) wanted.add(unit.reference, { key });
    }
  };
  walk(binding.mapping.units, record);
  for (const child of binding.mapping.children) {
    for (const row of (record[child.name] ?? []) as readonly AnyRecord[]) walk(child.units, row);
  }
}

function collectRemote(binding: Binding, remote: unknown, wanted: Wishes): void {
  const walk = (units: readonly Unit[], value: unknown): void => {
    for (const unit of units) {
      if (unit.reference === undefined) continue;
      const remoteId = idShown(unit, value);
      if (remoteId !== null) wanted.add(unit.reference, { remoteId });
    }
  };
  walk(binding.mapping.units, remote);
  for (const child of binding.mapping.children) {
    const list = readPath(remote, child.path);
    if (Array.isArray(list)) for (const value of list as unknown[]) walk(child.units, value);
  }
}

function idShown(unit: Unit, remote: unknown): string | null {
  try {
    return remoteIdOf(unit, remoteValue(unit, remote));
  } catch {
    return null; // what its lens refuses parks the record when it is merged
  }
}

/** The ids that were told, where the record that an unchanged reference names has another by now. */
function collectTold(binding: Binding, record: AnyRecord, shadow: Shadow, known: Resolver, told: Wishes): void {
  const walk = (units: readonly Unit[], pairs: Pairs, row: AnyRecord): void => {
    for (const unit of units) {
      const agreed = own(pairs, unit.name);
      const id = unit.reference === undefined ? undefined : idAgreed(unit, agreed);
      if (unit.reference === undefined || id === undefined || hubChanged(agreed, hubText(unit, row))) continue;
      const key = keyReferred(unit, row);
      const now = key === undefined ? undefined : known.remoteId(unit.reference, key);
      if (now !== undefined && now !== id) told.add(unit.reference, { remoteId: id });
    }
  };
  walk(binding.mapping.units, shadow.units, record);
  for (const child of binding.mapping.children) {
    const shadows = shadow.children?.[child.name] ?? {};
    for (const [key, row] of hubChildren(child, record)) walk(child.units, shadows[key]?.units ?? {}, row);
  }
}
