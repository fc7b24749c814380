/** Tables of catalogs that aren't there: not made yet, or lost. */
import type { Queryable, Statement } from './database.js';
import type { RowStatements } from './rows-sql.js';

/** Reads of a table that isn't made yet: there is no row. Whoever wants to write is refused. */
export function emptyRows(refusal: () => Error): RowStatements {
  const refuse = (): never => {
    throw refusal();
  };
  const load = 'select null::text as c0, null::text as key from json_array_elements($1::json) where false';
  return {
    ...unreadableRows(refusal),
    load: (lock) => (lock === undefined ? { text: load } : refuse()),
    page: (hasStart): Statement =>
      hasStart ? refuse() : { text: 'select null::text as key where false and $1::int8 is null' },
    findEach: () => ({
      text: 'select 0::int4 as n, null::text as key from json_array_elements($1::json) where false and $2::int8 is null',
    }),
    count: () => ({ text: 'select 0 as count' }),
  };
}

/** Of a table that can't be read as its catalog says: every statement says why. */
export function unreadableRows(refusal: () => Error): RowStatements {
  const refuse = (): never => {
    throw refusal();
  };
  return {
    load: refuse,
    lock: refuse,
    page: refuse,
    findEach: refuse,
    count: refuse,
    insert: refuse,
    insertEach: refuse,
    updateEach: refuse,
    update: refuse,
    remove: refuse,
    softDelete: refuse,
    insertChildren: refuse,
    updateChildren: refuse,
    removeChildren: refuse,
  };
}

/** How many records of a catalog have a partner; 0 where Syncflow isn't installed. */
export async function countLinked(db: Queryable, catalog: string): Promise<number> {
  const [ledger] = await db.query<{ there: boolean }>("select to_regclass('syncflow.link') is not null as there");
  if (ledger?.there !== true) return 0;
  const [row] = await db.query<{ count: number }>(
    `select count(*)::int4 as count from syncflow.link
      where starts_with(subscriber, $1) and key is not null and remote_id is not null and state = 'linked'`,
    [`${catalog}/`],
  );
  return row?.count ?? 0;
}
