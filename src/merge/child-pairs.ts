/** Which remote child stands for which child row: by id, by marker, as what was sent, or by equal values. Pure. */
import { own } from '../catalog/own.js';
import type { AnyRecord } from '../catalog/catalog.js';
import { formatKey, keyOfRecord, type RecordKey } from '../catalog/key.js';
import { canonicalJson, type Json } from '../catalog/values.js';
import type { ChildMapping, Unit } from '../subscriber/compile.js';
import { readPath } from '../subscriber/path.js';
import { get, hubText, put, remoteValue, type Resolver } from './project.js';
import type { Sent } from './sent.js';
import { isEmpty, sameRemote, type ChildShadow, type Pairs } from './shadow.js';

export interface RemoteChild {
  readonly id: string;
  /** The hub's key that its marker names. */
  readonly key: RecordKey | undefined;
  readonly value: Json;
}

/**
 * How far a pair can be trusted where its values differ. `sure`: by id, marker or values. `shown`: what we sent is among what was
 * paired, so that the remote's values are taken. `guessed`: it may be another child that is merely alike, so the authority decides.
 */
export type Trust = 'sure' | 'shown' | 'guessed';

export interface Match {
  readonly child: RemoteChild;
  readonly trust: Trust;
}

export interface PairedUp {
  readonly paired: ReadonlyMap<RecordKey, Match>;
  /** Children of the remote that no row stands for. */
  readonly strangers: readonly RemoteChild[];
}

export interface ChildrenSeen {
  /** Undefined where the collection is seen for the first time. */
  readonly base: Readonly<Record<string, ChildShadow>> | undefined;
  readonly hub: ReadonlyMap<RecordKey, AnyRecord>;
  readonly remote: readonly RemoteChild[];
  readonly sent: Sent | undefined;
  readonly resolver: Resolver;
}

interface Draft {
  readonly paired: Map<RecordKey, Match>;
  /** Remote children without a row, in the remote's order. */
  readonly free: Set<RemoteChild>;
  /** Copies: they bear the marker of a row that has its own remote child. */
  readonly copies: Set<RemoteChild>;
}

/** The rows of a collection by their keys. */
export function hubChildren(mapping: ChildMapping, record: AnyRecord | undefined): Map<RecordKey, AnyRecord> {
  const rows = (record?.[mapping.name] ?? []) as readonly AnyRecord[];
  return new Map(rows.map((row) => [keyOfRecord(mapping.info, row), row]));
}

/** The children that a remote shows. Undefined where it shows no list: that says nothing about them. */
export function remoteChildren(mapping: ChildMapping, remote: unknown): RemoteChild[] | undefined {
  const list = readPath(remote, mapping.path);
  if (!Array.isArray(list)) return undefined;
  return (list as readonly Json[]).flatMap((value) => {
    const id = readPath(value, mapping.idPath);
    if (typeof id !== 'string' && typeof id !== 'number') return [];
    const marker = mapping.markerPath === undefined ? undefined : readPath(value, mapping.markerPath);
    return [
      { id: String(id), key: typeof marker === 'string' && marker !== '' ? markerKey(marker) : undefined, value },
    ];
  });
}

/** A marker is the child's plain key text, or the JSON form of one. */
function markerKey(marker: string): RecordKey {
  return marker.startsWith('["') ? marker : formatKey([marker]);
}

export function pairUp(mapping: ChildMapping, seen: ChildrenSeen): PairedUp {
  const draft = byIdentity(mapping, seen);
  pairSent(mapping, seen, draft);
  // with markers, a new line without one isn't ours; when the collection is first seen it may be, as it may be for want of markers
  if (mapping.markerPath === undefined || seen.base === undefined) pairEqual(mapping, seen, draft);
  return {
    paired: draft.paired,
    strangers: seen.remote.filter((child) => draft.free.has(child) || draft.copies.has(child)),
  };
}

function byIdentity(mapping: ChildMapping, { base = {}, hub, remote, sent }: ChildrenSeen): Draft {
  const ids = Object.entries(base).flatMap(([key, { id }]) => (id === undefined ? [] : [[id, key] as const]));
  const keyOfId = new Map(ids);
  const draft: Draft = { paired: new Map(), free: new Set(), copies: new Set() };
  for (const child of remote) {
    const byId = keyOfId.get(child.id);
    const key = byId ?? child.key;
    // a marker counts only for a child that we know of: a copied one must not overwrite its original
    const known =
      key !== undefined &&
      (byId !== undefined ||
        hub.has(key) ||
        base[key] !== undefined ||
        sent?.children[mapping.name]?.[key] !== undefined);
    if (!known) draft.free.add(child);
    else if (!draft.paired.has(key) && (byId !== undefined || base[key]?.id === undefined))
      draft.paired.set(key, { child, trust: 'sure' });
    else draft.copies.add(child);
  }
  return draft;
}

interface Awaited {
  readonly key: RecordKey;
  /** What was sent of it. */
  readonly pairs: Pairs;
}

