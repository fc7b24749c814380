/** What is kept about one record: read for `explain`, never by a worker. */
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import { emptyShadow, type Shadow } from '../merge/shadow.js';
import type { LinkState } from '../outward/plan.js';
import type { Queryable } from './database.js';
import type { HistoryDetail, HistoryEvent } from './history.js';
import type { InboxPayload } from './inbox.js';
import { bodyOf, type Intent, type IntentBody } from './intents.js';
import { isoUtc } from './iso.js';

/** A link, whole. */
export interface LinkReport {
  readonly id: string;
  readonly subscriber: string;
  readonly key: RecordKey | null;
  readonly formerKey: RecordKey | null;
  readonly remoteId: string | null;
  readonly state: LinkState;
  readonly shadow: Shadow;
  readonly version: string | null;
  readonly dueAt: string | null;
  readonly lane: number;
  readonly look: boolean;
  readonly paused: boolean;
  readonly deletedAt: string | null;
  readonly goneAt: string | null;
  readonly editedAt: string | null;
  readonly editedBy: string | null;
  readonly remoteEditedAt: string | null;
  readonly waitsFor: string | null;
  readonly parkedCode: string | null;
  readonly parkedReason: string | null;
  readonly parkedAt: string | null;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly leaseOwner: string | null;
  readonly leaseUntil: string | null;
  readonly settledAt: string | null;
  /** The whole subscriber is paused. */
  readonly subscriberPaused: boolean;
  /** The whole subscriber is held until then: credentials or quota. */
  readonly heldUntil: string | null;
}

/** Links of these subscribers under a key, those that had it once included (tombstones, changes of key). */
export async function linksOfRecord(
  db: Queryable,
  subscribers: readonly string[],
  key: RecordKey,
): Promise<LinkReport[]> {
  const rows = await db.query<Omit<LinkReport, 'shadow'> & { shadow: string | null }>(
    {
      name: 'syncflow-explain-links',
      text: `select l.id::text as id, l.subscriber, l.key, l.former_key as "formerKey", l.remote_id as "remoteId", l.state, l.shadow::text as shadow, l.version,
          ${isoUtc('l.due_at')} as "dueAt", l.lane, l.look, l.paused, ${isoUtc('l.deleted_at')} as "deletedAt", ${isoUtc('l.gone_at')} as "goneAt",
          ${isoUtc('l.edited_at')} as "editedAt", l.edited_by as "editedBy", ${isoUtc('l.remote_edited_at')} as "remoteEditedAt", l.waits_for as "waitsFor",
          l.parked_code as "parkedCode", l.parked_reason as "parkedReason", ${isoUtc('l.parked_at')} as "parkedAt", l.attempts, l.last_error as "lastError",
          l.lease_owner as "leaseOwner", ${isoUtc('l.lease_until')} as "leaseUntil", ${isoUtc('l.settled_at')} as "settledAt",
          exists (select from syncflow.setting s where s.name = 'pause:' || l.subscriber) as "subscriberPaused",
          (select ${isoUtc('s.value::timestamptz')} from syncflow.setting s where s.name = 'hold:' || l.subscriber and s.value::timestamptz > clock_timestamp()) as "heldUntil"
        from syncflow.link l where l.subscriber in (select value from json_array_elements_text($1::json)) and (l.key = $2 or l.former_key = $2)
        order by l.subscriber, l.key nulls first, l.id`,
    },
    [JSON.stringify(subscribers), key],
  );
  return rows.map((row) => ({
    ...row,
    shadow: row.shadow === null ? emptyShadow : (JSON.parse(row.shadow) as Shadow),
  }));
}

/** Whose remote this is: people often have the other system's id at hand. */
export async function keyOfRemote(
  db: Queryable,
  subscribers: readonly string[],
  remoteId: string,
): Promise<{ readonly subscriber: string; readonly key: RecordKey } | undefined> {
  const [row] = await db.query<{ subscriber: string; key: RecordKey }>(
    {
      name: 'syncflow-explain-remote-id',
      text: `select subscriber, coalesce(key, former_key) as key from syncflow.link
        where subscriber in (select value from json_array_elements_text($1::json)) and remote_id = $2 and coalesce(key, former_key) is not null limit 1`,
    },
    [JSON.stringify(subscribers), remoteId],
  );
  return row;
}

export interface HistoryReport {
  readonly at: string;
  readonly subscriber: string;
  readonly key: RecordKey;
  readonly remoteId: string | null;
  readonly event: HistoryEvent;
  readonly detail: HistoryDetail;
}

/** A record's history under these keys, oldest first. */
export async function historyOfRecord(
  db: Queryable,
  subscribers: readonly string[],
  keys: readonly RecordKey[],
  limit: number,
): Promise<HistoryReport[]> {
  const rows = await db.query<Omit<HistoryReport, 'detail'> & { detail: string | null }>(
    {
      name: 'syncflow-explain-history',
      text: `select ${isoUtc('at')} as at, subscriber, key, remote_id as "remoteId", event, detail::text as detail from syncflow.history
        where subscriber in (select value from json_array_elements_text($1::json)) and key in (select value from json_array_elements_text($2::json))
        order by id desc limit $3`,
    },
    [JSON.stringify(subscribers), JSON.stringify(keys), limit],
  );
  return rows
    .reverse()
    .map((row) => ({ ...row, detail: row.detail === null ? {} : (JSON.parse(row.detail) as HistoryDetail) }));
}

