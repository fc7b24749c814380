/** What a generator of subscribers knows of a main class. */
import type { CatalogClass, TableInfo } from '../../catalog/catalog.js';
import type { FieldInfo } from '../../catalog/fields.js';
import { limitsOf } from '../../catalog/limits.js';

export interface MainShape {
  readonly className: string;
  readonly name: string;
  readonly fields: readonly FieldInfo[];
  readonly child: { readonly name: string; readonly fields: readonly FieldInfo[] } | undefined;
}

const withoutKey = (table: TableInfo, parent?: string): FieldInfo[] =>
  table.columns.filter((field) => !table.key.includes(field.name) && field.name !== parent);

export function shapeOf(main: CatalogClass, className: string): MainShape {
  const { definition } = main;
  const [child] = definition.children;
  return {
    className,
    name: definition.name,
    fields: withoutKey(definition),
    child: child === undefined ? undefined : { name: child.name, fields: withoutKey(child, child.parent) },
  };
}

/** The TypeScript type of a field's value in JSON. */
export function jsonType(field: FieldInfo): string {
  const base = scalarType(field);
  return field.nullable || field.optional ? `${base} | null` : base;
}

function scalarType(field: FieldInfo): string {
  if (field.references !== undefined) return 'string';
  switch (field.column.kind) {
    case 'integer':
    case 'float':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'json':
      return 'unknown';
    default:
      return 'string';
  }
}

export const isChoice = (field: FieldInfo): boolean => (limitsOf(field.schema).values?.length ?? 0) > 0;

/** A line of a mapping: what stands in `this.map({ … })`, or a comment. */
export interface MappingLine {
  readonly code: string;
  /** Names that it needs from `syncflow`. */
  readonly imports: readonly string[];
}
