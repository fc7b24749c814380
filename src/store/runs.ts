/** Long runs (backfill, verify): their progress, so that they go on where they stopped. */
import type { Database, Queryable } from './database.js';

/** Two workers that start at once open one run between them. Held until the transaction ends. */
async function ourTurn(tx: Queryable): Promise<void> {
  await tx.query({
    name: 'syncflow-run-turn',
    text: `select pg_advisory_xact_lock(hashtext('syncflow'), hashtext('run'))`,
  });
}

const lastRun = {
  name: 'syncflow-last-run',
  text: `select id::text as id, progress::text as progress, finished_at is not null as finished
    from syncflow.run where subscriber = $1 and kind = $2 order by id desc limit 1`,
};

/** Opens a run for each of these subscribers that never had one of that kind. */
export async function openFirstRuns(
  db: Database,
  subscribers: readonly string[],
  kind: string,
  initial: object,
): Promise<void> {
  await db.transaction(async (tx) => {
    await ourTurn(tx);
    await tx.query(
      {
        name: 'syncflow-open-first-runs',
        text: `insert into syncflow.run (subscriber, kind, progress) select s.value, $2, $3::json from json_array_elements_text($1::json) s
       where not exists (select from syncflow.run r where r.subscriber = s.value and r.kind = $2)`,
      },
      [JSON.stringify(subscribers), kind, JSON.stringify(initial)],
    );
  });
}

/**
 * `first`: unless one was ever finished. `owed`: the one that is open, else a new one. `anew`: a new one; what is open has read pages
 * that may have changed since, and gives way.
 */
export type RunMode = 'first' | 'owed' | 'anew';

/** The run to go on with; undefined where there is nothing to do. */
export function openRun<P extends object>(
  db: Database,
  subscriber: string,
  kind: string,
  initial: P,
  mode: RunMode,
): Promise<{ id: string; progress: P } | undefined> {
  return db.transaction(async (tx) => {
    await ourTurn(tx);
    const [last] = await tx.query<{ id: string; progress: string; finished: boolean }>(lastRun, [subscriber, kind]);
    if (last !== undefined && !last.finished && mode !== 'anew')
      return { id: last.id, progress: { ...initial, ...(JSON.parse(last.progress) as Partial<P>) } };
    if (last?.finished === true && mode === 'first') return undefined;
    return { id: await beginRun(tx, subscriber, kind), progress: initial };
  });
}

/** Begins a run anew: one that is still open has seen too little, and gives way (a first load is then still to come). */
export async function beginRun(tx: Queryable, subscriber: string, kind: string): Promise<string> {
  await tx.query(
    {
      name: 'syncflow-drop-open-run',
      text: `delete from syncflow.run where subscriber = $1 and kind = $2 and finished_at is null`,
    },
    [subscriber, kind],
  );
  const [made] = await tx.query<{ id: string }>(
    {
      name: 'syncflow-begin-run',
      text: 'insert into syncflow.run (subscriber, kind) values ($1, $2) returning id::text as id',
    },
    [subscriber, kind],
  );
  if (made === undefined) throw new Error('an insert returned no row');
  return made.id;
}

/** How far the open run of a kind is; undefined where none is open. */
export async function openProgress<P extends object>(
  db: Queryable,
  subscriber: string,
  kind: string,
): Promise<Partial<P> | undefined> {
  const [last] = await db.query<{ progress: string; finished: boolean }>(lastRun, [subscriber, kind]);
  return last === undefined || last.finished ? undefined : (JSON.parse(last.progress) as Partial<P>);
}

/** First loads that waited for a plan wait no longer. */
export async function endWaitForPlans(db: Queryable, subscribers: readonly string[], initial: object): Promise<void> {
  await db.query(
    {
      name: 'syncflow-end-wait-for-plans',
      text: `update syncflow.run set progress = $2::json where kind = 'backfill' and finished_at is null and progress->>'awaits' = 'plan'
        and subscriber in (select value from json_array_elements_text($1::json))`,
    },
    [JSON.stringify(subscribers), JSON.stringify(initial)],
  );
}

/** How the last run of a kind stands; undefined where there was none. */
export async function standingOf(
  db: Queryable,
  subscriber: string,
  kind: string,
): Promise<'open' | 'finished' | undefined> {
  const [last] = await db.query<{ finished: boolean }>(
    {
      name: 'syncflow-run-standing',
      text: `select finished_at is not null as finished from syncflow.run where subscriber = $1 and kind = $2 order by id desc limit 1`,
    },
    [subscriber, kind],
  );
  return last === undefined ? undefined : last.finished ? 'finished' : 'open';
}

export async function saveRun(db: Queryable, id: string, progress: object): Promise<void> {
  await db.query({ name: 'syncflow-save-run', text: 'update syncflow.run set progress = $2::json where id = $1' }, [
    id,
    JSON.stringify(progress),
  ]);
}

export async function finishRun(db: Queryable, id: string): Promise<void> {
  await db.query(
    { name: 'syncflow-finish-run', text: 'update syncflow.run set finished_at = clock_timestamp() where id = $1' },
    [id],
  );
}
