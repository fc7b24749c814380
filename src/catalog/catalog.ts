/** The main class of a catalog: its fields, types, key, children, and the registry of its subscribers. */
import { z } from 'zod';
import { didYouMean, SyncflowError } from '../errors.js';
import { describeField, type FieldInfo } from './fields.js';
import { keyOfRecord, type RecordKey } from './key.js';
import type { RegisterOptions, Registration, SubscriberClass } from '../subscriber/registration.js';

export type Fields = Readonly<Record<string, z.ZodType>>;

/** Child rows that belong to a record: the lines of an invoice. */
export interface ChildSpec<F extends Fields = Fields> {
  readonly table: string;
  /** The child's own key field. It may have a default in the database. */
  readonly key: keyof F & string;
  /** The child's field that holds the parent's key. */
  readonly parent: keyof F & string;
  readonly fields: F;
  /** As in the catalog itself. */
  readonly leftOut?: readonly string[];
}

export type Children = Readonly<Record<string, ChildSpec>>;

export interface CatalogSpec<F extends Fields, K extends keyof F & string, Ch extends Children> {
  /** The catalog's name, in logs, links and the CLI. */
  readonly name: string;
  /** The table; the catalog's name unless given. */
  readonly table?: string;
  /** The table's schema; `public` unless given. */
  readonly schema?: string;
  readonly fields: F;
  /** The key field, or fields of a composite key. */
  readonly key: K | readonly K[];
  readonly children?: Ch;
  /** A nullable timestamp or boolean field: a row that has it set counts as deleted, and an inward delete sets it. */
  readonly softDelete?: keyof F & string;
  /**
   * Columns that are NOT NULL without a default and no fields, and that are left out on purpose: a trigger fills them. Where nothing
   * does, a record from a remote can't be inserted, and is parked with that reason.
   */
  readonly leftOut?: readonly string[];
}

export interface TableInfo {
  readonly schema: string;
  readonly table: string;
  readonly key: readonly string[];
  readonly columns: readonly FieldInfo[];
  /** Columns that somebody else fills. */
  readonly leftOut?: readonly string[];
}

export interface ChildInfo extends TableInfo {
  readonly name: string;
  readonly parent: string;
}

export interface CatalogDefinition<
  F extends Fields = Fields,
  K extends string = string,
  Ch extends Children = Children,
> extends TableInfo {
  readonly name: string;
  readonly fields: F;
  readonly key: readonly K[];
  readonly childFields: Ch;
  readonly children: readonly ChildInfo[];
  readonly softDelete: string | undefined;
}

/** A record of plain fields. */
export type FieldsOf<F extends Fields> = { [N in keyof F]: z.output<F[N]> };
/** A record with its child rows. */
export type RowOfSpec<F extends Fields, Ch extends Children> = string extends keyof F
  ? AnyRecord // a main class that isn't known more closely
  : FieldsOf<F> & { [N in keyof Ch]: FieldsOf<Ch[N]['fields']>[] };
/** The record type of a main class: `Row<typeof Invoice>`. */
export type Row<C> = C extends { readonly definition: CatalogDefinition<infer F, string, infer Ch> }
  ? RowOfSpec<F, Ch>
  : never;
/** What `save` accepts: fields with a default, nullable fields, the key of a new record and child collections may be left out. */
export type RowInput<C> = C extends { readonly definition: CatalogDefinition<infer F, infer K, infer Ch> }
  ? {
      [
        N in keyof F as N extends K
          ? never
          : undefined extends z.input<F[N]>
            ? never
            : null extends z.input<F[N]>
              ? never
              : N
      ]: z.input<F[N]>;
    } & {
      [
        N in keyof F as N extends K ? N : undefined extends z.input<F[N]> ? N : null extends z.input<F[N]> ? N : never
      ]?: z.input<F[N]> | undefined;
    } & { [N in keyof Ch]?: Partial<FieldsOf<Ch[N]['fields']>>[] }
  : never;
/** Fields of a record that is there already; its child rows are given whole, and new ones don't need their key and parent. */
export type RowChange<C> = C extends { readonly definition: CatalogDefinition<infer F, string, infer Ch> }
  ? string extends keyof F
    ? AnyRecord // a main class that isn't known more closely
    : Partial<FieldsOf<F>> & { [N in keyof Ch]?: Partial<FieldsOf<Ch[N]['fields']>>[] }
  : never;
/** The type of a catalog's (single) key. */
export type KeyValue<C> = C extends { readonly definition: CatalogDefinition<infer F, infer K> }
  ? z.output<F[K & keyof F]>
  : never;
/** A key as callers give it: the value of a single key, or an object with every key field. */
export type KeyInput<C> = C extends { readonly definition: CatalogDefinition<infer F, infer K> }
  ? z.output<F[K & keyof F]> | { [N in K & keyof F]: z.output<F[N]> }
  : never;

/** An untyped record, as the engine handles it. */
export type AnyRecord = Record<string, unknown>;

