/** A catalog's table: made where it is missing, checked where it exists. */
import { SyncflowError } from '../errors.js';
import { quoteIdentifier, sqlState, type Database, type Queryable } from '../store/database.js';
import type { CatalogDefinition, ChildInfo, TableInfo } from './catalog.js';
import { fieldOf, tableName, type TableShape } from './column-sql.js';
import type { FieldInfo } from './fields.js';
import { acceptedSqlTypes, sqlType } from './values.js';

export type { TableShape } from './column-sql.js';

/** Serialises those who make tables: two at once would clash in the system catalogs. */
const ddlLock = "select pg_advisory_xact_lock(hashtext('syncflow.table'))";
const ddlTimeoutMs = 30_000;

interface ColumnRow {
  readonly relkind: string;
  readonly name: string | null;
  readonly required: boolean;
  readonly has_default: boolean;
  readonly type: string;
  readonly type_schema: string;
  readonly type_kind: string;
  readonly type_name: string;
  readonly precision: number | null;
  readonly scale: number | null;
}

/** One row per column (one with a null name for a table without columns), domains resolved to their base type. */
const columnsStatement = {
  name: 'syncflow_table_columns',
  text: `
with recursive columns as (
  select c.oid as table_oid, c.relkind, a.attnum, a.attname, a.attnotnull, a.atthasdef or a.attidentity <> '' as has_default,
         a.atttypid as type_oid, a.atttypmod as typmod
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
   where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f')
), base as (
  select k.attnum, k.attnotnull as required, k.has_default, t.oid, t.typtype, t.typbasetype, k.typmod
    from columns k join pg_catalog.pg_type t on t.oid = k.type_oid
  union all
  select b.attnum, b.required or d.typnotnull, b.has_default or d.typdefault is not null, t.oid, t.typtype, t.typbasetype,
         case when b.typmod = -1 then d.typtypmod else b.typmod end
    from base b join pg_catalog.pg_type d on d.oid = b.oid and b.typtype = 'd' join pg_catalog.pg_type t on t.oid = d.typbasetype
)
select k.relkind::text as relkind, k.attname::text as name, coalesce(b.required, false) as required,
       coalesce(b.has_default, false) as has_default, coalesce(t.typname::text, '') as type, coalesce(n.nspname::text, '') as type_schema,
       coalesce(t.typtype::text, '') as type_kind, coalesce(pg_catalog.format_type(t.oid, b.typmod), '') as type_name,
       case when t.typname = 'numeric' and b.typmod >= 4 then ((b.typmod - 4) >> 16) & 65535 end as precision,
       case when t.typname = 'numeric' and b.typmod >= 4 then ((((b.typmod - 4) & 2047) # 1024) - 1024) end as scale
  from columns k
  left join base b on b.attnum = k.attnum and b.typtype <> 'd'
  left join pg_catalog.pg_type t on t.oid = b.oid
  left join pg_catalog.pg_namespace n on n.oid = t.typnamespace
 order by k.attnum`,
};

const uniqueKeysStatement = {
  name: 'syncflow_table_unique_keys',
  text: `
select json_agg(a.attname order by a.attname)::text as columns
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
 where n.nspname = $1 and c.relname = $2 and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
 group by i.indexrelid`,
};

/** The types that a table's columns really have; undefined when there is no such table. */
export async function readShape(db: Queryable, table: TableInfo): Promise<TableShape | undefined> {
  const rows = await readColumns(db, table);
  return rows === undefined ? undefined : shapeOf(rows);
}

function shapeOf(rows: readonly ColumnRow[]): TableShape {
  return { columns: Object.fromEntries(rows.flatMap((row) => (row.name === null ? [] : [[row.name, castName(row)]]))) };
}

function castName(row: ColumnRow): string {
  if (row.type_schema === 'pg_catalog' && /^[a-z_][a-z0-9_]*$/.test(row.type) && row.type !== 'char') return row.type;
  return `${quoteIdentifier(row.type_schema)}.${quoteIdentifier(row.type)}`;
}

async function readColumns(db: Queryable, table: TableInfo): Promise<ColumnRow[] | undefined> {
  const rows = await db.query<ColumnRow>(columnsStatement, [table.schema, table.table]);
  return rows.length === 0 ? undefined : rows;
}

/**
 * Makes the catalog's table and child tables where they are missing, and checks those that exist.
 * @throws SyncflowError `table` with every difference in one message. An existing table is never altered.
 */
export async function ensureTable(db: Database, definition: CatalogDefinition): Promise<'created' | 'fits'> {
  const { missing, problems } = await compareTables(db, definition);
  if (problems.length > 0) throw misfit(definition, problems);
  if (missing.length === 0) return 'fits';
  await createTables(db, definition, missing);
  return 'created';
}

