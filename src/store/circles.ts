/** Links that wait for each other in a circle. */
import type { Queryable } from './database.js';

/** A link and what it waits for, by the names that `waits_for` uses. */
export interface Waiter {
  readonly id: string;
  /** How others name it. */
  readonly own: string;
  readonly awaited: string;
}

/** Longer circles are left to their time-outs. */
const longestCircle = 50;

/**
 * From each waiter to what it waits for, and on to what that waits for; `path` holds the names met. Links by key only: circles of
 * remotes that have no record yet are not broken.
 */
const chain = `with recursive chain(id, own, name, path) as (
    select r.id, r.own, r.awaited, array[r.awaited] from json_to_recordset($1::json) as r(id bigint, own text, awaited text)
    union all
    select c.id, c.own, l.waits_for, c.path || l.waits_for from chain c join syncflow.link l
      on l.subscriber = left(c.name, strpos(c.name, ':[') - 1) and l.key = substr(c.name, strpos(c.name, ':[') + 1)
    where c.name <> c.own and strpos(c.name, ':[') > 0 and l.waits_for is not null and not l.waits_for = any(c.path)
      and cardinality(c.path) < ${longestCircle}
  )`;

/** Ids of the waiters whose wait leads back to themselves. */
export async function inCircle(db: Queryable, waiters: readonly Waiter[]): Promise<Set<string>> {
  if (waiters.length === 0) return new Set();
  const rows = await db.query<{ id: string }>(
    {
      name: 'syncflow-in-circle',
      text: `${chain} select distinct id::text as id from chain where name = own`,
    },
    [JSON.stringify(waiters)],
  );
  return new Set(rows.map((row) => row.id));
}

/** Makes the other members of circles due in which these waiters stand: one of them may do without its reference for a time. */
export async function wakeCircles(tx: Queryable, waiters: readonly Waiter[]): Promise<void> {
  if (waiters.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-wake-circles',
      text: `${chain}, member as (select distinct m.name from chain c, unnest(c.path) as m(name) where c.name = c.own and m.name <> c.own)
        update syncflow.link l set due_at = clock_timestamp(), generation = generation + 1 from member m
        where l.subscriber = left(m.name, strpos(m.name, ':[') - 1) and l.key = substr(m.name, strpos(m.name, ':[') + 1)
          and l.waits_for is not null and l.parked_code is null and l.state = 'new'`,
    },
    [JSON.stringify(waiters)],
  );
}
