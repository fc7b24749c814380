/** Marks: claiming them, and turning them into due links. */
import type { RecordKey } from '../catalog/key.js';
import type { Queryable } from './database.js';
import { lockLinks } from './links.js';

/** From here on, ids of marks that a mass UPDATE has made: they are routed after all others. */
export const bulkIds = '4611686018427387904';

const allIds = '9223372036854775807';

export interface MarkRow {
  /** Where it stands among all marks, however it was made. */
  readonly id: string;
  /** One of a mass UPDATE. */
  readonly bulk: boolean;
  readonly catalog: string;
  /** null: the whole table. */
  readonly key: RecordKey | null;
  readonly op: 'I' | 'U' | 'D' | 'K' | 'T';
  readonly old_key: RecordKey | null;
  /** The same for all changes of key that one statement made. */
  readonly statement: string | null;
  readonly at: string;
  readonly origin: string | null;
  readonly except_subscribers: string | null;
}

/** A link that a mark makes due. */
export interface DueRow {
  readonly subscriber: string;
  readonly key: RecordKey;
  readonly lane: number;
  readonly at: string | null;
  /** Who edited it then: the mark's origin. */
  readonly by: string | null;
  /** Whether the record was deleted; undefined where that isn't known from this mark: what was known before holds. */
  readonly deleted: boolean | undefined;
}

/**
 * Removes and returns the oldest marks of these catalogs: in one transaction with what is made of them. One router at a time:
 * a later mark must not be routed before an earlier one. A statement that changed keys is claimed as a whole, whatever the limit:
 * half of it would be another change. Marks of catalogs that this process doesn't know stay for one that does.
 * @param which `live`: none that a mass UPDATE has made
 */
export async function claimMarks(
  tx: Queryable,
  catalogs: readonly string[],
  limit: number,
  which?: 'live',
): Promise<MarkRow[]> {
  const [turn] = await tx.query<{ ours: boolean }>({
    name: 'syncflow-route-turn',
    text: `select pg_try_advisory_xact_lock(hashtext('syncflow'), hashtext('route')) as ours`,
  });
  if (turn?.ours !== true) return [];
  return tx.query<MarkRow>(
    {
      name: 'syncflow-claim-marks',
      text: `with first as (
          select id, statement from syncflow.mark where catalog in (select value from json_array_elements_text($2::json)) and id < $3::bigint order by id limit $1
        ), claimed as (
          delete from syncflow.mark
          where id in (select id from first union select m.id from first f join syncflow.mark m on m.statement = f.statement)
          returning id, catalog, key, op, old_key, statement, at, origin, except_subscribers
        )
        select (id % ${bulkIds})::text as id, id >= ${bulkIds} as bulk, catalog, key, op::text as op, old_key, statement, at::text as at, origin, except_subscribers from claimed order by claimed.id`,
    },
    [limit, JSON.stringify(catalogs), which === 'live' ? bulkIds : allIds],
  );
}

/** What a mass UPDATE marked before the table was emptied speaks of rows that are gone. @param id of the mark of the TRUNCATE */
export async function forgetBulkMarks(tx: Queryable, catalog: string, id: string): Promise<void> {
  await tx.query(
    {
      name: 'syncflow-forget-bulk-marks',
      text: `delete from syncflow.mark where catalog = $1 and id >= ${bulkIds} and id < ${bulkIds} + $2::bigint`,
    },
    [catalog, id],
  );
}

/** Makes links due, creating those that aren't there. A new edit also takes them off the parking place and out of their back-off. */
export async function makeDue(tx: Queryable, rows: readonly DueRow[]): Promise<void> {
  if (rows.length === 0) return;
  await lockLinks(tx, 'key', rows);
  const told = rows.filter((row) => row.deleted !== undefined);
  const untold = rows.filter((row) => row.deleted === undefined);
  if (told.length > 0) await upsertDue(tx, told, true);
  if (untold.length > 0) await upsertDue(tx, untold, false);
}

