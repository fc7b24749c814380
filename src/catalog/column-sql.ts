/** SQL fragments that depend on a column's declared type and on the type it really has. */
import { quoteIdentifier } from '../store/database.js';
import type { TableInfo } from './catalog.js';
import type { FieldInfo } from './fields.js';
import { selectExpression, sqlType, type ColumnType } from './values.js';

/** The SQL type each column really has, as a cast may name it: `int4`, `varchar`, or an enum's quoted name. A domain's base type. */
export interface TableShape {
  readonly columns: Readonly<Record<string, string>>;
}

/** `"schema"."table"`. */
export function tableName(table: { readonly schema: string; readonly table: string }): string {
  return `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.table)}`;
}

export function fieldOf(table: TableInfo, name: string): FieldInfo {
  const field = table.columns.find((one) => one.name === name);
  if (field === undefined) throw new Error(`${table.table} has no field ${name}`); // definitions are checked when they are made
  return field;
}

/** The type to which a parameter for this column is cast, so that comparisons use its index. */
export function castType(field: FieldInfo, shape: TableShape | undefined): string {
  return shape?.columns[field.name] ?? sqlType(field.column);
}

/** The column as text that doesn't depend on the session. A `timestamp` without time zone holds UTC. */
export function readExpression(type: ColumnType, actualType: string, column: string): string {
  if (type.kind === 'timestamp' && actualType === 'timestamp')
    return `to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  return selectExpression(type, column);
}

/** One part of a record key as text: exactly what `toCanonical` makes of the value. */
export function keyPartExpression(type: ColumnType, actualType: string, column: string): string {
  switch (type.kind) {
    case 'timestamp':
      return `regexp_replace(${readExpression(type, actualType, column)}, '\\.?0+Z$', 'Z')`;
    case 'decimal':
      return type.scale === undefined ? `trim_scale(${column})::text` : `round(${column}, ${type.scale})::text`;
    default:
      return readExpression(type, actualType, column);
  }
}

/** The record key (see `formatKey`) of a row with the given alias. */
export function keyExpression(table: TableInfo, shape: TableShape | undefined, alias: string): string {
  const parts = table.key.map((name) => {
    const field = fieldOf(table, name);
    return keyPartExpression(field.column, castType(field, shape), `${alias}.${quoteIdentifier(name)}`);
  });
  return `json_build_array(${parts.join(', ')})::text`;
}
