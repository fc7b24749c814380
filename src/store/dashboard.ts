/** What the dashboard reads, page by page: never read by a worker. Pages go on after an id, so that live changes don't shift them. */
import type { RecordKey } from '../catalog/key.js';
import type { LinkState } from '../outward/plan.js';
import type { Queryable } from './database.js';
import type { HistoryEvent } from './history.js';
import { isoUtc } from './iso.js';
import { conflictColumns, type ConflictRow } from './overview.js';

/** Where links stand, as the lists of the dashboard are filtered. */
export type LinkFilter = 'agreement' | 'waiting' | 'parked' | 'conflict' | 'left-alone' | 'tombstone';

export interface LinkRow {
  readonly id: string;
  readonly subscriber: string;
  readonly key: RecordKey | null;
  readonly remoteId: string | null;
  readonly state: LinkState;
  readonly dueAt: string | null;
  readonly paused: boolean;
  readonly parkedCode: string | null;
  readonly parkedReason: string | null;
  readonly parkedAt: string | null;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly settledAt: string | null;
  /** Logged conflicts that nobody has decided about. */
  readonly conflicts: number;
}

const linkColumns = `l.id::text as id, l.subscriber, coalesce(l.key, l.former_key) as key, l.remote_id as "remoteId", l.state,
  ${isoUtc('l.due_at', '.MS')} as "dueAt", l.paused, l.parked_code as "parkedCode", l.parked_reason as "parkedReason",
  ${isoUtc('l.parked_at', '.MS')} as "parkedAt", l.attempts, l.last_error as "lastError", ${isoUtc('l.settled_at', '.MS')} as "settledAt",
  (select count(*)::int from syncflow.conflict c where c.subscriber = l.subscriber and c.key = l.key and c.resolved_at is null) as conflicts`;

const standing: Readonly<Record<LinkFilter, string>> = {
  agreement: `l.state = 'linked' and l.due_at is null and l.parked_code is null`,
  waiting: 'l.due_at is not null and l.parked_code is null',
  parked: 'l.parked_code is not null',
  conflict:
    'l.key in (select c.key from syncflow.conflict c where c.subscriber = l.subscriber and c.resolved_at is null)',
  'left-alone': `l.state = 'excluded'`,
  tombstone: `l.state = 'gone'`,
};

