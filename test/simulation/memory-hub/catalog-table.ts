/** The tables of catalogs, with foreign keys, and what the capture triggers do: src/capture/triggers-sql.ts. */
import { asleepSeconds } from '../../../src/store/marks.js';
import { randomUUID } from 'node:crypto';
import { formatKey } from '../../../src/catalog/key.js';
import type { CatalogDefinition, ChildInfo, TableInfo } from '../../../src/catalog/catalog.js';
import type { FieldInfo } from '../../../src/catalog/fields.js';
import { momentOf } from './moment.js';
import { rowOf } from './claims.js';
import { json, type MarkRow, type Store } from './store.js';
import { Index, Table, type Slot } from './table.js';
import { HubError, Lockable, Mode, type Transaction } from './transaction.js';

/** A row: canonical text by column. */
export type Texts = Readonly<Record<string, string | null>>;

interface ForeignKey {
  readonly column: string;
  readonly target: CatalogTable;
}

interface Reference {
  readonly table: CatalogTable;
  readonly by: Index<Texts>;
  readonly cascades: boolean;
}

/** As of so many rows an UPDATE counts as a mass of them: in life it takes a thousand, here few statements have so many. */
const bulkRows = 10;

export class CatalogTable {
  readonly info: TableInfo;
  readonly byKey: Index<Texts>;
  readonly table: Table<Texts>;
  /** What of another table refers to its rows. */
  readonly references: Reference[] = [];
  /** Of child tables: rows by their parent. */
  readonly byParent: Index<Texts> | undefined;
  readonly #store: Store;
  readonly #catalog: string;
  readonly #parent: string | undefined;
  readonly #foreignKeys: readonly ForeignKey[];
  readonly #lock = new Lockable();
  #isCaptured = false;

