/** A table in memory: committed rows, the uncommitted versions of whoever writes them, and indexes over both. */
import { HubError, Lockable, Mode, type Transaction, type Written } from './transaction.js';

/** The place of one row. Whoever writes it holds its lock, so that there is one uncommitted version at most. */
export class Slot<R> extends Lockable implements Written {
  readonly #table: Table<R>;
  committed: R | undefined;
  /** null: deleted. */
  pending: R | null | undefined;
  writer: Transaction | undefined;

  constructor(table: Table<R>) {
    super();
    this.#table = table;
  }

  /** The row as this transaction sees it. */
  seenBy(tx: Transaction): R | undefined {
    return this.writer === tx ? (this.pending ?? undefined) : this.committed;
  }

  commit(): void {
    const { committed, pending } = this;
    this.writer = undefined;
    this.pending = undefined;
    this.committed = pending ?? undefined;
    this.#table.forget(this, committed, this.committed);
  }

  rollback(): void {
    const { pending } = this;
    this.writer = undefined;
    this.pending = undefined;
    this.#table.forget(this, pending ?? undefined, this.committed);
  }
}

/** Rows by a key; undefined: not in this index (NULL, or outside of a partial index). */
export class Index<R> {
  readonly name: string;
  readonly isUnique: boolean;
  readonly keyOf: (row: R) => string | number | undefined;
  /** What the key is made of, where that is known: two rows that agree in it have the same key, and none need be made. */
  readonly #of: readonly (keyof R)[] | undefined;
  readonly slots = new Map<string | number, Set<Slot<R>>>();

  constructor(
    name: string,
    isUnique: boolean,
    keyOf: (row: R) => string | number | undefined,
    of?: readonly (keyof R)[],
  ) {
    this.name = name;
    this.isUnique = isUnique;
    this.keyOf = keyOf;
    this.#of = of;
  }

