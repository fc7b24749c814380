/** Holds a catalog against its tables as they are: missing ones, lost ones, columns that differ. Changes nothing. */
import type { CatalogDefinition, TableInfo } from '../catalog/catalog.js';
import { compareTables, tablesOf } from '../catalog/table.js';
import { rowsSql } from '../engine/ground.js';
import { lostTables, lostWords } from '../engine/lost.js';
import { didYouMean } from '../errors.js';
import type { Database } from '../store/database.js';
import type { RowStatements } from '../store/rows-sql.js';
import type { Finding } from './finding.js';

export type TableProblem = Pick<Finding, 'level' | 'problem' | 'cure'>;

export interface TableCheck {
  /** Undefined where its rows can't be read. */
  readonly statements: RowStatements | undefined;
  readonly problems: readonly TableProblem[];
}

/** Where there is no hub to ask. */
export const unasked: TableCheck = { statements: undefined, problems: [] };

export async function checkTable(db: Database, definition: CatalogDefinition): Promise<TableCheck> {
  const { missing, problems, unreadable } = await compareTables(db, definition);
  const lost = missing.length === 0 ? [] : await lostTables(db, definition);
  const absent = missing.filter((table) => !lost.some((one) => one.table === table));
  const found = [
    ...problems.map((problem): TableProblem => ({ level: 'error', problem, cure: changeOne })),
    ...lost.map((one): TableProblem => ({ level: 'error', ...lostWords(definition, one) })),
  ];
  for (const table of absent) found.push(await absence(db, table));
  const isReadable = missing.length === 0 && !unreadable;
  return { statements: isReadable ? await rowsSql(db, definition) : undefined, problems: found };
}

const changeOne = 'Change the fields of the catalog, or the table by a migration of your own';

/** One that is spelt nearly like it stands beside: then it is a slip. Else it may well be that Syncflow is to make it. */
async function absence(db: Database, { schema, table }: TableInfo): Promise<TableProblem> {
  const near = didYouMean(table, await tablesOf(db, schema));
  const problem = `there is no table ${schema}.${table}`;
  if (near !== undefined) return { level: 'error', problem, cure: `Did you mean "${near}"? Then table: '${near}'` };
  return { level: 'warning', problem, cure: 'Is the name right (`table`, `schema`)? Then syncflow migrate makes it' };
}
