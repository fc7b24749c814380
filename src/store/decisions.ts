/** What a person or an approved plan has decided about a side without a partner: noted on its link, carried out by its next pass. */
import type { RecordKey } from '../catalog/key.js';
import type { Queryable } from './database.js';
import { lockLinks, type Planned } from './links.js';

export interface Decision {
  readonly subscriber: string;
  readonly remoteId?: string;
  readonly key?: RecordKey;
  readonly planned: Planned;
}

/** Notes decisions about links that stand alone, by remote or by record. One that was left alone is taken up again. */
export async function noteDecisions(tx: Queryable, decisions: readonly Decision[]): Promise<void> {
  await note(
    tx,
    'remote',
    decisions.filter((one) => one.remoteId !== undefined),
  );
  await note(
    tx,
    'key',
    decisions.filter((one) => one.remoteId === undefined),
  );
}

async function note(tx: Queryable, by: 'remote' | 'key', rows: readonly Decision[]): Promise<void> {
  if (rows.length === 0) return;
  await lockLinks(tx, by, rows);
  const match =
    by === 'remote' ? 'l.remote_id = r."remoteId" and l.key is null' : 'l.key = r.key and l.remote_id is null';
  await tx.query(
    {
      name: `syncflow-note-decisions-by-${by}`,
      text: `update syncflow.link l set planned = r.planned, state = 'new' from json_to_recordset($1::json)
          as r(subscriber text, "remoteId" text, key text, planned json)
        where l.subscriber = r.subscriber and ${match} and l.state in ('new', 'excluded')`,
    },
    [JSON.stringify(rows)],
  );
}

/** A link that a person has decided on, and that no pass has made yet. */
export interface DecidedLink {
  readonly remoteId: string;
  readonly key: RecordKey;
}

/** Those that have to do with a remote, or with a record. */
export function findDecided(db: Queryable, subscriber: string, { key, remoteId }: DecidedLink): Promise<DecidedLink[]> {
  return db.query<DecidedLink & Record<string, unknown>>(
    {
      name: 'syncflow-find-decided',
      text: `select l.remote_id as "remoteId", l.planned->>'key' as key from syncflow.link l
        where l.subscriber = $1 and l.key is null and l.state = 'new' and l.remote_id is not null
          and l.planned->>'by' = 'person' and l.planned->>'do' = 'link' and (l.planned->>'key' = $2 or l.remote_id = $3)
        order by l.remote_id collate "C"`,
    },
    [subscriber, key, remoteId],
  );
}

/** How many links of a load still wait to be done, and how many are parked. */
export async function countLoading(db: Queryable, subscriber: string): Promise<{ waiting: number; parked: number }> {
  const [row] = await db.query<{ waiting: number; parked: number }>(
    {
      name: 'syncflow-count-loading',
      text: `select (count(*) filter (where due_at is not null and parked_code is null and not paused))::int as waiting,
          (count(*) filter (where parked_code is not null))::int as parked
        from syncflow.link where subscriber = $1 and (due_at is not null or parked_code is not null)`,
    },
    [subscriber],
  );
  return row ?? { waiting: 0, parked: 0 };
}
