/** Polling: the events and the cursor that stands behind them are committed together. */
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { SyncflowError } from '../errors.js';
import { dropCursor, insertEvents, knownEvents, readCursor, writeCursor } from '../store/inbox.js';

/** Pages fetched in one go; the rest waits for the next round, so that one subscriber can't starve the others. */
const maxPages = 50;

const cursorName = 'changes';

/**
 * Fetches what changed since the cursor. Returns the number of events that were new, and whether more is waiting.
 * A cursor that the remote no longer keeps is dropped: the caller must list everything again.
 */
export async function poll(
  env: Environment,
  binding: Binding,
  signal: AbortSignal,
): Promise<{ fresh: number; more: boolean; expired: boolean }> {
  let fresh = 0;
  for (let page = 0; page < maxPages; page++) {
    if (signal.aborted) return { fresh, more: true, expired: false };
    const cursor = await readCursor(env.db, binding.id, cursorName);
    try {
      const { events: told, cursor: next, more } = await binding.subscriber.changes(cursor);
      // most are known where webhooks work, and where a feed is read with an overlap
      const known = await knownEvents(
        env.db,
        binding.id,
        told.map((event) => event.id),
      );
      const events = told.filter((event) => !known.has(event.id));
      if (events.length === 0 && next === cursor && !more) return { fresh, more: false, expired: false };
      fresh += await env.db.transaction(async (tx) => {
        const { size } = await insertEvents(
          tx,
          events.map((event) => ({ subscriber: binding.id, event })),
        );
        if (next !== cursor) await writeCursor(tx, binding.id, cursorName, next);
        return size;
      });
      if (!more) return { fresh, more: false, expired: false };
    } catch (error) {
      if (!(error instanceof SyncflowError) || error.code !== 'cursor-expired') throw error;
      await dropCursor(env.db, binding.id, cursorName);
      return { fresh, more: true, expired: true };
    }
  }
  return { fresh, more: true, expired: false };
}

/** Sets the cursor to "now", before a listing: what changes while it runs comes as events. */
export async function startCursor(env: Environment, binding: Binding): Promise<void> {
  if ((await readCursor(env.db, binding.id, cursorName)) !== undefined) return;
  const { cursor } = await binding.subscriber.changes(undefined);
  await writeCursor(env.db, binding.id, cursorName, cursor);
}