/** Who is told late, by a mass UPDATE, may have been edited since. */
const tellsEdit = `excluded.edited_at is not null and (excluded.lane = 0 or l.edited_at is null or excluded.edited_at > l.edited_at)`;

async function upsertDue(tx: Queryable, rows: readonly DueRow[], tellsDeletion: boolean): Promise<void> {
  await tx.query(
    {
      name: 'syncflow-make-due',
      text: `insert into syncflow.link as l (subscriber, key, generation, due_at, lane, edited_at, edited_by, deleted_at)
        select r.subscriber, r.key, 1, clock_timestamp(), r.lane, r.at, r.by, case when r.deleted then r.at end
        from json_to_recordset($1::json) as r(subscriber text, key text, lane smallint, at timestamptz, by text, deleted boolean)
        order by r.subscriber, r.key
        on conflict (subscriber, key) where key is not null do update set
          generation = l.generation + 1,
          due_at = clock_timestamp(),
          lane = case when l.due_at is null then excluded.lane else least(l.lane, excluded.lane) end,
          edited_at = case when ${tellsEdit} then excluded.edited_at else l.edited_at end,
          edited_by = case when ${tellsEdit} then excluded.edited_by else l.edited_by end,
          deleted_at = case when $2::boolean then excluded.deleted_at else l.deleted_at end,
          parked_code = null, parked_reason = null, parked_at = null, waits_for = null, attempts = 0
        where l.state <> 'gone'`,
    },
    [JSON.stringify(rows), tellsDeletion],
  );
}

/**
 * Records that were deleted let go of the tombstones that a policy left with them: what is inserted later under their keys is a
 * new life. Without keys: all records of these subscribers.
 */
export async function releaseKeys(
  tx: Queryable,
  subscribers: readonly string[],
  keys: readonly RecordKey[] | undefined,
): Promise<void> {
  if (subscribers.length === 0 || keys?.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-release-keys',
      text: `update syncflow.link set former_key = key, key = null
     where state = 'gone' and key is not null and subscriber in (select value from json_array_elements_text($1::json))
       and ($2::json is null or key in (select value from json_array_elements_text($2::json)))`,
    },
    [JSON.stringify(subscribers), keys === undefined ? null : JSON.stringify(keys)],
  );
}

/**
 * Every link of these subscribers is due: a child table was truncated (lane 1), or a field was mapped since (lane 2: that is a first
 * load of it).
 */
export async function makeAllDue(tx: Queryable, subscribers: readonly string[], lane = 1): Promise<void> {
  await tx.query(
    {
      name: 'syncflow-make-all-due',
      text: `update syncflow.link set generation = generation + 1, due_at = clock_timestamp(), lane = greatest(lane, $2::smallint)
     where subscriber in (select value from json_array_elements_text($1::json)) and state <> 'gone' and parked_code is null`,
    },
    [JSON.stringify(subscribers), lane],
  );
}

/** TRUNCATE: the records are gone, but their deletes wait until somebody says that they were meant. */
export async function holdTruncated(tx: Queryable, subscribers: readonly string[], at: string): Promise<void> {
  await tx.query(
    {
      name: 'syncflow-hold-truncated',
      text: `update syncflow.link set generation = generation + 1, deleted_at = $2::timestamptz, due_at = null, waits_for = null,
       parked_code = 'truncate', parked_reason = 'the table was truncated: its deletes wait until released', parked_at = clock_timestamp()
     where subscriber in (select value from json_array_elements_text($1::json)) and state in ('new', 'linked') and key is not null`,
    },
    [JSON.stringify(subscribers), at],
  );
}

/**
 * Changes of key: the links move with their records. Moved aside first, so that two records may swap keys. A link that stands in
 * the way belongs to a deleted record: it keeps its remote, to be deleted there.
 */
