/** What the hub's refusal of a statement on a catalog's rows means, in words: the table has changed since, a right is lacking, a value doesn't fit. */
import type { CatalogDefinition } from '../catalog/catalog.js';
import { SyncflowError, messageOf } from '../errors.js';
import { sqlState, type Queryable, type SqlValue, type Statement } from './database.js';

/** Runs a statement on a catalog's tables. */
export async function ask<R extends object>(
  definition: CatalogDefinition,
  db: Queryable,
  statement: Statement,
  params?: readonly SqlValue[],
): Promise<R[]> {
  try {
    return await db.query<R>(statement, params);
  } catch (error) {
    throw explainTable(definition, error);
  }
}

/** A `table` error for a table or column that isn't there, or a right that is lacking; anything else as it is. */
function explainTable(definition: CatalogDefinition, error: unknown): unknown {
  const { name, schema, table } = definition;
  const refused = (what: string, hint: string): SyncflowError =>
    new SyncflowError('table', `${name}: ${what}: ${messageOf(error)}`, {
      hint,
      context: { catalog: name, table, sqlState: sqlState(error) },
      cause: error,
    });
  switch (sqlState(error)) {
    case '42703':
      return refused(
        `a column of ${schema}.${table} is not as the catalog says`,
        'Was it renamed or dropped? Change the fields of the catalog, or the table. syncflow doctor names every difference.',
      );
    case '42P01':
      return refused(
        `the table ${schema}.${table} is not as the catalog says`,
        'Was it renamed or dropped? syncflow doctor says where it went, and what to do.',
      );
    case '42501':
      return refused(
        `the hub's role lacks a right on ${schema}.${table}`,
        'syncflow doctor names the role and the right, with the GRANT that gives it.',
      );
    default:
      return error;
  }
}

/** Values that the declared type allows and the column refuses. Other SQL errors (unique, foreign key, …) stay as they are. */
export function explainValue({ name }: CatalogDefinition, error: unknown): unknown {
  const state = sqlState(error);
  if (state === undefined || !/^22/.test(state)) return error;
  return new SyncflowError('mapping', `${name}: a value can't be stored: ${messageOf(error)}`, {
    hint: "The column's type is narrower than the field's: widen the column, or validate the field.",
    context: { catalog: name, sqlState: state },
    cause: error,
  });
}
