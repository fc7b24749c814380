/** What of each table has served its purpose, and since when. */
import type { Queryable } from './database.js';

const served = {
  inbox: { where: 'settled_at is not null', since: 'settled_at' },
  intent: { where: 'closed_at is not null', since: 'closed_at' },
  history: { where: 'true', since: 'at' },
  conflict: { where: 'true', since: 'at' },
  // tombstones of remotes that were deleted; one that was only let go still stands, and must not become a record by its next event
  link: {
    where: `state = 'gone' and key is null and gone_at is not null and due_at is null and parked_code is null`,
    since: 'settled_at',
  },
} as const;

export type PrunedTable = keyof typeof served;

/** Removes up to `limit` rows that have been of no use for so many days. Returns how many. */
export async function pruneTable(db: Queryable, table: PrunedTable, days: number, limit: number): Promise<number> {
  const { where, since } = served[table];
  const rows = await db.query(
    {
      name: `syncflow-prune-${table}`,
      text: `delete from syncflow.${table} where id in (
       select id from syncflow.${table} where ${where} and ${since} < clock_timestamp() - $1::float8 * interval '1 day' limit $2) returning id::text as id`,
    },
    [days, limit],
  );
  return rows.length;
}
