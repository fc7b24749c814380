/** From tables to main classes: names, references in an order that compiles, child rows. Pure. */
import type { FoundColumn, FoundReference, FoundTable } from '../../store/introspect.js';
import { absence, fieldOfColumn } from './column.js';
import { catalogNameOf, classNameOf, quoted, unique } from './names.js';

export interface FieldDraft {
  readonly name: string;
  readonly code: string;
  readonly note?: string;
}

export interface LeftOut {
  readonly name: string;
  readonly why: string;
  /** NOT NULL without a default: whoever inserts must give it. */
  readonly needed: boolean;
}

export interface TableDraft {
  readonly table: string;
  readonly key: readonly string[];
  readonly fields: readonly FieldDraft[];
  readonly leftOut: readonly LeftOut[];
  /** A trigger runs before each insert. */
  readonly fillsOnInsert: boolean;
}

export interface ChildDraft extends TableDraft {
  readonly name: string;
  readonly parent: string;
}

export interface CatalogDraft extends TableDraft {
  readonly className: string;
  readonly name: string;
  readonly schema: string;
  readonly children: readonly ChildDraft[];
  /** Names from `syncflow` that its fields need. */
  readonly imports: readonly string[];
  /** Main classes of other files: import them. */
  readonly classes: readonly string[];
}

export const tableId = ({ schema, table }: { schema: string; table: string }): string =>
  schema === 'public' ? table : `${schema}.${table}`;

/** Why a table can't be a catalog; undefined where it can. */
export function unfit(table: FoundTable): string | undefined {
  if (table.key === undefined) return 'it has neither a primary key nor a unique index over columns that are NOT NULL';
  for (const name of table.key) {
    const column = table.columns.find((one) => one.name === name);
    const field = column === undefined ? { leftOut: 'it is not there' } : fieldOfColumn(column, true);
    if ('leftOut' in field) return `its key has the column "${name}": ${field.leftOut}`;
    if (field.imports.includes('json')) return `its key has the column "${name}": JSON can't be a key`;
  }
  return undefined;
}

export interface ParentOf {
  readonly parent: FoundTable;
  readonly column: string;
  /** Deleted with its parent and named after it: taken as its child rows unless told otherwise. */
  readonly likely: boolean;
}

/** The tables whose rows a table's could be child rows of. */
export function possibleParents(table: FoundTable, tables: readonly FoundTable[]): ParentOf[] {
  const isReferred = tables.some((one) => one.references.some((reference) => tableId(reference) === tableId(table)));
  if (isReferred || table.key?.length !== 1 || unfit(table) !== undefined) return [];
  return table.references.flatMap((reference) => {
    const parent = tables.find((one) => tableId(one) === tableId(reference));
    const [column, ...more] = reference.columns;
    if (parent === undefined || parent === table || column === undefined || more.length > 0) return [];
    const required = table.columns.find((one) => one.name === column)?.required === true;
    if (
      !required ||
      table.key?.includes(column) === true ||
      !refersToKey(reference, parent) ||
      parent.schema !== table.schema
    )
      return [];
    const stem = parent.table.toLowerCase().replace(/s$/, '');
    return [{ parent, column, likely: reference.cascades && table.table.toLowerCase().startsWith(stem) }];
  });
}

function refersToKey(reference: FoundReference, target: FoundTable): boolean {
  return (
    target.key?.length === 1 && reference.targetColumns.length === 1 && target.key[0] === reference.targetColumns[0]
  );
}

export interface Selection {
  readonly table: FoundTable;
  readonly children: readonly { readonly table: FoundTable; readonly column: string }[];
}

/** Main classes in an order in which each comes after those that it refers to; in a circle the reference is made later. */
export function draftCatalogs(selections: readonly Selection[]): CatalogDraft[] {
  const classes = new Set<string>();
  const names = new Set<string>();
  const named = selections.map((selection) => {
    const { schema, table } = selection.table;
    const isOther = schema !== 'public' && selections.some((one) => one !== selection && one.table.table === table);
    const full = isOther ? `${schema}_${table}` : table;
    return { ...selection, className: unique(classNameOf(full), classes), name: unique(catalogNameOf(full), names) };
  });
  const byTable = new Map(named.map((one) => [tableId(one.table), one]));
  const ordered: Named[] = [];
  const visit = (one: Named, path: readonly Named[]): void => {
    if (ordered.includes(one) || path.includes(one)) return;
    for (const reference of [one.table, ...one.children.map((child) => child.table)].flatMap(
      (table) => table.references,
    )) {
      const target = byTable.get(tableId(reference));
      if (target !== undefined) visit(target, [...path, one]);
    }
    ordered.push(one);
  };
  for (const one of named) visit(one, []);
  return ordered.map((one, index) => draft(one, byTable, new Set(ordered.slice(0, index))));
}

