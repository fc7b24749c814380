/** A remote that no record stands for: which record is it? By our marker, by declared match units, or a new one. */
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { parkResult, retryResult, type Result } from '../engine/result.js';
import { remoteValue } from '../merge/project.js';
import type { ParkCode } from '../outward/plan.js';
import { awaitedByKey } from '../store/awaited.js';
import type { Queryable } from '../store/database.js';
import { concludeIntents, openCreate } from '../store/intents.js';
import { deleteLinks, lockLink, type Link } from '../store/links.js';
import { claimants } from '../store/listed.js';
import { writePath } from '../subscriber/path.js';
import { Refusal, type Observation } from './apply.js';
import {
  ambiguity,
  claimOf,
  freeRecords,
  freeRemotes,
  markerClaim,
  matchingRecords,
  takeMatchTurns,
  type MatchingRecords,
} from './candidates.js';

export interface Adoption {
  /** Undefined where a record is to be made. */
  readonly key: RecordKey | undefined;
  readonly adopted: boolean;
}

interface Candidate {
  readonly env: Environment;
  readonly tx: Queryable;
  readonly binding: Binding;
  readonly link: Link;
  readonly seen: Observation;
}

/**
 * The record to pair a remote with.
 * @throws Refusal when it must wait, is ambiguous, or a policy forbids it
 */
export async function adopt(
  env: Environment,
  tx: Queryable,
  binding: Binding,
  link: Link,
  seen: Observation,
): Promise<Adoption> {
  if (!binding.subscriber.accepts(seen.remote))
    throw new Refusal({ settlement: { link, state: 'excluded', remoteId: seen.remoteId } });
  const candidate = { env, tx, binding, link, seen };
  const marked = binding.subscriber.keyOf(seen.remote);
  return marked === undefined ? adoptMatching(candidate) : adoptMarked(candidate, marked);
}

async function adoptMarked(candidate: Candidate, key: RecordKey): Promise<Adoption> {
  const { tx, binding, seen } = candidate;
  await takeOver(candidate, key, { isProven: true });
  const rows = await binding.catalog.rows.load(tx, [key]);
  if (!rows.has(key)) throw park(candidate, 'twin', `it bears the marker of record ${key}, which is not here`);
  const rivals = await rivalsOf(candidate, markerClaim(key));
  if (rivals.length > 0)
    throw park(candidate, 'twin', `${[seen.remoteId, ...rivals].sort().join(', ')} bear the marker of record ${key}`);
  return { key, adopted: true };
}

async function adoptMatching(candidate: Candidate): Promise<Adoption> {
  const { env, tx, binding, link, seen } = candidate;
  const { subscriber, policies } = binding;
  // without a marker, it may be the remote of a create whose answer isn't in yet
  const create = subscriber.capabilities.marker ? undefined : await openCreate(tx, binding.id, link.createdAt);
  if (create?.parked === true)
    throw park(
      candidate,
      'ambiguous',
      `it may be what the create of ${create.key ?? 'a record'} made, which is parked: decide about that first`,
    );
  if (create !== undefined) throw new Refusal(retryLater(env, link));
  await takeMatchTurns(tx, binding, seen.remote);
  const { free: keys, taken } = await matchingRecords(tx, binding, seen.remote);
  const [key] = keys;
  if (key === undefined && taken.length > 0) throw park(candidate, 'ambiguous', pairedAlready(binding, taken));
  if (key !== undefined) {
    const claim = claimOf(binding, seen.remote);
    const rivals = [...(seen.rivals ?? []), ...(claim === undefined ? [] : await rivalsOf(candidate, claim))];
    if (keys.length + rivals.length > 1)
      throw park(candidate, 'ambiguous', ambiguity(binding, keys, [seen.remoteId, ...rivals]));
    await takeOver(candidate, key, { isProven: false });
    return { key, adopted: true };
  }
  if (policies.createInward === 'ignore')
    throw new Refusal({ settlement: { link, state: 'excluded', remoteId: seen.remoteId } });
  if (policies.createInward === 'park') throw park(candidate, 'policy', 'a new remote, and createInward is "park"');
  return { key: undefined, adopted: false };
}

/** A second remote for a record: entered there by hand, or made by a request of ours that came late. It gets no record of its own. */
function pairedAlready(binding: Binding, taken: MatchingRecords['taken']): string {
  const pairs = taken.map(({ key, remoteId }) => `${key} (linked to ${remoteId})`).join(', ');
  return `it matches by ${binding.subscriber.match.join(', ')} what is linked already: record ${pairs}`;
}

function park({ binding, link, seen }: Candidate, code: ParkCode, reason: string): Refusal {
  const claims = claimOf(binding, seen.remote);
  return new Refusal(parkResult(link, code, reason, { remoteId: seen.remoteId, look: true, claims }));
}

function retryLater(env: Environment, link: Link) {
  const result = retryResult(env, link, 'a create is under way that may be this one', { look: true });
  // waiting for our own write is no failure
  return { ...result, settlement: { link, look: true, dueInMs: 200 } };
}

/** The record's create has no outcome yet, and its link is held (a truncated table, the brake): this remote is heard of again with it. */
function waitForHeld({ binding, link }: Candidate, key: RecordKey): Result {
  const name = awaitedByKey(binding.id, key);
  return {
    settlement: { link, look: true, waitsFor: name, failed: `it may be what the create of record ${key} made` },
    awaits: { name, subscriber: binding.id, key },
  };
}

/** Other remotes without a record that claim the same. */
async function rivalsOf({ tx, binding, seen }: Candidate, claim: string): Promise<string[]> {
  const all = await claimants(tx, binding.id, [claim]);
  return all.map(({ remoteId }) => remoteId).filter((remoteId) => remoteId !== seen.remoteId);
}

/**
 * The same, asked of a system that can't list what it has, and so hasn't told. Only where there is a record to be paired with:
 * that is rare once the first load is done.
 */
export async function unlistedRivals(env: Environment, binding: Binding, seen: Observation): Promise<string[]> {
  const { subscriber, mapping } = binding;
  if (subscriber.match.length === 0 || subscriber.capabilities.listing || subscriber.keyOf(seen.remote) !== undefined)
    return [];
  const keys = await freeRecords(env.db, binding, seen.remote);
  if (keys.length === 0) return [];
  const values: Record<string, Json> = {};
  for (const unit of mapping.units)
    if (subscriber.match.includes(unit.name)) writePath(values, unit.path, remoteValue(unit, seen.remote) ?? null);
  const found = await freeRemotes(env.db, binding, undefined, await subscriber.find({ by: 'match', values }));
  return found.map((remote) => subscriber.identify(remote)).filter((remoteId) => remoteId !== seen.remoteId);
}

/**
 * The record's own link gives way to the one that knows the remote, unless somebody is at work on it. Where it is parked because
 * nobody knew what its create had made, a remote that bears its marker proves it.
 */
async function takeOver(candidate: Candidate, key: RecordKey, { isProven }: { isProven: boolean }): Promise<void> {
  const { env, tx, binding, link, seen } = candidate;
  const own = await lockLink(tx, binding.id, key);
  if (own === undefined || own.link.id === link.id) return;
  if (own.link.remoteId !== undefined && own.link.remoteId !== seen.remoteId)
    throw park(candidate, 'twin', `record ${key} is linked to ${own.link.remoteId} already: this remote is a twin`);
  if (isProven && own.parked === 'unknown-create') await concludeIntents(tx, own.link.id, 'exists');
  else if (own.busy) throw new Refusal(own.parked === undefined ? retryLater(env, link) : waitForHeld(candidate, key));
  await deleteLinks(tx, [own.link.id]);
}
