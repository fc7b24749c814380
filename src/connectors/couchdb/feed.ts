/** Reads the changes of a database since a cursor, and notices when the cursor is of another database. */
import { randomUUID } from 'node:crypto';
import type { Json } from '../../catalog/values.js';
import { SyncflowError } from '../../errors.js';
import type { CouchAccount } from './account.js';
import { changeRowsOf, requireObject, textAt, updateSeqOf, type ChangeRow } from './answers.js';
import { isDesign } from './document.js';
import { CouchFailure, isDatabaseAbsent } from './failure.js';

/**
 * A local document that tells one life of a database from the next. CouchDB gives no error for a sequence of a database that
 * was deleted and created again, and `instance_start_time` means something else in every version; but a local document is
 * neither listed, nor in the feed, nor replicated: it is there exactly as long as the database that the cursor was made for.
 */
const identityPath = '_local/syncflow';

export interface Feed {
  readonly account: CouchAccount;
  readonly database: string;
  readonly pageSize: number;
}

interface Cursor {
  readonly since: Json;
  readonly identity: string;
}

export interface FeedPage {
  readonly rows: readonly ChangeRow[];
  readonly cursor: string;
  readonly more: boolean;
}

/** A cursor that stands for the end of the feed as it is now. */
export async function feedEnd(feed: Feed): Promise<FeedPage> {
  const identity = await ensureIdentity(feed);
  const since = updateSeqOf(await feed.account.request({ database: feed.database }));
  return { rows: [], cursor: writeCursor({ since, identity }), more: false };
}

/** @throws SyncflowError `cursor-expired` when the cursor isn't of this database's present life. */
export async function feedSince(feed: Feed, text: string): Promise<FeedPage> {
  const cursor = readCursor(feed, text);
  const { rows, lastSeq, pending } = await readChanges(feed, cursor);
  // after the read: an identity that still holds has held while the changes were read
  if ((await readIdentity(feed)) !== cursor.identity) throw expired(feed, 'it was deleted and created again');
  if (rows.length === 0) await refuseFuture(feed, cursor.since);
  return {
    rows: rows.filter((row) => !isDesign(row.id)),
    cursor: writeCursor({ since: lastSeq, identity: cursor.identity }),
    more: pending === undefined ? rows.length >= feed.pageSize : pending > 0,
  };
}

async function readChanges(feed: Feed, cursor: Cursor) {
  const since =
    typeof cursor.since === 'string' || typeof cursor.since === 'number' ? cursor.since : JSON.stringify(cursor.since);
  try {
    return changeRowsOf(
      await feed.account.request({
        database: feed.database,
        path: '_changes',
        query: { since, limit: feed.pageSize, include_docs: true },
      }),
    );
  } catch (error) {
    if (error instanceof CouchFailure && error.status === 400) throw expired(feed, 'it does not know the sequence');
    throw error;
  }
}

/** Where sequences are plain numbers, a database that was restored from an older copy is known by its lower ones. */
async function refuseFuture(feed: Feed, since: Json): Promise<void> {
  if (typeof since !== 'number') return;
  const end = updateSeqOf(await feed.account.request({ database: feed.database }));
  if (typeof end === 'number' && end < since) throw expired(feed, 'it was set back to an older state');
}

async function ensureIdentity(feed: Feed): Promise<string> {
  const present = await readIdentity(feed);
  if (present !== undefined) return present;
  const identity = randomUUID();
  try {
    await feed.account.request({ database: feed.database, method: 'PUT', path: identityPath, body: { identity } });
  } catch (error) {
    if (!(error instanceof CouchFailure) || error.status !== 409) throw error;
  }
  // whoever was first: the one that is read counts
  const written = await readIdentity(feed);
  if (written === undefined)
    throw new CouchFailure(`${feed.database}/${identityPath}`, { message: 'it was written and is not there' });
  return written;
}

async function readIdentity(feed: Feed): Promise<string | undefined> {
  try {
    const answer = await feed.account.request({ database: feed.database, path: identityPath });
    requireObject(answer, identityPath);
    return textAt(answer, 'identity');
  } catch (error) {
    if (error instanceof CouchFailure && error.status === 404 && !isDatabaseAbsent(error)) return undefined;
    throw error;
  }
}

function writeCursor(cursor: Cursor): string {
  return JSON.stringify([cursor.since, cursor.identity]);
}

function readCursor(feed: Feed, text: string): Cursor {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  const [since, identity] = Array.isArray(parsed) ? (parsed as readonly unknown[]) : [];
  if (typeof identity !== 'string' || since === undefined || since === null)
    throw expired(feed, 'the cursor is not of this connector');
  return { since: since as Json, identity };
}

function expired(feed: Feed, why: string): SyncflowError {
  return new SyncflowError(
    'cursor-expired',
    `the changes of "${feed.database}" can't be read on from the cursor: ${why}`,
    {
      hint: 'Start again from a new cursor and read the whole list: a sweep finds what was missed.',
      context: { database: feed.database },
    },
  );
}
