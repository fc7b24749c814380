/** A remote that no record stands for: which record is it? The facts are read, judged, and the judgement is carried out. */
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { createUnderWayResult, parkResult, type Result } from '../engine/result.js';
import { remoteValue } from '../merge/project.js';
import { awaitedByKey } from '../store/awaited.js';
import type { Queryable } from '../store/database.js';
import { concludeIntents, unseenWrites, type UnseenWrite } from '../store/intents.js';
import { deleteLinks, type Link } from '../store/links.js';
import { writePath } from '../subscriber/path.js';
import { Refusal, type Observation } from './apply.js';
import { claimOf, freeRecords, freeRemotes, madeFor } from './candidates.js';
import { factsOf } from './facts.js';
import { judge, type Rules, type Verdict } from './judge.js';

export interface Adoption {
  /** Undefined where a record is to be made. */
  readonly key: RecordKey | undefined;
  readonly adopted: boolean;
  /** What a create of the record has sent that wasn't seen: the remote may be what it made. */
  readonly unseen?: readonly UnseenWrite[];
}

/**
 * The record to pair a remote with.
 * @throws Refusal when it must wait, is ambiguous, or a policy forbids it
 */
export async function adopt(tx: Queryable, binding: Binding, link: Link, seen: Observation): Promise<Adoption> {
  const [facts] = await factsOf(tx, binding, [{ link, ...seen }]);
  if (facts === undefined) throw new Error('a stranger has no facts');
  const verdict = judge(facts, rulesOf(binding));
  switch (verdict.kind) {
    case 'adopt': {
      const unseen = await unseenCreatesOf(tx, [verdict]);
      await giveWay(tx, [verdict]);
      return { key: verdict.key, adopted: true, unseen: unseen.get(verdict.own?.id ?? '') ?? [] };
    }
    case 'create':
      return { key: undefined, adopted: false };
    default:
      throw new Refusal(refused(binding, link, seen, verdict));
  }
}

export function rulesOf({ subscriber, policies }: Binding): Rules {
  return { match: subscriber.match, createInward: policies.createInward };
}

export type Adopted = Extract<Verdict, { kind: 'adopt' }>;
export type Refused = Exclude<Verdict, { kind: 'adopt' | 'create' }>;

/** What creates of these records have sent that wasn't seen, by the record's own link. */
export function unseenCreatesOf(tx: Queryable, adopted: readonly Adopted[]): Promise<Map<string, UnseenWrite[]>> {
  return unseenWrites(
    tx,
    adopted.flatMap(({ own }) => own?.id ?? []),
    'create',
  );
}

/** The records' own links make room for those that know their remotes. */
export async function giveWay(tx: Queryable, adopted: readonly Adopted[]): Promise<void> {
  for (const { own, concludes } of adopted)
    if (concludes && own !== undefined) await concludeIntents(tx, own.id, 'exists');
  await deleteLinks(
    tx,
    adopted.flatMap(({ own }) => own?.id ?? []),
  );
}

/** What becomes of a remote that is neither paired nor made a record of. */
export function refused(binding: Binding, link: Link, { remote, remoteId }: Observation, verdict: Refused): Result {
  switch (verdict.kind) {
    case 'exclude':
      return { settlement: { link, state: 'excluded', remoteId } };
    case 'park':
      return parkResult(link, verdict.code, verdict.reason, {
        remoteId,
        look: true,
        claims: madeFor(link) === undefined ? claimOf(binding, remote) : link.claims,
      });
    case 'later':
      return createUnderWayResult(link);
    case 'await': {
      // the record's create has no outcome yet, and its link is held (a truncated table, the brake): heard of again with it
      const { key } = verdict;
      const name = awaitedByKey(binding.id, key);
      return {
        settlement: { link, look: true, waitsFor: name, failed: `it may be what the create of record ${key} made` },
        awaits: { name, subscriber: binding.id, key },
      };
    }
  }
}

/**
 * Others that match the same, asked of a system that can't list what it has, and so hasn't told. Only where there is a record to be paired with:
 * that is rare once the first load is done.
 */
export async function unlistedRivals(env: Environment, binding: Binding, seen: Observation): Promise<string[]> {
  const { subscriber, mapping, calls } = binding;
  if (subscriber.match.length === 0 || subscriber.capabilities.listing || subscriber.keyOf(seen.remote) !== undefined)
    return [];
  const keys = await freeRecords(env.db, binding, seen.remote);
  if (keys.length === 0) return [];
  const values: Record<string, Json> = {};
  for (const unit of mapping.units)
    if (subscriber.match.includes(unit.name)) writePath(values, unit.path, remoteValue(unit, seen.remote) ?? null);
  const found = await freeRemotes(
    env.db,
    binding,
    undefined,
    await calls.run(() => subscriber.find({ by: 'match', values })),
  );
  return found.map((remote) => subscriber.identify(remote)).filter((remoteId) => remoteId !== seen.remoteId);
}
