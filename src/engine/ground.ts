/** The ground of every SQL hub: migrations, DDL and triggers. */
import type { CatalogDefinition } from '../catalog/catalog.js';
import { ensureTable, readShape, type TableShape } from '../catalog/table.js';
import { installTriggers } from '../capture/triggers.js';
import { SyncflowError } from '../errors.js';
import type { Database } from '../store/database.js';
import type { Ground } from '../store/ground.js';
import { migrate } from '../store/migrate.js';
import { RowsSql } from '../store/rows-sql.js';

export function groundOf(db: Database): Ground {
  return (
    db.ground ?? {
      migrate: () => migrate(db),
      prepareTables: async (definition) => {
        await ensureTable(db, definition);
        return rowsSql(db, definition);
      },
      capture: (definitions) => installTriggers(db, definitions),
    }
  );
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
  if (shape === undefined)
    throw new SyncflowError('table', `the table ${info.schema}.${info.table} is not there`, {
      hint: 'Run `syncflow migrate`.',
    });
  return shape;
}
