/** Intents: a remote write is durable before it is sent. */
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import type { Draft } from '../outward/plan.js';
import type { Queryable } from './database.js';
import type { Link } from './links.js';

/** The frozen operation. */
export interface IntentBody {
  readonly key: RecordKey;
  readonly remoteId?: string;
  readonly version?: string;
  /** What the remote last showed of the mapped keys, nested. */
  readonly known: Record<string, Json>;
  readonly draft: Draft;
  /** What each unit's remote value was when this was planned: an event that tells of another one tells of an edit that we overwrote. */
  readonly base: Readonly<Record<string, Json>>;
  /** When, and by whom, the record was last edited before this was planned: for the audit. */
  readonly editedAt?: string;
  readonly editedBy?: string;
}

export interface StepRecord {
  readonly name: string;
  readonly key: string;
  readonly body: Json;
  readonly done: boolean;
  readonly result: Json;
}

export interface Intent {
  readonly id: string;
  readonly linkId: string;
  readonly kind: 'create' | 'update' | 'delete';
  readonly idempotencyKey: string;
  readonly body: IntentBody;
  readonly steps: readonly StepRecord[];
  readonly ageMs: number;
  /** It was sent by an earlier claim: its outcome isn't known. */
  readonly resumed: boolean;
  /** Looks after it that found nothing. */
  readonly missed: number;
}

export interface NewIntent {
  readonly link: Link;
  readonly kind: Intent['kind'];
  readonly idempotencyKey: string;
  readonly body: IntentBody;
}

/** A create changes all that it sends: that is stored once. */
function stored(body: IntentBody): object {
  const { changed, ...draft } = body.draft;
  return changed === draft.values ? { ...body, draft } : body;
}

/** The frozen operation, as it was before it was stored. */
export function bodyOf(text: string): IntentBody {
  const { draft, ...body } = JSON.parse(text) as Omit<IntentBody, 'draft'> & { draft: Omit<Draft, 'changed'> };
  return { ...body, draft: { changed: draft.values, ...draft } };
}

/** Writes intents of links whose lease is still ours; returns them by link id. */
export async function insertIntents(db: Queryable, intents: readonly NewIntent[]): Promise<Map<string, Intent>> {
  if (intents.length === 0) return new Map();
  const rows = await db.query<{ id: string; link_id: string }>(
    {
      name: 'syncflow-insert-intents',
      text: `insert into syncflow.intent (link_id, subscriber, kind, idempotency_key, body, sent_at)
        select l.id, l.subscriber, r.kind, r.idempotency_key, r.body, clock_timestamp()
        from json_to_recordset($1::json) as r(link_id bigint, fence bigint, kind text, idempotency_key text, body json)
        join syncflow.link l on l.id = r.link_id and l.fence = r.fence
        returning id::text as id, link_id::text as link_id`,
    },
    [
      JSON.stringify(
        intents.map((one) => ({
          link_id: one.link.id,
          fence: one.link.fence,
          kind: one.kind,
          idempotency_key: one.idempotencyKey,
          body: stored(one.body),
        })),
      ),
    ],
  );
  const ids = new Map(rows.map((row) => [row.link_id, row.id]));
  const result = new Map<string, Intent>();
  for (const one of intents) {
    const id = ids.get(one.link.id);
    if (id === undefined) continue;
    result.set(one.link.id, {
      id,
      linkId: one.link.id,
      kind: one.kind,
      idempotencyKey: one.idempotencyKey,
      body: one.body,
      steps: [],
      ageMs: 0,
      resumed: false,
      missed: 0,
    });
  }
  return result;
}

