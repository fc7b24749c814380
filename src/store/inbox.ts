/** The inbox: hints from outside, durable before they are acknowledged; and the cursors of polling. */
import type { RecordKey } from '../catalog/key.js';
import type { RemoteEvent } from '../subscriber/base.js';
import type { Trail } from '../tracing/trails.js';
import { storableJson, storableText, type Queryable } from './database.js';
import { lockLinks, tombstone } from './links.js';
import { bulkIds } from './marks.js';

export interface InboxPayload {
  readonly snapshot?: unknown;
  readonly previous?: unknown;
  readonly cause?: string;
  readonly at?: string;
  /** Of the span that brought it. */
  readonly trace?: Trail;
}

export interface InboxRow {
  readonly id: string;
  readonly subscriber: string;
  readonly remoteId: string;
  readonly kind: 'changed' | 'deleted';
  readonly lane: number;
  readonly payload: InboxPayload;
}

/** An event and whom it concerns. */
export interface Incoming {
  readonly subscriber: string;
  readonly event: RemoteEvent;
  readonly lane?: number;
  readonly trace?: Trail;
}

/** Stores events; one that is there already has no effect. Returns `incomingId` of those that were new. */
export async function insertEvents(db: Queryable, incoming: readonly Incoming[]): Promise<Set<string>> {
  if (incoming.length === 0) return new Set();
  const inserted = await db.query<{ subscriber: string; event_id: string }>(
    {
      name: 'syncflow-insert-events',
      text: `insert into syncflow.inbox (subscriber, event_id, remote_id, kind, payload, lane)
        select r.subscriber, r.event_id, r.remote_id, r.kind, r.payload, r.lane
        from json_to_recordset($1::json) as r(subscriber text, event_id text, remote_id text, kind text, payload json, lane smallint)
        on conflict (subscriber, event_id) do nothing returning subscriber, event_id`,
    },
    [rowsOf(incoming)],
  );
  return new Set(inserted.map((row) => incomingId(row.subscriber, row.event_id)));
}

function rowsOf(incoming: readonly Incoming[]): string {
  const rows = (payload: (event: RemoteEvent) => InboxPayload): string =>
    storableJson(
      incoming.map(({ subscriber, event, lane, trace }) => ({
        subscriber,
        event_id: event.id,
        remote_id: event.remoteId,
        kind: event.kind,
        payload: { ...payload(event), ...(trace === undefined ? {} : { trace }) },
        lane: lane ?? 0,
      })),
    );
  try {
    return rows(payloadOf);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // something is nested too deeply to be written: the hint alone will do, the remote is read anyway
    return rows(({ cause, at }) => ({
      ...(cause === undefined ? {} : { cause }),
      ...(at === undefined ? {} : { at }),
    }));
  }
}

export function incomingId(subscriber: string, eventId: string): string {
  return JSON.stringify([subscriber, storableText(eventId)]);
}

export interface Hints {
  readonly marks: boolean;
  /** There are some of a mass UPDATE, whosever catalog it was: that costs no look at all the marks. */
  readonly bulk: boolean;
  readonly events: boolean;
}

/** Whether there are marks and events to route: cheaper to ask than to open transactions in vain. */
export async function hintsToRoute(
  db: Queryable,
  catalogs: readonly string[],
  subscribers: readonly string[],
): Promise<Hints> {
  const [row] = await db.query<Hints>(
    {
      name: 'syncflow-hints-to-route',
      text: `select exists (select from syncflow.mark where catalog in (select value from json_array_elements_text($1::json))) as marks,
          coalesce((select max(id) from syncflow.mark) >= ${bulkIds}, false) as bulk,
          exists (select from syncflow.inbox where settled_at is null and subscriber in (select value from json_array_elements_text($2::json))) as events`,
    },
    [JSON.stringify(catalogs), JSON.stringify(subscribers)],
  );
  return row ?? { marks: false, bulk: false, events: false };
}

