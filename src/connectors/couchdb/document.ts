/** Documents as CouchDB shows them, the ids that we choose, and the marker that says whose a document is. */
import type { RecordKey } from '../../catalog/key.js';
import type { Json } from '../../catalog/values.js';
import { SyncflowError } from '../../errors.js';

/** What every document has. */
export interface CouchMeta {
  readonly _id: string;
  readonly _rev: string;
}

/** A document of no declared type: any field, any JSON. Declare an interface to have field names and types checked. */
export interface CouchDocument {
  readonly [field: string]: Json | undefined;
}

/** A document as it is read. */
export type StoredDocument = CouchMeta & { readonly [field: string]: Json | undefined };

/** A document as it is written: without `_rev` it is a new one. */
export type WritableDocument = { readonly _id: string; readonly _rev?: string } & {
  readonly [field: string]: Json | undefined;
};

/** Whose a document is. */
export interface Marker {
  readonly key: RecordKey;
  readonly environment: string;
  /** The id of the document that it was written into. A copy of the document (Fauxton has a button for it) has another. */
  readonly id: string;
}

/** Design documents appear among all others, and hold nobody's data. */
export function isDesign(id: string): boolean {
  return id.startsWith('_design/');
}

/**
 * The id of a record's document: `customer:42`, `line:7:2` for a composite key. Readable, the same on every call, and of no
 * other record.
 *
 * @example
 * documentIdOf('customer', '["a:b"]') // 'customer:a%3Ab'
 */
export function documentIdOf(catalog: string, key: RecordKey): string {
  const parts = JSON.parse(key) as string[];
  return [catalog, ...parts.map((part) => encodeURIComponent(part))].join(':');
}

/** Refuses what CouchDB would refuse together with the whole batch. */
export function checkDocumentId(id: string): string {
  if (id !== '' && !id.startsWith('_')) return id;
  throw new SyncflowError('mapping', `"${id}" can't be the id of a document`, {
    hint: 'documentId must give a text that is not empty and does not begin with "_".',
  });
}

/** The marker of a document; undefined where it has none, or one that was copied from another document. */
export function markerOf(doc: CouchMeta, field: string): Marker | undefined {
  const value = Object.hasOwn(doc, field) ? (doc as unknown as Record<string, unknown>)[field] : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  const { key, environment, id } = value as Record<string, unknown>;
  if (typeof key !== 'string' || typeof environment !== 'string' || id !== doc._id) return undefined;
  return { key, environment, id: doc._id };
}
