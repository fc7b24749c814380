/**
 * Records remote ids for rivals, by group commit: what is handed in while a statement runs goes along with the next one. The
 * simplest way that is both durable before the job is done and fast.
 */
import type pg from 'pg';

export interface Recorded {
  readonly id: number;
  readonly remoteId: string;
}

export class Recorder {
  readonly #pool: pg.Pool;
  #waiting: { readonly row: Recorded; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  #writing = false;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Resolves once it is durable. */
  record(row: Recorded): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ row, resolve, reject });
      if (!this.#writing) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#writing = true;
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, 500);
      try {
        await recordAll(
          this.#pool,
          group.map(({ row }) => row),
        );
        for (const one of group) one.resolve();
      } catch (error) {
        for (const one of group) one.reject(error);
      }
    }
    this.#writing = false;
  }
}

/** The ids are kept where the handler would keep them: a table of its own, which is cheaper than a column of the user's table. */
export const remoteTable = 'create table remote (id bigint primary key, remote_id text not null unique)';

export async function recordAll(pool: pg.Pool, rows: readonly Recorded[]): Promise<void> {
  await pool.query({
    name: 'record-remotes',
    text: `insert into remote (id, remote_id) select * from json_to_recordset($1::json) as r(id bigint, "remoteId" text)
      on conflict (id) do update set remote_id = excluded.remote_id`,
    values: [JSON.stringify(rows)],
  });
}
