/** A hub with something in between: what happens just before a statement, or just after a commit. */
import type { Database, SqlValue, Statement } from '../../src/store/database.js';

export interface Between {
  /** Before a statement of a transaction. */
  readonly before?: (statement: string) => Promise<void>;
  /** After a commit; what it throws is all that the engine hears of it. */
  readonly committed?: (statements: readonly string[]) => Promise<void>;
}

export function intercepted(db: Database, { before, committed }: Between): Database {
  return {
    description: db.description,
    shared: db.shared,
    open: () => db.open(),
    close: () => Promise.resolve(),
    execute: (sql) => db.execute(sql),
    query: (statement, params) => db.query(statement, params),
    listen: (channel, onNotify) => db.listen(channel, onNotify),
    async transaction(work, options) {
      const texts: string[] = [];
      const result = await db.transaction(
        (tx) =>
          work({
            query: async <R extends object>(statement: string | Statement, params?: readonly SqlValue[]) => {
              const text = typeof statement === 'string' ? statement : statement.text;
              texts.push(text);
              await before?.(text);
              return tx.query<R>(statement, params);
            },
          }),
        options,
      );
      await committed?.(texts);
      return result;
    },
  };
}