  constructor(
    store: Store,
    definition: CatalogDefinition,
    info: TableInfo | ChildInfo,
    targetOf: (table: TableInfo) => CatalogTable | undefined,
  ) {
    this.info = info;
    this.#store = store;
    this.#catalog = definition.name;
    this.#parent = 'parent' in info ? info.parent : undefined;
    this.byKey = new Index(`${info.table}_pkey`, true, (row) => this.keyOf(row), info.key);
    const keys: { field: FieldInfo; target: CatalogTable }[] = info.columns.flatMap((field) => {
      const target =
        field.name === this.#parent
          ? targetOf(definition)
          : field.references && targetOf(field.references().definition);
      return target === undefined ? [] : [{ field, target }];
    });
    this.#foreignKeys = keys.map(({ field, target }) => ({ column: field.name, target }));
    const indexes = keys.map(
      ({ field }) =>
        new Index<Texts>(`${info.table}_${field.name}`, false, (row) => row[field.name] ?? undefined, [field.name]),
    );
    this.byParent = indexes[keys.findIndex(({ field }) => field.name === this.#parent)];
    this.table = new Table(info.table, [this.byKey, ...indexes]);
    for (const [index, { field, target }] of keys.entries()) {
      const by = indexes[index];
      if (by !== undefined) target.references.push({ table: this, by, cascades: field.name === this.#parent });
    }
  }

  /** As its triggers and statements write it. */
  keyOf(row: Texts): string {
    return formatKey(this.info.key.map((name) => row[name] ?? ''));
  }

  capture(): void {
    this.#isCaptured = true;
  }

  /** Every statement begins with it: a TRUNCATE keeps all others out. */
  async enter(tx: Transaction): Promise<void> {
    const wait = tx.lock(this.#lock, Mode.keyShare);
    if (wait !== undefined) await wait;
  }

  inOrder(tx: Transaction, slots: Iterable<Slot<Texts>>): Slot<Texts>[] {
    return [...slots].sort((a, b) => this.compare(rowOf(tx, a), rowOf(tx, b)));
  }

  compare(a: Texts, b: Texts): number {
    for (const name of this.info.key) {
      const order = compareTexts(this.field(name), a[name] ?? '', b[name] ?? '');
      if (order !== 0) return order;
    }
    return 0;
  }

  field(name: string): FieldInfo {
    const field = this.info.columns.find((one) => one.name === name);
    if (field === undefined) throw new Error(`${this.info.table} has no column ${name}`);
    return field;
  }

  async insert(tx: Transaction, given: readonly Texts[]): Promise<Texts[]> {
    const rows = given.map((row) => this.#complete(row));
    for (const row of rows) await this.table.insert(tx, row);
    for (const row of rows) await this.#requireTargets(tx, row, undefined);
    const keys = rows.map((row) => this.keyOf(row));
    await this.#mark(tx, 'I', this.#parent === undefined ? keys : this.#parents(rows));
    return rows;
  }

  async update(
    tx: Transaction,
    slots: readonly Slot<Texts>[],
    change: (row: Texts) => Texts | undefined,
    mode: Mode = Mode.noKeyUpdate,
    unique: 'rowByRow' | 'afterwards' = 'rowByRow',
  ): Promise<Texts[]> {
    const changed = await this.table.update(
      tx,
      slots,
      (row) => {
        const next = change(row);
        return next === undefined ? undefined : this.#complete(next);
      },
      mode,
      unique,
    );
    for (const { before, after } of changed) {
      await this.#requireTargets(tx, after, before);
      if (this.keyOf(before) !== this.keyOf(after)) await this.#requireUnreferenced(tx, before);
    }
    if (this.#parent === undefined) {
      for (const { before, after } of changed)
        if (this.keyOf(before) !== this.keyOf(after)) await this.#markRekey(tx, this.keyOf(before), this.keyOf(after));
      tx.settings.delete(this.#statement);
      await this.#mark(
        tx,
        'U',
        changed.map(({ after }) => this.keyOf(after)),
      );
    } else await this.#mark(tx, 'U', this.#parents(changed.flatMap(({ before, after }) => [before, after])));
    return changed.map(({ after }) => after);
  }

  async delete(
    tx: Transaction,
    slots: readonly Slot<Texts>[],
    matches: (row: Texts) => boolean = () => true,
  ): Promise<Texts[]> {
    const gone = await this.table.delete(tx, slots, matches);
    const keys = gone.map((row) => this.keyOf(row));
    await this.#mark(tx, 'D', this.#parent === undefined ? keys : this.#parents(gone));
    // the marks of what goes along come after its own, as those of a statement that a foreign key runs do
    for (const row of gone) await this.#requireUnreferenced(tx, row);
    return gone;
  }

  /** Locks everybody out until the transaction ends. */
  async lockWhole(tx: Transaction): Promise<void> {
    const wait = tx.lock(this.#lock, Mode.update);
    if (wait !== undefined) await wait;
  }

  async truncate(tx: Transaction): Promise<void> {
    await this.table.delete(tx, [...this.table.slots]);
    await this.#mark(tx, this.#parent === undefined ? 'T' : 'U', [null]);
  }

  /** Generates the key where it may be, and refuses NULL where the column doesn't take it. */
  #complete(given: Texts): Texts {
    const row: Record<string, string | null> = {};
    for (const field of this.info.columns) {
      const isKey = this.info.key.includes(field.name);
      let value = given[field.name] ?? null;
      if (value === null && isKey && this.info.key.length === 1) value = this.#generate(field);
      if (value === null && (isKey || !field.optional))
        throw new HubError('23502', `null value in column "${field.name}" violates not-null constraint`, {
          table: this.info.table,
        });
      row[field.name] = value;
    }
    return row;
  }

  #generate(field: FieldInfo): string | null {
    const { kind } = field.column;
    if (kind === 'integer' || kind === 'bigint') return String(this.table.nextId());
    return kind === 'uuid' ? randomUUID() : null;
  }

  async #requireTargets(tx: Transaction, row: Texts, before: Texts | undefined): Promise<void> {
    for (const { column, target } of this.#foreignKeys) {
      const value = row[column] ?? null;
      if (value === null || before?.[column] === value) continue;
      const key = formatKey([value]);
      const there = await target.table.lock(
        tx,
        target.byKey.find(tx, key),
        Mode.keyShare,
        (one) => target.keyOf(one) === key,
      );
      if (there.length === 0) throw this.#broken(column);
    }
  }

  /** Rows of others that refer to this one go with it, or keep it. */
  async #requireUnreferenced(tx: Transaction, row: Texts): Promise<void> {
    const value = row[this.info.key[0] ?? ''] ?? '';
    for (const { table, by, cascades } of this.references) {
      const refers = (one: Texts): boolean => by.keyOf(one) === value;
      const slots = by.find(tx, value);
      if (cascades) await table.delete(tx, slots, refers);
      else if ((await table.table.lock(tx, slots, Mode.keyShare, refers)).length > 0)
        throw table.#broken(by.name.slice(table.info.table.length + 1));
    }
  }

  #broken(column: string): HubError {
    const constraint = `${this.info.table}_${column}_fkey`;
    return new HubError('23503', `the foreign key constraint "${constraint}" is violated`, {
      table: this.info.table,
      constraint,
    });
  }

  #parents(rows: readonly Texts[]): string[] {
    const values = rows.flatMap((row) => row[this.#parent ?? ''] ?? []);
    return [...new Set(values)].map((value) => formatKey([value]));
  }

  get #statement(): string {
    return `statement of ${this.#catalog}`;
  }

  async #markRekey(tx: Transaction, from: string, to: string): Promise<void> {
    if (!this.#isCaptured) return;
    let statement = tx.settings.get(this.#statement);
    if (statement === undefined) tx.settings.set(this.#statement, (statement = randomUUID()));
    await this.#insertMark(tx, { key: to, op: 'K', old_key: from, statement, bulk: false });
  }

  async #mark(tx: Transaction, op: MarkRow['op'], keys: readonly (string | null)[]): Promise<void> {
    if (!this.#isCaptured || keys.length === 0) return;
    // a change of a child row is one of its parent
    const seen = this.#parent === undefined ? op : 'U';
    const bulk = seen === 'U' && keys.length >= bulkRows;
    for (const key of keys) await this.#insertMark(tx, { key, op: seen, old_key: null, statement: null, bulk });
    const awake = this.#store.now() - asleepSeconds * 1_000_000;
    if (this.#store.sleeper.exists(tx, (row) => row.since > awake)) tx.notifies ??= '';
  }

  async #insertMark(
    tx: Transaction,
    mark: Pick<MarkRow, 'key' | 'op' | 'old_key' | 'statement' | 'bulk'>,
  ): Promise<void> {
    const { settings } = tx;
    if (settings.has('silent')) return;
    if (mark.key !== null && settings.has('origin')) tx.written.push(mark.old_key ?? mark.key);
    await this.#store.mark.insert(tx, {
      ...mark,
      id: this.#store.mark.nextId(),
      catalog: this.#catalog,
      at: momentOf(settings.get('edited_at') || null) ?? this.#store.now(),
      origin: settings.get('origin') || '@postgres',
      except_subscribers: settings.get('except') || (isSettled(settings, mark) && settings.get('settles')) || null,
    });
  }
}

/** Whoever writes it reads it again, and settles its link with that. */
function isSettled(
  settings: ReadonlyMap<string, string>,
  { op, key, old_key }: Pick<MarkRow, 'op' | 'key' | 'old_key'>,
): boolean {
  const rows = settings.get('settled_rows');
  if (op === 'I') return rows === 'updates and inserts';
  const named = op === 'K' ? old_key : op === 'U' && rows !== 'nothing' ? key : null;
  return named !== null && json<string[]>(settings.get('settled_keys') ?? '[]').includes(named);
}

/** Numbers by their value, everything else by its characters. */
export function compareTexts(field: FieldInfo, a: string, b: string): number {
  switch (field.column.kind) {
    case 'integer':
    case 'float':
    case 'decimal':
      return Number(a) - Number(b);
    case 'bigint':
      return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
    default:
      return a < b ? -1 : a > b ? 1 : 0;
  }
}