/** Of these events, the ids that are stored already: cheaper to ask than to send their payloads in vain. */
export async function knownEvents(db: Queryable, subscriber: string, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db.query<{ event_id: string }>(
    {
      name: 'syncflow-known-events',
      text: `select event_id from syncflow.inbox where subscriber = $1 and event_id in (select value from json_array_elements_text($2::json))`,
    },
    [subscriber, JSON.stringify(ids.map(storableText))],
  );
  return new Set(rows.map((row) => row.event_id));
}

function payloadOf(event: RemoteEvent): InboxPayload {
  return {
    ...(event.snapshot === undefined ? {} : { snapshot: event.snapshot }),
    ...(event.previous === undefined ? {} : { previous: event.previous }),
    ...(event.cause === undefined ? {} : { cause: event.cause }),
    ...(event.at === undefined ? {} : { at: event.at }),
  };
}

/** The oldest open events that nobody else is routing; locked until the transaction ends. */
export async function claimEvents(tx: Queryable, subscribers: readonly string[], limit: number): Promise<InboxRow[]> {
  const rows = await tx.query<{
    id: string;
    subscriber: string;
    remote_id: string;
    kind: InboxRow['kind'];
    lane: number;
    payload: string;
  }>(
    {
      name: 'syncflow-claim-events',
      text: `select id::text as id, subscriber, remote_id, kind, lane, payload::text as payload
        from syncflow.inbox where settled_at is null and subscriber in (select value from json_array_elements_text($2::json))
        order by id limit $1 for update skip locked`,
    },
    [limit, JSON.stringify(subscribers)],
  );
  return rows.map((row) => ({
    id: row.id,
    subscriber: row.subscriber,
    remoteId: row.remote_id,
    kind: row.kind,
    lane: row.lane,
    payload: JSON.parse(row.payload) as InboxPayload,
  }));
}

/** Of a settled event its time and its cause are kept, for the audit; what it showed of the remote isn't. */
export async function settleEvents(tx: Queryable, events: readonly Pick<InboxRow, 'id' | 'payload'>[]): Promise<void> {
  if (events.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-settle-events',
      text: `update syncflow.inbox i set settled_at = clock_timestamp(), payload = r.payload
        from json_to_recordset($1::json) as r(id bigint, payload json) where i.id = r.id`,
    },
    [storableJson(events.map(({ id, payload: { at, cause } }) => ({ id, payload: { at, cause } })))],
  );
}

/** A link that an event makes due: by remote id, or by the key that the remote's marker names. */
export interface Sighted {
  readonly subscriber: string;
  readonly remoteId: string;
  readonly lane: number;
  readonly gone: boolean;
  readonly at: string | null;
  /** A create of ours made it, whose answer will tell more: it is looked at only if, after a while, no link knows it. */
  readonly later?: boolean;
  /** The record whose create made it, as a claim: where nothing else tells. */
  readonly claims?: string | undefined;
}

/** How long the answer to a create is waited for, in ms, once an event has told of its remote. */
const answerMs = 2_000;

/**
 * Deletes of remotes that wait for a release. (A held delete of a record is looked at again: its remote may have come back.)
 */
const held = `(l.parked_code = 'truncate' or (l.parked_code = 'brake' and not l.look))`;

/** Makes links due for a look at their remote, creating those that aren't there. */
export async function makeSighted(tx: Queryable, rows: readonly Sighted[]): Promise<void> {
  if (rows.length === 0) return;
  await lockLinks(tx, 'remote', rows);
  await tx.query(
    {
      name: 'syncflow-make-sighted',
      text: `insert into syncflow.link as l (subscriber, remote_id, generation, due_at, lane, look, gone_at, remote_edited_at, claims)
        select r.subscriber, r."remoteId", 1, clock_timestamp() + case when r.later then $2::float8 else 0 end * interval '1 ms', r.lane,
          coalesce(not r.later, true), case when r.gone then clock_timestamp() end, r.at, r.claims
        from json_to_recordset($1::json) as r(subscriber text, "remoteId" text, lane smallint, gone boolean, at timestamptz, later boolean, claims text)
        order by r.subscriber, r."remoteId"
        on conflict (subscriber, remote_id) where remote_id is not null do update set
          generation = l.generation + 1,
          due_at = case when ${held} then null else clock_timestamp() end,
          lane = case when l.due_at is null then excluded.lane else least(l.lane, excluded.lane) end,
          look = l.look or not coalesce(l.parked_code = 'brake', false), sight = null,
          gone_at = coalesce(excluded.gone_at, l.gone_at),
          remote_edited_at = greatest(excluded.remote_edited_at, l.remote_edited_at), claims = coalesce(excluded.claims, l.claims),
          parked_code = case when ${held} then l.parked_code end,
          parked_reason = case when ${held} then l.parked_reason end,
          parked_at = case when ${held} then l.parked_at end,
          attempts = 0
        where excluded.look and (l.state <> 'gone' or (${tombstone} and (excluded.gone_at is null or l.parked_code is not null)))`,
    },
    [storableJson(rows), answerMs],
  );
}

