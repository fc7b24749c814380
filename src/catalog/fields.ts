/** Field helpers, and what a field's Zod schema says about its column. */
import { z } from 'zod';
import { SyncflowError } from '../errors.js';
import type { ColumnType } from './values.js';
import type { CatalogClass, KeyValue } from './catalog.js';

/** What Syncflow knows of a field, drawn from its Zod schema. */
export interface FieldInfo {
  readonly name: string;
  readonly column: ColumnType;
  readonly nullable: boolean;
  /** The record may omit it: the column has a default, or is nullable. */
  readonly optional: boolean;
  /** Only inward sync writes it: the app's own writes and outward sync leave it alone. */
  readonly inwardOnly: boolean;
  /** The catalog whose key this field holds. */
  readonly references: (() => CatalogClass) | undefined;
  readonly schema: z.ZodType;
}

interface FieldMeta {
  readonly column?: ColumnType;
  readonly inwardOnly?: boolean;
  readonly references?: () => CatalogClass;
}

const metaKey = 'syncflow';

function annotate<S extends z.ZodType>(schema: S, meta: FieldMeta): S {
  return schema.meta({ ...schema.meta(), [metaKey]: { ...ownMeta(schema), ...meta } });
}

function ownMeta(schema: z.ZodType): FieldMeta {
  return (schema.meta()?.[metaKey] as FieldMeta | undefined) ?? {};
}

/**
 * An exact decimal, as a string: `'19.90'`. JavaScript numbers can't hold money.
 * @param precision digits in all; without it, as many as there are @param scale digits after the point
 * @example fields: { total: decimal(10, 2), factor: decimal() }
 */
export function decimal(precision?: number, scale = 0): z.ZodString {
  if (precision === undefined) {
    const any = z.string().regex(/^-?\d+(\.\d+)?$/, 'must be a decimal');
    return annotate(any, { column: { kind: 'decimal' } });
  }
  // of numeric(4, 4) the 0 before the point is written too
  const whole = Math.max(1, precision - scale);
  const pattern = new RegExp(`^-?\\d{1,${whole}}${scale > 0 ? `(\\.\\d{1,${scale}})?` : ''}$`);
  return annotate(z.string().regex(pattern, `must be a decimal with up to ${scale} decimal places`), {
    column: { kind: 'decimal', precision, scale },
  });
}

/** An instant as ISO text in UTC with up to microseconds, `'2026-01-31T09:30:00Z'` (a Date would lose them). */
export function timestamp(): z.ZodISODateTime {
  return annotate(z.iso.datetime({ offset: true }), { column: { kind: 'timestamp' } });
}

/** Any JSON value, in a `jsonb` column. */
export function json<T extends z.ZodType>(schema: T): T {
  return annotate(schema, { column: { kind: 'json' } });
}

/** A field that only inward sync writes: what the remote says is taken, what anybody else writes is put back. */
export function inwardOnly<S extends z.ZodType>(schema: S): S {
  return annotate(schema, { inwardOnly: true });
}

/** The type of a field that refers to another catalog: in a mapping its remote value is that record's remote id, a text. */
export type Reference<C> = z.ZodType<KeyValue<C>, KeyValue<C>> & { readonly '~references'?: C };

/**
 * A field that holds the key of a record of another catalog. The remote's id of that record is found through its link.
 * @example fields: { customer_id: references(Customer) }
 */
export function references<C extends CatalogClass>(target: C): Reference<C> {
  const keyFields = target.definition.key;
  const keyField = keyFields[0];
  if (keyFields.length !== 1 || keyField === undefined) {
    throw new SyncflowError('config', `references(${target.definition.name}): its key has ${keyFields.length} fields`, {
      hint: 'Only catalogs with a single key field can be referenced by a field.',
    });
  }
  const schema = target.definition.fields[keyField] as z.ZodType;
  return annotate(schema, { references: () => target }) as unknown as Reference<C>;
}

/** A reference to a catalog that is declared later (or to itself): give the key's schema. */
export function referencesLater<S extends z.ZodType>(
  target: () => CatalogClass,
  keySchema: S,
): S & { readonly '~references'?: CatalogClass } {
  return annotate(keySchema, { references: target });
}

/** Reads a field's Zod schema. Throws `config` for a type that has no column. */
export function describeField(catalog: string, name: string, schema: z.ZodType): FieldInfo {
  let nullable = false;
  let optional = false;
  let meta: FieldMeta = {};
  let current: z.core.$ZodType = schema;
  for (;;) {
    meta = { ...ownMeta(current as z.ZodType), ...meta };
    const def = current._zod.def;
    if (def.type === 'nullable') nullable = true;
    if (def.type === 'optional' || def.type === 'default' || def.type === 'prefault') optional = true;
    const inner =
      (def as { innerType?: z.core.$ZodType; in?: z.core.$ZodType }).innerType ?? (def as { in?: z.core.$ZodType }).in;
    if (inner === undefined) break;
    current = inner;
  }
  const column = meta.column ?? columnOf(current._zod.def);
  if (column === undefined) {
    throw new SyncflowError('config', `${catalog}.${name}: a Zod type "${current._zod.def.type}" has no column type`, {
      hint: 'Use z.string(), z.int(), z.bigint(), z.boolean(), z.number(), z.enum(), z.uuid(), z.iso.date(), timestamp(), decimal(p, s) or json(…).',
    });
  }
  return {
    name,
    column,
    nullable,
    optional: optional || nullable,
    inwardOnly: meta.inwardOnly ?? false,
    references: meta.references,
    schema,
  };
}

function columnOf(def: { type: string; format?: string }): ColumnType | undefined {
  switch (def.type) {
    case 'string':
      if (def.format === 'uuid' || def.format === 'guid') return { kind: 'uuid' };
      if (def.format === 'date') return { kind: 'date' };
      if (def.format === 'datetime') return { kind: 'timestamp' };
      return { kind: 'text' };
    case 'number':
      return def.format === 'safeint' || def.format === 'int32' || def.format === 'uint32'
        ? { kind: 'integer' }
        : { kind: 'float' };
    case 'bigint':
      return { kind: 'bigint' };
    case 'boolean':
      return { kind: 'boolean' };
    case 'enum':
    case 'literal':
      return { kind: 'text' };
    case 'array':
    case 'object':
    case 'record':
    case 'tuple':
      return { kind: 'json' };
    default:
      return undefined;
  }
}
