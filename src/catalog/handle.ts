/** The app's own typed reads and writes of a catalog. */
import { hubTransaction, loadRow } from '../apply/save.js';
import type { CatalogBinding } from '../engine/binding.js';
import type { RecordKey } from './key.js';
import { SyncflowError } from '../errors.js';
import { explainConstraint } from '../store/constraints.js';
import type { Database, Queryable } from '../store/database.js';
import {
  toRecordKey,
  type AnyRecord,
  type CatalogClass,
  type KeyInput,
  type Row,
  type RowChange,
  type RowInput,
} from './catalog.js';

export interface WriteOptions {
  /** Subscribers (`customer/stripe`) that this one write doesn't go to by itself. A later edit of the record takes it along. */
  readonly except?: readonly string[];
}

interface Access {
  readonly db: Database;
  readonly catalog: CatalogBinding;
  readonly subscribers: readonly string[];
  readonly wrote: (key: RecordKey) => void;
}

export class CatalogHandle<C extends CatalogClass> {
  readonly #access: () => Promise<Access>;

  constructor(access: () => Promise<Access>) {
    this.#access = access;
  }

  /** The record, or undefined. */
  async get(key: KeyInput<C>): Promise<Row<C> | undefined> {
    const { db, catalog } = await this.#access();
    const recordKey = toRecordKey(catalog.definition, key);
    return (await catalog.rows.load(db, [recordKey])).get(recordKey) as Row<C> | undefined;
  }

  /**
   * Inserts a record, or changes the given fields of the one with this key. Runs the catalog's `validate` and `save`.
   * @returns the record as the hub holds it
   * @throws SyncflowError `validation` with every field's problem, or naming the constraint of the hub that it breaks
   */
  async save(record: RowInput<C> | RowChange<C>, options: WriteOptions = {}): Promise<Row<C>> {
    const access = await this.#access();
    const { catalog } = access;
    const given = Object.fromEntries(Object.entries(record as AnyRecord).filter(([, value]) => value !== undefined));
    const hasKey = catalog.definition.key.every((name) => given[name] !== undefined && given[name] !== null);
    const saved = await this.#write(access, options, async (tx) => {
      const before = hasKey ? await loadRow(tx, catalog, toRecordKey(catalog.definition, given)) : undefined;
      const next = { ...before?.row, ...given };
      const problems = catalog.main.validate(next);
      if (problems.length > 0) {
        throw new SyncflowError(
          'validation',
          `${catalog.definition.name}: ${problems.map(({ field, problem }) => `${field}: ${problem}`).join('; ')}`,
          {
            hint: 'Nothing was written.',
            context: { problems },
          },
        );
      }
      const key = await catalog.main.save(next, {
        tx: hubTransaction(tx, catalog),
        before: before?.row,
        origin: 'app',
      });
      return { key, value: (await catalog.rows.load(tx, [key])).get(key) };
    });
    if (saved === undefined) throw new SyncflowError('validation', `${catalog.definition.name}: save left no record`);
    return saved as Row<C>;
  }

  /**
   * Deletes a record, softly where the catalog says so. Resolves to whether there was one.
   * @throws SyncflowError `validation` where other rows refer to it: a created table has foreign keys, made of `references`
   */
  async delete(key: KeyInput<C>, options: WriteOptions = {}): Promise<boolean> {
    const access = await this.#access();
    const { catalog } = access;
    const recordKey = toRecordKey(catalog.definition, key);
    return this.#write(access, options, async (tx) => {
      const before = await loadRow(tx, catalog, recordKey);
      if (before === undefined) return { value: false };
      await catalog.main.delete(recordKey, { tx: hubTransaction(tx, catalog), before: before.row, origin: 'app' });
      return { key: recordKey, value: true };
    });
  }

  async #write<T>(
    access: Access,
    options: WriteOptions,
    work: (tx: Queryable) => Promise<{ readonly key?: RecordKey; readonly value: T }>,
  ): Promise<T> {
    for (const name of options.except ?? []) {
      if (!access.subscribers.includes(name))
        throw new SyncflowError('usage', `except: there is no subscriber "${name}"`, {
          hint: `There are: ${access.subscribers.join(', ')}.`,
        });
    }
    try {
      const { key, value } = await access.db.transaction(async (tx) => {
        if (options.except !== undefined)
          await tx.query(
            { name: 'syncflow-except-subscribers', text: `select set_config('syncflow.except', $1, true)` },
            [JSON.stringify(options.except)],
          );
        return work(tx);
      });
      if (key !== undefined) access.wrote(key);
      return value;
    } catch (error) {
      throw explainConstraint(access.catalog.definition, error);
    }
  }
}
