/** Scheduled sweeps: when one is due, and who makes it. */
import type { Queryable } from './database.js';

const leaseSetting = (subscriber: string): string => `sweep:${subscriber}`;

/**
 * Takes the turn to sweep a subscriber, or prolongs it. The text that is returned is the proof of it, to be given at the next call;
 * undefined: somebody else has the turn.
 */
export async function takeSweep(
  db: Queryable,
  subscriber: string,
  leaseMs: number,
  proof: string | undefined,
): Promise<string | undefined> {
  const [row] = await db.query<{ value: string }>(
    {
      name: 'syncflow-take-sweep',
      text: `insert into syncflow.setting as s (name, value) values ($1, (clock_timestamp() + $2::float8 * interval '1 ms')::text)
        on conflict (name) do update set value = excluded.value where s.value = $3 or ($3::text is null and s.value::timestamptz < clock_timestamp())
        returning value`,
    },
    [leaseSetting(subscriber), leaseMs, proof ?? null],
  );
  return row?.value;
}

/** Gives the turn back, if it is still ours. */
export async function leaveSweep(db: Queryable, subscriber: string, proof: string): Promise<void> {
  await db.query(
    { name: 'syncflow-leave-sweep', text: 'delete from syncflow.setting where name = $1 and value = $2' },
    [leaseSetting(subscriber), proof],
  );
}

/**
 * In how many ms a sweep is due: at once where one was begun and not ended, else so long after the last whole comparison or listing
 * ended. While a first load goes on, not yet.
 */
export async function sweepDueInMs(db: Queryable, subscriber: string, everyMs: number): Promise<number> {
  const [row] = await db.query<{ loading: boolean; begun: boolean; since_ms: number | null }>(
    {
      name: 'syncflow-sweep-due',
      text: `select coalesce(bool_or(kind = 'backfill' and finished_at is null), false) as loading,
          coalesce(bool_or(kind = 'sweep' and finished_at is null), false) as begun,
          (extract(epoch from clock_timestamp() - max(finished_at)) * 1000)::float8 as since_ms
        from syncflow.run where subscriber = $1 and kind in ('sweep', 'backfill')`,
    },
    [subscriber],
  );
  if (row === undefined || row.loading) return everyMs;
  if (row.begun || row.since_ms === null) return 0;
  return Math.max(0, everyMs - row.since_ms);
}

/** Only the last sweep of a subscriber is kept. */
export async function forgetSweeps(db: Queryable, subscriber: string, before: string): Promise<void> {
  await db.query(
    {
      name: 'syncflow-forget-sweeps',
      text: `delete from syncflow.run where subscriber = $1 and kind = 'sweep' and finished_at is not null and id < $2::bigint`,
    },
    [subscriber, before],
  );
}