  hasSameKey(one: R, other: R): boolean {
    if (this.#of === undefined) return this.keyOf(one) === this.keyOf(other);
    for (const column of this.#of) if (one[column] !== other[column]) return this.keyOf(one) === this.keyOf(other);
    return true;
  }

  /** Slots whose row, as this transaction sees it, has this key. */
  find(tx: Transaction, key: string | number): Slot<R>[] {
    const found = this.slots.get(key);
    if (found === undefined) return [];
    const slots: Slot<R>[] = [];
    for (const slot of found) {
      const row = slot.seenBy(tx);
      if (row !== undefined && this.keyOf(row) === key) slots.push(slot);
    }
    return slots;
  }

  add(key: string | number, slot: Slot<R>): void {
    const slots = this.slots.get(key);
    if (slots === undefined) this.slots.set(key, new Set([slot]));
    else slots.add(slot);
  }

  remove(key: string | number, slot: Slot<R>): void {
    const slots = this.slots.get(key);
    if (slots?.delete(slot) === true && slots.size === 0) this.slots.delete(key);
  }
}

export interface Changed<R> {
  readonly before: R;
  readonly after: R;
}

export class Table<R> {
  readonly name: string;
  readonly slots = new Set<Slot<R>>();
  readonly #indexes: Index<R>[];
  #lastId = 0;

  constructor(name: string, indexes: readonly Index<R>[]) {
    this.name = name;
    this.#indexes = [...indexes];
  }

  /** Before there are any rows. */
  addIndex(index: Index<R>): void {
    this.#indexes.push(index);
  }

  /** From the sequence: never given back, in the order of inserts and not of commits. */
  nextId(): number {
    return ++this.#lastId;
  }

  /** Slots of the rows that this transaction sees and that match. */
  where(tx: Transaction, matches: (row: R) => boolean, among: Iterable<Slot<R>> = this.slots): Slot<R>[] {
    const found: Slot<R>[] = [];
    for (const slot of among) {
      const row = slot.seenBy(tx);
      if (row !== undefined && matches(row)) found.push(slot);
    }
    return found;
  }

  rows(tx: Transaction, matches: (row: R) => boolean, among: Iterable<Slot<R>> = this.slots): R[] {
    const found: R[] = [];
    for (const slot of among) {
      const row = slot.seenBy(tx);
      if (row !== undefined && matches(row)) found.push(row);
    }
    return found;
  }

  exists(tx: Transaction, matches: (row: R) => boolean, among: Iterable<Slot<R>> = this.slots): boolean {
    for (const slot of among) {
      const row = slot.seenBy(tx);
      if (row !== undefined && matches(row)) return true;
    }
    return false;
  }

  async insert(tx: Transaction, row: R): Promise<Slot<R>> {
    const slot = new Slot(this);
    this.slots.add(slot);
    void tx.lock(slot, Mode.update); // nobody else knows it yet
    this.#write(tx, slot, row);
    await this.#checkUnique(tx, slot, row, undefined);
    return slot;
  }

  /**
   * INSERT … ON CONFLICT (index) DO UPDATE: `change` of the row that is there. Undefined leaves it alone (it stays locked).
   * @param once rows that this statement has inserted or changed: a second time is an error
   */
  async upsert(
    tx: Transaction,
    index: Index<R>,
    row: R,
    change: (there: R) => R | undefined,
    once: Set<Slot<R>>,
  ): Promise<R | undefined> {
    const key = index.keyOf(row);
    for (;;) {
      const other = key === undefined ? undefined : this.#rival(tx, index, key, undefined);
      if (other === undefined) {
        once.add(await this.insert(tx, row));
        return row;
      }
      if (other.writer !== undefined && other.writer !== tx) {
        await tx.waitFor(other.writer);
        continue;
      }
      const wait = tx.lock(other, Mode.noKeyUpdate);
      if (wait !== undefined) await wait;
      const there = other.seenBy(tx);
      if (there === undefined || index.keyOf(there) !== key) continue;
      if (once.has(other)) throw new HubError('21000', 'ON CONFLICT DO UPDATE command cannot affect row a second time');
      const next = change(there);
      if (next === undefined) return undefined;
      once.add(other);
      this.#write(tx, other, next);
      await this.#checkUnique(tx, other, next, there);
      return next;
    }
  }

  /** INSERT … ON CONFLICT DO NOTHING: whether it was inserted. */
  async insertNew(tx: Transaction, index: Index<R>, row: R): Promise<boolean> {
    const key = index.keyOf(row);
    for (;;) {
      const other = key === undefined ? undefined : this.#rival(tx, index, key, undefined);
      if (other === undefined) {
        await this.insert(tx, row);
        return true;
      }
      if (other.writer === undefined || other.writer === tx) return false;
      await tx.waitFor(other.writer);
    }
  }

  /** FOR UPDATE and the like: locks one after the other, and returns what still matches once it is locked. */
  async lock(
    tx: Transaction,
    slots: readonly Slot<R>[],
    mode: Mode,
    matches: (row: R) => boolean = () => true,
  ): Promise<R[]> {
    const rows: R[] = [];
    for (const slot of slots) {
      const wait = tx.lock(slot, mode);
      if (wait !== undefined) await wait;
      const row = slot.seenBy(tx);
      if (row !== undefined && matches(row)) rows.push(row);
    }
    return rows;
  }

  /**
   * `change` is asked again about a row that moved on while its lock was waited for; undefined: it no longer matches.
   * @param unique `afterwards`: as a deferrable constraint is checked, so that rows may take each other's keys
   */
  async update(
    tx: Transaction,
    slots: readonly Slot<R>[],
    change: (row: R) => R | undefined,
    mode: Mode = Mode.noKeyUpdate,
    unique: 'rowByRow' | 'afterwards' = 'rowByRow',
  ): Promise<Changed<R>[]> {
    const changed: Changed<R>[] = [];
    const unchecked: [Slot<R>, R, R][] = [];
    for (const slot of onceEach(slots)) {
      const wait = tx.lock(slot, mode);
      if (wait !== undefined) await wait;
      const before = slot.seenBy(tx);
      const after = before === undefined ? undefined : change(before);
      if (before === undefined || after === undefined) continue;
      this.#write(tx, slot, after);
      if (unique === 'rowByRow') await this.#checkUnique(tx, slot, after, before);
      else unchecked.push([slot, after, before]);
      changed.push({ before, after });
    }
    for (const one of unchecked) await this.#checkUnique(tx, ...one);
    return changed;
  }

  async delete(tx: Transaction, slots: readonly Slot<R>[], matches: (row: R) => boolean = () => true): Promise<R[]> {
    const gone: R[] = [];
    for (const slot of onceEach(slots)) {
      const wait = tx.lock(slot, Mode.update);
      if (wait !== undefined) await wait;
      const row = slot.seenBy(tx);
      if (row === undefined || !matches(row)) continue;
      this.#write(tx, slot, null);
      gone.push(row);
    }
    return gone;
  }

  /** Drops index entries of a version that is no more; the whole slot where no version is left. */
  forget(slot: Slot<R>, old: R | undefined, left: R | undefined): void {
    if (old !== undefined && old !== left) {
      for (const index of this.#indexes) {
        if (left !== undefined && index.hasSameKey(old, left)) continue;
        const key = index.keyOf(old);
        if (key !== undefined) index.remove(key, slot);
      }
    }
    if (left === undefined) this.slots.delete(slot);
  }

  #write(tx: Transaction, slot: Slot<R>, next: R | null): void {
    const former = slot.pending ?? undefined;
    if (slot.writer === undefined) {
      slot.writer = tx;
      tx.note(slot);
    }
    slot.pending = next;
    const there = former ?? slot.committed;
    for (const index of this.#indexes) {
      if (next !== null && there !== undefined && index.hasSameKey(there, next)) continue;
      const key = next === null ? undefined : index.keyOf(next);
      const old = former === undefined ? undefined : index.keyOf(former);
      if (old !== undefined && old !== key && (slot.committed === undefined || index.keyOf(slot.committed) !== old))
        index.remove(old, slot);
      if (key !== undefined) index.add(key, slot);
    }
  }

  /** Waits for whoever is about to make or free this key, then judges. */
  async #checkUnique(tx: Transaction, slot: Slot<R>, row: R, before: R | undefined): Promise<void> {
    for (const index of this.#indexes) {
      if (!index.isUnique || (before !== undefined && index.hasSameKey(before, row))) continue;
      const key = index.keyOf(row);
      if (key === undefined) continue;
      for (;;) {
        const other = this.#rival(tx, index, key, slot);
        if (other === undefined) break;
        if (other.writer === undefined || other.writer === tx)
          throw new HubError('23505', `duplicate key value violates unique constraint "${index.name}"`, {
            table: this.name,
            constraint: index.name,
          });
        await tx.waitFor(other.writer);
      }
    }
  }

  /** Another slot that has this key, or will have it, or still had it if its writer rolled back. */
  #rival(tx: Transaction, index: Index<R>, key: string | number, self: Slot<R> | undefined): Slot<R> | undefined {
    const slots = index.slots.get(key);
    if (slots === undefined) return undefined;
    for (const slot of slots) {
      if (slot === self) continue;
      if (slot.writer !== undefined && slot.writer !== tx) return slot;
      const row = slot.seenBy(tx);
      if (row !== undefined && index.keyOf(row) === key) return slot;
    }
    return undefined;
  }
}

/** A statement changes a row once, however often its conditions name it. */
function onceEach<T>(slots: readonly T[]): Iterable<T> {
  return slots.length > 1 ? new Set(slots) : slots;
}
