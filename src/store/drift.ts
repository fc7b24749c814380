/** What a comparison asks of the hub beside the links themselves: read only, and only about what differs. */
import type { RecordKey } from '../catalog/key.js';
import type { ParkCode } from '../outward/plan.js';
import type { Queryable } from './database.js';

/** The hub's time as text, to be given back to `linkStandings`. */
export async function hubTime(db: Queryable): Promise<string> {
  const [row] = await db.query<{ now: string }>({
    name: 'syncflow-hub-time',
    text: 'select clock_timestamp()::text as now',
  });
  return row?.now ?? '';
}

export interface LinkStanding {
  readonly parked: ParkCode | undefined;
  /** It is due, somebody is at work on it, it was settled since, or it waits for its subscriber or itself to be resumed. */
  readonly moving: boolean;
}

/** How these links stand, by id. `since`: what was settled after it may have been read before. */
export async function linkStandings(
  db: Queryable,
  ids: readonly string[],
  since: string,
): Promise<Map<string, LinkStanding>> {
  if (ids.length === 0) return new Map();
  const rows = await db.query<{ id: string; parked_code: ParkCode | null; moving: boolean }>(
    {
      name: 'syncflow-link-standings',
      text: `select id::text as id, parked_code, due_at is not null or coalesce(lease_until > clock_timestamp(), false)
          or coalesce(settled_at >= $2::timestamptz, false) or created_at >= $2::timestamptz as moving
        from syncflow.link where id in (select value::bigint from json_array_elements_text($1::json))`,
    },
    [JSON.stringify(ids), since],
  );
  return new Map(rows.map(({ id, parked_code: parked, moving }) => [id, { parked: parked ?? undefined, moving }]));
}

/** Which of these records have a mark, and which of these remotes an event, that no worker has routed. Records by key, remotes as `@id`. */
export async function hintsAbout(
  db: Queryable,
  subject: {
    readonly catalog: string;
    readonly subscriber: string;
    readonly keys: readonly RecordKey[];
    readonly remoteIds: readonly string[];
  },
): Promise<Set<string>> {
  if (subject.keys.length + subject.remoteIds.length === 0) return new Set();
  const rows = await db.query<{ about: string }>(
    {
      name: 'syncflow-hints-about',
      text: `select key as about from syncflow.mark where catalog = $1 and key in (select value from json_array_elements_text($3::json))
        union select '@' || remote_id from syncflow.inbox where subscriber = $2 and settled_at is null
          and remote_id in (select value from json_array_elements_text($4::json))`,
    },
    [subject.catalog, subject.subscriber, JSON.stringify(subject.keys), JSON.stringify(subject.remoteIds)],
  );
  return new Set(rows.map((row) => row.about));
}
