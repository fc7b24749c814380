/** The statements on a catalog's rows, as names; each is answered by a twin of its own: src/store/rows-sql.ts. */
import { formatKey } from '../../../src/catalog/key.js';
import type { CatalogDefinition } from '../../../src/catalog/catalog.js';
import type { FieldInfo } from '../../../src/catalog/fields.js';
import { canonicalJson, fromCanonical, type Json } from '../../../src/catalog/values.js';
import type { Statement } from '../../../src/store/database.js';
import type { RowLock, RowStatements } from '../../../src/store/rows-sql.js';
import type { CatalogTable, Texts } from './catalog-table.js';
import { rowOf } from './claims.js';
import { isoText } from './moment.js';
import { json, optional, text, type Store, type Twin } from './store.js';
import type { Slot } from './table.js';
import { Mode, type Transaction } from './transaction.js';

export class MemoryRowStatements implements RowStatements {
  readonly #definition: CatalogDefinition;
  readonly #table: CatalogTable;
  readonly #children: readonly CatalogTable[];
  readonly #store: Store;
  readonly #twins: Map<string, Twin>;
  readonly #statements = new Map<string, Statement>();

  constructor(
    store: Store,
    twins: Map<string, Twin>,
    definition: CatalogDefinition,
    table: CatalogTable,
    children: readonly CatalogTable[],
  ) {
    this.#store = store;
    this.#twins = twins;
    this.#definition = definition;
    this.#table = table;
    this.#children = children;
  }

  load(lock: RowLock | undefined): Statement {
    return this.#named(`load${lock === undefined ? '' : ` locked ${lock}`}`, async (tx, [keys]) => {
      const table = this.#table;
      await table.enter(tx);
      for (const child of this.#children) await child.enter(tx);
      const slots = this.#slotsOf(tx, keys);
      const rows = lock !== undefined ? await this.#lock(tx, slots, keys, lock) : slots.map((slot) => rowOf(tx, slot));
      return rows.map((row) => this.#shown(tx, row));
    });
  }

