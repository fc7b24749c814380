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
