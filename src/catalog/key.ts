/** Record keys: the canonical text of every key field, as a JSON array. `["42"]`, `["acme", "7"]`. */
import { SyncflowError } from '../errors.js';
import { fromCanonical, toCanonical } from './values.js';
import type { TableInfo } from './catalog.js';

/** A key as it stands in marks and links. It equals what `json_build_array(k1::text, k2::text)::text` gives in SQL. */
export type RecordKey = string & { readonly __recordKey?: never };

/** Writes canonical key texts the way Postgres prints a JSON array of them. */
export function formatKey(parts: readonly string[]): RecordKey {
  return `[${parts.map((part) => JSON.stringify(part)).join(', ')}]`;
}

/** The canonical texts of a key. */
export function parseKey(key: RecordKey): string[] {
  return JSON.parse(key) as string[];
}

/** The key of a record. Throws `mapping` when a key field is absent. */
export function keyOfRecord(table: TableInfo, record: Readonly<Record<string, unknown>>): RecordKey {
  return formatKey(
    table.key.map((name) => {
      const column = table.columns.find((one) => one.name === name);
      const text = column === undefined ? null : toCanonical(column.column, record[name]);
      if (text === null) {
        throw new SyncflowError('mapping', `${table.table}: the key field "${name}" is missing`, {
          hint: `A key is ${table.key.length === 1 ? 'a value' : 'an object'} with ${table.key.join(', ')}.`,
        });
      }
      return text;
    }),
  );
}

/** The key fields of a key, as JavaScript values. */
export function keyFields(table: TableInfo, key: RecordKey): Record<string, unknown> {
  const parts = parseKey(key);
  return Object.fromEntries(
    table.key.map((name, index) => {
      const column = table.columns.find((one) => one.name === name);
      return [name, column === undefined ? null : fromCanonical(column.column, parts[index] ?? null)];
    }),
  );
}

/** A key for people: `42`, `acme/7`. */
export function showKey(key: RecordKey): string {
  return parseKey(key).join('/');
}

/** A key as an argument of the command line: `42`, `'["acme", "7"]'`, safe to paste into a shell. */
export function keyArgument(key: RecordKey): string {
  const [only = '', ...more] = parseKey(key);
  const text = more.length > 0 || only === '' || /^[-[]/.test(only) ? key : only;
  return /^[\w.:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
