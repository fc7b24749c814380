/** Loads the links that a batch of records and remotes refer to, so that merge and plan stay pure. */
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import { hubValue, referenceKey, remoteIdOf, remoteValue, type Resolver } from '../merge/project.js';
import type { Queryable } from '../store/database.js';
import { findLinks } from '../store/links.js';
import type { Unit } from '../subscriber/compile.js';
import { readPath } from '../subscriber/path.js';
import type { Binding } from './binding.js';

const nobody: Resolver = { remoteId: () => undefined, key: () => undefined };

/** A pair that isn't linked yet, and will be. */
export interface ComingPair {
  readonly subscriber: string;
  readonly key: RecordKey;
  readonly remoteId: string;
}

type Wanted = { readonly subscriber: string; readonly key?: string; readonly remoteId?: string };

/**
 * A resolver that knows every reference in the given records and remotes. One query; none for a mapping without references.
 * `coming` tells of pairs that are to be taken for linked.
 */
export async function loadReferences(
  db: Queryable,
  binding: Binding,
  seen: { readonly records?: readonly AnyRecord[]; readonly remotes?: readonly unknown[] },
  coming?: (wanted: readonly Wanted[]) => Promise<readonly ComingPair[]>,
): Promise<Resolver> {
  if (Object.keys(binding.references).length === 0) return nobody;
  const wanted = new Map<string, Wanted>();
  const want = (catalog: string, one: { key?: string; remoteId?: string }): void => {
    const subscriber = binding.references[catalog];
    if (subscriber !== undefined) wanted.set(JSON.stringify([catalog, one]), { subscriber, ...one });
  };
  for (const record of seen.records ?? []) collectRecord(binding, record, want);
  for (const remote of seen.remotes ?? []) collectRemote(binding, remote, want);
  const links = await findLinks(db, [...wanted.values()]);
  const remoteIds = new Map<string, string>();
  const keys = new Map<string, RecordKey>();
  for (const pair of (await coming?.([...wanted.values()])) ?? []) {
    remoteIds.set(`${pair.subscriber}:${pair.key}`, pair.remoteId);
    keys.set(`${pair.subscriber}@${pair.remoteId}`, pair.key);
  }
  for (const link of links) {
    if (link.state !== 'linked' || link.key === undefined || link.remoteId === undefined) continue;
    keys.set(`${link.subscriber}@${link.remoteId}`, link.key);
    // its row is there again before its remote is gone: it will have another
    if (!link.leaving) remoteIds.set(`${link.subscriber}:${link.key}`, link.remoteId);
  }
  return {
    remoteId: (catalog, key) => remoteIds.get(`${binding.references[catalog] ?? ''}:${key}`),
    key: (catalog, remoteId) => keys.get(`${binding.references[catalog] ?? ''}@${remoteId}`),
  };
}

type Want = (catalog: string, one: { key?: string; remoteId?: string }) => void;

function collectRecord(binding: Binding, record: AnyRecord, want: Want): void {
  const walk = (units: readonly Unit[], row: AnyRecord): void => {
    for (const unit of units) {
      if (unit.reference === undefined) continue;
      const value = hubValue(unit, row);
      if (value !== null && value !== undefined) want(unit.reference, { key: referenceKey(unit, value) });
    }
  };
  walk(binding.mapping.units, record);
  for (const child of binding.mapping.children) {
    for (const row of (record[child.name] ?? []) as readonly AnyRecord[]) walk(child.units, row);
  }
}

function collectRemote(binding: Binding, remote: unknown, want: Want): void {
  const walk = (units: readonly Unit[], value: unknown): void => {
    for (const unit of units) {
      if (unit.reference === undefined) continue;
      const remoteId = idShown(unit, value);
      if (remoteId !== null) want(unit.reference, { remoteId });
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
