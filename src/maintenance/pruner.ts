/** Keeps the tables bounded: what has served its purpose goes after its retention. */
import type { Database } from '../store/database.js';
import { pruneTable } from '../store/prune.js';

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

/** Removes what has served its purpose: batch after batch, so that no statement runs long, until a batch isn't full. */
export async function prune(
  db: Database,
  retention: Retention = defaultRetention,
  { signal, limit = batch }: { readonly signal?: AbortSignal; readonly limit?: number } = {},
): Promise<void> {
  for (const { table, days } of [
    { table: 'inbox', days: retention.inboxDays },
    { table: 'intent', days: retention.intentDays },
    { table: 'history', days: retention.historyDays },
    { table: 'conflict', days: retention.historyDays },
    { table: 'link', days: retention.tombstoneDays },
  ] as const) {
    while (signal?.aborted !== true && (await pruneTable(db, table, days, limit)) === limit);
  }
}
