/** Parked records, counted by what is said of them. */
import type { Queryable } from './database.js';
import { isoUtc } from './iso.js';

/** Records that are parked with the same words; of one of them the id. */
export interface ParkedReason {
  readonly id: string;
  readonly subscriber: string;
  readonly key: string | null;
  readonly code: string;
  readonly reason: string;
  readonly count: number;
  readonly oldest: string;
  readonly newest: string;
}

/** Reasons that quote values differ from record to record: so many are told apart. */
const limit = 50_000;

export function parkedReasons(
  db: Queryable,
  filter: { readonly subscriber?: string | undefined; readonly code?: string | undefined },
): Promise<ParkedReason[]> {
  return db.query<ParkedReason>(
    {
      name: 'syncflow-parked-reasons',
      text: `select max(id)::text as id, subscriber, (array_agg(key order by id desc))[1] as key, parked_code as code, coalesce(parked_reason, '') as reason,
          count(*)::int as count, ${isoUtc('min(parked_at)', '')} as oldest, ${isoUtc('max(parked_at)', '')} as newest
        from syncflow.link where parked_code is not null and ($1::text is null or subscriber = $1) and ($2::text is null or parked_code = $2)
        group by subscriber, parked_code, parked_reason order by count desc limit $3`,
    },
    [filter.subscriber ?? null, filter.code ?? null, limit],
  );
}

export interface ParkedCount {
  readonly subscriber: string;
  readonly code: string;
  readonly count: number;
}

export function parkedByCode(db: Queryable, subscribers: readonly string[]): Promise<ParkedCount[]> {
  return db.query<ParkedCount>(
    {
      name: 'syncflow-parked-by-code',
      // by index, one subscriber after the other: however many links there are
      text: `select r.value as subscriber, p.code, p.count from json_array_elements_text($1::json) r
        cross join lateral (select l.parked_code as code, count(*)::int as count from syncflow.link l
          where l.subscriber = r.value and l.parked_code is not null group by 1) p`,
    },
    [JSON.stringify(subscribers)],
  );
}
