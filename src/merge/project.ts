/** The two projections of a unit: the hub's value towards the remote (`put`), the remote's towards the hub (`get`). Pure. */
import { own } from '../catalog/own.js';
import type { AnyRecord } from '../catalog/catalog.js';
import type { FieldInfo } from '../catalog/fields.js';
import { keyFields, keyOfRecord, type RecordKey } from '../catalog/key.js';
import { fromCanonical, toCanonical, type Json } from '../catalog/values.js';
import { messageOf, SyncflowError } from '../errors.js';
import type { ChildMapping, Unit } from '../subscriber/compile.js';
import { readPath } from '../subscriber/path.js';
import { sameRemote, type Pair } from './shadow.js';

/** Finds the other side of a reference among the links known to the caller. */
export interface Resolver {
  remoteId(catalog: string, key: RecordKey): string | undefined;
  key(catalog: string, remoteId: string): RecordKey | undefined;
  /** Whether it is, or was, the remote of a pair at all. */
  knows(catalog: string, remoteId: string): boolean;
}

/** Where nothing refers to anything. */
export const noReferences: Resolver = { remoteId: () => undefined, key: () => undefined, knows: () => false };

/** Thrown where a reference has no link yet: whoever catches it makes the link wait. */
export class UnresolvedReference extends Error {
  readonly catalog: string;
  readonly wanted: { readonly key: RecordKey } | { readonly remoteId: string };

  constructor(catalog: string, wanted: UnresolvedReference['wanted']) {
    super(`a reference to ${catalog} ${'key' in wanted ? wanted.key : wanted.remoteId} isn't linked yet`);
    this.catalog = catalog;
    this.wanted = wanted;
  }
}

/** The canonical text of a unit's hub value; for several fields a JSON array of texts. */
export function hubText(unit: Unit, record: AnyRecord): string | null {
  const texts = unit.fields.map((field) => toCanonical(field.column, own(record, field.name)));
  if (texts.length === 1) return texts[0] ?? null;
  return texts.every((text) => text === null) ? null : JSON.stringify(texts);
}

/** The hub value of a unit as a lens takes it. */
export function hubValue(unit: Unit, record: AnyRecord): unknown {
  const values = unit.fields.map((field) => own(record, field.name) ?? null);
  return values.length === 1 ? values[0] : values;
}

/** The hub value that canonical text stands for. */
export function valueOfText(unit: Unit, text: string | null | undefined): unknown {
  if (text === undefined || text === null) return text;
  const [field, ...rest] = unit.fields;
  if (field === undefined) return undefined;
  if (rest.length === 0) return fromCanonical(field.column, text);
  return (JSON.parse(text) as (string | null)[]).map((part, index) =>
    fromCanonical((unit.fields[index] as FieldInfo).column, part),
  );
}

/** What the remote shows for a unit. An expanded reference is reduced to its id, unless a lens is there to read it. */
export function remoteValue(unit: Unit, remote: unknown): Json | undefined {
  const value = readPath(remote, unit.path);
  if (unit.reference === undefined || unit.lensed || typeof value !== 'object' || value === null) return value;
  return readPath(value, ['id']);
}

/** The remote id that a reference's remote value names; null where it names none. */
export function remoteIdOf(unit: Unit, remote: Json | undefined): string | null {
  return checked(unit, 'get', () => {
    const id = unit.lens.get(remote, undefined) ?? null;
    if (id === null || typeof id === 'string') return id;
    if (typeof id === 'number') return String(id);
    throw new SyncflowError('mapping', `a remote id is text, not ${Array.isArray(id) ? 'a list' : `a ${typeof id}`}`);
  });
}

/** The children that a remote shows, by their ids. */
export function childrenById(child: ChildMapping, remote: unknown): Map<string, Json> {
  const list = readPath(remote, child.path);
  if (!Array.isArray(list)) return new Map();
  return new Map(
    (list as readonly Json[]).flatMap((value): [string, Json][] => {
      const id = readPath(value, child.idPath);
      return typeof id === 'string' || typeof id === 'number' ? [[String(id), value]] : [];
    }),
  );
}

/** The remote's value for the hub's present one. */
export function put(unit: Unit, record: AnyRecord, resolver: Resolver): Json {
  const value = hubValue(unit, record);
  const given = unit.reference === undefined ? value : remoteIdFor(unit, unit.reference, value, resolver);
  return checked(unit, 'put', () => {
    const remote = unit.lens.put(given);
    return remote === undefined ? null : (remote as Json);
  });
}

