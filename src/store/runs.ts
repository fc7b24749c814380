/** Long runs (backfill, verify): their progress, so that they go on where they stopped. */
import type { Queryable } from './database.js';

/** The open run of a kind, or a new one. Undefined where one is finished already and `again` isn't asked for. */
export async function openRun<P extends object>(
  db: Queryable,
  subscriber: string,
  kind: string,
  initial: P,
  again: boolean,
): Promise<{ id: string; progress: P } | undefined> {
  const [last] = await db.query<{ id: string; progress: string; finished: boolean }>(
    `select id::text as id, progress::text as progress, finished_at is not null as finished
     from syncflow.run where subscriber = $1 and kind = $2 order by id desc limit 1`,
    [subscriber, kind],
  );
  if (last !== undefined && !last.finished) return { id: last.id, progress: JSON.parse(last.progress) as P };
  if (last !== undefined && !again) return undefined;
  const [made] = await db.query<{ id: string }>(
    'insert into syncflow.run (subscriber, kind, progress) values ($1, $2, $3::json) returning id::text as id',
    [subscriber, kind, JSON.stringify(initial)],
  );
  return made === undefined ? undefined : { id: made.id, progress: initial };
}

export async function saveRun(db: Queryable, id: string, progress: object): Promise<void> {
  await db.query('update syncflow.run set progress = $2::json where id = $1', [id, JSON.stringify(progress)]);
}

export async function finishRun(db: Queryable, id: string): Promise<void> {
  await db.query('update syncflow.run set finished_at = clock_timestamp() where id = $1', [id]);
}
