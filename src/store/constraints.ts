/** What a broken constraint of the hub means to whoever wrote, in words. */
import type { CatalogDefinition } from '../catalog/catalog.js';
import { SyncflowError } from '../errors.js';
import { sqlState } from './database.js';

/** What both drivers tell of it. Their `detail` holds values, so that it stays in the cause. */
interface Broken {
  readonly constraint?: string;
  readonly table?: string;
  readonly column?: string;
}

/** A `validation` error for a driver's error of class 23 (integrity constraint violation); anything else as it is. */
export function explainConstraint(definition: CatalogDefinition, error: unknown): unknown {
  const state = sqlState(error);
  if (state?.startsWith('23') !== true) return error;
  const { constraint, table, column } = error as Broken;
  const own = [definition.table, ...definition.children.map((child) => child.table)];
  const { problem, hint } = describe(state, { table: table ?? definition.table, column, own });
  const name = constraint === undefined ? '' : `: the constraint "${constraint}"`;
  return new SyncflowError('validation', `${definition.name}: ${problem}${name}`, {
    hint: `Nothing was written. ${hint}`,
    context: { catalog: definition.name, sqlState: state, constraint, table },
    cause: error,
  });
}

interface Place {
  readonly table: string;
  readonly column: string | undefined;
  /** The catalog's tables: a foreign key of another one is somebody who refers to this record. */
  readonly own: readonly string[];
}

function describe(state: string, { table, column, own }: Place): { problem: string; hint: string } {
  switch (state) {
    case '23503':
    case '23001':
      return own.includes(table)
        ? {
            problem: 'a record that it refers to is not there, or is still referred to',
            hint: 'Save the record that is referred to first; delete it last.',
          }
        : {
            problem: `rows of "${table}" still refer to it`,
            hint: `Delete those of "${table}" first, or let them refer to another record.`,
          };
    case '23505':
      return { problem: `"${table}" has a record with this value already`, hint: 'Give a value that no other has.' };
    case '23502':
      return { problem: `"${table}"."${column ?? '?'}" must have a value`, hint: 'Give it one, or a default.' };
    default:
      return { problem: `"${table}" refuses the values`, hint: 'Correct the values that the constraint checks.' };
  }
}
