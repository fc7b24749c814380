/** What a judgement rests on, read for many remotes at once. */
import { own } from '../catalog/own.js';
import type { Binding } from '../engine/binding.js';
import { remoteValue } from '../merge/project.js';
import { isEmpty, sameRemote } from '../merge/shadow.js';
import type { Queryable } from '../store/database.js';
import { openCreate, unseenCreates, type IntentBody } from '../store/intents.js';
import { lockRecordLinks, type Link } from '../store/links.js';
import { claimants } from '../store/listed.js';
import { claimOf, madeFor, markerClaim, matchingRecords, matchUnits, takeMatchTurns } from './candidates.js';
import type { Facts, OwnLink } from './judge.js';

/** A remote that no record stands for, and the link that knows it. */
export interface Stranger {
  readonly link: Link;
  readonly remote: unknown;
  readonly remoteId: string;
  /** Others that match the same record, which only the system itself could tell. */
  readonly rivals?: readonly string[];
}

/**
 * Reads the facts, in the order of the strangers. From here on, until the transaction ends, nobody else decides about the same
 * values or records: match turns are taken, and the records' own links are locked.
 */
export async function factsOf(tx: Queryable, binding: Binding, strangers: readonly Stranger[]): Promise<Facts[]> {
  const { subscriber, catalog } = binding;
  const seen = strangers.map((stranger) => {
    const accepted = subscriber.accepts(stranger.remote);
    const marker = accepted ? subscriber.keyOf(stranger.remote) : undefined;
    const made = accepted && marker === undefined ? madeFor(stranger.link) : undefined;
    const marked = marker ?? made;
    const { planned } = stranger.link;
    const chosen = planned?.by === 'person' ? planned.key : marked;
    return { stranger, marked, isMade: made !== undefined, accepted, chosen, planned };
  });
  const marked = seen.flatMap((one) => one.chosen ?? []);
  const unmarked = seen.flatMap((one) => (one.accepted && one.marked === undefined ? [one.stranger] : []));
  const creates = await openCreates(tx, binding, unmarked);
  const unseen = subscriber.capabilities.marker || unmarked.length === 0 ? [] : await unseenCreates(tx, binding.id);
  const remotes = unmarked.map((one) => one.remote);
  await takeMatchTurns(tx, binding, remotes);
  const matching = new Map(
    (await matchingRecords(tx, binding, remotes)).map((found, index) => [unmarked[index]?.remoteId, found]),
  );
  const claims = new Map(
    seen.map(({ stranger, marked: key }) => [
      stranger.remoteId,
      key === undefined ? claimOf(binding, stranger.remote) : markerClaim(key),
    ]),
  );
  const claimed = await claimants(
    tx,
    binding.id,
    [...new Set(claims.values())].filter((one) => one !== undefined),
  );
  const free = [...matching.values()].flatMap((found) => found.free);
  const own = await lockRecordLinks(tx, binding.id, [...new Set([...marked, ...free])]);
  const present = await catalog.rows.load(tx, [...new Set(marked)]);
  return seen.map((one): Facts => {
    const { remoteId, link, rivals = [] } = one.stranger;
    const found = matching.get(remoteId) ?? { free: [], taken: [] };
    const claim = claims.get(remoteId);
    const others = claimed.filter((other) => other.claims === claim && other.remoteId !== remoteId);
    return {
      remoteId,
      accepted: one.accepted,
      marked: one.marked,
      isMade: one.isMade,
      isPresent: one.chosen !== undefined && present.has(one.chosen),
      planned: one.planned,
      ...found,
      rivals: [...rivals, ...others.map((other) => other.remoteId)],
      create: creates.get(link.id),
      late: unseen.find((body) => showsMatch(binding, body, one.stranger.remote))?.key,
      own: (key): OwnLink | undefined => {
        const locked = own.get(key);
        if (locked === undefined || locked.link.id === link.id) return undefined;
        return { id: locked.link.id, remoteId: locked.link.remoteId, busy: locked.busy, parked: locked.parked };
      },
    };
  });
}

/** Whether a remote shows the match values that a create has sent. */
function showsMatch(binding: Binding, { draft }: IntentBody, remote: unknown): boolean {
  const units = matchUnits(binding);
  return (
    units.length > 0 &&
    units.every((unit) => {
      const sent = own(draft.sent, unit.name)?.r;
      return !isEmpty(sent) && sameRemote(sent, remoteValue(unit, remote));
    })
  );
}

/** Without a marker, a remote may be the one of a create whose answer isn't in yet. By link id. */
async function openCreates(
  tx: Queryable,
  { id, subscriber }: Binding,
  strangers: readonly Stranger[],
): Promise<Map<string, NonNullable<Facts['create']>>> {
  const open = new Map<string, NonNullable<Facts['create']>>();
  if (subscriber.capabilities.marker || (await openCreate(tx, id, undefined)) === undefined) return open;
  for (const { link } of strangers) {
    const create = await openCreate(tx, id, link.createdAt);
    if (create !== undefined) open.set(link.id, create);
  }
  return open;
}

/** What is the same for two remotes only if they may be one record's: they are decided one after the other. */
export function sameness(binding: Binding, facts: Facts, remote: unknown): readonly string[] {
  const { accepted, marked, free, planned } = facts;
  if (!accepted) return [];
  const claim = claimOf(binding, remote);
  const chosen = planned?.key === undefined ? [] : [markerClaim(planned.key)];
  return [...(claim === undefined ? [] : [claim]), ...chosen, ...(marked === undefined ? free.map(markerClaim) : [])];
}
