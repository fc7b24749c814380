/** A remote that no record stands for: which record is it? By our marker, by declared match units, or a new one. */
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { parkResult, retryResult } from '../engine/result.js';
import { get, type Resolver } from '../merge/project.js';
import { remoteValue } from '../merge/project.js';
import { isEmpty } from '../merge/shadow.js';
import type { Queryable } from '../store/database.js';
import { createUnderWay } from '../store/intents.js';
import { deleteLinks, findLinks, lockLink, type Link } from '../store/links.js';
import { Refusal, type Observation } from './apply.js';

/** More candidates than this are not looked at: two are ambiguous already. */
const maxCandidates = 5;

const noReferences: Resolver = { remoteId: () => undefined, key: () => undefined };

/**
 * The record to pair a remote with; `key: undefined` where one is to be made.
 * @throws Refusal when it must wait, is ambiguous, or a policy forbids it
 */
export async function adopt(
  env: Environment,
  tx: Queryable,
  binding: Binding,
  link: Link,
  seen: Observation,
): Promise<{ key: RecordKey | undefined; adopted: boolean }> {
  const { subscriber, policies } = binding;
  if (!subscriber.accepts(seen.remote))
    throw new Refusal({ settlement: { link, state: 'excluded', remoteId: seen.remoteId } });
  const marked = subscriber.keyOf(seen.remote);
  if (marked !== undefined) {
    await takeOver(env, tx, binding, link, marked, seen.remoteId);
    const rows = await binding.catalog.rows.load(tx, [marked]);
    if (!rows.has(marked)) {
      throw new Refusal(
        parkResult(link, 'twin', `it bears the marker of record ${marked}, which is not here`, {
          remoteId: seen.remoteId,
          look: true,
        }),
      );
    }
    return { key: marked, adopted: true };
  }
  // without a marker, it may be the remote of a create whose answer isn't in yet
  if (!subscriber.capabilities.marker && (await createUnderWay(tx, binding.id, link.createdAt))) {
    throw new Refusal(retryLater(env, link));
  }
  const candidates = await matching(tx, binding, seen.remote);
  if (candidates.length > 1) {
    const reason = `${candidates.length} records match it by ${subscriber.match.join(', ')}: ${candidates.join(', ')}`;
    throw new Refusal(parkResult(link, 'ambiguous', reason, { remoteId: seen.remoteId, look: true }));
  }
  const [candidate] = candidates;
  if (candidate !== undefined) {
    await takeOver(env, tx, binding, link, candidate, seen.remoteId);
    return { key: candidate, adopted: true };
  }
  if (policies.createInward === 'ignore')
    throw new Refusal({ settlement: { link, state: 'excluded', remoteId: seen.remoteId } });
  if (policies.createInward === 'park') {
    throw new Refusal(
      parkResult(link, 'policy', 'a new remote, and createInward is "park"', { remoteId: seen.remoteId, look: true }),
    );
  }
  return { key: undefined, adopted: false };
}

function retryLater(env: Environment, link: Link) {
  const result = retryResult(env, link, 'a create is under way that may be this one', { look: true });
  // waiting for our own write is no failure
  return { ...result, settlement: { link, look: true, dueInMs: 200 } };
}

/** Records whose match units hold what the remote shows and that have no remote of this subscriber yet. */
async function matching(tx: Queryable, binding: Binding, remote: unknown): Promise<RecordKey[]> {
  const { match } = binding.subscriber;
  if (match.length === 0) return [];
  const wanted: AnyRecord = {};
  for (const unit of binding.mapping.units) {
    if (!match.includes(unit.name)) continue;
    const r = remoteValue(unit, remote);
    if (isEmpty(r)) return [];
    Object.assign(wanted, get(unit, r, undefined, noReferences));
  }
  const keys = await binding.catalog.rows.findBy(tx, wanted, maxCandidates);
  const links = await findLinks(
    tx,
    keys.map((key) => ({ subscriber: binding.id, key })),
  );
  const taken = new Set(links.filter((link) => link.remoteId !== undefined).map((link) => link.key));
  return keys.filter((key) => !taken.has(key));
}

/** The record's own link gives way to the one that knows the remote, unless somebody is at work on it. */
async function takeOver(
  env: Environment,
  tx: Queryable,
  binding: Binding,
  link: Link,
  key: RecordKey,
  remoteId: string,
): Promise<void> {
  const own = await lockLink(tx, binding.id, key);
  if (own === undefined || own.link.id === link.id) return;
  if (own.link.remoteId !== undefined && own.link.remoteId !== remoteId) {
    const reason = `record ${key} is linked to ${own.link.remoteId} already: this remote is a twin`;
    throw new Refusal(parkResult(link, 'twin', reason, { remoteId, look: true }));
  }
  if (own.busy) throw new Refusal(retryLater(env, link));
  await deleteLinks(tx, [own.link.id]);
}
