import type { Database, Queryable } from '../../src/store/database.js';

/** A hub whose transactions are counted; closing it leaves it open. */
export function counting(db: Database): { db: Database; transactions: () => number } {
  let transactions = 0;
  const counted = Object.create(db, {
    transaction: {
      value: (work: (tx: Queryable) => Promise<unknown>, options?: object) => {
        transactions += 1;
        return db.transaction(work, options);
      },
    },
    query: { value: (...args: Parameters<Database['query']>) => db.query(...args) },
    listen: { value: (...args: Parameters<Database['listen']>) => db.listen(...args) },
    execute: { value: (sql: string) => db.execute(sql) },
    open: { value: async () => undefined },
    close: { value: async () => undefined },
  }) as Database;
  return { db: counted, transactions: () => transactions };
}
