/** Who may belong together where no link says so: by our marker, else by the values of the declared match units. */
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import type { Binding } from '../engine/binding.js';
import { get, hubText, noReferences, remoteValue } from '../merge/project.js';
import { isEmpty } from '../merge/shadow.js';
import type { Queryable } from '../store/database.js';
import { findLinks, isLeftAlone, type Link } from '../store/links.js';
import type { Unit } from '../subscriber/compile.js';
import { claimants } from '../store/listed.js';
import { takeTurns } from '../store/turns.js';

/** More candidates than this are not looked at: two are ambiguous already. */
const maxCandidates = 5;

/** What a remote that bears the marker of a record claims to be. */
export function markerClaim(key: RecordKey): string {
  return `${ofRecord}${key}`;
}

const ofRecord = 'key ';

/** The record whose create made a remote, as the answer to it or an event has told: known without any marker. */
export function madeFor({ claims }: Link): RecordKey | undefined {
  return claims?.startsWith(ofRecord) === true ? claims.slice(ofRecord.length) : undefined;
}

/** What a remote claims to be: the record that its marker names, else its match values. Undefined where it has neither. */
export function claimOf(binding: Binding, remote: unknown): string | undefined {
  const key = binding.subscriber.keyOf(remote);
  if (key !== undefined) return markerClaim(key);
  try {
    const wanted = matchFields(binding, remote);
    if (wanted === undefined) return undefined;
    return `match ${JSON.stringify(matchUnits(binding).map((unit) => hubText(unit, wanted)))}`;
  } catch {
    return undefined; // a value that its lens refuses matches nobody
  }
}

/** Whether its match values can be read at all: a lens may refuse them. */
export function isReadable(binding: Binding, remote: unknown): boolean {
  try {
    matchFields(binding, remote);
    return true;
  } catch {
    return false;
  }
}

/** Hub fields that a remote's match values stand for; undefined where one of them is empty, or none is declared. */
function matchFields(binding: Binding, remote: unknown): AnyRecord | undefined {
  const units = matchUnits(binding);
  if (units.length === 0) return undefined;
  const wanted: AnyRecord = {};
  for (const unit of units) {
    const r = remoteValue(unit, remote);
    if (isEmpty(r)) return undefined;
    Object.assign(wanted, get(unit, r, undefined, noReferences));
  }
  return wanted;
}

export function matchUnits({ subscriber, mapping }: Binding): Unit[] {
  return mapping.units.filter((unit) => subscriber.match.includes(unit.name));
}

/**
 * Remotes of several systems may come in at the same moment and match the same record, which isn't there yet: the first makes it,
 * the others find it.
 */
export async function takeMatchTurns(tx: Queryable, binding: Binding, remotes: readonly unknown[]): Promise<void> {
  const name = (field: string, value: unknown): string =>
    JSON.stringify(['match', binding.catalog.definition.name, field, String(value)]);
  await takeTurns(
    tx,
    remotes.flatMap((remote) =>
      Object.entries(matchFields(binding, remote) ?? {}).map(([field, value]) => name(field, value)),
    ),
  );
}

/** Records whose match units hold what a remote shows. */
export interface MatchingRecords {
  /** Nothing else is paired with them, or names them by its marker. */
  readonly free: readonly RecordKey[];
  /** The others, and the remotes that have them, or are about to: one that names a record is not decided yet. */
  readonly taken: readonly { readonly key: RecordKey; readonly remoteId: string }[];
}

/** Of each of these remotes, in their order. */
export async function matchingRecords(
  db: Queryable,
  binding: Binding,
  remotes: readonly unknown[],
): Promise<MatchingRecords[]> {
  const wanted = remotes.map((remote) => matchFields(binding, remote) ?? {});
  const found = await binding.catalog.rows.findEach(db, wanted, maxCandidates);
  const keys = [...new Set(found.flat())];
  const links = await findLinks(
    db,
    keys.map((key) => ({ subscriber: binding.id, key })),
  );
  const takenBy = new Map(links.flatMap(({ key, remoteId }) => (remoteId === undefined ? [] : [[key, remoteId]])));
  const named = await claimants(db, binding.id, keys.map(markerClaim));
  // what a remote claims for itself leaves the record free for it: it may have been noted just now
  const claimant = (key: RecordKey, but: string): string | undefined =>
    named.find(({ claims, remoteId }) => claims === markerClaim(key) && remoteId !== but)?.remoteId;
  const apart = new Set(links.filter(isLeftAlone).map(({ key }) => key));
  const ids = remotes.map((remote) => binding.subscriber.identify(remote));
  return found.map((some, index) => {
    const others = new Map(some.map((key) => [key, takenBy.get(key) ?? claimant(key, ids[index] ?? '')]));
    return {
      free: some.filter((key) => others.get(key) === undefined && !apart.has(key)),
      taken: some.flatMap((key) => {
        const remoteId = others.get(key);
        return remoteId === undefined ? [] : [{ key, remoteId }];
      }),
    };
  });
}

export async function freeRecords(db: Queryable, binding: Binding, remote: unknown): Promise<readonly RecordKey[]> {
  return (await matchingRecords(db, binding, [remote]))[0]?.free ?? [];
}

/**
 * Of the remotes that match a record, those that are nobody's. One that bears the record's own marker outweighs the others; one
 * that bears another's is not among them.
 */
export async function freeRemotes(
  db: Queryable,
  binding: Binding,
  key: RecordKey | undefined,
  found: readonly unknown[],
): Promise<unknown[]> {
  const { subscriber } = binding;
  const links = await findLinks(
    db,
    found.map((remote) => ({ subscriber: binding.id, remoteId: subscriber.identify(remote) })),
  );
  const taken = new Set(
    links
      .filter((link) => link.key !== undefined || link.state === 'gone' || isLeftAlone(link))
      .map((link) => link.remoteId),
  );
  const free = found.filter((remote) => {
    const marked = subscriber.keyOf(remote);
    return (
      subscriber.accepts(remote) && !taken.has(subscriber.identify(remote)) && (marked === undefined || marked === key)
    );
  });
  const ours = free.filter((remote) => subscriber.keyOf(remote) !== undefined);
  return ours.length > 0 ? ours : free;
}
