/** Settling links: what became of those that a worker had claimed. */
import type { RecordKey } from '../catalog/key.js';
import type { Shadow } from '../merge/shadow.js';
import type { LinkState, ParkCode } from '../outward/plan.js';
import { storableJson, type Queryable } from './database.js';
import { isLeftAlone, lockLinks, releaseLeases, type Flips, type Link } from './links.js';

/**
 * What becomes of a claimed link. Its lease ends with it, and its token is used up: whoever doesn't know that it was committed (the
 * answer to COMMIT was lost) settles nothing with what it read before.
 */
export interface Settlement {
  readonly link: Link;
  readonly state?: LinkState;
  /** `null`: the link lets go of its key (a tombstone). */
  readonly key?: RecordKey | null;
  readonly remoteId?: string | null;
  readonly version?: string | undefined;
  readonly shadow?: Shadow;
  readonly look?: boolean;
  readonly flips?: Flips;
  /** Of a remote that stays without a record: whose it may be. */
  readonly claims?: string | undefined;
  /** Due again after so many ms; not at all unless given. */
  readonly dueInMs?: number;
  readonly waitsFor?: string;
  readonly parked?: { readonly code: ParkCode; readonly reason: string };
  readonly failed?: string;
  /** How many attempts have failed: one more than before unless given. */
  readonly attempts?: number;
  /** What is proven of the remote: that it was there, which voids an older proof of its deletion, or that it was deleted. */
  readonly proof?: 'there' | 'deleted';
  /** Remove the link altogether: there is nothing on either side. */
  readonly forget?: boolean;
}

/**
 * Commits what became of claimed links. "Due" is cleared only where the generation is unchanged: a hint that came in meanwhile
 * stays. Returns the ids that were settled; the others had lost their lease.
 */
export async function settleLinks(tx: Queryable, settlements: readonly Settlement[]): Promise<Set<string>> {
  if (settlements.length === 0) return new Set();
  const forgotten = settlements.filter((one) => one.forget === true);
  const kept = settlements.filter((one) => one.forget !== true);
  const settled = new Set<string>();
  await lockLinks(
    tx,
    'lease',
    kept.map(({ link }) => ({ id: link.id, fence: link.fence })),
  );
  await absorbTwins(tx, kept);
  if (kept.length > 0) {
    const rows = await tx.query<{ id: string }>(settleStatement, [storableJson(kept.map(settlementRow))]);
    for (const row of rows) settled.add(row.id);
  }
  if (forgotten.length > 0) {
    const rows = await tx.query<{ id: string }>(
      {
        name: 'syncflow-forget-links',
        text: `delete from syncflow.link l using json_to_recordset($1::json) as r(id bigint, fence bigint, generation bigint)
       where l.id = r.id and l.fence = r.fence and l.generation = r.generation returning l.id::text as id`,
      },
      [JSON.stringify(forgotten.map(({ link }) => ({ id: link.id, fence: link.fence, generation: link.generation })))],
    );
    for (const row of rows) settled.add(row.id);
    await releaseLeases(
      tx,
      forgotten.filter((one) => !settled.has(one.link.id)).map((one) => one.link),
    );
  }
  return settled;
}

/**
 * An event about a remote that we had just created made a link of its own: it gives way, and leaves a request to look, and the proof
 * of a deletion. So does the tombstone of a remote that was made once more under its id; what was told of it meanwhile is looked for.
 */
async function absorbTwins(tx: Queryable, settlements: readonly Settlement[]): Promise<void> {
  const named = settlements.filter((one) => typeof one.remoteId === 'string' && one.remoteId !== one.link.remoteId);
  if (named.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-absorb-twins',
      text: `with twin as (
          delete from syncflow.link l using json_to_recordset($1::json) as r(id bigint, fence bigint, subscriber text, "remoteId" text)
            join syncflow.link survivor on survivor.id = r.id and survivor.fence = r.fence -- who has lost the lease settles nothing
          where l.subscriber = r.subscriber and l.remote_id = r."remoteId" and l.key is null and l.state <> 'linked' and l.id <> r.id
          returning r.id as survivor, l.look, l.gone_at, l.state
        )
        update syncflow.link l set look = true, gone_at = coalesce(l.gone_at, case when twin.state <> 'gone' then twin.gone_at end),
          generation = generation + 1, due_at = clock_timestamp()
        from twin where l.id = twin.survivor and (twin.look or twin.state = 'gone')`,
    },
    [
      JSON.stringify(
        named.map(({ link, remoteId }) => ({ id: link.id, fence: link.fence, subscriber: link.subscriber, remoteId })),
      ),
    ],
  );
}