/** How a catalog's tables differ from what it says. Changes nothing. */
export interface TableComparison {
  readonly missing: readonly TableInfo[];
  /** Of the tables that are there: every difference, with the table's name. */
  readonly problems: readonly string[];
  /** Some field has no column: nothing can be read. */
  readonly unreadable: boolean;
}

export async function compareTables(db: Queryable, definition: CatalogDefinition): Promise<TableComparison> {
  const tables: readonly (TableInfo | ChildInfo)[] = [definition, ...definition.children];
  const problems: string[] = [];
  const missing: TableInfo[] = [];
  let unreadable = false;
  for (const table of tables) {
    const rows = await readColumns(db, table);
    if (rows === undefined) missing.push(table);
    else {
      problems.push(...(await differences(db, table, rows)).map((one) => `${tableName(table)}: ${one}`));
      unreadable ||= table.columns.some((field) => !rows.some((row) => row.name === field.name));
    }
  }
  return { missing, problems, unreadable };
}

export function misfit(definition: CatalogDefinition, problems: readonly string[]): SyncflowError {
  return new SyncflowError(
    'table',
    `the catalog "${definition.name}" doesn't fit its table:\n${problems.map((one) => `- ${one}`).join('\n')}`,
    {
      hint: 'Change the table by a migration of your own, or the fields of the catalog. Syncflow never alters an existing table.',
      context: { catalog: definition.name, problems: problems.length },
    },
  );
}

/** Names of the tables of a schema. */
export async function tablesOf(db: Queryable, schema: string): Promise<string[]> {
  const rows = await db.query<{ name: string }>(
    `select c.relname::text as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relkind in ('r', 'p') order by 1`,
    [schema],
  );
  return rows.map(({ name }) => name);
}

/** Which tables lack a column that their catalog names, or aren't there: in one statement, for whoever asks often. */
export async function tablesWithoutColumns(
  db: Queryable,
  definitions: readonly CatalogDefinition[],
): Promise<string[]> {
  const wanted = definitions
    .flatMap((definition): TableInfo[] => [definition, ...definition.children])
    .flatMap(({ schema, table, columns }) => columns.map(({ name }) => ({ schema, table, column: name })));
  const rows = await db.query<{ name: string }>(
    `select distinct w.schema || '.' || w."table" as name
       from json_to_recordset($1::json) as w(schema text, "table" text, "column" text)
      where not exists (select from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = w."column" and a.attnum > 0 and not a.attisdropped
         where n.nspname = w.schema and c.relname = w."table" and c.relkind in ('r', 'p'))
      order by 1`,
    [JSON.stringify(wanted)],
  );
  return rows.map(({ name }) => name);
}

async function createTables(db: Database, definition: CatalogDefinition, missing: readonly TableInfo[]): Promise<void> {
  try {
    await db.transaction(
      async (tx) => {
        await tx.query(ddlLock);
        if (!(await schemaExists(tx, definition.schema)))
          await tx.query(`create schema ${quoteIdentifier(definition.schema)}`);
        for (const table of missing) {
          if ((await readColumns(tx, table)) !== undefined) continue; // another process made it meanwhile
          for (const statement of await createStatements(tx, definition, table)) await tx.query(statement);
        }
      },
      { lockTimeoutMs: ddlTimeoutMs },
    );
  } catch (error) {
    if (sqlState(error) !== '42501') throw error;
    throw new SyncflowError(
      'database',
      `the tables of the catalog "${definition.name}" can't be created: permission denied`,
      {
        hint: 'Create them by a migration of your own, or grant CREATE on the schema to the role of the hub URL.',
        cause: error,
      },
    );
  }
}

async function schemaExists(db: Queryable, schema: string): Promise<boolean> {
  return (await db.query('select 1 as found from pg_catalog.pg_namespace where nspname = $1', [schema])).length > 0;
}

async function createStatements(db: Queryable, definition: CatalogDefinition, table: TableInfo): Promise<string[]> {
  const parent = 'parent' in table ? (table as ChildInfo).parent : undefined;
  const lines: string[] = [];
  for (const field of table.columns) {
    lines.push(`${columnDefinition(table, field)}${await referenceClause(db, definition, table, field, parent)}`);
  }
  lines.push(`primary key (${table.key.map(quoteIdentifier).join(', ')})`);
  const create = `create table ${tableName(table)} (\n  ${lines.join(',\n  ')}\n)`;
  return parent === undefined ? [create] : [create, `create index on ${tableName(table)} (${quoteIdentifier(parent)})`];
}

function columnDefinition(table: TableInfo, field: FieldInfo): string {
  const column = `${quoteIdentifier(field.name)} ${sqlType(field.column)}`;
  const isKey = table.key.includes(field.name);
  if (isKey && table.key.length === 1 && field.references === undefined) {
    if (field.column.kind === 'integer' || field.column.kind === 'bigint')
      return `${column} generated by default as identity`;
    if (field.column.kind === 'uuid') return `${column} not null default gen_random_uuid()`;
  }
  return field.optional && !isKey ? column : `${column} not null`;
}