/** Open intents of claimed links, by link id. */
export async function openIntents(db: Queryable, links: readonly Link[]): Promise<Map<string, Intent>> {
  if (links.length === 0) return new Map();
  const rows = await db.query<{
    id: string;
    link_id: string;
    kind: Intent['kind'];
    idempotency_key: string;
    body: string;
    steps: string;
    age_ms: number;
    missed: number;
  }>(
    {
      name: 'syncflow-open-intents',
      text: `select id::text as id, link_id::text as link_id, kind, idempotency_key, body::text as body, steps::text as steps,
          (extract(epoch from clock_timestamp() - created_at) * 1000)::float8 as age_ms, missed::int as missed
        from syncflow.intent where closed_at is null and link_id in (select value::bigint from json_array_elements_text($1::json))
        order by id`,
    },
    [JSON.stringify(links.map((link) => link.id))],
  );
  return new Map(
    rows.map((row) => [
      row.link_id,
      {
        id: row.id,
        linkId: row.link_id,
        kind: row.kind,
        idempotencyKey: row.idempotency_key,
        body: bodyOf(row.body),
        steps: JSON.parse(row.steps) as StepRecord[],
        ageMs: row.age_ms,
        resumed: true,
        missed: row.missed,
      },
    ]),
  );
}

/** Saves the steps of an intent; false when the lease was lost. */
export async function saveSteps(
  db: Queryable,
  intent: Intent,
  link: Link,
  steps: readonly StepRecord[],
): Promise<boolean> {
  const rows = await db.query(
    {
      name: 'syncflow-save-steps',
      text: `update syncflow.intent i set steps = $3::json from syncflow.link l
        where i.id = $1 and i.link_id = l.id and l.fence = $2 returning i.id`,
    },
    [intent.id, link.fence, JSON.stringify(steps)],
  );
  return rows.length === 1;
}

/** Whether a call of this intent was begun: an operation of a single call has none. */
export async function hasSteps(db: Queryable, intent: Intent): Promise<boolean> {
  const [row] = await db.query<{ steps: number }>(
    {
      name: 'syncflow-has-steps',
      text: 'select json_array_length(steps)::int as steps from syncflow.intent where id = $1',
    },
    [intent.id],
  );
  return (row?.steps ?? 0) > 0;
}

/** Closes intents with what came of them. */
export async function closeIntents(
  tx: Queryable,
  closed: readonly { readonly id: string; readonly outcome: string }[],
): Promise<void> {
  if (closed.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-close-intents',
      text: `update syncflow.intent i set closed_at = clock_timestamp(), outcome = r.outcome
        from json_to_recordset($1::json) as r(id bigint, outcome text) where i.id = r.id`,
    },
    [JSON.stringify(closed)],
  );
}

/** Closes whatever is open of a link that no pass holds. */
export async function concludeIntents(tx: Queryable, linkId: string, outcome: string): Promise<void> {
  await tx.query(
    {
      name: 'syncflow-conclude-intents',
      text: 'update syncflow.intent set closed_at = clock_timestamp(), outcome = $2 where link_id = $1 and closed_at is null',
    },
    [linkId, outcome],
  );
}

/** Notes that the outcome of these is not known; they stay open. */
export async function markUnknown(tx: Queryable, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-mark-unknown',
      text: `update syncflow.intent set unknown_at = coalesce(unknown_at, clock_timestamp())
     where id in (select value::bigint from json_array_elements_text($1::json))`,
    },
    [JSON.stringify(ids)],
  );
}

/** Counts a look that found nothing. */
export async function countMissed(tx: Queryable, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-count-missed',
      text: `update syncflow.intent set missed = missed + 1
     where id in (select value::bigint from json_array_elements_text($1::json))`,
    },
    [JSON.stringify(ids)],
  );
}

/** A create of this subscriber that began before the given moment (or at any) and has no outcome yet; one that is on its way rather than one that is parked. */
export async function openCreate(
  db: Queryable,
  subscriber: string,
  before: string | undefined,
): Promise<{ readonly key: string | null; readonly parked: boolean } | undefined> {
  const [row] = await db.query<{ key: string | null; parked: boolean }>(
    {
      name: 'syncflow-open-create',
      text: `select l.key, l.parked_code is not null as parked from syncflow.intent i join syncflow.link l on l.id = i.link_id
       where i.subscriber = $1 and i.kind = 'create' and i.closed_at is null and ($2::timestamptz is null or i.created_at <= $2) order by parked, i.id limit 1`,
    },
    [subscriber, before ?? null],
  );
  return row;
}