/** The id by which the remote knows the record that a reference names. */
function remoteIdFor(unit: Unit, catalog: string, value: unknown, resolver: Resolver): string | null {
  if (value === null || value === undefined) return null;
  const key = checked(unit, 'put', () => referenceKey(unit, value));
  const id = resolver.remoteId(catalog, key);
  if (id === undefined) throw new UnresolvedReference(catalog, { key });
  return id;
}

/**
 * Whether the record that a reference names has another remote by now than the one that was told last: it was linked anew, or its
 * remote was deleted and made once more. An id that never belonged to a pair says nothing: it may be how the remote writes ours.
 */
export function isOutdated(unit: Unit, agreed: Pair | undefined, record: AnyRecord, resolver: Resolver): boolean {
  if (unit.reference === undefined || unit.direction === 'inward') return false;
  const told = idAgreed(unit, agreed);
  const key = told === undefined ? undefined : keyReferred(unit, record);
  if (told === undefined || key === undefined) return false;
  const id = resolver.remoteId(unit.reference, key);
  if (id === undefined || id === told || !resolver.knows(unit.reference, told)) return false;
  return agreed?.told === undefined || !sameRemote(agreed.told, put(unit, record, resolver));
}

/** The key of the record that a reference names; undefined where it names none, or what can't be a key (`put` says so). */
export function keyReferred(unit: Unit, record: AnyRecord): RecordKey | undefined {
  const value = hubValue(unit, record);
  if (value === null || value === undefined) return undefined;
  try {
    return referenceKey(unit, value);
  } catch {
    return undefined;
  }
}

/** The remote id that a reference's pair names. */
export function idAgreed(unit: Unit, agreed: Pair | undefined): string | undefined {
  if (agreed?.r === undefined) return undefined;
  try {
    return remoteIdOf(unit, agreed.r) ?? undefined;
  } catch {
    return undefined; // its lens has changed since
  }
}

/** The hub fields that the remote's value stands for. */
export function get(
  unit: Unit,
  remote: Json | undefined,
  before: AnyRecord | undefined,
  resolver: Resolver,
): AnyRecord {
  if (unit.reference !== undefined) return getReference(unit, remote, resolver);
  return checked(unit, 'get', () => {
    const value = unit.lens.get(remote, before === undefined ? undefined : hubValue(unit, before));
    return fieldsOf(unit, value);
  });
}

/** Spreads a unit's hub value over its fields, checking that each fits its column. */
export function fieldsOf(unit: Unit, value: unknown): AnyRecord {
  const values = unit.fields.length === 1 ? [value] : (value as readonly unknown[]);
  return Object.fromEntries(
    unit.fields.map((field, index) => {
      const one = values[index] ?? null;
      if (typeof one === 'string' && one.includes('\u0000'))
        throw new SyncflowError('mapping', 'a NUL character can’t be stored in the hub');
      if (typeof one === 'string' && /\p{Surrogate}/u.test(one))
        throw new SyncflowError('mapping', 'half a character (a lone surrogate) can’t be stored in the hub');
      // through canonical text, so that the record holds exactly what the hub will give back
      return [field.name, fromCanonical(field.column, toCanonical(field.column, one))];
    }),
  );
}

function getReference(unit: Unit, remote: Json | undefined, resolver: Resolver): AnyRecord {
  const field = unit.fields[0];
  const catalog = unit.reference;
  if (field === undefined || catalog === undefined) return {};
  const remoteId = remoteIdOf(unit, remote);
  if (remoteId === null) return { [field.name]: null };
  const key = resolver.key(catalog, remoteId);
  if (key === undefined) throw new UnresolvedReference(catalog, { remoteId });
  const target = field.references?.().definition;
  return { [field.name]: target === undefined ? null : Object.values(keyFields(target, key))[0] };
}

/** The key of the record that a reference's hub value names. */
export function referenceKey(unit: Unit, value: unknown): RecordKey {
  const target = unit.fields[0]?.references?.().definition;
  const name = target?.key[0];
  if (target === undefined || name === undefined)
    throw new SyncflowError('config', `${unit.name}: its reference has no single key`);
  return keyOfRecord(target, { [name]: value });
}

/** A lens's throw is an error of the mapping, whatever it threw. */
export function checked<T>(unit: Unit, side: 'put' | 'get', work: () => T): T {
  try {
    return work();
  } catch (error) {
    const name = unit.reference === undefined ? unit.name : `${unit.name} (a reference to ${unit.reference})`;
    throw new SyncflowError('mapping', `${name}: ${messageOf(error)}`, {
      hint: unit.lensed
        ? `The lens's ${side} refused the value. Correct the value, or the lens.`
        : 'Correct the value, or give a lens with via.',
      context: { unit: unit.name, side },
      cause: error,
    });
  }
}