function settlementRow(one: Settlement) {
  const { link } = one;
  return {
    id: link.id,
    fence: link.fence,
    generation: link.generation,
    state: one.state ?? link.state,
    rekey: one.key !== undefined,
    key: one.key ?? null,
    remote_id: one.remoteId === undefined ? (link.remoteId ?? null) : one.remoteId,
    version: 'version' in one ? (one.version ?? null) : (link.version ?? null),
    shadow: one.shadow ?? link.shadow,
    look: one.look ?? false,
    proof: one.proof ?? null,
    flips: one.flips ?? link.flips,
    claims: one.claims ?? null,
    // it holds until it was carried out, or couldn't be; that it is to be left alone, until a person says otherwise
    undecided:
      (one.parked === undefined &&
        (one.failed !== undefined || one.dueInMs !== undefined || one.waitsFor !== undefined)) ||
      (one.state === 'excluded' && isLeftAlone(link)),
    due_in: one.dueInMs ?? null,
    waits_for: one.waitsFor ?? null,
    parked_code: one.parked?.code ?? null,
    parked_reason: one.parked?.reason.replaceAll('\u0000', '').slice(0, 2000) ?? null,
    // a step on the way is no agreement: what failed before still counts
    attempts:
      one.failed !== undefined ? (one.attempts ?? link.attempts + 1) : one.dueInMs === undefined ? 0 : link.attempts,
    underway: one.failed === undefined && one.parked === undefined && one.dueInMs !== undefined,
    last_error: (one.failed ?? one.parked?.reason)?.replaceAll('\u0000', '').slice(0, 2000) ?? null,
  };
}

/** The row came back under its key while the tombstone of its deletion was under way. */
const cameBack = `r.rekey and r.key is null and l.generation <> r.generation and l.deleted_at is null and l.key is not null`;

const settleStatement = {
  name: 'syncflow-settle-links',
  text: `with r as (
      select * from json_to_recordset($1::json) as r(id bigint, fence bigint, generation bigint, state text, rekey boolean, key text, remote_id text,
        version text, shadow json, look boolean, proof text, flips json, claims text, undecided boolean, due_in float8, waits_for text, parked_code text, parked_reason text, attempts int,
        underway boolean, last_error text)
    )
    update syncflow.link l set
      -- a row that came back under its key while its deletion was settled begins anew
      state = case when ${cameBack} then 'new' else r.state end,
      former_key = case when r.rekey and r.key is null and not (${cameBack}) then coalesce(l.key, l.former_key) else l.former_key end,
      key = case when r.rekey and not (${cameBack}) then r.key else l.key end,
      remote_id = case when not (${cameBack}) then r.remote_id end, version = case when not (${cameBack}) then r.version end,
      shadow = case when not (${cameBack}) then r.shadow end, flips = r.flips, sight = null, claims = coalesce(r.claims, l.claims),
      planned = case when r.undecided and r.state in ('new', 'excluded') then l.planned end,
      look = r.look or (l.generation <> r.generation and l.look),
      gone_at = case when ${cameBack} then null when r.proof = 'deleted' then coalesce(l.gone_at, clock_timestamp())
        when r.proof = 'there' and l.generation = r.generation then null else l.gone_at end,
      due_at = case when l.generation <> r.generation then case when l.parked_code is null then clock_timestamp() end when r.due_in is not null then clock_timestamp() + r.due_in * interval '1 ms' end,
      waits_for = case when l.generation = r.generation then r.waits_for end,
      parked_code = case when l.generation = r.generation then r.parked_code else l.parked_code end,
      parked_reason = case when l.generation = r.generation then r.parked_reason else l.parked_reason end,
      parked_at = case when l.generation <> r.generation then l.parked_at when r.parked_code is not null then clock_timestamp() end,
      attempts = r.attempts, last_error = case when r.underway then l.last_error else r.last_error end,
      lease_owner = null, lease_until = null, fence = l.fence + 1, settled_at = clock_timestamp()
    from r where l.id = r.id and l.fence = r.fence returning l.id::text as id`,
};
