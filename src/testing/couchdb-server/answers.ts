/** Answers: our own, and what becomes of those of express-pouchdb. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExpressApp } from './packages.js';

export const CONFLICT = { error: 'conflict', reason: 'Document update conflict.' } as const;
export const NO_DATABASE = { error: 'not_found', reason: 'Database does not exist.' } as const;

export function answer(response: ServerResponse, status: number, body: object): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json');
  response.end(`${JSON.stringify(body)}\n`);
}

/** Hands a request to Express, until it has been answered or nobody is there any more to be answered. */
export async function pass(app: ExpressApp, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    // Also a request whose connection was cut is waited for, as it may be half applied; but not a feed, which has no end.
    const isFeed = incoming.url?.includes('feed=longpoll') === true;
    if (isFeed) response.once('close', resolve);
    else if (!incoming.complete) incoming.once('aborted', resolve);
    onEnd(response, resolve);
    app(incoming, response);
  });
}

type End = (chunk?: unknown, ...rest: unknown[]) => ServerResponse;

/** Puts right what express-pouchdb answers unlike CouchDB: an unacceptable document is no fault of the server. */
function amendError(response: ServerResponse, chunk: unknown): unknown {
  if (response.statusCode < 400 || !Buffer.isBuffer(chunk)) return chunk;
  if (response.statusCode === 500 && chunk.includes('"doc_validation"')) response.statusCode = 400;
  if (response.statusCode !== 409) return chunk;
  const amended = `${JSON.stringify(CONFLICT)}\n`;
  response.setHeader('Content-Length', Buffer.byteLength(amended));
  return amended;
}

/** Calls back when a handler ends its answer, also when the connection is gone by then. */
function onEnd(response: ServerResponse, callback: () => void): void {
  const end = response.end.bind(response) as End;
  const replacement: End = (chunk, ...rest) => {
    callback();
    return end(amendError(response, chunk), ...rest);
  };
  response.end = replacement as typeof response.end;
}

/** Lets a handler do its work, and cuts the connection where it would have answered. */
export function discardAnswer(incoming: IncomingMessage, response: ServerResponse): void {
  const nothing = (): boolean => true;
  const cut: End = () => {
    incoming.socket.destroy();
    return response;
  };
  response.write = nothing;
  response.end = cut as typeof response.end;
}

/** Lets a handler do its work, sends the first half of its answer and then cuts the connection. */
export function truncateAnswer(incoming: IncomingMessage, response: ServerResponse): void {
  const write = response.write.bind(response);
  const truncate: End = (chunk) => {
    const whole = Buffer.isBuffer(chunk) ? chunk : Buffer.from(typeof chunk === 'string' ? chunk : '');
    if (!response.headersSent) response.setHeader('Content-Length', whole.length);
    write(whole.subarray(0, Math.ceil(whole.length / 2)), () => incoming.socket.destroy());
    return response;
  };
  response.end = truncate as typeof response.end;
}

/** Takes the refused documents out of a `_bulk_docs`, and puts their conflicts into its answer where they belong. */
export async function refuseRows(
  incoming: IncomingMessage & { body?: unknown; _body?: boolean },
  response: ServerResponse,
  ids: readonly string[] | undefined,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    answer(response, 400, { error: 'bad_request', reason: 'invalid_json' });
    return;
  }
  const docs = docsOf(body);
  const isRefused = (id: string | undefined): boolean => ids === undefined || (id !== undefined && ids.includes(id));
  const kept = docs.filter((doc) => !isRefused(doc._id));
  const merge = (rows: readonly unknown[]): unknown[] => {
    const remaining = rows[Symbol.iterator]();
    return docs.map((doc) => {
      if (isRefused(doc._id)) return { id: doc._id, ...CONFLICT };
      const next = remaining.next();
      return next.done === true ? undefined : next.value;
    });
  };
  if (kept.length === 0) {
    answer(response, 201, merge([]));
    return;
  }
  // Tells the body parser that the body was read already.
  incoming.body = { ...(body as object), docs: kept };
  incoming._body = true;
  const end = response.end.bind(response) as End;
  const replacement: End = (chunk, ...rest) => {
    const rows: unknown = Buffer.isBuffer(chunk) ? JSON.parse(chunk.toString('utf8')) : undefined;
    if (!Array.isArray(rows)) return end(chunk, ...rest);
    const merged = `${JSON.stringify(merge(rows))}\n`;
    response.removeHeader('ETag');
    response.setHeader('Content-Length', Buffer.byteLength(merged));
    return end(merged);
  };
  response.end = replacement as typeof response.end;
}

function docsOf(body: unknown): readonly { readonly _id?: string }[] {
  if (typeof body !== 'object' || body === null || !('docs' in body) || !Array.isArray(body.docs)) return [];
  return body.docs as readonly { readonly _id?: string }[];
}
