/**
 * How subscribers stand, asked often. Counting all links costs more the more there are; what waits and what is parked is found by
 * an index. So the two are asked apart: the whole now and then, what moves each time.
 */
import type { Queryable } from './database.js';
import type { SubscriberStatus } from './overview.js';

/** Links of a subscriber, by where they are in their life. */
export interface StateCount {
  readonly subscriber: string;
  readonly linked: number;
  readonly excluded: number;
  readonly gone: number;
}

/** Reads every link. */
export function countStates(db: Queryable, subscribers: readonly string[]): Promise<StateCount[]> {
  return db.query<StateCount>(
    {
      name: 'syncflow-dashboard-states',
      text: `select s.subscriber, coalesce(sum(s.n) filter (where s.state = 'linked'), 0)::int as linked,
          coalesce(sum(s.n) filter (where s.state = 'excluded'), 0)::int as excluded, coalesce(sum(s.n) filter (where s.state = 'gone'), 0)::int as gone
        from (select subscriber, state, count(*) as n from syncflow.link group by 1, 2) s
        where s.subscriber in (select value from json_array_elements_text($1::json)) group by 1`,
    },
    [JSON.stringify(subscribers)],
  );
}

interface Moving extends Omit<SubscriberStatus, 'inAgreement' | 'excluded' | 'tombstones' | 'lastError'> {
  /** Linked, and not at rest. */
  readonly linked: number;
  readonly lastError: string | null;
}

/** The same as `subscriberStatus`, where all links were counted before. */
export async function standingOf(
  db: Queryable,
  subscribers: readonly string[],
  counted: readonly StateCount[],
): Promise<SubscriberStatus[]> {
  const rows = await db.query<Moving>(
    {
      name: 'syncflow-dashboard-standing',
      text: `select r.value as subscriber, due.waiting, due."lagMs", parked.parked, due.linked + parked.linked as linked,
          coalesce(nullif(concat_ws('; ',
            (select 'blocked (credentials or quota) until ' || to_char(s.value::timestamptz at time zone 'UTC', 'HH24:MI:SS"Z"') from syncflow.setting s
              where s.name = 'hold:' || r.value and s.value::timestamptz > clock_timestamp()),
            (select s.value from syncflow.setting s where s.name = 'deaf:' || r.value)), ''), due."lastError", parked."lastError") as "lastError",
          exists (select from syncflow.setting s where s.name = 'pause:' || r.value) as paused,
          (select count(*)::int from syncflow.conflict c where c.subscriber = r.value and c.resolved_at is null) as conflicts
        from json_array_elements_text($1::json) r
        cross join lateral (select (count(*) filter (where l.parked_code is null))::int as waiting,
            (count(*) filter (where l.state = 'linked'))::int as linked, (array_agg(l.last_error order by l.settled_at desc) filter (where l.last_error is not null))[1] as "lastError",
            coalesce(extract(epoch from clock_timestamp() - min(l.due_at) filter (where l.due_at <= clock_timestamp())) * 1000, 0)::float8 as "lagMs"
          from syncflow.link l where l.subscriber = r.value and l.due_at is not null) due
        cross join lateral (select count(*)::int as parked, (count(*) filter (where l.state = 'linked' and l.due_at is null))::int as linked,
            (array_agg(l.last_error order by l.settled_at desc) filter (where l.last_error is not null))[1] as "lastError"
          from syncflow.link l where l.subscriber = r.value and l.parked_code is not null) parked
        order by r.value`,
    },
    [JSON.stringify(subscribers)],
  );
  return rows.map(({ linked: moving, lastError, ...row }) => {
    const { linked = 0, excluded = 0, gone = 0 } = counted.find((one) => one.subscriber === row.subscriber) ?? {};
    // what was counted may be older than what moves
    const inAgreement = Math.max(0, linked - moving);
    return { ...row, inAgreement, excluded, tombstones: gone, lastError: lastError ?? undefined };
  });
}