async function referenceClause(
  db: Queryable,
  definition: CatalogDefinition,
  table: TableInfo,
  field: FieldInfo,
  parent: string | undefined,
): Promise<string> {
  if (field.name === parent)
    return ` references ${tableName(definition)} (${definition.key.map(quoteIdentifier).join(', ')}) on delete cascade`;
  const target = field.references?.().definition;
  if (target === undefined) return '';
  const self = target.schema === table.schema && target.table === table.table;
  if (!self && (await readColumns(db, target)) === undefined) return '';
  return ` references ${tableName(target)} (${target.key.map(quoteIdentifier).join(', ')})`;
}

const kindNames: Readonly<Record<string, string>> = { v: 'a view', m: 'a materialised view', f: 'a foreign table' };

async function differences(db: Queryable, table: TableInfo, rows: readonly ColumnRow[]): Promise<string[]> {
  const kind = kindNames[rows[0]?.relkind ?? ''];
  if (kind !== undefined) return [`it is ${kind}; a catalog needs a table, for its triggers`];
  const byName = new Map(rows.map((row) => [row.name, row]));
  const problems: string[] = [];
  for (const field of table.columns) {
    const row = byName.get(field.name);
    const problem = row === undefined ? `missing: it should be ${sqlType(field.column)}` : columnProblem(field, row);
    if (problem !== undefined) problems.push(`column "${field.name}" ${problem}`);
  }
  for (const row of rows) {
    if (row.name === null || !row.required || row.has_default || table.columns.some((field) => field.name === row.name))
      continue;
    if (table.leftOut?.includes(row.name) === true) continue;
    problems.push(
      `column "${row.name}" is NOT NULL without a default, and not a field of the catalog: new rows from remotes would fail (name it in leftOut if a trigger fills it)`,
    );
  }
  if (table.key.every((name) => byName.has(name))) problems.push(...(await keyProblems(db, table, byName)));
  return problems;
}

async function keyProblems(
  db: Queryable,
  table: TableInfo,
  byName: ReadonlyMap<string | null, ColumnRow>,
): Promise<string[]> {
  const key = JSON.stringify([...table.key].sort());
  const unique = await db.query<{ columns: string }>(uniqueKeysStatement, [table.schema, table.table]);
  const isUnique = unique.some((row) => JSON.stringify((JSON.parse(row.columns) as string[]).sort()) === key);
  return [
    ...(isUnique
      ? []
      : [`the key (${table.key.join(', ')}) has no primary key or unique index of exactly these columns`]),
    ...table.key
      .filter((name) => byName.get(name)?.required !== true)
      .map((name) => `column "${name}" is part of the key, but may be NULL`),
    ...table.key
      .filter((name) => fieldOf(table, name).column.kind === 'json')
      .map((name) => `column "${name}": json can't be a key`),
  ];
}

function columnProblem(field: FieldInfo, row: ColumnRow): string | undefined {
  const accepted = acceptedSqlTypes[field.column.kind];
  const isEnum = field.column.kind === 'text' && row.type_kind === 'e';
  if (!isEnum && !accepted.includes(row.type))
    return `is ${row.type_name}, which can't hold ${sqlType(field.column)} (needs ${accepted.join(' or ')})`;
  if (field.column.kind === 'decimal' && row.precision !== null && row.scale !== null) {
    const { precision, scale = 0 } = field.column;
    if (precision === undefined) return `is ${row.type_name}, which would round: the field has no limits`;
    if (scale > row.scale) return `is ${row.type_name}, which would round ${sqlType(field.column)}`;
    if (precision - scale > row.precision - row.scale)
      return `is ${row.type_name}, which can't hold every ${sqlType(field.column)}`;
  }
  if (field.optional && row.required && !row.has_default)
    return 'is NOT NULL without a default, but the field may be absent or null';
  return undefined;
}

/**
 * After rows were inserted with keys of their own (an import): lets generated keys go on after the highest one, or the next
 * record that a remote creates would get a key that is taken. Waits for open writes to the table.
 */
export async function alignKeySequences(db: Database, definition: CatalogDefinition): Promise<void> {
  for (const table of [definition, ...definition.children]) {
    const [key, ...others] = table.key;
    if (key === undefined || others.length > 0) continue;
    await db.transaction(
      async (tx) => {
        const name = tableName(table);
        const [found] = await tx.query<{ sequence: string | null }>(
          'select pg_get_serial_sequence($1, $2) as sequence',
          [name, key],
        );
        if (found?.sequence === null || found?.sequence === undefined) return;
        await tx.query(`lock table ${name} in share row exclusive mode`);
        await tx.query(
          `select setval($1::regclass, greatest(nextval($1::regclass), (select coalesce(max(${quoteIdentifier(key)}), 0) from ${name})))`,
          [found.sequence],
        );
      },
      { lockTimeoutMs: ddlTimeoutMs },
    );
  }
}
