/** What a system publishes of its objects, as far as a mapping can be compared with it: a small part of JSON Schema. */

export interface RemoteSchema {
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array';
  readonly maxLength?: number;
  readonly enum?: readonly string[];
  /** Whether null, or nothing, may stand there. */
  readonly nullable?: boolean;
  /** `never`: only the system writes it; `create`: it can't be changed afterwards. Always unless given. */
  readonly writable?: 'always' | 'create' | 'never';
  readonly properties?: Readonly<Record<string, RemoteSchema>>;
  /** Properties that aren't named: metadata, say. Without it only the named ones are there. */
  readonly additional?: RemoteSchema;
  /** Properties that a create must have. */
  readonly required?: readonly string[];
  readonly items?: RemoteSchema;
}

/** What stands at a path: its schema, or the name that isn't there; `unknown` where the schema doesn't say. */
export type SchemaAt =
  | {
      readonly kind: 'known';
      readonly schema: RemoteSchema;
      readonly writable: 'always' | 'create' | 'never';
      /** The first step of the path that is no named property, and what there is beside it. */
      readonly unnamed?: { readonly name: string; readonly known: readonly string[] };
    }
  | { readonly kind: 'absent'; readonly name: string; readonly known: readonly string[] }
  | { readonly kind: 'unknown' };

export function schemaAt(root: RemoteSchema, path: readonly string[]): SchemaAt {
  let schema = root;
  let writable = root.writable ?? 'always';
  let unnamed: { name: string; known: readonly string[] } | undefined;
  for (const name of path) {
    const own = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : undefined;
    const next = own ?? schema.additional;
    if (own === undefined) unnamed ??= { name, known: Object.keys(schema.properties ?? {}) };
    if (next === undefined) {
      if (schema.properties === undefined) return { kind: 'unknown' };
      return { kind: 'absent', name, known: Object.keys(schema.properties) };
    }
    if (next.writable === 'never' || (next.writable === 'create' && writable === 'always')) writable = next.writable;
    schema = next;
  }
  return { kind: 'known', schema, writable, ...(unnamed === undefined ? {} : { unnamed }) };
}

/** What is wrong with a value; undefined where nothing is. */
export function valueProblem(schema: RemoteSchema, value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  const { type, maxLength, enum: choices } = schema;
  const kind = Array.isArray(value) ? 'array' : typeof value;
  const wanted = type === 'integer' ? 'number' : type;
  if (wanted !== undefined && kind !== wanted) return `is ${kind}, not ${type ?? ''}`;
  if (type === 'integer' && !Number.isSafeInteger(value)) return 'is no integer';
  if (typeof value !== 'string') return undefined;
  if (maxLength !== undefined && value.length > maxLength) return `is longer than ${maxLength} characters`;
  if (choices !== undefined && !choices.includes(value)) return `is none of ${choices.join(', ')}`;
  return undefined;
}
