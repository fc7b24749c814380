/** What the brake, or a TRUNCATE, holds until a person decides: listed, let go, or taken back. */
import { emptyShadow, type Shadow } from '../merge/shadow.js';
import { storableJson, type Queryable } from './database.js';
import { isoUtc } from './iso.js';
import { backfillLane } from './listed.js';

export type HeldCode = 'brake' | 'brake-updates' | 'truncate';

/** A change that is held. */
export interface HeldChange {
  /** Number of its parking place, as in `syncflow parked show`. */
  readonly id: string;
  readonly subscriber: string;
  /** The record's key; null where it was changed, and the remote of the old one is to be deleted. */
  readonly key: string | null;
  readonly remoteId: string | null;
  /** `outward`: made here, and not sent · `inward`: made there, and not applied. */
  readonly direction: 'outward' | 'inward';
  readonly operation: 'delete' | 'update';
  readonly code: HeldCode;
  readonly reason: string;
  readonly since: string;
}

/** Codes of what waits for a decision about a mass change, for SQL. */
export const heldCodes = `('brake', 'brake-updates', 'truncate')`;

const isHeld = `l.parked_code in ${heldCodes}`;

/** What a change is, as its link tells. */
const kindColumns = `case when l.look and l.parked_code <> 'truncate' then 'inward' else 'outward' end as direction,
          case when l.parked_code = 'brake-updates' then 'update' else 'delete' end as operation`;

/** Oldest first. `after`: the id of the last one that was read. */
export function listHeld(
  db: Queryable,
  subscribers: readonly string[],
  limit: number,
  after = '0',
): Promise<HeldChange[]> {
  return db.query<HeldChange>(
    {
      name: 'syncflow-list-held',
      text: `select l.id::text as id, l.subscriber, l.key, l.remote_id as "remoteId",
          ${kindColumns},
          l.parked_code as code, coalesce(l.parked_reason, '') as reason, ${isoUtc('l.parked_at', '')} as since
        from syncflow.link l where ${isHeld} and l.id > $3::bigint
          and l.subscriber in (select value from json_array_elements_text($1::json))
        order by l.id limit $2`,
    },
    [JSON.stringify(subscribers), limit, after],
  );
}

export interface HeldCount {
  readonly subscriber: string;
  readonly direction: HeldChange['direction'];
  readonly operation: HeldChange['operation'];
  readonly count: number;
  readonly since: string;
}

export function countHeld(db: Queryable, subscribers: readonly string[]): Promise<HeldCount[]> {
  return db.query<HeldCount>(
    {
      name: 'syncflow-count-held',
      text: `select l.subscriber, ${kindColumns},
          count(*)::int as count, ${isoUtc('min(l.parked_at)', '')} as since
        from syncflow.link l where ${isHeld} and l.subscriber in (select value from json_array_elements_text($1::json))
        group by 1, 2, 3 order by 1, 2, 3`,
    },
    [JSON.stringify(subscribers)],
  );
}

/** They were meant: due again, and noted in the history, in one statement. */
export async function releaseHeld(db: Queryable, subscriber: string, by: string): Promise<number> {
  const rows = await db.query(
    {
      name: 'syncflow-release-held',
      text: `with mine as materialized (
          select l.id, l.parked_code as code from syncflow.link l where ${isHeld} and l.subscriber = $1 order by l.id for update
        ), freed as (
          update syncflow.link l set parked_code = null, parked_reason = null, parked_at = null, attempts = 0,
            due_at = clock_timestamp(), generation = l.generation + 1
          from mine where l.id = mine.id returning l.id, l.subscriber, l.key, l.remote_id, mine.code
        )
        insert into syncflow.history (subscriber, key, remote_id, event, detail)
        select subscriber, key, remote_id, 'released', json_build_object('code', code, 'editedBy', $2::text) from freed order by id returning 1`,
    },
    [subscriber, by],
  );
  return rows.length;
}

/** One that is still held, locked until the transaction ends. */
export interface LockedHeld extends Pick<
  HeldChange,
  'id' | 'subscriber' | 'key' | 'remoteId' | 'direction' | 'operation'
> {
  readonly shadow: Shadow;
}

/** Undefined where it was decided meanwhile, or is being worked on. */
export async function lockHeld(tx: Queryable, id: string): Promise<LockedHeld | undefined> {
  const [row] = await tx.query<Omit<LockedHeld, 'shadow'> & { shadow: string | null }>(
    {
      name: 'syncflow-lock-held',
      text: `select l.id::text as id, l.subscriber, l.key, l.remote_id as "remoteId", l.shadow::text as shadow,
          ${kindColumns}
        from syncflow.link l where l.id = $1::bigint and ${isHeld} and coalesce(l.lease_until < clock_timestamp(), true) for update`,
    },
    [id],
  );
  if (row === undefined) return undefined;
  return { ...row, shadow: row.shadow === null ? emptyShadow : (JSON.parse(row.shadow) as Shadow) };
}

/** The same link after it was decided to take the change back. That is no mass change itself: the brake doesn't count it. */
export async function settleHeld(
  tx: Queryable,
  id: string,
  next: { readonly shadow: Shadow; readonly look: boolean; readonly excluded?: boolean },
): Promise<void> {
  await tx.query(
    {
      name: 'syncflow-settle-held',
      text: `update syncflow.link set shadow = $2::json, look = $3::boolean, state = case when $4::boolean then 'excluded' else state end,
          deleted_at = null, parked_code = null, parked_reason = null, parked_at = null, attempts = 0,
          due_at = case when $4::boolean then null else clock_timestamp() end, generation = generation + 1, fence = fence + 1, lane = ${backfillLane}
        where id = $1::bigint`,
    },
    [id, storableJson(next.shadow), next.look, next.excluded === true],
  );
}