/** The part of a hub transaction that `save` and `delete` overrides see. Everything done through it commits or rolls back as one. */
export interface HubTransaction {
  /** The user's own SQL inside the same transaction. Values come as the driver parses them. */
  query<R extends object>(sql: string, params?: readonly unknown[]): Promise<R[]>;
  /** Inserts the record, or updates the fields (and child rows) that differ from `before`. Returns the record's key. */
  write(definition: CatalogDefinition, record: AnyRecord, before: AnyRecord | undefined): Promise<RecordKey>;
  /** Deletes the record, or sets its soft-delete field. */
  remove(definition: CatalogDefinition, key: RecordKey): Promise<void>;
}

/** What is known about a write that is about to happen. */
export interface Change<R = AnyRecord> {
  readonly tx: HubTransaction;
  /** The record as it stands in the hub; undefined for an insert. */
  readonly before: R | undefined;
  /** Who writes: `app`, or the subscriber whose remote was changed. */
  readonly origin: string;
}

/** A problem with one field of a record. */
export interface FieldProblem {
  readonly field: string;
  readonly problem: string;
}

/**
 * What a catalog does with its records; each method has a working default and may be overridden.
 * `save` and `delete` run for the library's own writes and for inward sync. A write by psql or an ORM doesn't pass through
 * them: triggers capture it after the fact.
 */
export abstract class CatalogBase<R extends AnyRecord = AnyRecord> {
  /** Set by the class factory. */
  declare readonly definition: CatalogDefinition;

  /** The record that subscribers see, made from the row as read from the table. */
  extract(row: R): R {
    return row;
  }

  /** Problems of a record; an empty list lets it pass. The default checks it against the catalog's Zod schema. */
  validate(record: R): readonly FieldProblem[] {
    return checkFields(this.definition, record);
  }

  /** Writes a record inside a transaction; returns its key. Call `super.save` for the write itself. */
  async save(record: R, change: Change<R>): Promise<RecordKey> {
    return change.tx.write(this.definition, record, change.before);
  }

  /** Deletes a record inside a transaction (softly where the catalog has a soft-delete field). */
  async delete(key: RecordKey, change: Change<R>): Promise<void> {
    await change.tx.remove(this.definition, key);
  }
}

/** The static side that the class factory gives each main class. */
export interface CatalogClass<F extends Fields = Fields, K extends string = string, Ch extends Children = Children> {
  new (): CatalogBase<RowOfSpec<F, Ch>>;
  readonly definition: CatalogDefinition<F, K, Ch>;
  readonly registrations: readonly Registration[];
  /** Registers a subscriber class. The same class may be registered again under another `as` and `account`. */
  register(subscriber: SubscriberClass, options?: RegisterOptions): void;
}

/**
 * Makes the base of a main class: each has its own static definition, registry and types.
 *
 * @example
 * class Customer extends Catalog({
 *   name: 'customer',
 *   key: 'id',
 *   fields: { id: z.int(), email: z.email().nullable(), name: z.string().min(1) },
 * }) {}
 * Customer.register(StripeCustomer);
 *
 * @throws SyncflowError `config` when the definition is inconsistent.
 */
export function Catalog<
  const F extends Fields,
  const K extends keyof F & string,
  // eslint-disable-next-line @typescript-eslint/no-generated-empty-object-type -- no children is just that
  const Ch extends Children = Record<never, never>,
>(spec: CatalogSpec<F, K, Ch>): CatalogClass<F, K, Ch> {
  const definition = define(spec);
  const registrations: Registration[] = [];

  class Main extends CatalogBase<RowOfSpec<F, Ch>> {
    static readonly definition = definition;
    static readonly registrations: readonly Registration[] = registrations;
    override readonly definition = definition as unknown as CatalogDefinition;

    static register(subscriber: SubscriberClass, options: RegisterOptions = {}): void {
      const as = options.as ?? options.account ?? subscriber.system;
      if (registrations.some((one) => one.as === as)) {
        throw new SyncflowError('config', `${definition.name}: a subscriber is already registered as "${as}"`, {
          hint: 'Give the second one a name of its own: register(Subscriber, { as: "…", account: "…" }).',
        });
      }
      registrations.push({ subscriber, as, account: options.account ?? subscriber.system, options });
    }
  }
  return Main;
}

/** Registers the decorated subscriber class with its main class: `@subscribes(Invoice) class StripeInvoice extends …`. */
export function subscribes(catalog: CatalogClass, options?: RegisterOptions) {
  return <S extends SubscriberClass>(subscriber: S, _context?: ClassDecoratorContext): S => {
    catalog.register(subscriber, options);
    return subscriber;
  };
}

