import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { timestamp } from '../../src/catalog/fields.js';
import { quoteIdentifier, type Database } from '../../src/store/database.js';

export interface Mark {
  readonly catalog: string;
  readonly key: string | null;
  readonly op: string;
  readonly old_key: string | null;
  readonly origin: string | null;
  readonly except_subscribers: string | null;
}

export const Item = Catalog({
  name: 'item',
  key: 'id',
  // Columns with the names of the trigger functions' own variables and of the mark's columns.
  fields: {
    id: z.int(),
    name: z.string().nullable(),
    edited_at: timestamp().nullable(),
    origin: z.string().nullable(),
    key: z.string().nullable(),
    marked: z.boolean().nullable(),
  },
}).definition;

export async function takeMarks(db: Database): Promise<Mark[]> {
  const marks = await db.query<Mark>(
    'select catalog, key, op::text as op, old_key, origin, except_subscribers from syncflow.mark order by id',
  );
  await db.execute('delete from syncflow.mark');
  return marks;
}

/** The marks as `op [old>]key`. */
export function short(marks: readonly Mark[]): string[] {
  return marks.map((mark) => `${mark.op} ${mark.old_key === null ? '' : `${mark.old_key}>`}${mark.key ?? 'all'}`);
}

export async function installedCount(db: Database, table: string): Promise<number> {
  const rows = await db.query<{ count: string }>(
    'select count(*) as count from pg_trigger where tgrelid = $1::regclass and not tgisinternal',
    [quoteIdentifier(table)],
  );
  return Number(rows[0]?.count);
}

/** Counts calls, and waits for the n-th. */
export function counter(): { ring: () => void; count: () => number; reached: (n: number) => Promise<void> } {
  let count = 0;
  const waiting: { n: number; resolve: () => void }[] = [];
  return {
    ring: () => {
      count++;
      for (const one of waiting) if (count >= one.n) one.resolve();
    },
    count: () => count,
    reached: (n) => new Promise((resolve) => (count >= n ? resolve() : waiting.push({ n, resolve }))),
  };
}