  lock(lock: RowLock): Statement {
    return this.#named(`lock ${lock}`, async (tx, [keys]) => {
      await this.#table.enter(tx);
      const rows = await this.#lock(tx, this.#slotsOf(tx, keys), keys, lock);
      return rows.map((row) => ({ key: this.#table.keyOf(row) }));
    });
  }

  page(hasStart: boolean): Statement {
    return this.#named(`page${hasStart ? ' after' : ''}`, async (tx, [limit, ...start]) => {
      const table = this.#table;
      await table.enter(tx);
      const first = Object.fromEntries(table.info.key.map((name, index) => [name, String(start[index])]));
      const slots = table.table.where(tx, (row) => !hasStart || table.compare(row, first) > 0);
      return table
        .inOrder(tx, slots)
        .slice(0, Number(limit))
        .map((slot) => ({ key: table.keyOf(rowOf(tx, slot)) }));
    });
  }

  findEach(shape: readonly { readonly field: FieldInfo; readonly isNull: boolean }[]): Statement {
    const name = shape.map(({ field, isNull }) => `${field.name}${isNull ? ' is null' : ''}`);
    return this.#named(`find each ${JSON.stringify(name)}`, async (tx, [searches, limit]) => {
      const table = this.#table;
      await table.enter(tx);
      return json<string[][]>(searches).flatMap((texts, index) => {
        let next = 0;
        const wanted = shape.map(({ field, isNull }) => [field, isNull ? null : String(texts[next++])] as const);
        const slots = table.table.where(tx, (row) =>
          wanted.every(([field, value]) => comparable(field, row[field.name] ?? null) === comparable(field, value)),
        );
        return table
          .inOrder(tx, slots)
          .slice(0, Number(limit))
          .map((slot) => ({ n: index + 1, key: table.keyOf(rowOf(tx, slot)) }));
      });
    });
  }

  count(): Statement {
    return this.#named('count', async (tx) => {
      await this.#table.enter(tx);
      return [{ count: String(this.#table.table.where(tx, () => true).length) }];
    });
  }

  insert(fields: readonly FieldInfo[]): Statement {
    return this.#named(`insert ${namesOf(fields)}`, async (tx, params) => {
      await this.#table.enter(tx);
      const [row] = await this.#table.insert(tx, [textsOf(fields, params)]);
      return row === undefined ? [] : [{ key: this.#table.keyOf(row) }];
    });
  }

  update(fields: readonly FieldInfo[], defaults: readonly FieldInfo[]): Statement {
    const table = this.#table;
    return this.#named(`update ${namesOf(fields)} ${namesOf(defaults)}`, async (tx, params) => {
      await table.enter(tx);
      const change = { ...Object.fromEntries(defaults.map(({ name }) => [name, null])), ...textsOf(fields, params) };
      const key = formatKey(params.slice(fields.length).map(String));
      const rows = await table.update(
        tx,
        table.byKey.find(tx, key),
        (row) => (table.keyOf(row) === key ? { ...row, ...change } : undefined),
        table.info.key.some((name) => name in change) ? Mode.update : Mode.noKeyUpdate,
      );
      return rows.map((row) => ({ key: table.keyOf(row) }));
    });
  }

  insertEach(fields: readonly FieldInfo[]): Statement {
    return this.#named(`insert each ${namesOf(fields)}`, async (tx, [list]) => {
      await this.#table.enter(tx);
      const given = json<(string | null)[][]>(list).map((texts) => textsOf(fields, texts));
      return (await this.#table.insert(tx, given)).map((row) => ({ key: this.#table.keyOf(row) }));
    });
  }

  updateEach(fields: readonly FieldInfo[], defaults: readonly FieldInfo[]): Statement {
    const table = this.#table;
    const moves = table.info.key.some((name) => [...fields, ...defaults].some((field) => field.name === name));
    return this.#named(`update each ${namesOf(fields)} ${namesOf(defaults)}`, async (tx, [list]) => {
      await table.enter(tx);
      const cleared = Object.fromEntries(defaults.map(({ name }) => [name, null]));
      const rows = json<(string | null)[][]>(list).map((texts, index) => ({
        n: index + 1,
        key: formatKey(texts.slice(fields.length).map(String)),
        change: { ...cleared, ...textsOf(fields, texts) },
      }));
      const byKey = new Map(rows.map((one) => [one.key, one]));
      const written: { n: number; key: string }[] = [];
      await table.update(
        tx,
        rows.flatMap(({ key }) => table.byKey.find(tx, key)),
        (row) => {
          const one = byKey.get(table.keyOf(row));
          if (one === undefined) return undefined;
          const next = { ...row, ...one.change };
          written.push({ n: one.n, key: table.keyOf(next) });
          return next;
        },
        moves ? Mode.update : Mode.noKeyUpdate,
      );
      return written;
    });
  }

  remove(): Statement {
    return this.#named('remove', async (tx, params) => {
      const key = formatKey(params.map(String));
      await this.#table.enter(tx);
      await this.#table.delete(tx, this.#table.byKey.find(tx, key), (row) => this.#table.keyOf(row) === key);
      return [];
    });
  }

  softDelete(field: FieldInfo): Statement {
    return this.#named(`soft delete ${field.name}`, async (tx, params) => {
      const key = formatKey(params.map(String));
      const isLeft = (row: Texts): boolean => row[field.name] === null || row[field.name] === 'false';
      const mark = field.column.kind === 'boolean' ? 'true' : isoText(this.#store.now());
      await this.#table.enter(tx);
      const slots = this.#table.table.where(tx, isLeft, this.#table.byKey.find(tx, key));
      await this.#table.update(tx, slots, (row) => (isLeft(row) ? { ...row, [field.name]: mark } : undefined));
      return [];
    });
  }

  insertChildren(index: number, fields: readonly FieldInfo[]): Statement {
    const child = this.#child(index);
    return this.#named(`insert into ${index} ${namesOf(fields)}`, async (tx, [list]) => {
      await child.enter(tx);
      const rows = json<(string | null)[][]>(list).map((texts) => textsOf(fields, texts));
      await child.insert(tx, rows);
      return [];
    });
  }

  updateChildren(index: number, fields: readonly FieldInfo[]): Statement {
    const child = this.#child(index);
    const parent = this.#parentColumn(index);
    return this.#named(`update ${index} ${namesOf(fields)}`, async (tx, [list, parentKey]) => {
      await child.enter(tx);
      const rows = json<(string | null)[][]>(list);
      const changes = new Map(rows.map((texts) => [formatKey([texts.at(-1) ?? '']), textsOf(fields, texts)]));
      const matches = (row: Texts): boolean => row[parent] === parentKey && changes.has(child.keyOf(row));
      const slots = [...changes.keys()].flatMap((key) => child.byKey.find(tx, key));
      await child.update(tx, child.table.where(tx, matches, slots), (row) =>
        matches(row) ? { ...row, ...changes.get(child.keyOf(row)) } : undefined,
      );
      return [];
    });
  }

  removeChildren(index: number, some: boolean): Statement {
    const child = this.#child(index);
    const parent = this.#parentColumn(index);
    return this.#named(`remove ${some ? 'some' : 'all'} of ${index}`, async (tx, [parentKey, keys]) => {
      await child.enter(tx);
      const only = some ? new Set(json<string[]>(keys).map((key) => formatKey([key]))) : undefined;
      const matches = (row: Texts): boolean => row[parent] === parentKey && only?.has(child.keyOf(row)) !== false;
      const slots = child.byParent?.find(tx, text(parentKey)) ?? [];
      await child.delete(tx, child.table.where(tx, matches, slots), matches);
      return [];
    });
  }

  #child(index: number): CatalogTable {
    const child = this.#children[index];
    if (child === undefined) throw new Error(`no child ${index}`);
    return child;
  }

  #parentColumn(index: number): string {
    return this.#definition.children[index]?.parent ?? '';
  }

  #slotsOf(tx: Transaction, keys: Parameters<typeof json>[0]): Slot<Texts>[] {
    const named = new Set(json<string[][]>(keys).map((parts) => formatKey(parts)));
    return [...named].flatMap((key) => this.#table.byKey.find(tx, key));
  }

  /** In key order, as the SQL does. */
  #lock(tx: Transaction, slots: Slot<Texts>[], keys: Parameters<typeof json>[0], lock: RowLock): Promise<Texts[]> {
    const named = new Set(json<string[][]>(keys).map((parts) => formatKey(parts)));
    const table = this.#table;
    const inOrder = table.inOrder(tx, slots);
    const free = lock === 'free' ? inOrder.filter((slot) => tx.tryLock(slot, Mode.update)) : inOrder;
    return table.table.lock(tx, free, Mode.update, (row) => named.has(table.keyOf(row)));
  }

  #shown(tx: Transaction, row: Texts): object {
    const shown: Record<string, string | null> = {};
    for (const [index, { name }] of this.#definition.columns.entries()) shown[`c${index}`] = row[name] ?? null;
    for (const [index, child] of this.#children.entries()) {
      const parentKey = row[this.#definition.key[0] ?? ''] ?? '';
      const lines = child.inOrder(tx, child.byParent?.find(tx, parentKey) ?? []).map((slot) => {
        const line = rowOf(tx, slot);
        return child.info.columns.map(({ name }) => line[name] ?? null);
      });
      shown[`child${index}`] = lines.length === 0 ? null : JSON.stringify(lines);
    }
    return shown;
  }

  #named(what: string, twin: Twin): Statement {
    let statement = this.#statements.get(what);
    if (statement === undefined) {
      statement = { name: `rows of ${this.#definition.name}: ${what}`, text: what };
      this.#statements.set(what, statement);
      this.#twins.set(statement.name ?? what, twin);
    }
    return statement;
  }
}

const namesOf = (fields: readonly FieldInfo[]): string => JSON.stringify(fields.map(({ name }) => name));

function textsOf(fields: readonly FieldInfo[], values: readonly Parameters<typeof optional>[0][]): Texts {
  return Object.fromEntries(fields.map(({ name }, index) => [name, optional(values[index])]));
}

/** Equal values have equal texts. */
function comparable(field: FieldInfo, value: string | null): string | null {
  if (value === null) return null;
  return field.column.kind === 'json' ? canonicalJson(fromCanonical(field.column, value) as Json) : value;
}
