/** Reads of many documents: pages of all, and those with given values. */
import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../catalog/values.js';
import { readPath, type Path } from '../../subscriber/path.js';
import type { CouchAccount } from './account.js';
import { documentsOf, foundOf } from './answers.js';
import { isDesign, type StoredDocument } from './document.js';

export interface Range {
  readonly account: CouchAccount;
  readonly database: string;
  readonly pageSize: number;
  accepts(doc: StoredDocument): boolean;
}

/** More candidates than this say nothing more: two are ambiguous already. */
const maxCandidates = 20;
const findPageSize = 100;

/**
 * A page of all documents in the order of their ids. The cursor is the first id of the next page: it needn't exist any more,
 * and documents that come or go before it shift nothing.
 */
export async function listPage(
  range: Range,
  cursor: string | undefined,
): Promise<{ remotes: StoredDocument[]; cursor?: string }> {
  const docs = documentsOf(
    await range.account.request({
      database: range.database,
      path: '_all_docs',
      query: { include_docs: true, limit: range.pageSize + 1, ...(cursor === undefined ? {} : { startkey: cursor }) },
    }),
  );
  const next = docs[range.pageSize]?._id;
  const remotes = docs.slice(0, range.pageSize).filter((doc) => !isDesign(doc._id) && range.accepts(doc));
  return next === undefined ? { remotes } : { remotes, cursor: next };
}

/**
 * Documents that show the given values at all the given places, by Mango. It brings an index up to date before it answers, and
 * reads all documents where there is none: either way a write is seen at once. Nothing matches an empty value.
 */
export async function findMatches(range: Range, paths: readonly Path[], values: unknown): Promise<StoredDocument[]> {
  const wanted = paths.flatMap((path) => {
    const value = readPath(values, path);
    return value === undefined ? [] : [{ path, value }];
  });
  if (wanted.length === 0 || wanted.some(({ value }) => value === null || value === '')) return [];
  const selector = { $and: wanted.map(({ path, value }) => ({ [path.join('.')]: { $eq: value } })) };
  const result: StoredDocument[] = [];
  for (let skip = 0; ; skip += findPageSize) {
    const body = { selector, limit: findPageSize, skip };
    const docs = foundOf(
      await range.account.request({ database: range.database, method: 'POST', path: '_find', body }),
    );
    result.push(...docs.filter((doc) => !isDesign(doc._id) && range.accepts(doc) && matches(doc, wanted)));
    if (docs.length < findPageSize || result.length >= maxCandidates) return result.slice(0, maxCandidates);
  }
}

function matches(doc: StoredDocument, wanted: readonly { readonly path: Path; readonly value: Json }[]): boolean {
  return wanted.every(({ path, value }) => isDeepStrictEqual(readPath(doc, path), value));
}
