/** The SQL with which hub rows are read and written: pure text. Values go in as canonical text, cast to the column's real type. */
import { createHash } from 'node:crypto';
import type { CatalogDefinition, TableInfo } from '../catalog/catalog.js';
import { castType, fieldOf, keyExpression, readExpression, tableName, type TableShape } from '../catalog/column-sql.js';
import type { FieldInfo } from '../catalog/fields.js';
import { quoteIdentifier, type Statement } from './database.js';

/** Distinct names in use per set of rows: column subsets of updates could otherwise fill the server with prepared statements. */
const mostNames = 64;

export interface RowShapes {
  readonly table: TableShape;
  readonly children: Readonly<Record<string, TableShape>>;
}

/** `free`: rows that somebody else has locked are passed over, not waited for. */
export type RowLock = 'all' | 'free';

/** The statements on a catalog's rows, whichever hub answers them. */
export type RowStatements = Pick<RowsSql, keyof RowsSql>;

/** Builds statements; each distinct text gets a name of its own. */
export class RowsSql {
  readonly #definition: CatalogDefinition;
  readonly #shapes: RowShapes;
  readonly #names = new Set<string>();

  constructor(definition: CatalogDefinition, shapes: RowShapes) {
    this.#definition = definition;
    this.#shapes = shapes;
  }

  /** Columns: every field as c0…, then every child collection as a JSON array of arrays of texts. `$1`: JSON array of keys. */
  load(lock: RowLock | undefined): Statement {
    const definition = this.#definition;
    const fields = this.#readList(definition, this.#shapes.table, 't').map((one, index) => `${one} as c${index}`);
    const parentKey = definition.key[0] ?? '';
    const children = definition.children.map((child, index) => {
      const columns = this.#readList(child, this.#shape(child.name), 'r').join(', ');
      const order = child.key.map((name) => `r.${quoteIdentifier(name)}`).join(', ');
      const match = `r.${quoteIdentifier(child.parent)} = t.${quoteIdentifier(parentKey)}`;
      return `(select json_agg(json_build_array(${columns}) order by ${order})::text from ${tableName(child)} r where ${match}) as child${index}`;
    });
    const tail = lock === undefined ? '' : this.#lockClause(lock);
    return this.#named(`select ${[...fields, ...children].join(', ')} from ${this.#keysJoin()}${tail}`);
  }

  /** Locks the rows; returns their keys. */
  lock(lock: RowLock): Statement {
    return this.#named(`select ${this.#key('t')} as key from ${this.#keysJoin()}${this.#lockClause(lock)}`);
  }

  page(hasStart: boolean): Statement {
    const definition = this.#definition;
    const columns = definition.key.map((name) => `t.${quoteIdentifier(name)}`);
    const start = definition.key.map(
      (name, index) => `$${index + 2}::${castType(fieldOf(definition, name), this.#shapes.table)}`,
    );
    const where = hasStart ? ` where (${columns.join(', ')}) > (${start.join(', ')})` : '';
    const from = `select ${this.#key('t')} as key from ${tableName(definition)} t`;
    return this.#named(`${from}${where} order by ${columns.join(', ')} limit $1::int8`);
  }

