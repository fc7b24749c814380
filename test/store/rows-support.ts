import { z } from 'zod';
import type { CatalogDefinition } from '../../src/catalog/catalog.js';
import { readShape } from '../../src/catalog/table.js';
import type { Queryable } from '../../src/store/database.js';
import { HubRows } from '../../src/store/rows.js';
import { RowsSql } from '../../src/store/rows-sql.js';

export { Catalog, type AnyRecord, type CatalogDefinition } from '../../src/catalog/catalog.js';

/** A decimal without limits. */
export function decimalOf(): z.ZodString {
  return z.string().meta({ syncflow: { column: { kind: 'decimal' } } });
}

/** The rows of a catalog whose tables exist. */
export async function rowsOf(db: Queryable, definition: CatalogDefinition): Promise<HubRows> {
  const none = { columns: {} };
  const children = await Promise.all(
    definition.children.map(async (child) => [child.name, (await readShape(db, child)) ?? none] as const),
  );
  const shapes = { table: (await readShape(db, definition)) ?? none, children: Object.fromEntries(children) };
  return new HubRows(definition, new RowsSql(definition, shapes));
}