export async function moveKeys(
  tx: Queryable,
  subscribers: readonly string[],
  moves: readonly { from: RecordKey; to: RecordKey }[],
): Promise<void> {
  if (moves.length === 0 || subscribers.length === 0) return;
  const params = [JSON.stringify(subscribers), JSON.stringify(moves)] as const;
  await tx.query(
    {
      name: 'syncflow-move-keys-aside',
      text: `update syncflow.link l set key = 'moving:' || m."to", former_key = l.key
     from json_to_recordset($2::json) as m("from" text, "to" text)
     where l.key = m."from" and l.subscriber in (select value from json_array_elements_text($1::json))`,
    },
    params,
  );
  await tx.query(
    {
      name: 'syncflow-move-keys-away',
      text: `update syncflow.link l set key = null, former_key = l.key, deleted_at = coalesce(l.deleted_at, clock_timestamp()),
       generation = generation + 1, due_at = clock_timestamp()
     from json_to_recordset($2::json) as m("from" text, "to" text)
     where l.key = m."to" and l.subscriber in (select value from json_array_elements_text($1::json))`,
    },
    params,
  );
  await tx.query(
    {
      name: 'syncflow-move-keys-in',
      text: `update syncflow.link l set key = substr(l.key, 8), generation = generation + 1, due_at = clock_timestamp(),
       parked_code = null, parked_reason = null, parked_at = null, attempts = 0
     where l.key like 'moving:%' and l.subscriber in (select value from json_array_elements_text($1::json))`,
    },
    [params[0]],
  );
}

/** Who writes the hub, as the triggers shall tell it. */
export interface Writer {
  readonly origin: string;
  readonly editedAt: string | undefined;
  /**
   * A subscriber that reads these rows (and what is inserted) again after the statement that wrote them, and settles their links with
   * what it read, in this transaction: the marks need not tell it. Whatever else is written on the way, by a trigger of the user's or by
   * a foreign key that cascades, is marked for everybody.
   */
  readonly settles?: Settling | undefined;
}

export interface Settling {
  readonly subscriber: string;
  /** Of rows that are there; their links follow them where their key is changed. */
  readonly keys: readonly RecordKey[];
  /** What else it needs no mark of. */
  readonly rows: 'nothing' | 'updates' | 'updates and inserts';
}

/** Tells the triggers who writes, so that the mark carries it: for the audit, and for `latest`. Returns the database's time. */
export async function announceWriter(tx: Queryable, { origin, editedAt, settles }: Writer): Promise<number> {
  const [row] = await tx.query<{ now_ms: number }>(
    {
      name: 'syncflow-announce-writer',
      text: `select set_config('syncflow.origin', $1, true), set_config('syncflow.edited_at', $2, true), set_config('syncflow.settles', $3, true),
       set_config('syncflow.settled_keys', $4, true), set_config('syncflow.settled_rows', $5, true), (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms`,
    },
    [
      origin,
      editedAt ?? '',
      settles === undefined ? '' : JSON.stringify([settles.subscriber]),
      JSON.stringify(settles?.keys ?? []),
      settles?.rows ?? 'nothing',
    ],
  );
  return Math.round(row?.now_ms ?? 0);
}

/** Who has said nothing for so long has died in its sleep: nobody rings for it any more. Each ring takes a lock of the whole database. */
export const asleepSeconds = 15;

/** Puts a sleeping worker on the list of those to be rung, for `asleepSeconds`. */
export async function announceSleep(db: Queryable, worker: string): Promise<void> {
  await db.query(
    {
      name: 'syncflow-announce-sleep',
      text: 'insert into syncflow.sleeper (worker) values ($1) on conflict (worker) do update set since = clock_timestamp()',
    },
    [worker],
  );
}

/** Takes it off again, and with it sleepers that died without saying so. */
export async function announceAwake(db: Queryable, worker: string): Promise<void> {
  await db.query(
    {
      name: 'syncflow-announce-awake',
      text: `delete from syncflow.sleeper where worker = $1 or since < clock_timestamp() - interval '1 minute'`,
    },
    [worker],
  );
}

/** What is said on the channel where links were made due; a trigger says nothing. */
export const dueNotice = 'due';

/** Rings all workers: there is more to do than one of them takes at once. */
export async function ringWorkers(db: Queryable): Promise<void> {
  await db.query({ name: 'syncflow-ring-workers', text: `select pg_notify('syncflow', '${dueNotice}')` });
}
