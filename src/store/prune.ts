/** What of each table has served its purpose, and since when. */
import type { Queryable } from './database.js';

const served = {
  inbox: { where: 'settled_at is not null', since: 'settled_at' },
  intent: { where: 'closed_at is not null', since: 'closed_at' },
  history: { where: 'true', since: 'at' },
  conflict: { where: 'true', since: 'at' },
  // tombstones
  link: { where: `state = 'gone' and key is null and due_at is null and parked_code is null`, since: 'settled_at' },
} as const;

export type PrunedTable = keyof typeof served;

/** Removes up to `limit` rows that have been of no use for so many days. */
export async function pruneTable(db: Queryable, table: PrunedTable, days: number, limit: number): Promise<void> {
  const { where, since } = served[table];
  await db.query(
    {
      name: `syncflow-prune-${table}`,
      text: `delete from syncflow.${table} where id in (
       select id from syncflow.${table} where ${where} and ${since} < clock_timestamp() - $1::float8 * interval '1 day' limit $2)`,
    },
    [days, limit],
  );
}