export interface ConflictReport {
  readonly id: string;
  readonly linkId: string;
  readonly at: string;
  readonly subscriber: string;
  readonly key: RecordKey;
  readonly unit: string;
  readonly base: Json;
  readonly hub: Json;
  readonly remote: Json;
  readonly winner: 'hub' | 'remote' | 'merged';
  readonly rule: string;
  readonly resolvedAt: string | null;
  readonly resolvedBy: string | null;
  readonly taken: string | null;
}

/** The conflicts of a record under these keys, oldest first. */
export async function conflictsOfRecord(
  db: Queryable,
  subscribers: readonly string[],
  keys: readonly RecordKey[],
  limit: number,
): Promise<ConflictReport[]> {
  type Text = Record<'base' | 'hub' | 'remote', string | null>;
  const rows = await db.query<Omit<ConflictReport, keyof Text> & Text>(
    {
      name: 'syncflow-explain-conflicts',
      text: `select id::text as id, link_id::text as "linkId", ${isoUtc('at')} as at, subscriber, key, unit, base::text as base, hub::text as hub, remote::text as remote, winner, rule,
          ${isoUtc('resolved_at')} as "resolvedAt", resolved_by as "resolvedBy", resolution->>'taken' as taken
        from syncflow.conflict
        where subscriber in (select value from json_array_elements_text($1::json)) and key in (select value from json_array_elements_text($2::json))
        order by id desc limit $3`,
    },
    [JSON.stringify(subscribers), JSON.stringify(keys), limit],
  );
  const value = (text: string | null): Json => (text === null ? null : (JSON.parse(text) as Json));
  return rows
    .reverse()
    .map((row) => ({ ...row, base: value(row.base), hub: value(row.hub), remote: value(row.remote) }));
}

export interface IntentReport {
  readonly id: string;
  readonly linkId: string;
  readonly subscriber: string;
  readonly kind: Intent['kind'];
  readonly idempotencyKey: string;
  readonly body: IntentBody;
  /** Names of its calls, and whether each was answered. */
  readonly steps: readonly { readonly name: string; readonly done: boolean }[];
  readonly createdAt: string;
  readonly unknownAt: string | null;
}

/** Writes of these links that have no answer yet. */
export async function openIntentsOf(db: Queryable, linkIds: readonly string[]): Promise<IntentReport[]> {
  if (linkIds.length === 0) return [];
  const rows = await db.query<Omit<IntentReport, 'body' | 'steps'> & { body: string; steps: string }>(
    {
      name: 'syncflow-explain-intents',
      text: `select id::text as id, link_id::text as "linkId", subscriber, kind, idempotency_key as "idempotencyKey", body::text as body, steps::text as steps,
          ${isoUtc('created_at')} as "createdAt", ${isoUtc('unknown_at')} as "unknownAt"
        from syncflow.intent where closed_at is null and link_id in (select value::bigint from json_array_elements_text($1::json)) order by id`,
    },
    [JSON.stringify(linkIds)],
  );
  return rows.map((row) => ({
    ...row,
    body: bodyOf(row.body),
    steps: (JSON.parse(row.steps) as { name: string; done: boolean }[]).map(({ name, done }) => ({ name, done })),
  }));
}

export interface EventReport {
  readonly id: string;
  readonly subscriber: string;
  readonly remoteId: string;
  readonly kind: 'changed' | 'deleted';
  readonly receivedAt: string;
  readonly routedAt: string | null;
  /** When it happened there. */
  readonly at: string | null;
  /** The idempotency key of the request that caused it, where the system tells: one of ours is an echo. */
  readonly cause: string | null;
}

/** Events about these remotes, oldest first. */
export async function eventsAbout(
  db: Queryable,
  remotes: readonly { readonly subscriber: string; readonly remoteId: string }[],
  limit: number,
): Promise<EventReport[]> {
  if (remotes.length === 0) return [];
  const rows = await db.query<Omit<EventReport, 'at' | 'cause'> & { payload: string }>(
    {
      name: 'syncflow-explain-events',
      text: `select i.event_id as id, i.subscriber, i.remote_id as "remoteId", i.kind, ${isoUtc('i.received_at')} as "receivedAt",
          ${isoUtc('i.settled_at')} as "routedAt", i.payload::text as payload
        from json_to_recordset($1::json) as r(subscriber text, "remoteId" text)
        join syncflow.inbox i on i.subscriber = r.subscriber and i.remote_id = r."remoteId" order by i.id desc limit $2`,
    },
    [JSON.stringify(remotes), limit],
  );
  return rows.reverse().map(({ payload, ...row }) => {
    const { at, cause } = JSON.parse(payload) as InboxPayload;
    return { ...row, at: at ?? null, cause: cause ?? null };
  });
}

export interface MarkReport {
  readonly at: string;
  readonly op: string;
  readonly origin: string | null;
}

/** Changes of a record that no worker has seen yet. */
export function unroutedMarks(db: Queryable, catalog: string, key: RecordKey): Promise<MarkReport[]> {
  return db.query<MarkReport>(
    {
      name: 'syncflow-explain-marks',
      text: `select ${isoUtc('at')} as at, op::text as op, origin from syncflow.mark where catalog = $1 and key = $2 order by id`,
    },
    [catalog, key],
  );
}
