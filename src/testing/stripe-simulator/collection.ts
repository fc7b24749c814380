import type { Json, StripeObject } from './json.js';

/** Fields a kind is looked up by, besides its id. */
export type IndexedFields = readonly string[];

/**
 * All live objects of a kind in creation order, with an index per looked-up field, so that a list request
 * starts at its cursor instead of scanning everything.
 */
export class Collection {
  private readonly byId = new Map<string, { value: StripeObject; position: number }>();
  /** Creation order; a deleted object leaves a hole until holes outnumber objects. */
  private order: (string | undefined)[] = [];
  private readonly indexes = new Map<string, Map<Json, Set<string>>>();

  constructor(private readonly fields: IndexedFields = []) {
    for (const field of fields) this.indexes.set(field, new Map());
  }

  get size(): number {
    return this.byId.size;
  }

  get(id: string): StripeObject | undefined {
    return this.byId.get(id)?.value;
  }

  put(value: StripeObject): StripeObject | undefined {
    const existing = this.byId.get(value.id);
    if (existing === undefined) {
      this.byId.set(value.id, { value, position: this.order.length });
      this.order.push(value.id);
      this.index(value, undefined);
      return undefined;
    }
    const before = existing.value;
    existing.value = value;
    this.index(value, before);
    return before;
  }

  /** Returns the place it leaves, for a request that fails later has to put it back there. */
  remove(id: string): { value: StripeObject; position: number } | undefined {
    const existing = this.byId.get(id);
    if (existing === undefined) return undefined;
    this.byId.delete(id);
    this.order[existing.position] = undefined;
    for (const field of this.fields)
      this.indexes
        .get(field)
        ?.get(existing.value[field] ?? null)
        ?.delete(id);
    return existing;
  }

  /** Undoes a removal: the object takes its old place. */
  restore(value: StripeObject, position: number): void {
    this.byId.set(value.id, { value, position });
    this.order[position] = value.id;
    this.index(value, undefined);
  }

  /** Drops the holes; not while a request is under way, whose undo remembers places. */
  tidy(): void {
    if (this.order.length > 64 && this.order.length > this.byId.size * 2) this.compact();
  }

  positionOf(id: string): number | undefined {
    return this.byId.get(id)?.position;
  }

  oldest(): StripeObject | undefined {
    for (const id of this.order) if (id !== undefined) return this.get(id);
    return undefined;
  }

  all(): StripeObject[] {
    return [...this.byId.values()].sort((left, right) => left.position - right.position).map((entry) => entry.value);
  }

  /** All objects whose indexed field has the value, in creation order. */
  where(field: string, value: Json): StripeObject[] {
    const ids = this.indexes.get(field)?.get(value);
    if (ids === undefined) return [];
    const entries = [...ids].flatMap((id) => this.byId.get(id) ?? []);
    return entries.sort((left, right) => left.position - right.position).map((entry) => entry.value);
  }

  isIndexed(field: string): boolean {
    return this.indexes.has(field);
  }

  /** Walks from a position (exclusive) to newer or older objects. */
  *walk(from: number | undefined, direction: 'older' | 'newer'): Generator<StripeObject> {
    const step = direction === 'older' ? -1 : 1;
    let position = from === undefined ? (direction === 'older' ? this.order.length - 1 : 0) : from + step;
    for (; position >= 0 && position < this.order.length; position += step) {
      const id = this.order[position];
      const entry = id === undefined ? undefined : this.byId.get(id);
      if (entry !== undefined) yield entry.value;
    }
  }

  private index(value: StripeObject, before: StripeObject | undefined): void {
    for (const field of this.fields) {
      const key = value[field] ?? null;
      const index = this.indexes.get(field);
      if (index === undefined) continue;
      if (before !== undefined) {
        const old = before[field] ?? null;
        if (old === key) continue;
        index.get(old)?.delete(value.id);
      }
      const ids = index.get(key);
      if (ids === undefined) index.set(key, new Set([value.id]));
      else ids.add(value.id);
    }
  }

  private compact(): void {
    this.order = this.order.filter((id) => id !== undefined);
    for (const [position, id] of this.order.entries()) {
      const entry = id === undefined ? undefined : this.byId.get(id);
      if (entry !== undefined) entry.position = position;
    }
  }
}
