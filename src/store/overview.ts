/** Questions about the whole: what is pending, what is parked, how subscribers stand. */
import type { Queryable } from './database.js';
import { concludeIntents } from './intents.js';
import { heldCodes } from './held.js';
import { isoUtc } from './iso.js';
import { makeDue } from './marks.js';

/** Whether something is known and not yet synced or parked, of the given subscribers. */
export async function isPending(
  db: Queryable,
  catalogs: readonly string[],
  subscribers: readonly string[],
): Promise<boolean> {
  const [row] = await db.query<{ pending: boolean }>(
    {
      name: 'syncflow-pending',
      text: `select exists (select from syncflow.mark where catalog in (select value from json_array_elements_text($2::json)))
          or exists (select from syncflow.inbox where settled_at is null and subscriber in (select value from json_array_elements_text($1::json)))
          -- a claimed link is due until it is settled
          or exists (select from syncflow.link l where l.due_at is not null and not l.paused and l.parked_code is null
              and l.subscriber in (select value from json_array_elements_text($1::json))
              and not exists (select from syncflow.setting s where s.name = 'pause:' || l.subscriber)
              -- what waits for a person to apply a plan isn't under way
              and not (l.state = 'new' and exists (select from syncflow.run r where r.subscriber = l.subscriber and r.kind = 'backfill'
                and r.finished_at is null and r.progress->>'awaits' = 'plan'))) as pending`,
    },
    [JSON.stringify(subscribers), JSON.stringify(catalogs)],
  );
  return row?.pending === true;
}

export interface SubscriberStatus {
  readonly subscriber: string;
  readonly inAgreement: number;
  readonly waiting: number;
  readonly parked: number;
  readonly excluded: number;
  readonly tombstones: number;
  /** Age of the oldest thing that waits, in ms. */
  readonly lagMs: number;
  readonly lastError: string | undefined;
  readonly paused: boolean;
  readonly conflicts: number;
}

export async function subscriberStatus(db: Queryable, subscribers: readonly string[]): Promise<SubscriberStatus[]> {
  const rows = await db.query<Omit<SubscriberStatus, 'lastError'> & { lastError: string | null }>(
    {
      name: 'syncflow-subscriber-status',
      text: `select r.value as subscriber,
       count(*) filter (where l.state = 'linked' and l.due_at is null and l.parked_code is null)::int as "inAgreement",
       count(*) filter (where l.due_at is not null and l.parked_code is null)::int as waiting,
       count(*) filter (where l.parked_code is not null)::int as parked,
       count(*) filter (where l.state = 'excluded')::int as excluded,
       count(*) filter (where l.state = 'gone')::int as tombstones,
       coalesce(extract(epoch from clock_timestamp() - min(l.due_at) filter (where l.due_at <= clock_timestamp())) * 1000, 0)::float8 as "lagMs",
       coalesce(nullif(concat_ws('; ',
           (select 'blocked (credentials or quota) until ' || to_char(s.value::timestamptz at time zone 'UTC', 'HH24:MI:SS"Z"') from syncflow.setting s
             where s.name = 'hold:' || r.value and s.value::timestamptz > clock_timestamp()),
           (select s.value from syncflow.setting s where s.name = 'deaf:' || r.value)), ''),
         (array_agg(l.last_error order by l.settled_at desc) filter (where l.last_error is not null))[1]) as "lastError",
       exists (select from syncflow.setting s where s.name = 'pause:' || r.value) as paused,
       (select count(*)::int from syncflow.conflict c where c.subscriber = r.value and c.resolved_at is null) as conflicts
     from json_array_elements_text($1::json) r left join syncflow.link l on l.subscriber = r.value
     group by r.value order by r.value`,
    },
    [JSON.stringify(subscribers)],
  );
  return rows.map((row) => ({ ...row, lastError: row.lastError ?? undefined }));
}

export interface ParkedRecord {
  readonly id: string;
  readonly subscriber: string;
  readonly key: string | null;
  readonly remoteId: string | null;
  readonly code: string;
  readonly reason: string;
  readonly since: string;
}

export function listParked(
  db: Queryable,
  filter: { subscriber?: string | undefined; code?: string | undefined; id?: string | undefined; limit?: number } = {},
): Promise<ParkedRecord[]> {
  return db.query<ParkedRecord>(
    {
      name: 'syncflow-list-parked',
      text: `select id::text as id, subscriber, key, remote_id as "remoteId", parked_code as code, parked_reason as reason,
       ${isoUtc('parked_at', '')} as since
     from syncflow.link where parked_code is not null
       and ($1::text is null or subscriber = $1) and ($2::text is null or parked_code = $2) and ($3::bigint is null or id = $3)
     order by parked_at desc limit $4`,
    },
    [filter.subscriber ?? null, filter.code ?? null, filter.id ?? null, filter.limit ?? 1000],
  );
}