/** Outcome of a write that was looked for, and of which the remote showed nothing, or a part: the request may still come. */
export const notSeen = 'not seen';

/** For so long a request that wasn't seen may still come. */
export const mayComeMs = 3_600_000;

/** A write that was looked for and not seen: it may have been late. */
export type UnseenWrite = Pick<Intent, 'id' | 'body'>;

/** Creates or updates of links that were looked for and not seen, by link id; the newest of each first. */
export async function unseenWrites(
  db: Queryable,
  linkIds: readonly string[],
  kind: 'create' | 'update',
): Promise<Map<string, UnseenWrite[]>> {
  const byLink = new Map<string, UnseenWrite[]>();
  if (linkIds.length === 0) return byLink;
  const rows = await db.query<{ id: string; link_id: string; body: string }>(
    {
      name: 'syncflow-unseen-writes',
      text: `select id::text as id, link_id::text as link_id, body::text as body from syncflow.intent
     where link_id in (select value::bigint from json_array_elements_text($1::json)) and kind = $3 and outcome = '${notSeen}'
       and closed_at > clock_timestamp() - $2 * interval '1 ms' order by intent.id desc limit 1000`,
    },
    [JSON.stringify(linkIds), mayComeMs, kind],
  );
  for (const { id, link_id: link, body } of rows)
    byLink.set(link, [...(byLink.get(link) ?? []), { id, body: bodyOf(body) }]);
  return byLink;
}

/** What creates of a subscriber have sent that were looked for and not seen, the newest first. */
export async function unseenCreates(db: Queryable, subscriber: string): Promise<IntentBody[]> {
  const rows = await db.query<{ body: string }>(
    {
      name: 'syncflow-unseen-creates',
      text: `select body::text as body from syncflow.intent
     where subscriber = $1 and kind = 'create' and outcome = '${notSeen}' and closed_at > clock_timestamp() - $2 * interval '1 ms'
     order by intent.id desc limit 1000`,
    },
    [subscriber, mayComeMs],
  );
  return rows.map(({ body }) => bodyOf(body));
}

/** An intent that an event names as its cause. */
export interface CausingIntent {
  readonly kind: Intent['kind'];
  readonly body: IntentBody;
  /** What came of it is settled. */
  readonly closed: boolean;
  /** It was looked for, or is about to be: whoever looked may have done so before it took effect. */
  readonly doubtful: boolean;
}

/** Intents by the idempotency keys that events name as their cause; a step's key begins with its intent's. */
export async function intentsByCause(db: Queryable, causes: readonly string[]): Promise<Map<string, CausingIntent>> {
  if (causes.length === 0) return new Map();
  const rows = await db.query<{
    idempotency_key: string;
    kind: Intent['kind'];
    body: string;
    closed: boolean;
    doubtful: boolean;
  }>(
    {
      name: 'syncflow-intents-by-cause',
      text: `select idempotency_key, kind, body::text as body, closed_at is not null as closed,
       case when closed_at is null then unknown_at is not null else outcome = '${notSeen}' end as doubtful from syncflow.intent
     where idempotency_key in (select value from json_array_elements_text($1::json))`,
    },
    [JSON.stringify([...new Set(causes.map(intentKeyOf))])],
  );
  return new Map(
    rows.map(({ idempotency_key, body, ...standing }) => [idempotency_key, { ...standing, body: bodyOf(body) }]),
  );
}

/** Step keys are `intent key + "." + step`. */
export function stepKey(intentKey: string, step: string): string {
  return `${intentKey}.${step}`;
}
export function intentKeyOf(cause: string): string {
  const dot = cause.indexOf('.');
  return dot === -1 ? cause : cause.slice(0, dot);
}