interface Named extends Selection {
  readonly className: string;
  readonly name: string;
}

function draft(one: Named, byTable: ReadonlyMap<string, Named>, earlier: ReadonlySet<Named>): CatalogDraft {
  const imports = new Set<string>();
  const parts = (table: FoundTable, parent?: string): TableDraft =>
    draftTable(table, { byTable, earlier, imports, parent });
  const fieldNames = new Set(one.table.columns.map((column) => column.name));
  const children = one.children.map(({ table, column }): ChildDraft => {
    const rest = table.table.slice(one.table.table.replace(/s$/, '').length).replace(/^s?[_\s-]+/, '');
    const short = table.table.startsWith(one.table.table.replace(/s$/, '')) && rest !== '' ? rest : table.table;
    return { ...parts(table, column), name: unique(short, fieldNames), parent: column };
  });
  const { className, name, table } = one;
  return {
    ...parts(table),
    className,
    name,
    schema: table.schema,
    children,
    imports: [...imports].sort(),
    classes: [],
  };
}

interface Surroundings {
  readonly byTable: ReadonlyMap<string, Named>;
  readonly earlier: ReadonlySet<Named>;
  readonly imports: Set<string>;
  /** The column of child rows that holds their parent's key: no reference. */
  readonly parent: string | undefined;
}

function draftTable(table: FoundTable, around: Surroundings): TableDraft {
  const fields: FieldDraft[] = [];
  const leftOut: LeftOut[] = [];
  const key = table.key ?? [];
  for (const column of table.columns) {
    const field = fieldOfColumn(column, key.includes(column.name));
    if ('leftOut' in field) {
      const needed = column.required && !column.hasDefault && !column.generated;
      leftOut.push({ name: column.name, why: field.leftOut, needed });
      continue;
    }
    const code = column.name === around.parent ? undefined : referenceCode(table, column, around);
    if (code === undefined) for (const name of field.imports) around.imports.add(name);
    const note = field.note ?? compositeNote(table, column);
    fields.push({ name: column.name, code: code ?? field.code, ...(note === undefined ? {} : { note }) });
  }
  return { table: table.table, key, fields, leftOut, fillsOnInsert: table.fillsOnInsert };
}

function referenceCode(
  table: FoundTable,
  column: FoundColumn,
  { byTable, earlier, imports }: Surroundings,
): string | undefined {
  for (const reference of table.references) {
    const target = byTable.get(tableId(reference));
    if (reference.columns.length !== 1 || reference.columns[0] !== column.name) continue;
    if (target === undefined || !refersToKey(reference, target.table)) continue;
    const may = table.key?.includes(column.name) === true ? '' : absence(column);
    if (earlier.has(target)) {
      imports.add('references');
      return `references(${target.className})${may}`;
    }
    const keyColumn = target.table.columns.find((one) => one.name === target.table.key?.[0]);
    const key = keyColumn === undefined ? undefined : fieldOfColumn(keyColumn, true);
    if (key === undefined || 'leftOut' in key) continue;
    for (const name of [...key.imports, 'referencesLater', 'type CatalogClass']) imports.add(name);
    return `referencesLater((): CatalogClass => ${target.className}, ${key.code})${may}`;
  }
  return undefined;
}

function compositeNote(table: FoundTable, { name }: FoundColumn): string | undefined {
  const reference = table.references.find((one) => one.columns.length > 1 && one.columns.includes(name));
  if (reference === undefined) return undefined;
  return `with ${reference.columns
    .filter((one) => one !== name)
    .map(quoted)
    .join(', ')} it refers to ${tableId(reference)}, whose key has several fields: not followed`;
}