export interface PageRequest {
  /** Goes on after this id. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export const linkOrders = ['oldest', 'newest', 'changed'] as const;
/** `changed`: what was settled last comes first. */
export type LinkOrder = (typeof linkOrders)[number];

/** In ms: what a page of `changed` goes on after, together with an id. */
const settledMs = `floor(coalesce(extract(epoch from l.settled_at) * 1000, 0))::bigint`;

const orders: Readonly<Record<LinkOrder, { readonly after: string; readonly by: string }>> = {
  oldest: { after: '($2::bigint is null or l.id > $2)', by: 'l.id' },
  newest: { after: '($2::bigint is null or l.id < $2)', by: 'l.id desc' },
  changed: {
    after: `($2::bigint is null or (${settledMs}, l.id) < ($4::bigint, $2))`,
    by: `${settledMs} desc, l.id desc`,
  },
};

export interface LinkPageRequest extends PageRequest {
  readonly subscriber: string;
  readonly filter?: LinkFilter | undefined;
  readonly order?: LinkOrder | undefined;
}

/** Links of one subscriber, oldest first unless said otherwise. In the order of changes, `after` is `<ms>.<id>`. */
export function linkPage(
  db: Queryable,
  { subscriber, filter, order = 'oldest', after, limit }: LinkPageRequest,
): Promise<LinkRow[]> {
  const where = filter === undefined ? '' : ` and ${standing[filter]}`;
  const { after: beyond, by } = orders[order];
  const [ms = null, id = null] = after?.includes('.') === true ? after.split('.') : [null, after ?? null];
  return db.query<LinkRow>(
    {
      name: `syncflow-dashboard-links-${filter ?? 'all'}-${order}`,
      // the page first: what is told of each row costs more than finding it
      text: `select ${linkColumns} from (select * from syncflow.link l where l.subscriber = $1 and ${beyond}${where} order by ${by} limit $3) l order by ${by}`,
    },
    [subscriber, id, limit, ...(order === 'changed' ? [ms] : [])],
  );
}

/** Parked links of a code, all or those with one of these reasons; newest first. */
export function parkedPage(
  db: Queryable,
  request: PageRequest & { code: string; subscriber?: string | undefined; reasons?: readonly string[] | undefined },
): Promise<LinkRow[]> {
  return db.query<LinkRow>(
    {
      name: 'syncflow-dashboard-parked',
      text: `select ${linkColumns} from (select * from syncflow.link l where l.parked_code = $1 and ($2::text is null or l.subscriber = $2)
         and ($3::json is null or coalesce(l.parked_reason, '') in (select value from json_array_elements_text($3::json)))
         and ($4::bigint is null or l.id < $4) order by l.id desc limit $5) l order by l.id desc`,
    },
    [
      request.code,
      request.subscriber ?? null,
      request.reasons === undefined ? null : JSON.stringify(request.reasons),
      request.after ?? null,
      request.limit,
    ],
  );
}

/** Links with one of these ids of remotes, or of these keys. */
export function linksNamed(
  db: Queryable,
  subscribers: readonly string[],
  { remoteIds, keys }: { readonly remoteIds: readonly string[]; readonly keys: readonly RecordKey[] },
  limit: number,
): Promise<LinkRow[]> {
  return db.query<LinkRow>(
    {
      name: 'syncflow-dashboard-named',
      text: `select ${linkColumns} from json_array_elements_text($1::json) s join syncflow.link l on l.subscriber = s.value
         and (l.remote_id in (select value from json_array_elements_text($2::json)) or l.key in (select value from json_array_elements_text($3::json)))
       order by l.subscriber, l.id limit $4`,
    },
    [JSON.stringify(subscribers), JSON.stringify(remoteIds), JSON.stringify(keys), limit],
  );
}

export async function linkSubject(
  db: Queryable,
  id: string,
): Promise<
  { readonly subscriber: string; readonly key: RecordKey | null; readonly remoteId: string | null } | undefined
> {
  const [row] = await db.query<{ subscriber: string; key: RecordKey | null; remoteId: string | null }>(
    {
      name: 'syncflow-dashboard-subject',
      // one that was linked by hand has its record with the next pass
      text: `select subscriber, coalesce(key, former_key, planned->>'key') as key, remote_id as "remoteId" from syncflow.link where id = $1`,
    },
    [id],
  );
  return row;
}

export interface HistoryEntry {
  readonly id: string;
  readonly at: string;
  readonly subscriber: string;
  readonly key: RecordKey | null;
  readonly remoteId: string | null;
  readonly event: HistoryEvent;
  /** Of the link, where there is one still. */
  readonly link: string | null;
  readonly units: readonly string[];
  /** Who made the edit that it carried over. */
  readonly editedBy: string | null;
  /** From that edit until it was here or there, in ms; null where that isn't known. */
  readonly tookMs: number | null;
  /** Why it was parked, or what a person did. */
  readonly code: string | null;
  readonly reason: string | null;
}

const entryColumns = `h.id::text as id, ${isoUtc('h.at', '.MS')} as at, h.subscriber, h.key, h.remote_id as "remoteId", h.event,
  coalesce((select l.id from syncflow.link l where l.subscriber = h.subscriber and l.key = h.key),
    (select l.id from syncflow.link l where l.subscriber = h.subscriber and l.remote_id = h.remote_id))::text as link,
  coalesce(h.detail->'units', '[]'::json)::text as units, h.detail->>'editedBy' as "editedBy",
  (extract(epoch from h.at - (h.detail->>'editedAt')::timestamptz) * 1000)::float8 as "tookMs", h.detail->>'code' as code, h.detail->>'reason' as reason`;

type EntryText = Omit<HistoryEntry, 'units'> & { readonly units: string };

const entryOf = (row: EntryText): HistoryEntry => ({ ...row, units: JSON.parse(row.units) as string[] });

/** History, newest first. */
export async function historyPage(
  db: Queryable,
  request: PageRequest & { subscriber?: string | undefined; events?: readonly HistoryEvent[] | undefined },
): Promise<HistoryEntry[]> {
  const rows = await db.query<EntryText>(
    {
      name: 'syncflow-dashboard-history',
      text: `select ${entryColumns} from (select * from syncflow.history h where ($1::bigint is null or h.id < $1) and ($2::text is null or h.subscriber = $2)
         and ($3::json is null or h.event in (select value from json_array_elements_text($3::json))) order by h.id desc limit $4) h order by h.id desc`,
    },
    [
      request.after ?? null,
      request.subscriber ?? null,
      request.events === undefined ? null : JSON.stringify(request.events),
      request.limit,
    ],
  );
  return rows.map(entryOf);
}

/** What came to history after an id, oldest first. */
export async function historyAfter(db: Queryable, id: string, limit: number): Promise<HistoryEntry[]> {
  const rows = await db.query<EntryText>(
    {
      name: 'syncflow-dashboard-tail',
      text: `select ${entryColumns} from (select * from syncflow.history h where h.id > $1::bigint order by h.id limit $2) h order by h.id`,
    },
    [id, limit],
  );
  return rows.map(entryOf);
}

/** The newest entries since a while ago, oldest first: what charts begin with. */
export async function historySince(db: Queryable, sinceMs: number, limit: number): Promise<HistoryEntry[]> {
  const rows = await db.query<EntryText>(
    {
      name: 'syncflow-dashboard-since',
      text: `select ${entryColumns} from (select * from syncflow.history h where h.at > clock_timestamp() - $1::float8 * interval '1 ms' order by h.id desc limit $2) h order by h.id desc`,
    },
    [sinceMs, limit],
  );
  return rows.reverse().map(entryOf);
}

export interface ConflictEntry extends ConflictRow {
  readonly link: string;
}

/** The conflict log, newest first. */
export function conflictPage(
  db: Queryable,
  request: PageRequest & { subscriber?: string | undefined; open: boolean },
): Promise<ConflictEntry[]> {
  return db.query<ConflictEntry>(
    {
      name: 'syncflow-dashboard-conflicts',
      text: `select link_id::text as link, ${conflictColumns}
       from syncflow.conflict where ($1::bigint is null or id < $1) and ($2::text is null or subscriber = $2)
         and (not $3::boolean or resolved_at is null) order by id desc limit $4`,
    },
    [request.after ?? null, request.subscriber ?? null, request.open, request.limit],
  );
}

export interface RunEntry {
  readonly subscriber: string;
  readonly kind: string;
  readonly done: number;
  /** Of a sweep that is over: how many differences it found. */
  readonly differing: number | null;
  /** It goes on once somebody has applied a plan. */
  readonly awaitsPlan: boolean;
  readonly startedAt: string;
  readonly finishedAt: string | null;
}

/** The newest run of each kind. */
export function lastRuns(db: Queryable, subscribers: readonly string[]): Promise<RunEntry[]> {
  return db.query<RunEntry>(
    {
      name: 'syncflow-dashboard-runs',
      text: `select distinct on (subscriber, kind) subscriber, kind,
         coalesce(progress->>'done', progress->>'compared', progress->'totals'->>'compared', '0')::float8 as done,
         case when kind = 'sweep' and finished_at is not null then (select coalesce(sum((t.value->>'count')::int), 0)::int
           from json_array_elements(coalesce(progress->'table', '[]')) t where t.value->>'cause' <> 'normalised') end as differing,
         coalesce(progress->>'awaits' = 'plan', false) as "awaitsPlan",
         ${isoUtc('started_at', '.MS')} as "startedAt", ${isoUtc('finished_at', '.MS')} as "finishedAt"
       from syncflow.run where subscriber in (select value from json_array_elements_text($1::json)) order by subscriber, kind, id desc`,
    },
    [JSON.stringify(subscribers)],
  );
}
