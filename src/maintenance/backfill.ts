/** First load of a subscriber: every record and every remote is looked at once, in the lane behind live edits. Resumable. */
import type { RecordKey } from '../catalog/key.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { startCursor } from '../inward/poll.js';
import { insertEvents } from '../store/inbox.js';
import { makeAllDue, makeDue } from '../store/marks.js';
import { readSetting, writeSetting } from '../store/settings.js';
import type { Unit } from '../subscriber/compile.js';
import { finishRun, openRun, saveRun } from '../store/runs.js';

const pageSize = 500;
const backfillLane = 2;

interface Progress {
  readonly hubAfter?: RecordKey;
  readonly hubDone?: boolean;
  readonly listCursor?: string;
  readonly listDone?: boolean;
  readonly done: number;
}

/** Queues everything of a subscriber that was never loaded, or that `again` asks for. Safe to call at every start. */
export async function backfill(env: Environment, binding: Binding, signal: AbortSignal, again = false): Promise<void> {
  await noticeMapping(env, binding);
  const run = await openRun<Progress>(env.db, binding.id, 'backfill', { done: 0 }, again);
  if (run === undefined) return;
  let progress = run.progress;
  // the cursor first: what changes while we list comes as an event
  if (binding.subscriber.capabilities.polling) await startCursor(env, binding);
  while (progress.hubDone !== true && !signal.aborted) progress = await queueRecords(env, binding, run.id, progress);
  while (progress.listDone !== true && !signal.aborted) progress = await queueRemotes(env, binding, run.id, progress);
  if (!signal.aborted) await finishRun(env.db, run.id);
}

/** A field that was mapped since the last start is a first load of that field on every link there is. */
async function noticeMapping(env: Environment, binding: Binding): Promise<void> {
  const show = (units: readonly Unit[]): string[] => units.map((unit) => `${unit.name}>${unit.path.join('.')}`).sort();
  const now = JSON.stringify([
    show(binding.mapping.units),
    ...binding.mapping.children.map((child) => [child.name, show(child.units)]),
  ]);
  const name = `mapping:${binding.id}`;
  const before = await readSetting(env.db, name);
  if (before === now) return;
  await env.db.transaction(async (tx) => {
    if (before !== undefined) await makeAllDue(tx, [binding.id]);
    await writeSetting(tx, name, now);
  });
}

async function queueRecords(env: Environment, binding: Binding, run: string, progress: Progress): Promise<Progress> {
  const { keys } = await binding.catalog.rows.page(env.db, progress.hubAfter, pageSize);
  const last = keys.at(-1);
  const next: Progress = {
    ...progress,
    ...(last === undefined ? {} : { hubAfter: last }),
    hubDone: keys.length < pageSize,
    done: progress.done + keys.length,
  };
  await env.db.transaction(async (tx) => {
    await makeDue(
      tx,
      keys.map((key) => ({ subscriber: binding.id, key, lane: backfillLane, at: null, deleted: false })),
    );
    await saveRun(tx, run, next);
  });
  env.emit('progress', { subscriber: binding.id, kind: 'backfill', done: next.done, total: undefined });
  return next;
}

async function queueRemotes(env: Environment, binding: Binding, run: string, progress: Progress): Promise<Progress> {
  const { subscriber } = binding;
  if (!subscriber.capabilities.listing) return { ...progress, listDone: true };
  const page = await subscriber.list(progress.listCursor);
  const next: Progress = {
    ...progress,
    ...(page.cursor === undefined ? { listDone: true } : { listCursor: page.cursor }),
    done: progress.done + page.remotes.length,
  };
  const events = page.remotes
    .filter((remote) => subscriber.accepts(remote))
    .map((remote) => {
      const remoteId = subscriber.identify(remote);
      return { id: `list-${run}-${remoteId}`, remoteId, kind: 'changed' as const, snapshot: remote };
    });
  await env.db.transaction(async (tx) => {
    await insertEvents(
      tx,
      events.map((event) => ({ subscriber: binding.id, event, lane: backfillLane })),
    );
    await saveRun(tx, run, next);
  });
  env.emit('progress', { subscriber: binding.id, kind: 'backfill', done: next.done, total: undefined });
  return next;
}