export interface RetriedFilter {
  readonly subscriber?: string | undefined;
  readonly code?: string | undefined;
  readonly id?: string | undefined;
  /** Only those with one of these reasons. */
  readonly reasons?: readonly string[] | undefined;
  /** Also those of the brake and of a TRUNCATE, which otherwise wait for a release. */
  readonly held: boolean;
}

/** Makes parked links due again. */
export async function retryParked(db: Queryable, filter: RetriedFilter): Promise<number> {
  const rows = await db.query(
    {
      name: 'syncflow-retry-parked',
      text: `update syncflow.link set parked_code = null, parked_reason = null, parked_at = null, attempts = 0, flips = null,
       look = look or parked_code = 'loop', due_at = clock_timestamp(), generation = generation + 1
     where parked_code is not null and ($4::boolean or parked_code not in ${heldCodes})
       and ($1::text is null or subscriber = $1) and ($2::text is null or parked_code = $2) and ($3::bigint is null or id = $3)
       and ($5::json is null or coalesce(parked_reason, '') in (select value from json_array_elements_text($5::json)))
     returning id`,
    },
    [
      filter.subscriber ?? null,
      filter.code ?? null,
      filter.id ?? null,
      filter.held,
      filter.reasons === undefined ? null : JSON.stringify(filter.reasons),
    ],
  );
  return rows.length;
}

/**
 * A person decided that a record gets a new remote: what may have been created was not, or what was deleted there is wanted.
 * The old remote's link stays as a tombstone. False where the link isn't parked for such a decision.
 */
export async function createAgain(tx: Queryable, id: string): Promise<boolean> {
  const [link] = await tx.query<{ subscriber: string; key: string; deleted: boolean }>(
    {
      name: 'syncflow-lock-decided',
      text: `select subscriber, key, parked_code <> 'unknown-create' as deleted from syncflow.link
     where id = $1 and key is not null and (parked_code in ('unknown-create', 'delete-conflict') or (parked_code = 'brake' and look)) for update`,
    },
    [id],
  );
  if (link === undefined) return false;
  await concludeIntents(tx, id, 'given up by decision');
  await tx.query(
    {
      name: 'syncflow-create-again',
      text: `update syncflow.link set parked_code = null, parked_reason = null, parked_at = null, last_error = null, attempts = 0,
       fence = fence + 1, generation = generation + 1, look = false, due_at = null,
       state = case when $2::boolean then 'gone' else state end, former_key = case when $2::boolean then key else former_key end,
       key = case when $2::boolean then null else key end, settled_at = clock_timestamp()
     where id = $1`,
    },
    [id, link.deleted],
  );
  await makeDue(tx, [{ subscriber: link.subscriber, key: link.key, lane: 0, at: null, by: null, deleted: undefined }]);
  // new remotes that might have been the one which it had made
  await retryParked(tx, { subscriber: link.subscriber, code: 'ambiguous', held: false });
  return true;
}

export interface ConflictRow {
  readonly id: string;
  readonly subscriber: string;
  readonly key: string | null;
  readonly unit: string;
  readonly base: string | null;
  readonly hub: string | null;
  readonly remote: string | null;
  readonly winner: string;
  readonly rule: string;
  readonly at: string;
  /** When, by whom, and how a person has decided about it; null: nobody has. */
  readonly resolvedAt: string | null;
  readonly resolvedBy: string | null;
  readonly taken: string | null;
}

/** Columns of a `ConflictRow`. */
export const conflictColumns = `id::text as id, subscriber, key, unit, base::text as base, hub::text as hub, remote::text as remote, winner, rule,
       ${isoUtc('at', '.MS')} as at, ${isoUtc('resolved_at', '.MS')} as "resolvedAt", resolved_by as "resolvedBy", resolution->>'taken' as taken`;

/** The conflict log, newest first. Values are JSON text. */
export function listConflicts(
  db: Queryable,
  filter: { subscriber?: string; key?: string; limit?: number } = {},
): Promise<ConflictRow[]> {
  return db.query<ConflictRow>(
    {
      name: 'syncflow-list-conflicts',
      text: `select ${conflictColumns}
     from syncflow.conflict where ($1::text is null or subscriber = $1) and ($2::text is null or key = $2) order by id desc limit $3`,
    },
    [filter.subscriber ?? null, filter.key ?? null, filter.limit ?? 1000],
  );
}

/** Pauses or resumes single records of a subscriber. */
export async function setPaused(db: Queryable, subscriber: string, key: string, paused: boolean): Promise<void> {
  await db.query(
    {
      name: 'syncflow-set-paused',
      text: `insert into syncflow.link as l (subscriber, key, paused) values ($1, $2, $3)
     on conflict (subscriber, key) where key is not null do update set paused = excluded.paused,
       generation = l.generation + 1, due_at = case when excluded.paused or l.parked_code is not null then l.due_at else clock_timestamp() end`,
    },
    [subscriber, key, paused],
  );
}