/**
 * Asks for a look at records whose create may have happened: an event bears their marker. Returns those that have no remote yet;
 * of the others the event tells nothing.
 */
export async function makeLooked(
  tx: Queryable,
  rows: readonly { subscriber: string; key: RecordKey }[],
): Promise<Set<string>> {
  if (rows.length === 0) return new Set();
  await lockLinks(tx, 'key', rows);
  const looked = await tx.query<{ subscriber: string; key: RecordKey }>(
    {
      name: 'syncflow-make-looked',
      text: `update syncflow.link l set look = true, generation = generation + 1, due_at = case when l.parked_code is null then clock_timestamp() end
     from json_to_recordset($1::json) as r(subscriber text, key text)
     where l.subscriber = r.subscriber and l.key = r.key and l.remote_id is null and l.state <> 'gone' returning l.subscriber, l.key`,
    },
    [JSON.stringify(rows)],
  );
  return new Set(looked.map(({ subscriber, key }) => JSON.stringify([subscriber, key])));
}

export async function readCursor(db: Queryable, subscriber: string, name: string): Promise<string | undefined> {
  const [row] = await db.query<{ value: string }>(
    { name: 'syncflow-read-cursor', text: 'select value from syncflow.cursor where subscriber = $1 and name = $2' },
    [subscriber, name],
  );
  return row?.value;
}

export async function writeCursor(tx: Queryable, subscriber: string, name: string, value: string): Promise<void> {
  await tx.query(
    {
      name: 'syncflow-write-cursor',
      text: `insert into syncflow.cursor (subscriber, name, value) values ($1, $2, $3)
     on conflict (subscriber, name) do update set value = excluded.value, updated_at = clock_timestamp()`,
    },
    [subscriber, name, value],
  );
}

/** Since when a cursor stands for everything that had happened, in ms; undefined: there is none. */
export async function cursorAgeMs(db: Queryable, subscriber: string, name: string): Promise<number | undefined> {
  const [row] = await db.query<{ age_ms: number }>(
    {
      name: 'syncflow-cursor-age',
      text: `select (extract(epoch from clock_timestamp() - updated_at) * 1000)::float8 as age_ms from syncflow.cursor where subscriber = $1 and name = $2`,
    },
    [subscriber, name],
  );
  return row?.age_ms;
}

/** There was nothing to read: the cursor stands for everything until now. Noted once a minute at most. */
export async function touchCursor(db: Queryable, subscriber: string, name: string): Promise<void> {
  await db.query(
    {
      name: 'syncflow-touch-cursor',
      text: `update syncflow.cursor set updated_at = clock_timestamp()
        where subscriber = $1 and name = $2 and updated_at < clock_timestamp() - interval '1 minute'`,
    },
    [subscriber, name],
  );
}

/** Drops a cursor unless it has moved since; tells whether it did. */
export async function dropCursor(tx: Queryable, subscriber: string, name: string, value: string): Promise<boolean> {
  const rows = await tx.query(
    {
      name: 'syncflow-drop-cursor',
      text: 'delete from syncflow.cursor where subscriber = $1 and name = $2 and value = $3 returning 1',
    },
    [subscriber, name, value],
  );
  return rows.length === 1;
}
