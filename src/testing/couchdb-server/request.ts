/** What a request does, as far as a fault or a log cares. */
export type CouchOperation =
  | 'database' // create, delete or describe a database
  | 'get' // read one document
  | 'put' // write one document
  | 'delete' // delete one document
  | 'bulk' // _bulk_docs
  | 'all-docs'
  | 'changes'
  | 'find'
  | 'other';

/** A request, as faults see it and the log keeps it. */
export interface CouchRequest {
  readonly method: string;
  /** The path as it was sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly operation: CouchOperation;
  /** True when it may change documents. */
  readonly writes: boolean;
  readonly database: string | undefined;
  /** The document's id, when the path names one. */
  readonly id: string | undefined;
}

const OPERATION_OF_ENDPOINT: Readonly<Record<string, CouchOperation>> = {
  _bulk_docs: 'bulk',
  _all_docs: 'all-docs',
  _changes: 'changes',
  _find: 'find',
};

/** Reads what a request is about from its first line. */
export function parseRequest(method: string, target: string): CouchRequest {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1));
  const segments = path
    .split('/')
    .filter((segment) => segment !== '')
    .map(decode);
  const [database, first, second] = segments;
  const named = first === '_local' || first === '_design';
  const isDocument =
    first !== undefined && (named ? segments.length === 3 : !first.startsWith('_') && segments.length === 2);
  const id = isDocument ? (named ? `${first}/${second ?? ''}` : first) : undefined;
  const operation = operationOf(method, segments, isDocument);
  return {
    method,
    path,
    query,
    operation,
    writes: operation === 'put' || operation === 'delete' || operation === 'bulk',
    database: database?.startsWith('_') === true && segments.length === 1 ? undefined : database,
    id,
  };
}

function operationOf(method: string, segments: readonly string[], isDocument: boolean): CouchOperation {
  const [database, first] = segments;
  if (isDocument) {
    if (method === 'GET' || method === 'HEAD') return 'get';
    return method === 'DELETE' ? 'delete' : 'put';
  }
  if (first !== undefined) return OPERATION_OF_ENDPOINT[first] ?? 'other';
  if (database === undefined || database.startsWith('_')) return 'other';
  return method === 'POST' ? 'put' : 'database';
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