/** Children that were sent and whose id isn't known yet: by equal values, then by the values they share, then by order. */
function pairSent(mapping: ChildMapping, seen: ChildrenSeen, draft: Draft): void {
  const units = mapping.units.filter((unit) => unit.direction !== 'inward');
  const free = new Set([...draft.free].filter((child) => child.key === undefined)); // what we sent bears no other's marker
  let awaited = awaitedOf(mapping, seen, draft);
  const pairWhere = (trust: Trust, fits: (one: Awaited, child: RemoteChild) => boolean): void => {
    awaited = awaited.filter((one) => {
      const child = firstOf(free, (candidate) => fits(one, candidate));
      if (child === undefined) return true;
      draft.paired.set(one.key, { child, trust });
      free.delete(child);
      draft.free.delete(child);
      return false;
    });
  };
  const tookEffect = seen.sent === undefined || seen.sent.firstHand || seen.sent.certain === true;
  if (units.length > 0) pairWhere('sure', (one, child) => units.every((unit) => shows(unit, one, child)));
  const complete = seen.sent?.firstHand === true && awaited.length === free.size;
  const trust = complete ? 'sure' : tookEffect ? 'shown' : 'guessed';
  // a remote that trims, folds case or rounds may show its children in another order, too: place comes last
  if (tookEffect && units.length > 0)
    pairWhere(trust, (one, child) => units.every((unit) => showsAlike(unit, one, child)));
  // what may not have been written at all must share at least half of its values
  const least = tookEffect ? 1 : Math.max(1, Math.ceil(units.length / 2));
  for (let shared = units.length - 1; shared >= least; shared -= 1)
    pairWhere(trust, (one, child) => sharedValues(units, one, child) >= shared);
  if (tookEffect) pairWhere(trust, () => true);
}

function awaitedOf(mapping: ChildMapping, { base = {}, sent }: ChildrenSeen, { paired }: Draft): Awaited[] {
  const now = sent?.children[mapping.name] ?? {};
  const earlier = Object.entries(base).filter(([key]) => now[key] === undefined);
  return [
    ...earlier.map(([key, { units }]) => ({ key, pairs: units })),
    ...Object.entries(now).map(([key, pairs]) => ({ key, pairs })),
  ].filter(({ key }) => !paired.has(key) && base[key]?.id === undefined);
}

function firstOf<T>(items: Iterable<T>, fits: (item: T) => boolean): T | undefined {
  for (const item of items) if (fits(item)) return item;
  return undefined;
}

function shows(unit: Unit, { pairs }: Awaited, child: RemoteChild): boolean {
  const ours = own(pairs, unit.name)?.r;
  const theirs = remoteValue(unit, child.value);
  return sameRemote(ours, theirs) || (isEmpty(ours) && isEmpty(theirs));
}

function showsAlike(unit: Unit, { pairs }: Awaited, child: RemoteChild): boolean {
  return loosely(own(pairs, unit.name)?.r) === loosely(remoteValue(unit, child.value));
}

/** What is left of a value when white space, case and the way a number is written don't count. */
function loosely(value: Json | undefined): string {
  if (value === undefined || value === null || typeof value === 'object') return canonicalJson(value ?? null);
  const text = String(value).trim().replace(/\s+/g, ' ').toLowerCase();
  return text !== '' && Number.isFinite(Number(text)) ? String(Number(text)) : text;
}

function sharedValues(units: readonly Unit[], one: Awaited, child: RemoteChild): number {
  return units.filter((unit) => !isEmpty(own(one.pairs, unit.name)?.r) && shows(unit, one, child)).length;
}

/** A row and a remote child that say the same are the same, one to one; among equal ones any choice is right. */
function pairEqual(mapping: ChildMapping, seen: ChildrenSeen, draft: Draft): void {
  const { base = {}, hub, resolver } = seen;
  const both = mapping.units.filter((unit) => unit.direction === 'both');
  const units = both.length > 0 ? both : mapping.units;
  const outward = units.filter((unit) => unit.direction !== 'inward');
  const inward = units.filter((unit) => unit.direction !== 'outward');
  const pairBy = (
    chosen: readonly Unit[],
    ofHub: (unit: Unit, row: AnyRecord) => Json,
    ofRemote: (unit: Unit, value: Json | undefined) => Json,
  ): void => {
    const rows = [...hub].filter(([key]) => !draft.paired.has(key) && base[key]?.id === undefined);
    if (chosen.length === 0 || rows.length === 0 || draft.free.size === 0) return;
    const waiting = new Map<string, RemoteChild[]>();
    for (const child of draft.free) {
      const text = canonicalJson(chosen.map((unit) => ofRemote(unit, remoteValue(unit, child.value))));
      waiting.set(text, [...(waiting.get(text) ?? []), child]);
    }
    for (const [key, row] of rows) {
      const child = waiting.get(canonicalJson(chosen.map((unit) => ofHub(unit, row))))?.shift();
      if (child === undefined) continue;
      draft.paired.set(key, { child, trust: 'sure' });
      draft.free.delete(child);
    }
  };
  pairBy(
    outward,
    (unit, row) => put(unit, row, resolver),
    (_, value) => value ?? null,
  );
  // what the remote writes in another way may mean the same to the hub
  pairBy(inward, hubText, (unit, value) =>
    value === undefined || value === null ? null : hubText(unit, get(unit, value, undefined, resolver)),
  );
}
