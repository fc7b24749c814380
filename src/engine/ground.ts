/** The ground of every SQL hub: migrations, DDL and triggers. */
import type { CatalogDefinition } from '../catalog/catalog.js';
import { compareTables, ensureTable, misfit, readShape, type TableShape } from '../catalog/table.js';
import { installTriggers } from '../capture/triggers.js';
import { SyncflowError } from '../errors.js';
import { emptyRows, unreadableRows } from '../store/absent.js';
import type { Database } from '../store/database.js';
import type { Ground } from '../store/ground.js';
import { migrate, pendingMigrations } from '../store/migrate.js';
import { RowsSql, type RowStatements } from '../store/rows-sql.js';
import { lostError, lostTables } from './lost.js';

export function groundOf(db: Database): Ground {
  return (
    db.ground ?? {
      migrate: () => migrate(db),
      standing: async () => {
        const { names, newer, installed } = await pendingMigrations(db);
        if (!installed) return 'absent';
        return newer ? 'newer' : names.length > 0 ? 'outdated' : 'ready';
      },
      readTables: (definition) => readTables(db, definition),
      prepareTables: async (definition) => {
        const lost = await lostTables(db, definition);
        if (lost.length > 0) throw lostError(definition, lost);
        await ensureTable(db, definition);
        return rowsSql(db, definition);
      },
      capture: (definitions) => installTriggers(db, definitions),
    }
  );
}

async function readTables(
  db: Database,
  definition: CatalogDefinition,
): Promise<{ readonly statements: RowStatements; readonly whole: boolean }> {
  const { missing, problems, unreadable } = await compareTables(db, definition);
  if (missing.length === 0 && !unreadable) return { statements: await rowsSql(db, definition), whole: true };
  const refused = (refusal: () => SyncflowError) => ({ statements: unreadableRows(refusal), whole: false });
  if (missing.length === 0) return refused(() => misfit(definition, problems));
  const lost = await lostTables(db, definition);
  if (lost.length > 0) return refused(() => lostError(definition, lost));
  const refusal = (): SyncflowError => notMade(missing[0] ?? definition);
  return missing.includes(definition) ? { statements: emptyRows(refusal), whole: false } : refused(refusal);
}

/** Reads the shapes of a catalog's tables, which must be there. */
export async function rowsSql(db: Database, definition: CatalogDefinition): Promise<RowsSql> {
  const table = await requireShape(db, definition);
  const children: Record<string, TableShape> = {};
  for (const child of definition.children) children[child.name] = await requireShape(db, child);
  return new RowsSql(definition, { table, children });
}

async function requireShape(
  db: Database,
  info: CatalogDefinition | CatalogDefinition['children'][number],
): Promise<TableShape> {
  const shape = await readShape(db, info);
  if (shape === undefined) throw notMade(info);
  return shape;
}

function notMade(info: { readonly schema: string; readonly table: string }): SyncflowError {
  return new SyncflowError('table', `the table ${info.schema}.${info.table} is not there`, {
    hint: 'Is the name right? Then `syncflow migrate` makes it.',
  });
}
