/** Answers, checked. A connection that is cut in the middle of an answer looks like an empty one: nothing is taken on trust. */
import type { Json } from '../../catalog/values.js';
import type { StoredDocument } from './document.js';
import { CouchFailure } from './failure.js';

/** One document as it is now. Only `tombstone` is proof that it was deleted. */
export type Current =
  | { readonly kind: 'live'; readonly doc: StoredDocument }
  | { readonly kind: 'tombstone' }
  | { readonly kind: 'absent' };

/** One row of `_bulk_docs`. */
export type WrittenRow =
  | { readonly kind: 'written'; readonly rev: string }
  | { readonly kind: 'refused'; readonly error: string; readonly reason: string | undefined };

export interface ChangeRow {
  readonly id: string;
  readonly rev: string;
  /** Where it stands in the feed. Opaque, and not always the same for the same change: a cluster makes it anew for each answer. */
  readonly seq: Json;
  readonly deleted: boolean;
  readonly doc: StoredDocument | undefined;
}

export interface ChangeRows {
  readonly rows: readonly ChangeRow[];
  readonly lastSeq: Json;
  readonly pending: number | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function incomplete(place: string): CouchFailure {
  return new CouchFailure(place, { message: 'the answer is incomplete or not of the expected form' });
}

/** The rows of `_all_docs` for the asked ids. */
export function currentOf(answer: unknown, ids: readonly string[]): Map<string, Current> {
  const rows = listAt(answer, 'rows', '_all_docs');
  const result = new Map<string, Current>();
  for (const row of rows) {
    const key = row['key'];
    if (typeof key !== 'string') throw incomplete('_all_docs');
    result.set(key, currentOfRow(key, row));
  }
  if (ids.some((id) => !result.has(id))) throw incomplete('_all_docs');
  return result;
}

function currentOfRow(key: string, row: Fields): Current {
  if (row['error'] === 'not_found') return { kind: 'absent' };
  if (fieldsOf(row['value'])?.['deleted'] === true) return { kind: 'tombstone' };
  const doc = documentOf(row['doc']);
  if (doc?._id !== key) throw incomplete('_all_docs');
  return { kind: 'live', doc };
}

/** The documents of a range of `_all_docs`. */
export function documentsOf(answer: unknown): StoredDocument[] {
  return listAt(answer, 'rows', '_all_docs').map((row) => {
    const doc = documentOf(row['doc']);
    if (doc === undefined) throw incomplete('_all_docs');
    return doc;
  });
}

/** The documents of `_find`. */
export function foundOf(answer: unknown): StoredDocument[] {
  return listAt(answer, 'docs', '_find').map((one) => {
    const doc = documentOf(one);
    if (doc === undefined) throw incomplete('_find');
    return doc;
  });
}

/** The rows of `_bulk_docs` by document id, for a request in which every id stands once. A row that can't be told is left out. */
export function writtenOf(answer: unknown): Map<string, WrittenRow> {
  if (!Array.isArray(answer)) throw incomplete('_bulk_docs');
  const result = new Map<string, WrittenRow>();
  const twice = new Set<string>();
  for (const row of answer as readonly unknown[]) {
    const fields = fieldsOf(row);
    const id = fields?.['id'];
    if (fields === undefined || typeof id !== 'string') continue;
    if (result.has(id)) twice.add(id);
    const { rev, error, reason } = fields;
    if (typeof error === 'string')
      result.set(id, { kind: 'refused', error, reason: typeof reason === 'string' ? reason : undefined });
    else if (typeof rev === 'string') result.set(id, { kind: 'written', rev });
  }
  for (const id of twice) result.delete(id);
  return result;
}

export function changeRowsOf(answer: unknown): ChangeRows {
  const rows = listAt(answer, 'results', '_changes').map((row): ChangeRow => {
    const { id, changes, deleted, seq = null } = row;
    const rev = Array.isArray(changes) ? fieldsOf(changes[0])?.['rev'] : undefined;
    if (typeof id !== 'string' || typeof rev !== 'string') throw incomplete('_changes');
    return { id, rev, seq: seq as Json, deleted: deleted === true, doc: documentOf(row['doc']) };
  });
  const fields = fieldsOf(answer);
  const pending = fields?.['pending'];
  return {
    rows,
    lastSeq: sequence(fields?.['last_seq'], '_changes'),
    pending: typeof pending === 'number' ? pending : undefined,
  };
}

/** Where a database's feed ends now. */
export function updateSeqOf(answer: unknown): Json {
  return sequence(fieldsOf(answer)?.['update_seq'], 'the database');
}

/** The text of one field of an object. */
export function textAt(answer: unknown, name: string): string | undefined {
  const value = fieldsOf(answer)?.[name];
  return typeof value === 'string' ? value : undefined;
}

export function requireObject(answer: unknown, place: string): void {
  if (fieldsOf(answer) === undefined) throw incomplete(place);
}

/** A sequence is opaque: a number, a text, or (older clusters) an array. */
function sequence(value: unknown, place: string): Json {
  if (typeof value === 'number' || (typeof value === 'string' && value !== '') || Array.isArray(value))
    return value as Json;
  throw incomplete(place);
}

function documentOf(value: unknown): StoredDocument | undefined {
  const fields = fieldsOf(value);
  return typeof fields?.['_id'] === 'string' && typeof fields['_rev'] === 'string'
    ? (fields as StoredDocument)
    : undefined;
}

function listAt(answer: unknown, name: string, place: string): readonly Fields[] {
  const list = fieldsOf(answer)?.[name];
  if (!Array.isArray(list)) throw incomplete(place);
  return (list as readonly unknown[]).map((one) => {
    const fields = fieldsOf(one);
    if (fields === undefined) throw incomplete(place);
    return fields;
  });
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
