/** People who edit records while something else goes on, and how long each edit took to its system. */
import type pg from 'pg';
import type { Hub } from '../harness/hub.js';
import { sharedClockMs } from '../harness/remote.js';

export interface LiveRecords {
  /** The first of their ids; nobody else writes them. */
  readonly from: number;
  readonly count: number;
  /** So many people, each with records of their own. */
  readonly writers: number;
  /** Rest of each between two edits, on average. */
  readonly restMs: number;
}

export interface LiveFigures {
  /** Commit to arrival of each edit. */
  readonly latencies: readonly number[];
  /** What each statement with its commit took. */
  readonly statements: readonly number[];
}

interface Edit {
  readonly record: number;
  readonly turn: number;
  readonly committedMs: number;
}

/** Its sessions are named so. */
export const liveName = 'bench live';

let turns = 0;

/** Edits until `done` says so, and waits until the last edit has arrived. An edit that was overtaken by a later one of its record arrived with that. */
export async function editLive(
  hub: Hub,
  remoteUrl: string,
  records: LiveRecords,
  done: (edits: number) => boolean,
): Promise<LiveFigures> {
  const statements: number[] = [];
  const open = new Map<number, Edit[]>();
  let edits = 0;
  const clients = await Promise.all(Array.from({ length: records.writers }, () => hub.pool.connect()));
  const each = Math.floor(records.count / records.writers);
  const write = async (client: pg.PoolClient, first: number): Promise<void> => {
    await client.query(`set application_name = '${liveName}'`);
    for (let n = 0; !done(edits); n++) {
      const record = first + (n % each);
      const turn = ++turns;
      const started = sharedClockMs();
      await client.query({
        name: 'live-edit',
        text: 'update customer set city = $2 where id = $1',
        values: [record, `live ${record} ${turn}`],
      });
      const committedMs = sharedClockMs();
      edits += 1;
      statements.push(committedMs - started);
      open.set(record, [...(open.get(record) ?? []), { record, turn, committedMs }]);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 * records.restMs));
    }
  };
  try {
    await Promise.all(clients.map((client, index) => write(client, records.from + index * each)));
  } finally {
    for (const client of clients) client.release(true);
  }
  return { statements, latencies: await arrived(remoteUrl, open) };
}

async function arrived(remoteUrl: string, open: Map<number, Edit[]>): Promise<number[]> {
  const latencies: number[] = [];
  const deadline = sharedClockMs() + 60_000;
  while (open.size > 0) {
    const told = (await (await fetch(`${remoteUrl}/arrivals`)).json()) as [city: string, atMs: number][];
    for (const [city, atMs] of told) {
      const [, record = 0, turn = 0] = city.split(' ').map(Number);
      const waiting = open.get(record) ?? [];
      // an answer may be there before the client has heard of its own commit
      for (const one of waiting) if (one.turn <= turn) latencies.push(Math.max(0, atMs - one.committedMs));
      const left = waiting.filter((one) => one.turn > turn);
      if (left.length > 0) open.set(record, left);
      else open.delete(record);
    }
    if (sharedClockMs() > deadline) throw new Error(`${open.size} records that were edited have not arrived`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return latencies;
}
