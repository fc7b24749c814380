/** Tables that were synced and are no longer there: renamed or dropped. An empty one in their place would seem to say that every record is gone. */
import { capturedBefore } from '../capture/triggers.js';
import type { CatalogDefinition, TableInfo } from '../catalog/catalog.js';
import { compareTables } from '../catalog/table.js';
import { SyncflowError } from '../errors.js';
import { countLinked } from '../store/absent.js';
import type { Queryable } from '../store/database.js';

export interface LostTable {
  readonly table: TableInfo;
  /** Records of its catalog that have a partner. */
  readonly linked: number;
  /** Where its triggers are now: `public.customer_old`. */
  readonly movedTo: string | undefined;
}

/** Those of a catalog's tables that are missing although its records are linked. A child table that was never captured is new. */
export async function lostTables(db: Queryable, definition: CatalogDefinition): Promise<LostTable[]> {
  const { missing } = await compareTables(db, definition);
  if (missing.length === 0) return [];
  const linked = await countLinked(db, definition.name);
  if (linked === 0) return [];
  const before = await capturedBefore(db, definition);
  return missing.flatMap((table) => {
    const places = before.get(table);
    if (table !== definition && places === undefined) return [];
    return [{ table, linked, movedTo: places?.[0] }];
  });
}

/** What is missing, in words, and what to do. */
export function lostWords(
  definition: CatalogDefinition,
  { table, linked, movedTo }: LostTable,
): { readonly problem: string; readonly cure: string } {
  const name = `${table.schema}.${table.table}`;
  const moved = movedTo === undefined ? '' : `, and its triggers are on ${movedTo}`;
  const records = linked === 1 ? '1 record' : `${linked} records`;
  return {
    problem: `the table ${name} is not there, though ${records} of the catalog "${definition.name}" ${linked === 1 ? 'is' : 'are'} linked${moved}: it isn't made anew, for that would be an empty one`,
    cure:
      movedTo === undefined
        ? `Was it renamed? Give the catalog its new name (\`table\`), or rename it back. Was it dropped? Restore it; or make it yourself, and every linked record counts as gone.`
        : `Was it renamed to ${movedTo}? Give the catalog that name (\`table\`), or rename it back.`,
  };
}

export function lostError(definition: CatalogDefinition, lost: readonly LostTable[]): SyncflowError {
  const words = lost.map((one) => lostWords(definition, one));
  return new SyncflowError('table', words.map(({ problem }) => problem).join('; '), {
    hint: [...new Set(words.map(({ cure }) => cure))].join(' '),
    context: { catalog: definition.name },
  });
}
