/** All reading and writing of hub rows. */
import { own } from '../catalog/own.js';
import { formatKey, keyOfRecord, parseKey, type RecordKey } from '../catalog/key.js';
import type { AnyRecord, CatalogDefinition, ChildInfo, TableInfo } from '../catalog/catalog.js';
import { fieldOf } from '../catalog/column-sql.js';
import type { FieldInfo } from '../catalog/fields.js';
import { fromCanonical, toCanonical } from '../catalog/values.js';
import { SyncflowError, messageOf } from '../errors.js';
import type { Queryable, SqlValue, Statement } from './database.js';
import { groupBy, runsOf } from './grouping.js';
import { ask, explainValue } from './refusal.js';
import type { RowLock, RowStatements } from './rows-sql.js';

/** A row as `load` reads it: c0, c1, … and child0, child1, … as text. */
type TextRow = Readonly<Record<string, string | null>>;

/** A record to be written, and the row as it stands; undefined for an insert. */
export interface RowWrite {
  readonly record: AnyRecord;
  readonly before: AnyRecord | undefined;
}

export class HubRows {
  readonly #definition: CatalogDefinition;
  readonly #sql: RowStatements;

  constructor(definition: CatalogDefinition, statements: RowStatements) {
    this.#definition = definition;
    this.#sql = statements;
  }

