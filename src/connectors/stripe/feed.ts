/** Stripe's event list, newest first, read as a gap-free feed, oldest first. No I/O of its own. */
import type Stripe from 'stripe';
import { SyncflowError } from '../../errors.js';

/** What a page of events is asked with. */
export interface FeedRequest {
  readonly created?: { readonly gte: number; readonly lt?: number };
  readonly starting_after?: string;
  readonly limit: number;
}

export interface FeedPage {
  readonly data: readonly Stripe.Event[];
  readonly has_more: boolean;
}

export type FeedReader = (request: FeedRequest) => Promise<FeedPage>;

export interface Feed {
  /** Oldest first. */
  readonly events: readonly Stripe.Event[];
  readonly cursor: string;
  readonly more: boolean;
}

/**
 * `created` has whole seconds, and an event may become visible after one that is younger. So the last seconds are read again
 * each time, and once a minute the whole minute before: every event is read about three times, however busy the account is
 * and however often it is asked. One that was seen is recognised by its id.
 */
export const overlapSeconds = 60;
export const shortOverlapSeconds = 3;
/** In a quiet account the start moves on by our clock, this far behind it: a clock that is ahead skips nothing. */
const quietSeconds = 3600;
/** The quiet start moves in such steps, so that a quiet cursor seldom changes. */
const quietStepSeconds = 600;
/** Stripe keeps events for 30 days. */
const keptSeconds = 30 * 86_400;
const marginSeconds = 3600;
const limit = 100;

interface Cursor {
  /** Everything created before it has been given out, late ones too. */
  readonly from: number;
  /** The youngest event that was given out, and when the time since `from` was last read as a whole, by our clock. */
  readonly head?: number;
  readonly wholeAt?: number;
  /** While a backlog is worked off: where it ends, and how long a window held about a page. */
  readonly until?: number;
  readonly span?: number;
}

/**
 * Reads what was created since the cursor.
 *
 * Few events: all pages, from the newest back to the start, before any is given out. A backlog (more than a page, beyond the
 * overlap) is cut into windows of time that fit a page, oldest first, so that memory stays bounded and the cursor never
 * passes an event that wasn't given out.
 */
export async function readFeed(read: FeedReader, cursorText: string | undefined, nowSeconds: number): Promise<Feed> {
  if (cursorText === undefined) return start(read, nowSeconds);
  const cursor = parseCursor(cursorText, nowSeconds);
  if (cursor.until !== undefined && cursor.from < cursor.until)
    return readWindow(read, cursor.from, cursor.until, cursor.span);
  const whole = isWholeDue(cursor, nowSeconds);
  const gte = whole ? cursor.from : Math.max(cursor.from, (cursor.head ?? 0) - shortOverlapSeconds);
  const page = await read({ created: { gte }, limit });
  const newest = page.data[0]?.created;
  if (page.has_more && newest !== undefined && gte < newest - overlapSeconds)
    return readWindow(read, cursor.from, newest - overlapSeconds);
  const events = await rest(read, { gte }, page);
  return {
    events: [...events].reverse(),
    cursor: JSON.stringify(advance(cursor, newest, whole, nowSeconds)),
    more: false,
  };
}

/** Whether it is time to read everything since `from`. A clock that was put back makes it so. */
function isWholeDue({ head, wholeAt }: Cursor, nowSeconds: number): boolean {
  return head === undefined || wholeAt === undefined || nowSeconds < wholeAt || nowSeconds - wholeAt >= overlapSeconds;
}

function advance(cursor: Cursor, newest: number | undefined, whole: boolean, nowSeconds: number): Cursor {
  const head = Math.max(cursor.head ?? 0, newest ?? 0);
  const from = whole ? Math.max(cursor.from, head - overlapSeconds, quietStart(nowSeconds)) : cursor.from;
  // nothing younger than the start: the next reading is short anyway
  if (head <= from) return { from };
  return { from, head, wholeAt: whole ? nowSeconds : (cursor.wholeAt ?? nowSeconds) };
}

/** A cursor that stands for "now", by Stripe's clock where it tells. */
async function start(read: FeedReader, nowSeconds: number): Promise<Feed> {
  const newest = (await read({ limit: 1 })).data[0]?.created;
  const from = Math.max(newest === undefined ? 0 : newest - overlapSeconds, quietStart(nowSeconds));
  return { events: [], cursor: JSON.stringify({ from }), more: false };
}

function quietStart(nowSeconds: number): number {
  return Math.floor((nowSeconds - quietSeconds) / quietStepSeconds) * quietStepSeconds;
}

async function readWindow(read: FeedReader, from: number, until: number, span?: number): Promise<Feed> {
  let to = Math.min(until, from + Math.max(1, span ?? until - from));
  for (;;) {
    const created = { gte: from, lt: to };
    const page = await read({ created, limit });
    if (page.has_more && to - from > 1) {
      to = from + Math.floor((to - from) / 2);
      continue;
    }
    // a single second that doesn't fit a page is read to its end
    const events = await rest(read, created, page);
    const next: Cursor = to < until ? { from: to, until, span: (to - from) * 2 } : { from: to };
    return { events: [...events].reverse(), cursor: JSON.stringify(next), more: true };
  }
}

/** The page and all that follow it; the list only grows at its other end, so nothing shifts meanwhile. */
async function rest(read: FeedReader, created: { gte: number; lt?: number }, first: FeedPage): Promise<Stripe.Event[]> {
  const events = [...first.data];
  let page = first;
  while (page.has_more) {
    const last = page.data.at(-1);
    if (last === undefined) break;
    page = await read({ created, starting_after: last.id, limit });
    events.push(...page.data);
  }
  return events;
}

function parseCursor(text: string, nowSeconds: number): Cursor {
  const cursor = readCursor(text);
  if (cursor !== undefined && cursor.from > nowSeconds - keptSeconds + marginSeconds) return cursor;
  const why = cursor === undefined ? 'its cursor is not one of this connector' : 'Stripe keeps events for 30 days';
  throw new SyncflowError('cursor-expired', `Stripe’s events can’t be read on from the cursor: ${why}`, {
    hint: 'Everything must be listed once; the engine does that by itself.',
  });
}

function readCursor(text: string): Cursor | undefined {
  try {
    const value = JSON.parse(text) as Partial<Record<keyof Cursor, unknown>> | null;
    const { from, ...rest } = value ?? {};
    if (typeof from !== 'number') return undefined;
    return { ...Object.fromEntries(Object.entries(rest).filter(([, one]) => typeof one === 'number')), from };
  } catch {
    return undefined;
  }
}