function define<F extends Fields, K extends keyof F & string, Ch extends Children>(
  spec: CatalogSpec<F, K, Ch>,
): CatalogDefinition<F, K, Ch> {
  const schema = spec.schema ?? 'public';
  const key: readonly K[] = typeof spec.key === 'string' ? [spec.key] : spec.key;
  if (!/^[\w-]+$/.test(spec.name)) {
    throw new SyncflowError('config', `"${spec.name}" can't be a catalog's name`, {
      hint: 'Use letters, digits, "_" and "-".',
    });
  }
  const table = spec.table ?? spec.name;
  refuseProto(spec.name, [...Object.keys(spec.fields), ...Object.keys(spec.children ?? {})]);
  requireNames(spec.name, [schema, table, ...Object.keys(spec.fields)]);
  const columns = Object.entries(spec.fields).map(([name, field]) => describeField(spec.name, name, field));
  requireFields(spec.name, columns, [...key, ...(spec.softDelete === undefined ? [] : [spec.softDelete])]);
  const children = Object.entries(spec.children ?? {}).map(([name, child]): ChildInfo => {
    const place = `${spec.name}.${name}`;
    if (Object.hasOwn(spec.fields, name))
      throw new SyncflowError('config', `${place}: a field of that name exists already`);
    if (key.length !== 1)
      throw new SyncflowError('config', `${place}: child rows need a parent with a single key field`);
    refuseProto(place, Object.keys(child.fields));
    requireNames(place, [child.table, ...Object.keys(child.fields)]);
    const childColumns = Object.entries(child.fields).map(([field, zod]) => describeField(place, field, zod));
    requireFields(place, childColumns, [child.key, child.parent]);
    return {
      name,
      schema,
      table: child.table,
      key: [child.key],
      parent: child.parent,
      columns: childColumns,
      leftOut: child.leftOut ?? [],
    };
  });
  return {
    name: spec.name,
    schema,
    table,
    fields: spec.fields,
    key,
    columns,
    childFields: spec.children ?? ({} as Ch),
    children,
    softDelete: spec.softDelete,
    leftOut: spec.leftOut ?? [],
  };
}

/** Assigned to an object it would set its prototype: drivers of Postgres lose such a column's value. */
function refuseProto(place: string, names: readonly string[]): void {
  if (!names.includes('__proto__')) return;
  throw new SyncflowError('config', `${place}: "__proto__" can't be a field: JavaScript keeps that name to itself`, {
    hint: "Leave it out of `fields` (where it is NOT NULL without a default: leftOut: ['__proto__']), or rename the column.",
  });
}

const longestName = 63;

/** Postgres cuts longer names without a word: two would become one, and none is found again. */
function requireNames(place: string, names: readonly string[]): void {
  for (const name of names) {
    const bytes = Buffer.byteLength(name);
    if (bytes > longestName) {
      throw new SyncflowError(
        'config',
        `${place}: "${name}" has ${bytes} bytes; Postgres takes names of up to ${longestName} bytes`,
      );
    }
    if (name === '' || /[\0\p{Surrogate}]/u.test(name)) {
      throw new SyncflowError('config', `${place}: ${JSON.stringify(name)} can't be the name of a table or a column`);
    }
  }
}

function requireFields(place: string, columns: readonly FieldInfo[], names: readonly string[]): void {
  if (names.length === 0) throw new SyncflowError('config', `${place}: it has no key`, { hint: 'Give key: "id".' });
  for (const name of names) {
    const fields = columns.map((column) => column.name);
    if (!fields.includes(name)) {
      const guess = didYouMean(name, fields);
      throw new SyncflowError('config', `${place}: "${name}" is not one of its fields (${fields.join(', ')})`, {
        hint: guess === undefined ? 'Name one of them, or add it to `fields`.' : `Did you mean "${guess}"?`,
      });
    }
  }
}

/** Checks a record and its child rows against the declared Zod schemas. A key may be absent: the database may give it. */
export function checkFields(definition: CatalogDefinition, record: AnyRecord): FieldProblem[] {
  const problems = checkColumns(definition.columns, record, definition.key, '');
  for (const child of definition.children) {
    const rows = record[child.name];
    if (rows === undefined) continue;
    for (const [index, row] of (rows as AnyRecord[]).entries()) {
      problems.push(...checkColumns(child.columns, row, [...child.key, child.parent], `${child.name}[${index}].`));
    }
  }
  return problems;
}

function checkColumns(
  columns: readonly FieldInfo[],
  record: AnyRecord,
  mayBeAbsent: readonly string[],
  prefix: string,
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const column of columns) {
    const value = record[column.name];
    if (value === undefined && (column.optional || mayBeAbsent.includes(column.name))) continue;
    const parsed = column.schema.safeParse(value);
    if (parsed.success) continue;
    for (const issue of parsed.error.issues) {
      problems.push({ field: `${prefix}${[column.name, ...issue.path].join('.')}`, problem: issue.message });
    }
  }
  return problems;
}

/** The key of a record as the engine writes it, from whatever form a caller gave it in. */
export function toRecordKey(definition: CatalogDefinition, key: unknown): RecordKey {
  const single = definition.key.length === 1 ? definition.key[0] : undefined;
  const isObject = typeof key === 'object' && key !== null;
  const record = isObject ? (key as AnyRecord) : single === undefined ? {} : { [single]: key };
  return keyOfRecord(definition, record);
}
