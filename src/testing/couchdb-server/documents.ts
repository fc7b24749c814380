/** Documents, where express-pouchdb treats them unlike CouchDB. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../../errors.js';
import { answer, CONFLICT } from './answers.js';
import type { PouchDatabase } from './packages.js';
import type { CouchRequest } from './request.js';

/**
 * DELETE of a document as CouchDB does it: 404 when it isn't there, 409 without its current revision. express-pouchdb
 * deletes whatever is current when no revision is given, and answers 404 for an unknown one.
 */
export async function remove(
  database: PouchDatabase,
  id: string,
  request: CouchRequest,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  incoming.resume();
  const rev = request.query.get('rev') ?? incoming.headers['if-match']?.replaceAll('"', '');
  try {
    await database.get(id);
    if (rev === undefined) {
      answer(response, 409, CONFLICT);
      return;
    }
    answer(response, 200, await database.put({ _id: id, _rev: rev, _deleted: true }));
  } catch (error) {
    fail(response, error);
  }
}

/**
 * Reads a document with its revision as ETag, and tells 'deleted' from 'missing': express-pouchdb does neither. Returns
 * true when Express is to answer, because there is a document and the request asks for more than its content.
 */
export async function read(
  database: PouchDatabase,
  id: string,
  plain: boolean,
  response: ServerResponse,
): Promise<boolean> {
  try {
    const doc = await database.get(id);
    if (!plain) return true;
    response.setHeader('ETag', `"${doc._rev}"`);
    answer(response, 200, doc);
  } catch (error) {
    fail(response, error);
  }
  return false;
}

function fail(response: ServerResponse, error: unknown): void {
  const { status, name, reason } = error as { status?: unknown; name?: unknown; reason?: unknown };
  if (typeof status !== 'number') throw error;
  if (status === 409) {
    answer(response, 409, CONFLICT);
    return;
  }
  answer(response, status, { error: name, reason: reason ?? messageOf(error) });
}

/** CouchDB takes `start_key` and `end_key` too; PouchDB would ignore them, and answer with everything. */
export function canonicalKeys(incoming: IncomingMessage): void {
  incoming.url = incoming.url?.replace(/([?&])(start|end)_key=/g, '$1$2key=');
}