  /**
   * Records by key, in canonical decoded form, with child rows as arrays ordered by child key. SQL NULL is null, or absent where
   * the field is optional and not nullable. Soft-deleted rows are returned too; missing ones are not in the map.
   * `lock` locks the parent rows until the transaction ends (`free`: those that nobody else has locked; the others are not in the map).
   * A catalog with children is then read after the lock in a second statement: a statement that waited for a lock would still see
   * the child rows as they were before.
   * @param options.problems takes the error of each row that can't be read; without it the first one is thrown
   */
  async load(
    db: Queryable,
    keys: readonly RecordKey[],
    options: { lock?: RowLock; problems?: Map<RecordKey, unknown> } = {},
  ): Promise<Map<RecordKey, AnyRecord>> {
    if (keys.length === 0) return new Map();
    let list = `[${keys.join(',')}]`;
    let { lock } = options;
    if (lock !== undefined && this.#definition.children.length > 0) {
      const locked = await this.#ask<{ key: RecordKey }>(db, this.#sql.lock(lock), [list]);
      if (locked.length === 0) return new Map();
      list = `[${locked.map(({ key }) => key).join(',')}]`;
      lock = undefined;
    }
    const rows = await this.#ask<TextRow>(db, this.#sql.load(lock), [list]);
    const records = new Map<RecordKey, AnyRecord>();
    for (const row of rows) {
      try {
        const record = this.#decode(row);
        records.set(keyOfRecord(this.#definition, record), record);
      } catch (error) {
        if (options.problems === undefined) throw error;
        options.problems.set(this.#keyOfRow(row), error);
      }
    }
    return records;
  }

  /** The next keys in key order; an empty list is the end. */
  async page(db: Queryable, after: RecordKey | undefined, limit: number): Promise<{ keys: RecordKey[] }> {
    const start = after === undefined ? [] : parseKey(after);
    const rows = await this.#ask<{ key: RecordKey }>(db, this.#sql.page(after !== undefined), [limit, ...start]);
    return { keys: rows.map((row) => row.key) };
  }

  /** Keys of records whose fields equal all given values; null and undefined match NULL. No values match nothing. */
  async findBy(db: Queryable, values: AnyRecord, limit: number): Promise<readonly RecordKey[]> {
    return (await this.findEach(db, [values], limit))[0] ?? [];
  }

  /** The same for many at once: the keys of each, `limit` at most, in key order. One query for all that have the same fields. */
  async findEach(
    db: Queryable,
    wanted: readonly AnyRecord[],
    limit: number,
  ): Promise<readonly (readonly RecordKey[])[]> {
    const searches = wanted.map((values, index) => {
      const fields = Object.entries(values).map(([name, value]): [FieldInfo, string | null] => {
        const field = this.#field(name);
        return [field, this.#canonical(field, value)];
      });
      return { index, fields };
    });
    const found: RecordKey[][] = wanted.map(() => []);
    const shapeOf = ({ fields }: (typeof searches)[number]): string =>
      JSON.stringify(fields.map(([{ name }, text]) => [name, text === null]));
    for (const group of groupBy(searches, shapeOf)) {
      const shape = group[0]?.fields ?? [];
      if (shape.length === 0) continue;
      const texts = group.map(({ fields }) => fields.flatMap(([, text]) => (text === null ? [] : [text])));
      const rows = await this.#ask<{ n: number; key: RecordKey }>(
        db,
        this.#sql.findEach(shape.map(([field, text]) => ({ field, isNull: text === null }))),
        [JSON.stringify(texts), limit],
      );
      for (const { n, key } of rows) found[group[n - 1]?.index ?? 0]?.push(key);
    }
    return found;
  }

  async count(db: Queryable): Promise<number> {
    const [row] = await this.#ask<{ count: string }>(db, this.#sql.count());
    return Number(row?.count ?? 0);
  }

  /**
   * Inserts the record, or updates only the fields and child rows that differ from `before`. A field that the record doesn't have
   * is left to its default (insert) or left alone (update); one that is present as undefined is put back to its default.
   * Returns the record's key, from the database where it was generated there.
   * @throws SyncflowError `mapping` when a value can't be stored, `database` when the record of an update is gone.
   */
  async write(db: Queryable, record: AnyRecord, before: AnyRecord | undefined): Promise<RecordKey> {
    try {
      const key = before === undefined ? await this.#insert(db, record) : await this.#update(db, record, before);
      for (const [index, child] of this.#definition.children.entries()) {
        const rows = record[child.name];
        if (Array.isArray(rows))
          await this.#writeChildren(db, index, child, key, rows as AnyRecord[], childRows(before, child));
      }
      return key;
    } catch (error) {
      throw explainValue(this.#definition, error);
    }
  }

  /**
   * The same for many at once, in as few statements as their fields allow; keys are generated in their order. Returns their keys.
   * @throws as `write`, without telling whose fault it was
   */
  async writeAll(db: Queryable, changes: readonly RowWrite[]): Promise<RecordKey[]> {
    try {
      const keys = new Map<RowWrite, RecordKey>();
      await this.#insertAll(db, changes, keys);
      await this.#updateAll(db, changes, keys);
      for (const [index, child] of this.#definition.children.entries()) {
        for (const one of changes) {
          const rows = one.record[child.name];
          if (!Array.isArray(rows)) continue;
          await this.#writeChildren(
            db,
            index,
            child,
            keys.get(one) ?? '',
            rows as AnyRecord[],
            childRows(one.before, child),
          );
        }
      }
      return changes.map((one) => keys.get(one) ?? '');
    } catch (error) {
      throw explainValue(this.#definition, error);
    }
  }

  /** Deletes the record with its child rows, or sets its soft-delete field. Removing what is gone is no error. */
  async remove(db: Queryable, key: RecordKey): Promise<void> {
    const parts = parseKey(key);
    const soft = this.#definition.softDelete;
    if (soft !== undefined) {
      await this.#ask(db, this.#sql.softDelete(this.#field(soft)), parts);
      return;
    }
    for (const index of this.#definition.children.keys())
      await this.#ask(db, this.#sql.removeChildren(index, false), parts);
    await this.#ask(db, this.#sql.remove(), parts);
  }

  isSoftDeleted(record: AnyRecord): boolean {
    const value = this.#definition.softDelete === undefined ? undefined : record[this.#definition.softDelete];
    return value !== undefined && value !== null && value !== false;
  }

  async #insert(db: Queryable, record: AnyRecord): Promise<RecordKey> {
    const values = this.#texts(this.#definition, record);
    const rows = await this.#ask<{ key: RecordKey }>(db, this.#sql.insert([...values.keys()]), [...values.values()]);
    return this.#returnedKey(rows);
  }

  async #update(db: Queryable, record: AnyRecord, before: AnyRecord): Promise<RecordKey> {
    const key = keyOfRecord(this.#definition, before);
    const { changed, cleared } = this.#changes(this.#definition, record, before);
    if (changed.size === 0 && cleared.length === 0) return key;
    const statement = this.#sql.update([...changed.keys()], cleared);
    return this.#returnedKey(
      await this.#ask<{ key: RecordKey }>(db, statement, [...changed.values(), ...parseKey(key)]),
      key,
    );
  }

  async #insertAll(db: Queryable, changes: readonly RowWrite[], keys: Map<RowWrite, RecordKey>): Promise<void> {
    const inserts = changes
      .filter(({ before }) => before === undefined)
      .map((change) => ({ change, values: this.#texts(this.#definition, change.record) }));
    for (const run of runsOf(inserts, ({ values }) => fieldNames(values))) {
      const [first] = run;
      if (first === undefined) continue;
      const fields = [...first.values.keys()];
      if (fields.length === 0) {
        for (const { change } of run) keys.set(change, await this.#insert(db, change.record));
        continue;
      }
      const list = run.map(({ values }) => [...values.values()]);
      const rows = await this.#ask<{ key: RecordKey }>(db, this.#sql.insertEach(fields), [JSON.stringify(list)]);
      if (rows.length < run.length) this.#returnedKey([]);
      for (const [index, { change }] of run.entries()) keys.set(change, rows[index]?.key ?? '');
    }
  }

  async #updateAll(db: Queryable, changes: readonly RowWrite[], keys: Map<RowWrite, RecordKey>): Promise<void> {
    const updates = changes.flatMap((change) => {
      if (change.before === undefined) return [];
      const key = keyOfRecord(this.#definition, change.before);
      keys.set(change, key);
      const { changed, cleared } = this.#changes(this.#definition, change.record, change.before);
      return changed.size === 0 && cleared.length === 0 ? [] : [{ change, key, changed, cleared }];
    });
    const shapeOf = ({ changed, cleared }: (typeof updates)[number]): string =>
      JSON.stringify([[...changed.keys()].map(({ name }) => name), cleared.map(({ name }) => name)]);
    for (const group of groupBy(updates, shapeOf)) {
      const [first] = group;
      if (first === undefined) continue;
      const list = group.map(({ changed, key }) => [...changed.values(), ...parseKey(key)]);
      const statement = this.#sql.updateEach([...first.changed.keys()], first.cleared);
      const rows = await this.#ask<{ n: number; key: RecordKey }>(db, statement, [JSON.stringify(list)]);
      const written = new Map(rows.map(({ n, key }) => [n, key]));
      for (const [index, { change, key }] of group.entries())
        keys.set(change, this.#returnedKey([{ key: written.get(index + 1) }], key));
    }
  }

  #returnedKey(rows: readonly { key: RecordKey | undefined }[], key?: RecordKey): RecordKey {
    const returned = rows[0]?.key;
    if (returned !== undefined) return returned;
    const { name } = this.#definition;
    throw new SyncflowError(
      'database',
      key === undefined ? `${name}: the insert stored no row` : `${name} ${key} is gone, so it can't be updated`,
      {
        hint:
          key === undefined
            ? 'A trigger or rule of the table swallows inserts.'
            : 'It was deleted meanwhile: load it again.',
        context: { catalog: name },
      },
    );
  }

  /** Fields that are present, with their texts. Keys and fields alike: what is undefined is left to the database. */
  #texts(table: TableInfo, record: AnyRecord): Map<FieldInfo, string | null> {
    const texts = new Map<FieldInfo, string | null>();
    for (const field of table.columns) {
      const value = own(record, field.name);
      if (value !== undefined) texts.set(field, this.#canonical(field, value));
    }
    return texts;
  }

  #changes(
    table: TableInfo,
    record: AnyRecord,
    before: AnyRecord,
  ): { changed: Map<FieldInfo, string | null>; cleared: FieldInfo[] } {
    const changed = new Map<FieldInfo, string | null>();
    const cleared: FieldInfo[] = [];
    for (const field of table.columns) {
      const value = own(record, field.name);
      const former = own(before, field.name);
      if (value !== undefined) {
        const text = this.#canonical(field, value);
        if (former === undefined || text !== this.#canonical(field, former)) changed.set(field, text);
      } else if (
        Object.hasOwn(record, field.name) &&
        field.optional &&
        !field.nullable &&
        former !== undefined &&
        former !== null
      ) {
        cleared.push(field);
      }
    }
    return { changed, cleared };
  }

  /** Deletes first, then updates, then inserts: a unique value may move from one row to another. */
  async #writeChildren(
    db: Queryable,
    index: number,
    child: ChildInfo,
    parent: RecordKey,
    rows: readonly AnyRecord[],
    before: readonly AnyRecord[],
  ): Promise<void> {
    const [parentText = ''] = parseKey(parent);
    const keyField = fieldOf(child, child.key[0] ?? '');
    const former = new Map(before.map((row) => [this.#canonical(keyField, row[keyField.name]), row]));
    const kept = new Set<string | null>();
    const inserts: Map<FieldInfo, string | null>[] = [];
    const updates: { values: Map<FieldInfo, string | null>; key: string }[] = [];
    for (const row of rows) {
      const key = this.#canonical(keyField, row[keyField.name]);
      const old = key === null ? undefined : former.get(key);
      if (key === null || old === undefined) {
        // The parent last, in every row: rows with the same fields then have them in the same order.
        inserts.push(
          this.#texts(child, { ...row, [child.parent]: undefined }).set(fieldOf(child, child.parent), parentText),
        );
        continue;
      }
      kept.add(key);
      const { changed, cleared } = this.#changes(child, { ...row, [child.parent]: undefined }, old);
      for (const field of cleared) if (field.name !== child.parent) changed.set(field, null);
      if (changed.size > 0) updates.push({ values: changed, key });
    }
    const gone = [...former.keys()].filter((key) => !kept.has(key));
    if (gone.length > 0) await this.#ask(db, this.#sql.removeChildren(index, true), [parentText, JSON.stringify(gone)]);
    for (const group of groupBy(updates, ({ values }) => fieldNames(values))) {
      const list = group.map(({ values, key }) => [...values.values(), key]);
      await this.#ask(db, this.#sql.updateChildren(index, [...(group[0]?.values.keys() ?? [])]), [
        JSON.stringify(list),
        parentText,
      ]);
    }
    for (const group of runsOf(inserts, fieldNames)) {
      const list = group.map((values) => [...values.values()]);
      await this.#ask(db, this.#sql.insertChildren(index, [...(group[0]?.keys() ?? [])]), [JSON.stringify(list)]);
    }
  }

  #keyOfRow(row: TextRow): RecordKey {
    const { key, columns } = this.#definition;
    return formatKey(key.map((name) => row[`c${columns.findIndex((one) => one.name === name)}`] ?? ''));
  }

  #decode(row: TextRow): AnyRecord {
    const definition = this.#definition;
    const record = this.#decodeFields(
      definition,
      definition.columns.map((_, index) => row[`c${index}`] ?? null),
    );
    for (const [index, child] of definition.children.entries()) {
      const text = row[`child${index}`];
      const lines = text === null || text === undefined ? [] : (JSON.parse(text) as (string | null)[][]);
      record[child.name] = lines.map((line) => this.#decodeFields(child, line));
    }
    return record;
  }

  #decodeFields(table: TableInfo, texts: readonly (string | null)[]): AnyRecord {
    const record: AnyRecord = {};
    for (const [index, field] of table.columns.entries()) {
      const text = texts[index] ?? null;
      if (text === null && field.optional && !field.nullable) continue;
      try {
        record[field.name] = fromCanonical(field.column, text);
      } catch (error) {
        const key = table.key.map((name) => texts[table.columns.findIndex((one) => one.name === name)]).join('/');
        throw this.#misfit(
          table,
          field,
          `of row ${key} can't be read: ${messageOf(error)}`,
          'Correct the value in the table.',
          error,
        );
      }
    }
    return record;
  }

  #field(name: string): FieldInfo {
    const field = this.#definition.columns.find((one) => one.name === name);
    if (field !== undefined) return field;
    throw new SyncflowError('config', `${this.#definition.name}: "${name}" is not one of its fields`, {
      hint: `It has ${this.#definition.columns.map((one) => one.name).join(', ')}.`,
    });
  }

  #canonical(field: FieldInfo, value: unknown): string | null {
    let text: string | null;
    try {
      text = toCanonical(field.column, value);
    } catch (error) {
      throw this.#misfit(
        this.#definition,
        field,
        `can't be stored: ${messageOf(error)}`,
        'Correct the value, or the type of the field.',
        error,
      );
    }
    const bad = text === null ? undefined : unstorable(field, text);
    if (bad !== undefined)
      throw this.#misfit(
        this.#definition,
        field,
        `can't be stored: it contains ${bad}`,
        'Postgres has no such text: remove or replace it in the mapping.',
      );
    return text;
  }

  #misfit(table: TableInfo, field: FieldInfo, problem: string, hint: string, cause?: unknown): SyncflowError {
    const target = field.references?.().definition.name;
    const name = `"${field.name}"${target === undefined ? '' : ` (a reference to ${target})`}`;
    return new SyncflowError('mapping', `${this.#definition.name}: the field ${name} ${problem}`, {
      hint,
      context: { catalog: this.#definition.name, table: table.table, field: field.name },
      cause,
    });
  }

  #ask<R extends object>(db: Queryable, statement: Statement, params?: readonly SqlValue[]): Promise<R[]> {
    return ask<R>(this.#definition, db, statement, params);
  }
}

/** What Postgres can't hold in text (NUL, half of a surrogate pair) or in jsonb (the same, escaped). */
function unstorable(field: FieldInfo, text: string): string | undefined {
  if (text.includes('\0')) return 'the character NUL';
  if (/\p{Surrogate}/u.test(text)) return 'half of a surrogate pair';
  if (field.column.kind === 'json' && /(?<!\\)(?:\\\\)*\\u0000/.test(text)) return 'the character NUL';
  return undefined;
}

function childRows(record: AnyRecord | undefined, child: ChildInfo): readonly AnyRecord[] {
  const rows = record?.[child.name];
  return Array.isArray(rows) ? (rows as AnyRecord[]) : [];
}

function fieldNames(values: ReadonlyMap<FieldInfo, unknown>): string {
  return JSON.stringify([...values.keys()].map((field) => field.name).sort());
}
