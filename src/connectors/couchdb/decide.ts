/** What an operation comes to, seen the document as it is now. Pure: the same operation on the same document, the same answer. */
import type { AnyOperation } from '../../subscriber/base.js';
import { done, exists, gone, missing, rejected, stale, type Outcome } from '../../subscriber/outcome.js';
import type { Current } from './answers.js';
import { holds, holdsInexactInteger, shows, withWrites, type Shape } from './content.js';
import { markerOf, type Marker, type StoredDocument, type WritableDocument } from './document.js';

export type CouchOperation = AnyOperation<StoredDocument>;

/** What the subscriber declares of its documents. */
export interface Terms {
  readonly shape: Shape;
  readonly environment: string;
  readonly markerField: string;
  /** What a new document holds besides. */
  readonly defaults: object;
  accepts(doc: StoredDocument): boolean;
}

export type Decision =
  | { readonly kind: 'answer'; readonly outcome: Outcome<StoredDocument> }
  | { readonly kind: 'write'; readonly doc: WritableDocument };

type Kind<K extends CouchOperation['kind']> = Extract<CouchOperation, { kind: K }>;

export function decide(operation: CouchOperation, id: string, current: Current, terms: Terms): Decision {
  switch (operation.kind) {
    case 'create':
      return decideCreate(operation, id, current, terms);
    case 'update':
      return decideUpdate(operation, current, terms);
    case 'delete':
      return decideDelete(operation, current, terms);
  }
}

function decideCreate(operation: Kind<'create'>, id: string, current: Current, terms: Terms): Decision {
  const marker: Marker = { key: operation.key, environment: terms.environment, id };
  if (current.kind !== 'live') {
    // a tombstone too: the record was deleted and inserted again under its old key
    const doc = withWrites({ ...terms.defaults, _id: id }, terms.shape, operation);
    return write({ ...doc, [terms.markerField]: { ...marker } });
  }
  const { doc } = current;
  const found = markerOf(doc, terms.markerField);
  if (found !== undefined && (found.key !== marker.key || found.environment !== marker.environment)) {
    return answer(
      rejected(`the document ${id} belongs to record ${found.key} of the environment "${found.environment}"`),
    );
  }
  if (!terms.accepts(doc)) return answer(rejected(`the document ${id} exists and is of another kind`));
  const ours = found !== undefined && operation.resumed && holds(doc, terms.shape, operation);
  return answer(ours ? done(id, doc) : exists(id, doc));
}

function decideUpdate(operation: Kind<'update'>, current: Current, terms: Terms): Decision {
  if (current.kind !== 'live') return answer(absent(current));
  const { doc } = current;
  const writes = { values: operation.changed, children: operation.children };
  const applied = holds(doc, terms.shape, writes);
  // sent before, and the answer lost: the document shows it, whatever else was edited since
  if (applied && operation.resumed) return answer(done(doc._id, doc));
  if (moved(operation, doc, terms)) return answer(stale(doc));
  if (applied) return answer(done(doc._id, doc));
  if (holdsInexactInteger(doc)) {
    return answer(rejected(`the document ${doc._id} holds an integer beyond 2^53, which this write would change`));
  }
  const marker: Marker = { key: operation.key, environment: terms.environment, id: doc._id };
  return write({ ...withWrites(doc, terms.shape, writes), [terms.markerField]: { ...marker } });
}

function decideDelete(operation: Kind<'delete'>, current: Current, terms: Terms): Decision {
  if (current.kind !== 'live') return answer(absent(current));
  const { doc } = current;
  if (moved(operation, doc, terms)) return answer(stale(doc));
  return write({ _id: doc._id, _rev: doc._rev, _deleted: true });
}

/** Whether somebody changed the document since it was last observed; without a known revision, by its mapped values. */
function moved(operation: Kind<'update' | 'delete'>, doc: StoredDocument, terms: Terms): boolean {
  if (operation.version !== undefined) return operation.version !== doc._rev;
  return !shows(doc, terms.shape, operation.known);
}

function absent(current: Current): Outcome<StoredDocument> {
  return current.kind === 'tombstone' ? gone() : missing('the document is not there, and has no tombstone');
}

const answer = (outcome: Outcome<StoredDocument>): Decision => ({ kind: 'answer', outcome });
const write = (doc: WritableDocument): Decision => ({ kind: 'write', doc });
