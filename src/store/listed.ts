/** What a load finds on both sides becomes due links. It never takes anything off its parking place. */
import type { RecordKey } from '../catalog/key.js';
import type { Queryable } from './database.js';
import { lockLinks, tombstone } from './links.js';

export const backfillLane = 2;

/** A remote that a listing shows. */
export interface Listed {
  readonly subscriber: string;
  readonly remoteId: string;
  /** It shows something that the shadow doesn't. */
  readonly look: boolean;
  /** Of a remote that no link knows: as the listing shows it, and whose it may be. */
  readonly sight: unknown;
  readonly claims: string | null;
}

/** Notes that a run's listing showed these remotes; makes due those that must be looked at, and those that nobody knew. */
export async function noteListed(tx: Queryable, run: string, rows: readonly Listed[]): Promise<void> {
  if (rows.length === 0) return;
  await lockLinks(tx, 'remote', rows);
  await tx.query(
    {
      name: 'syncflow-note-listed',
      text: `insert into syncflow.link as l (subscriber, remote_id, generation, due_at, lane, look, sight, claims, listed_run)
        select r.subscriber, r."remoteId", 1, clock_timestamp(), ${backfillLane}, r.look, r.sight, r.claims, $2::bigint
        from json_to_recordset($1::json) as r(subscriber text, "remoteId" text, look boolean, sight json, claims text)
        order by r.subscriber, r."remoteId"
        on conflict (subscriber, remote_id) where remote_id is not null do update set
          listed_run = excluded.listed_run,
          claims = coalesce(excluded.claims, l.claims),
          generation = l.generation + case when excluded.look then 1 else 0 end,
          lane = case when l.due_at is null then excluded.lane else l.lane end,
          due_at = case when (excluded.look or ${tombstone}) and l.parked_code is null then clock_timestamp() else l.due_at end,
          look = l.look or excluded.look or ${tombstone},
          -- what an older listing showed of it is no longer so; nor may this page be newer than an event
          sight = case when not excluded.look then l.sight end
        where l.state <> 'gone' or (${tombstone})`,
    },
    [JSON.stringify(rows), run],
  );
}

/**
 * Remotes of pairs older than the run that its whole listing didn't show: to be asked for. Only their own answer is proof of a deletion.
 * So is what a create under way may have made, and somebody deleted before its answer came: asked for once that is in.
 */
export async function lookAtUnlisted(tx: Queryable, subscriber: string, run: string): Promise<void> {
  await tx.query(
    {
      name: 'syncflow-look-at-unlisted',
      text: `with unlisted as materialized (
       select id from syncflow.link
       where subscriber = $1 and key is not null and parked_code is null
         and (state = 'linked' and remote_id is not null or state = 'new' and remote_id is null
           and exists (select from syncflow.intent i where i.link_id = link.id and i.kind = 'create' and i.closed_at is null))
         and listed_run is distinct from $2::bigint and created_at < (select started_at from syncflow.run where id = $2::bigint)
       order by id for update
     )
     update syncflow.link l set look = true, generation = generation + 1,
       lane = case when l.due_at is null then ${backfillLane} else l.lane end, due_at = clock_timestamp()
     from unlisted u where l.id = u.id`,
    },
    [subscriber, run],
  );
}

/**
 * Makes records due that a load found. Those that are parked stay so; one whose change of key isn't routed yet is left to that: its
 * link still has the key from before. `look`: a remote may bear their marker, and no listing has shown it.
 */
export async function queueRecords(
  tx: Queryable,
  { subscriber, catalog }: { readonly subscriber: string; readonly catalog: string },
  keys: readonly RecordKey[],
  look: boolean,
): Promise<void> {
  if (keys.length === 0) return;
  const rows = keys.map((key) => ({ subscriber, key }));
  await lockLinks(tx, 'key', rows);
  await tx.query(
    {
      name: 'syncflow-queue-records',
      text: `insert into syncflow.link as l (subscriber, key, generation, due_at, lane, look)
        select r.subscriber, r.key, 1, clock_timestamp(), ${backfillLane}, $2::boolean
        from json_to_recordset($1::json) as r(subscriber text, key text)
        where not exists (select from syncflow.mark m where m.statement is not null and m.op = 'K' and m.key = r.key and m.catalog = $3)
        order by r.subscriber, r.key
        on conflict (subscriber, key) where key is not null do update set
          generation = l.generation + 1,
          lane = case when l.due_at is null then excluded.lane else l.lane end,
          due_at = clock_timestamp(),
          look = l.look or (excluded.look and l.remote_id is null)
        where l.state <> 'gone' and l.parked_code is null`,
    },
    [JSON.stringify(rows), look, catalog],
  );
}

/** A remote without a record, and what it claims to be. */
export interface Claimant {
  readonly remoteId: string;
  readonly claims: string;
  readonly parked: boolean;
}

/** Remotes without a record that make one of these claims. */
export async function claimants(db: Queryable, subscriber: string, claims: readonly string[]): Promise<Claimant[]> {
  if (claims.length === 0) return [];
  return db.query<Claimant>(
    {
      name: 'syncflow-claimants',
      text: `select l.remote_id as "remoteId", l.claims, l.parked_code is not null as parked from syncflow.link l
        where l.subscriber = $1 and l.claims in (select value from json_array_elements_text($2::json))
          and l.key is null and l.state = 'new' and l.remote_id is not null order by l.remote_id`,
    },
    [subscriber, JSON.stringify(claims)],
  );
}
