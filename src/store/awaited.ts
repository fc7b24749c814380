/** Links that wait for other links: how those stand, and waking whoever waits. */
import type { Queryable } from './database.js';
import { leaving } from './links.js';

/** `ready` once linked, `stuck` while parked or left out. */
export type Standing = 'ready' | 'stuck' | 'coming';

/**
 * How the awaited links stand. Locks them, so that one which settles at this moment is not missed: nor one that gave way, while
 * we waited for its lock, to the link that knew its remote. That is seen by a second look.
 */
export async function lockAwaited(tx: Queryable, awaited: readonly Awaited[]): Promise<Map<string, Standing>> {
  const standings = await lockOnce(tx, awaited);
  const missing = awaited.filter(({ name }) => !standings.has(name));
  return new Map([...standings, ...(await lockOnce(tx, missing))]);
}

async function lockOnce(tx: Queryable, awaited: readonly Awaited[]): Promise<Map<string, Standing>> {
  if (awaited.length === 0) return new Map();
  const rows = await tx.query<{ name: string; standing: Standing }>(
    {
      name: 'syncflow-lock-awaited',
      text: `select r.name, case when l.state = 'linked' and l.remote_id is not null and l.key is not null and not ${leaving} then 'ready'
       when l.parked_code is not null or l.state in ('gone', 'excluded') then 'stuck' else 'coming' end as standing
     from json_to_recordset($1::json) as r(name text, subscriber text, key text, "remoteId" text) join syncflow.link l
       on l.subscriber = r.subscriber and (l.key = r.key or l.remote_id = r."remoteId")
     order by l.id for share of l`,
    },
    [JSON.stringify(awaited)],
  );
  return new Map(rows.map((row) => [row.name, row.standing]));
}

/** The link that another one waits for. */
export interface Awaited {
  readonly name: string;
  readonly subscriber: string;
  readonly key?: string;
  readonly remoteId?: string;
}

/** How a link that others wait for is named in `waits_for`. */
export const awaitedByKey = (subscriber: string, key: string): string => `${subscriber}:${key}`;
export const awaitedByRemote = (subscriber: string, remoteId: string): string => `${subscriber}@${remoteId}`;

/** Makes due whatever waited for these links. */
export async function wakeWaiting(tx: Queryable, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-wake-waiting',
      text: `update syncflow.link set due_at = clock_timestamp(), waits_for = null, parked_code = null, parked_reason = null, parked_at = null,
          generation = generation + 1
        where waits_for in (select value from json_array_elements_text($1::json))`,
    },
    [JSON.stringify(names)],
  );
}
