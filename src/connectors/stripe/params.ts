/** From nested mapped values to Stripe's parameters. Pure. */
import type { Json } from '../../catalog/values.js';
import { SyncflowError } from '../../errors.js';
import { readPath, writePath } from '../../subscriber/path.js';
import { asObject, isObject, type JsonObject } from './plain.js';

export type Params = Record<string, Json>;

/** What may be written of one kind of object. */
export interface Writable {
  /** Top-level keys that a create takes. */
  readonly create: ReadonlySet<string>;
  /** Top-level keys that an update takes. */
  readonly update: ReadonlySet<string>;
  /** Hashes that Stripe replaces as a whole, with the paths of their members: what isn't named is unset. */
  readonly whole: Readonly<Record<string, readonly string[]>>;
}

export const addressMembers = ['city', 'country', 'line1', 'line2', 'postal_code', 'state'];

/** Parameters of a create: what is null isn't there. */
export function createParams(kind: string, values: JsonObject, writable: Writable): Params {
  const params = present(values);
  refuseOthers(kind, params, writable.create, 'set');
  return withTextMetadata(params);
}

/** Parameters of an update: what is null is unset. `current` completes hashes that are replaced as a whole: with what stands there now. */
export function updateParams(kind: string, changed: JsonObject, writable: Writable, current: JsonObject = {}): Params {
  const params: Params = {};
  for (const [name, value] of Object.entries(changed)) {
    if (value === undefined) continue;
    const members = writable.whole[name];
    params[name] =
      members === undefined || !isObject(value) ? unset(value) : wholeHash(members, value, asObject(current[name]));
  }
  refuseOthers(kind, params, writable.update, 'changed');
  return withTextMetadata(params);
}

/**
 * Hashes that an update replaces although it doesn't change all of their members: the rest must be read first. What we believe stands there
 * won't do: somebody may have edited it since.
 */
export function incompleteHashes(changed: JsonObject, writable: Writable): string[] {
  return Object.entries(writable.whole)
    .filter(([name]) => isObject(changed[name]))
    .filter(([name, members]) => members.some((member) => readPath(changed[name], member.split('.')) === undefined))
    .map(([name]) => name);
}

/** Without nulls and without hashes that hold nothing else. */
function present(values: JsonObject): Params {
  const result: Params = {};
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined) continue;
    if (!isObject(value)) {
      result[name] = value;
      continue;
    }
    const inner = present(value);
    if (Object.keys(inner).length > 0) result[name] = inner;
  }
  return result;
}

/** Stripe unsets what is sent as the empty string. */
function unset(value: Json): Json {
  if (value === null) return '';
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, inner === undefined ? inner : unset(inner)]),
  );
}

function wholeHash(members: readonly string[], changed: JsonObject, current: JsonObject): Json {
  const result: Record<string, Json> = {};
  let holds = false;
  for (const member of members) {
    const path = member.split('.');
    const ours = readPath(changed, path);
    const value = ours === undefined ? (readPath(current, path) ?? null) : ours;
    if (value !== null && value !== '') holds = true;
    if (value !== null) writePath(result, path, value);
    else if (ours === null) writePath(result, path, '');
  }
  return holds ? result : '';
}

/** Metadata values are text; other scalars are written as text. */
function withTextMetadata(params: Params): Params {
  if (!isObject(params['metadata'])) return params;
  const metadata = Object.entries(params['metadata']).map(([name, value]): [string, Json] => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return { ...params, metadata: Object.fromEntries(metadata) };
}

function refuseOthers(kind: string, params: Params, allowed: ReadonlySet<string>, verb: 'set' | 'changed'): void {
  const others = Object.keys(params).filter((name) => !allowed.has(name));
  if (others.length === 0) return;
  throw new SyncflowError('mapping', `Stripe doesn't let ${others.join(', ')} of ${kind} be ${verb}`, {
    hint: 'Map such a key with direction: "inward".',
  });
}
