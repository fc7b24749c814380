/** Keeps the tables bounded: what has served its purpose goes after its retention. */
import type { Database } from '../store/database.js';

export interface Retention {
  /** Settled events are kept so that a repeated delivery is recognised: longer than any system retries. */
  readonly inboxDays: number;
  /** Closed intents are kept so that our own events are recognised. */
  readonly intentDays: number;
  readonly historyDays: number;
  /** Tombstones outlive the longest retry. */
  readonly tombstoneDays: number;
}

export const defaultRetention: Retention = { inboxDays: 35, intentDays: 35, historyDays: 90, tombstoneDays: 90 };

const batch = 5_000;

/** Removes at most a batch of each kind, so that no statement runs long. */
export async function prune(db: Database, retention: Retention = defaultRetention): Promise<void> {
  const old = (column: string): string => `${column} < clock_timestamp() - $1::float8 * interval '1 day'`;
  const cut = (table: string, where: string, days: number): Promise<object[]> =>
    db.query(
      `delete from syncflow.${table} where id in (select id from syncflow.${table} where ${where} limit ${batch})`,
      [days],
    );
  await cut('inbox', `settled_at is not null and ${old('settled_at')}`, retention.inboxDays);
  await cut('intent', `closed_at is not null and ${old('closed_at')}`, retention.intentDays);
  await cut('history', old('at'), retention.historyDays);
  await cut('conflict', old('at'), retention.historyDays);
  await cut(
    'link',
    `state = 'gone' and key is null and due_at is null and ${old('settled_at')}`,
    retention.tombstoneDays,
  );
}
