/** Loads records as subscribers see them, each by itself: one that can't be read holds up no other. */
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import { messageOf, SyncflowError } from '../errors.js';
import type { Queryable } from '../store/database.js';
import { extractRecord, type CatalogBinding } from './binding.js';

export type Extracted = ReturnType<typeof extractRecord>;

const absent: Extracted = { record: undefined, softDeleted: false };

/** Records by key, and why some of them can't be read. */
export class Records {
  readonly #found = new Map<RecordKey, Extracted>();
  readonly #problems: ReadonlyMap<RecordKey, unknown>;

  constructor(
    catalog: CatalogBinding,
    rows: ReadonlyMap<RecordKey, AnyRecord>,
    unreadable: ReadonlyMap<RecordKey, unknown>,
  ) {
    const problems = new Map(unreadable);
    for (const [key, row] of rows) {
      try {
        this.#found.set(key, extractRecord(catalog, row));
      } catch (error) {
        problems.set(key, new SyncflowError('mapping', `extract: ${messageOf(error)}`, { cause: error }));
      }
    }
    this.#problems = problems;
  }

  /** @throws why it can't be read */
  get(key: RecordKey): Extracted {
    if (this.#problems.has(key)) throw this.#problems.get(key);
    return this.#found.get(key) ?? absent;
  }

  problem(key: RecordKey): string | undefined {
    return this.#problems.has(key) ? messageOf(this.#problems.get(key)) : undefined;
  }

  /** Those that are there and can be read. */
  get all(): readonly AnyRecord[] {
    return [...this.#found.values()].flatMap(({ record }) => (record === undefined ? [] : [record]));
  }
}

export async function loadRecords(
  db: Queryable,
  catalog: CatalogBinding,
  keys: readonly RecordKey[],
): Promise<Records> {
  const unreadable = new Map<RecordKey, unknown>();
  const rows = await catalog.rows.load(db, keys, { problems: unreadable });
  return new Records(catalog, rows, unreadable);
}
