/** Polling: the events and the cursor that stands behind them are committed together. */
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { reading } from './reading.js';
import { keptMs } from './retention.js';
import { SyncflowError } from '../errors.js';
import {
  cursorAgeMs,
  dropCursor,
  insertEvents,
  knownEvents,
  readCursor,
  touchCursor,
  writeCursor,
} from '../store/inbox.js';
import { findLinks } from '../store/links.js';
import { beginRun, standingOf } from '../store/runs.js';
import type { RemoteEvent } from '../subscriber/base.js';

/** Pages fetched in one go; the rest waits for the next round, so that one subscriber can't starve the others. */
const maxPages = 50;

export const cursorName = 'changes';

/** The run that lists everything: what a lost cursor asks for. */
export const listingRun = 'backfill';

export interface Polled {
  /** Events that were new. */
  readonly fresh: number;
  /** More is waiting. */
  readonly more: boolean;
  /** The caller must list everything: the cursor is lost, and with it what changed since, or a listing was broken off. */
  readonly relist: boolean;
}

/** Fetches what changed since the cursor. */
export async function poll(env: Environment, binding: Binding, signal: AbortSignal): Promise<Polled> {
  let fresh = 0;
  if (await mustList(env, binding)) return { fresh, more: false, relist: true };
  const kept = keptMs(binding);
  if (kept !== undefined && ((await cursorAgeMs(env.db, binding.id, cursorName)) ?? 0) > kept) {
    // it may still be taken, and pass over what is forgotten
    await loseCursor(env, binding, await readCursor(env.db, binding.id, cursorName));
    return { fresh, more: false, relist: true };
  }
  const upToDate = async (): Promise<Polled> => {
    if (kept !== undefined) await touchCursor(env.db, binding.id, cursorName);
    return { fresh, more: false, relist: false };
  };
  for (let page = 0; page < maxPages; page++) {
    if (signal.aborted) return { fresh, more: true, relist: false };
    const cursor = await readCursor(env.db, binding.id, cursorName);
    let trace: string | undefined;
    try {
      const {
        events: told,
        cursor: next,
        more,
      } = await reading(env, binding, 'its changes', () => {
        trace = env.tracing.here();
        return binding.subscriber.changes(cursor);
      });
      // most are known where webhooks work, and where a feed is read with an overlap
      const known = await knownEvents(
        env.db,
        binding.id,
        told.map((event) => event.id),
      );
      const events = await concerning(
        env,
        binding,
        told.filter((event) => !known.has(event.id)),
      );
      if (events.length === 0 && next === cursor && !more) return await upToDate();
      fresh += await env.db.transaction(async (tx) => {
        const { size } = await insertEvents(
          tx,
          events.map((event) => ({
            subscriber: binding.id,
            event,
            ...(trace === undefined ? {} : { trace: { traceparent: trace, linked: true } }),
          })),
        );
        if (next !== cursor) await writeCursor(tx, binding.id, cursorName, next);
        return size;
      });
      if (!more) return await upToDate();
    } catch (error) {
      if (!(error instanceof SyncflowError) || error.code !== 'cursor-expired') throw error;
      await loseCursor(env, binding, cursor);
      return { fresh, more: false, relist: true };
    }
  }
  return { fresh, more: true, relist: false };
}

/**
 * A feed that is shared with remotes of other kinds tells of them, too: they concern us where a record is linked to one (which was of our
 * kind then), or where it bears our marker and may be about to be linked. The others leave no trace.
 */
async function concerning(
  env: Environment,
  { id, subscriber }: Binding,
  events: readonly RemoteEvent[],
): Promise<readonly RemoteEvent[]> {
  const strangers = events.filter(
    ({ snapshot }) =>
      snapshot !== undefined && !subscriber.accepts(snapshot) && subscriber.keyOf(snapshot) === undefined,
  );
  if (strangers.length === 0) return events;
  const links = await findLinks(
    env.db,
    strangers.map(({ remoteId }) => ({ subscriber: id, remoteId })),
  );
  const linked = new Set(links.map(({ remoteId }) => remoteId));
  const dropped = new Set(strangers.filter(({ remoteId }) => !linked.has(remoteId)));
  return events.filter((event) => !dropped.has(event));
}

/** A listing is owed: one was begun and not finished, or the cursor of a loaded subscriber is not there ("now" would pass over a gap). */
export async function mustList(env: Environment, binding: Binding): Promise<boolean> {
  const standing = await standingOf(env.db, binding.id, listingRun);
  if (standing === undefined) return false;
  if (standing === 'open') return true;
  return binding.subscriber.capabilities.polling && (await readCursor(env.db, binding.id, cursorName)) === undefined;
}

/** A cursor that the remote no longer keeps goes together with the request to list again: a crash can't come in between. */
async function loseCursor(env: Environment, binding: Binding, cursor: string | undefined): Promise<void> {
  if (cursor === undefined) return;
  await env.db.transaction(async (tx) => {
    // another worker may have been here already, and be listing
    if (await dropCursor(tx, binding.id, cursorName, cursor)) await beginRun(tx, binding.id, listingRun);
  });
}

/** Sets the cursor to "now", before a listing: what changes while it runs comes as events. */
export async function startCursor(env: Environment, binding: Binding): Promise<void> {
  if ((await readCursor(env.db, binding.id, cursorName)) !== undefined) return;
  const { cursor } = await reading(env, binding, 'where its changes stand', () =>
    binding.subscriber.changes(undefined),
  );
  await writeCursor(env.db, binding.id, cursorName, cursor);
}
