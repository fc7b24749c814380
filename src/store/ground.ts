/** What the engine stands on: the schema `syncflow`, and the tables of catalogs with the capture of their changes. */
import type { CatalogDefinition } from '../catalog/catalog.js';
import type { RowStatements } from './rows-sql.js';

/** SQL's is in `engine/ground.ts`. A hub that isn't SQL (the one of the simulation) brings its own. */
export interface Ground {
  migrate(): Promise<{ readonly applied: readonly string[] }>;
  /** Whether `migrate` has anything to do. Changes nothing. */
  standing(): Promise<'absent' | 'outdated' | 'newer' | 'ready'>;
  /**
   * The statements that read a catalog's rows, where nothing is to be made: of tables that aren't made yet they find none, and of those
   * that can't be read as the catalog says, each throws why; `whole`: they can.
   */
  readTables(definition: CatalogDefinition): Promise<{ readonly statements: RowStatements; readonly whole: boolean }>;
  /** Makes a catalog's tables, or checks them; returns the statements that read and write its rows. */
  prepareTables(definition: CatalogDefinition): Promise<RowStatements>;
  /** From then on every committed change of these catalogs leaves a mark. */
  capture(definitions: readonly CatalogDefinition[]): Promise<void>;
}
