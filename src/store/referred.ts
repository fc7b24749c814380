/** Links to whose records other links refer. */
import type { Queryable } from './database.js';

/** A link, and a unit by which links of another subscriber refer to it. */
export interface Referring {
  readonly id: string;
  readonly subscriber: string;
  readonly unit: string;
  /** What that unit holds in the hub. */
  readonly text: string | null;
}

/** Ids of the links to which one refers that is due and goes on by itself. */
export async function stillReferred(db: Queryable, referring: readonly Referring[]): Promise<Set<string>> {
  if (referring.length === 0) return new Set();
  const rows = await db.query<{ id: string }>(
    {
      name: 'syncflow-still-referred',
      text: `select distinct r.id::text as id
        from json_to_recordset($1::json) as r(id bigint, subscriber text, unit text, text text)
        join syncflow.link l on l.subscriber = r.subscriber and l.shadow -> 'units' -> r.unit ->> 'h' = r.text
        where l.state = 'linked' and l.due_at is not null and l.parked_code is null and not l.paused and l.id <> r.id`,
    },
    [JSON.stringify(referring)],
  );
  return new Set(rows.map(({ id }) => id));
}

/** A record that got a remote, and a unit by which links of another subscriber refer to it. */
export interface Renewed {
  /** The subscriber whose link got it. */
  readonly own: string;
  readonly key: string;
  readonly remoteId: string;
  readonly subscriber: string;
  readonly unit: string;
  /** The collection whose lines hold the unit. */
  readonly child?: string;
  /** What the unit holds in the hub. */
  readonly text: string | null;
}

/**
 * Makes due whatever refers to a record that had another remote before: its remote still names that one. What was never told of the
 * former is looked for once per such record, in all links of its subscriber; a record's first remote costs a look at its history.
 */
export async function wakeReferrers(tx: Queryable, linked: readonly Renewed[]): Promise<void> {
  if (linked.length === 0) return;
  const renewed = await tx.query<{ at: number }>(
    {
      name: 'syncflow-find-renewed',
      text: `select r.at from json_to_recordset($1::json) as r(at int, own text, key text, "remoteId" text)
        where exists (select from syncflow.history h where h.subscriber = r.own and h.key = r.key and h.remote_id <> r."remoteId")`,
    },
    [JSON.stringify(linked.map(({ own, key, remoteId }, at) => ({ at, own, key, remoteId })))],
  );
  if (renewed.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-wake-referrers',
      text: `update syncflow.link l set due_at = clock_timestamp(), generation = l.generation + 1
        from json_to_recordset($1::json) as r(subscriber text, unit text, child text, text text)
        where l.subscriber = r.subscriber and l.state = 'linked' and l.parked_code is null and case when r.child is null
          then l.shadow -> 'units' -> r.unit ->> 'h' = r.text
          else exists (select from json_each(l.shadow -> 'children' -> r.child) line where line.value -> 'units' -> r.unit ->> 'h' = r.text) end`,
    },
    [JSON.stringify(renewed.flatMap(({ at }) => linked[at] ?? []))],
  );
}