  /** `$1`: JSON array of searches, each an array of canonical texts, without those that must be NULL. `$2`: keys of each at most. */
  findEach(shape: readonly { readonly field: FieldInfo; readonly isNull: boolean }[]): Statement {
    let place = 0;
    const conditions = shape.map(({ field, isNull }) => {
      const column = `t.${quoteIdentifier(field.name)}`;
      if (isNull) return `${column} is null`;
      const text = `(e.v->>${place++})`;
      if (field.column.kind === 'json') return `${column}::jsonb = ${text}::jsonb`;
      return `${column} = ${text}::${castType(field, this.#shapes.table)}`;
    });
    const order = this.#definition.key.map((name) => `t.${quoteIdentifier(name)}`).join(', ');
    return this.#named(
      `select f.n, f.key from (
        select e.n::int4 as n, ${this.#key('t')} as key, row_number() over (partition by e.n order by ${order}) as place
        from json_array_elements($1::json) with ordinality e (v, n) join ${tableName(this.#definition)} t on ${conditions.join(' and ')}
      ) f where f.place <= $2::int8 order by f.n, f.place`,
    );
  }

  count(): Statement {
    return this.#named(`select count(*) as count from ${tableName(this.#definition)}`);
  }

  insert(fields: readonly FieldInfo[]): Statement {
    const definition = this.#definition;
    const target = `insert into ${tableName(definition)} as t`;
    const values = fields.map((field, index) => `$${index + 1}::${castType(field, this.#shapes.table)}`).join(', ');
    const what = fields.length === 0 ? 'default values' : `(${columnList(fields)}) values (${values})`;
    return this.#named(`${target} ${what} returning ${this.#key('t')} as key`);
  }

  /** `$1`: JSON array of rows, each an array of the fields' texts. Returns their keys in the same order. */
  insertEach(fields: readonly FieldInfo[]): Statement {
    const definition = this.#definition;
    return this.#named(
      `insert into ${tableName(definition)} as t (${columnList(fields)}) select ${this.#eachValue(fields).join(', ')}
       from json_array_elements($1::json) with ordinality e (v, n) order by e.n returning ${this.#key('t')} as key`,
    );
  }

  /** `$1`: JSON array of rows: the fields' texts (fields in `defaults` have none), then the parts of the key. */
  updateEach(fields: readonly FieldInfo[], defaults: readonly FieldInfo[]): Statement {
    const definition = this.#definition;
    const values = this.#eachValue(fields);
    const sets = [
      ...fields.map((field, index) => `${quoteIdentifier(field.name)} = ${values[index] ?? ''}`),
      ...defaults.map((field) => `${quoteIdentifier(field.name)} = default`),
    ];
    const keys = definition.key.map((name, index) => {
      const type = castType(fieldOf(definition, name), this.#shapes.table);
      return `t.${quoteIdentifier(name)} = (e.v->>${fields.length + index})::${type}`;
    });
    return this.#named(
      `update ${tableName(definition)} as t set ${sets.join(', ')} from json_array_elements($1::json) with ordinality e (v, n)
       where ${keys.join(' and ')} returning e.n::int4 as n, ${this.#key('t')} as key`,
    );
  }

  /** `$1…` the new values (fields in `defaults` have none), then the parts of the key. */
  update(fields: readonly FieldInfo[], defaults: readonly FieldInfo[]): Statement {
    const sets = [
      ...fields.map(
        (field, index) => `${quoteIdentifier(field.name)} = $${index + 1}::${castType(field, this.#shapes.table)}`,
      ),
      ...defaults.map((field) => `${quoteIdentifier(field.name)} = default`),
    ];
    const where = this.#whereKey(fields.length + 1);
    return this.#named(
      `update ${tableName(this.#definition)} as t set ${sets.join(', ')} where ${where} returning ${this.#key('t')} as key`,
    );
  }

  remove(): Statement {
    return this.#named(`delete from ${tableName(this.#definition)} t where ${this.#whereKey(1)}`);
  }

  softDelete(field: FieldInfo): Statement {
    const column = quoteIdentifier(field.name);
    const isBoolean = field.column.kind === 'boolean';
    const now =
      castType(field, this.#shapes.table) === 'timestamp'
        ? "clock_timestamp() at time zone 'UTC'"
        : 'clock_timestamp()';
    const set = `${column} = ${isBoolean ? 'true' : now}`;
    const unset = isBoolean ? `t.${column} is not true` : `t.${column} is null`;
    return this.#named(`update ${tableName(this.#definition)} as t set ${set} where ${this.#whereKey(1)} and ${unset}`);
  }

  /** `$1`: JSON array of rows, each an array of the fields' texts. */
  insertChildren(child: number, fields: readonly FieldInfo[]): Statement {
    const { info, shape } = this.#child(child);
    const values = fields.map((field, index) => `(e.v->>${index})::${castType(field, shape)}`).join(', ');
    return this.#named(
      `insert into ${tableName(info)} (${columnList(fields)}) select ${values} from json_array_elements($1::json) with ordinality e (v, n) order by e.n`,
    );
  }

  /** `$1`: JSON array of rows: the fields' texts, then the child's key. `$2`: the parent's key. */
  updateChildren(child: number, fields: readonly FieldInfo[]): Statement {
    const { info, shape } = this.#child(child);
    const sets = fields
      .map((field, index) => `${quoteIdentifier(field.name)} = (e.v->>${index})::${castType(field, shape)}`)
      .join(', ');
    const key = `r.${quoteIdentifier(info.key[0] ?? '')} = (e.v->>${fields.length})::${castType(fieldOf(info, info.key[0] ?? ''), shape)}`;
    const parent = `r.${quoteIdentifier(info.parent)} = $2::${castType(fieldOf(info, info.parent), shape)}`;
    return this.#named(
      `update ${tableName(info)} as r set ${sets} from json_array_elements($1::json) as e (v) where ${key} and ${parent}`,
    );
  }

  /** `$1`: the parent's key. `$2`: JSON array of child keys; without `some`, all of the parent's. */
  removeChildren(child: number, some: boolean): Statement {
    const { info, shape } = this.#child(child);
    const parent = `r.${quoteIdentifier(info.parent)} = $1::${castType(fieldOf(info, info.parent), shape)}`;
    const type = castType(fieldOf(info, info.key[0] ?? ''), shape);
    const keys = some
      ? ` and r.${quoteIdentifier(info.key[0] ?? '')} in (select e::${type} from json_array_elements_text($2::json) e)`
      : '';
    return this.#named(`delete from ${tableName(info)} r where ${parent}${keys}`);
  }

  #eachValue(fields: readonly FieldInfo[]): string[] {
    return fields.map((field, index) => `(e.v->>${index})::${castType(field, this.#shapes.table)}`);
  }

  #child(index: number) {
    const info = this.#definition.children[index];
    if (info === undefined) throw new Error(`no child ${index}`);
    return { info, shape: this.#shape(info.name) };
  }

  #shape(child: string): TableShape {
    return this.#shapes.children[child] ?? { columns: {} };
  }

  #key(alias: string): string {
    return keyExpression(this.#definition, this.#shapes.table, alias);
  }

  #keysJoin(): string {
    const definition = this.#definition;
    const names = definition.key.map((_, index) => `k${index}`);
    const parts = definition.key.map(
      (name, index) => `(e->>${index})::${castType(fieldOf(definition, name), this.#shapes.table)} as k${index}`,
    );
    const match = definition.key.map((name, index) => `t.${quoteIdentifier(name)} = k.k${index}`).join(' and ');
    const keys = `select distinct ${parts.join(', ')} from json_array_elements($1::json) e`;
    return `(${keys}) as k (${names.join(', ')}) join ${tableName(definition)} t on ${match}`;
  }

  /** In key order, so that two workers can't lock each other out. */
  #lockClause(lock: RowLock): string {
    const order = this.#definition.key.map((name) => `t.${quoteIdentifier(name)}`).join(', ');
    return ` order by ${order} for update of t${lock === 'free' ? ' skip locked' : ''}`;
  }

  #whereKey(firstParameter: number): string {
    return this.#definition.key
      .map((name, index) => {
        const type = castType(fieldOf(this.#definition, name), this.#shapes.table);
        return `t.${quoteIdentifier(name)} = $${firstParameter + index}::${type}`;
      })
      .join(' and ');
  }

  #readList(table: TableInfo, shape: TableShape, alias: string): string[] {
    return table.columns.map((field) =>
      readExpression(field.column, castType(field, shape), `${alias}.${quoteIdentifier(field.name)}`),
    );
  }

  #named(text: string): Statement {
    const name = `syncflow_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`;
    if (!this.#names.has(name)) {
      if (this.#names.size >= mostNames) return { text };
      this.#names.add(name);
    }
    return { name, text };
  }
}

function columnList(fields: readonly FieldInfo[]): string {
  return fields.map((field) => quoteIdentifier(field.name)).join(', ');
}
