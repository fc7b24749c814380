/** First load of a subscriber: every record and every remote is looked at once, in the lane behind live edits. Resumable. */
import { claimOf } from '../apply/candidates.js';
import type { RecordKey } from '../catalog/key.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { startCursor } from '../inward/poll.js';
import { reading } from '../inward/reading.js';
import { shows } from '../inward/inbox.js';
import { transactionAgain, type Queryable } from '../store/database.js';
import { findLinks } from '../store/links.js';
import { backfillLane, lookAtUnlisted, noteListed, queueRecords, type Listed } from '../store/listed.js';
import { makeAllDue } from '../store/marks.js';
import { mappingSetting, readSetting, writeSetting } from '../store/settings.js';
import type { Unit } from '../subscriber/compile.js';
import {
  beginRun,
  endWaitForPlans,
  finishRun,
  openFirstRuns,
  openProgress,
  openRun,
  saveRun,
  type RunMode,
} from '../store/runs.js';
import { plannedOf } from '../first-load/item.js';
import { SyncflowError } from '../errors.js';
import { noteDecisions, type Decision } from '../store/decisions.js';
import { itemsAfter } from '../store/plans.js';

const pageSize = 500;
const kind = 'backfill';
const nothingYet: Progress = { done: 0 };
const awaitingPlan: Progress = { done: 0, awaits: 'plan' };

interface Progress {
  /** Nothing is loaded before a plan is applied. */
  readonly awaits?: 'plan';
  /** The plan that is being applied, and how far it is queued. */
  readonly plan?: string;
  readonly planAfter?: string;
  readonly listCursor?: string;
  readonly listDone?: boolean;
  readonly hubAfter?: RecordKey;
  readonly hubDone?: boolean;
  readonly done: number;
}

/**
 * Opens the first load of whatever was never loaded. To be done before work begins: what stands on one side only isn't paired
 * while a first load is open.
 */
export async function openFirstLoads(
  env: Environment,
  bindings: readonly Binding[],
  mode: 'at-once' | 'planned' = 'at-once',
): Promise<void> {
  const ids = bindings.map((binding) => binding.id);
  await openFirstRuns(env.db, ids, kind, mode === 'planned' ? awaitingPlan : nothingYet);
  if (mode === 'at-once') await endWaitForPlans(env.db, ids, nothingYet);
}

/** In the caller's transaction: the next load of this subscriber does what the plan says. */
export async function beginPlannedLoad(tx: Queryable, subscriber: string, plan: string): Promise<void> {
  await saveRun(tx, await beginRun(tx, subscriber, kind), { ...nothingYet, plan });
}

/**
 * Queues everything of a subscriber that was never loaded, or that `mode` asks for. Safe to call at every start. Remotes come
 * first: only when all are known is it known which records have none.
 */
export async function backfill(
  env: Environment,
  binding: Binding,
  signal: AbortSignal,
  mode: RunMode = 'first',
): Promise<void> {
  await noticeMapping(env, binding);
  if (mode === 'anew' && (await awaitsPlan(env, binding)))
    throw new SyncflowError('usage', `${binding.id} was never loaded, and waits for a plan to be applied`, {
      hint: `See what it would do with: syncflow plan ${binding.id}. Then: syncflow apply ${binding.id}`,
    });
  const run = await openRun<Progress>(env.db, binding.id, kind, nothingYet, mode);
  if (run === undefined || run.progress.awaits === 'plan') return;
  let progress = run.progress;
  // the cursor first: what changes while we list comes as an event
  if (binding.subscriber.capabilities.polling) await startCursor(env, binding);
  const { plan } = progress;
  while (plan !== undefined && progress.hubDone !== true && !signal.aborted)
    progress = await queuePlanned(env, binding, run.id, { ...progress, plan });
  // whoever pauses a subscriber wants no more calls of it: the run stays open, and is owed to the next look at its feed
  while (progress.listDone !== true && !signal.aborted && !(await isPaused(env, binding)))
    progress = await queueRemotes(env, binding, run.id, progress);
  while (progress.listDone === true && progress.hubDone !== true && !signal.aborted)
    progress = await queueHub(env, binding, run.id, progress);
  if (progress.listDone === true && progress.hubDone === true && !signal.aborted) await finishRun(env.db, run.id);
}

/** A system without a list is asked for nothing here, and its feed is looked at no more: such a load doesn't wait. */
async function isPaused({ db }: Environment, { id, subscriber }: Binding): Promise<boolean> {
  return subscriber.capabilities.listing && (await readSetting(db, `pause:${id}`)) !== undefined;
}

/** Whether nothing of a subscriber is loaded before a plan of it is applied. */
export async function awaitsPlan(env: Environment, binding: Binding): Promise<boolean> {
  return (await openProgress<Progress>(env.db, binding.id, kind))?.awaits === 'plan';
}

/** A page of an applied plan becomes due links, each with what was approved for it. */
async function queuePlanned(
  env: Environment,
  binding: Binding,
  run: string,
  progress: Progress & { readonly plan: string },
): Promise<Progress> {
  const items = await itemsAfter(env.db, progress.plan, progress.planAfter ?? '0', pageSize);
  const last = items.at(-1);
  const next: Progress = {
    ...progress,
    ...(last === undefined ? {} : { planAfter: last.id }),
    ...(items.length < pageSize ? { listDone: true, hubDone: true } : {}),
    done: progress.done + items.length,
  };
  const decisions = items.flatMap(({ kind: what, remoteId, key, decision }): Decision[] => {
    const planned = what === 'listed' ? undefined : plannedOf(what, key, decision);
    if (planned === undefined) return [];
    const side = remoteId !== null ? { remoteId } : key === null ? undefined : { key };
    return side === undefined ? [] : [{ subscriber: binding.id, ...side, planned }];
  });
  await transactionAgain(env.db, async (tx) => {
    const seen = items.flatMap(({ remoteId, sight }) => (remoteId === null ? [] : [[remoteId, sight] as const]));
    await noteListed(tx, run, await listed(tx, binding, new Map(seen)));
    await queueRecords(
      tx,
      { subscriber: binding.id, catalog: binding.catalog.definition.name },
      items.flatMap(({ key, kind: what }) => (key === null || what === 'linked' ? [] : [key])),
      false,
    );
    await noteDecisions(tx, decisions);
    await saveRun(tx, run, next);
  });
  env.emit('progress', { subscriber: binding.id, kind: 'apply', phase: 'queueing', done: next.done, total: undefined });
  return next;
}

/** A field that was mapped since the last start is a first load of that field on every link there is. */
async function noticeMapping(env: Environment, binding: Binding): Promise<void> {
  const show = (units: readonly Unit[]): string[] => units.map((unit) => `${unit.name}>${unit.path.join('.')}`).sort();
  const now = JSON.stringify([
    show(binding.mapping.units),
    ...binding.mapping.children.map((child) => [child.name, show(child.units)]),
  ]);
  const name = mappingSetting(binding.id);
  const before = await readSetting(env.db, name);
  if (before === now) return;
  await transactionAgain(env.db, async (tx) => {
    if (before !== undefined) await makeAllDue(tx, [binding.id], backfillLane);
    await writeSetting(tx, name, now);
  });
}

async function queueHub(env: Environment, binding: Binding, run: string, progress: Progress): Promise<Progress> {
  const { keys } = await binding.catalog.rows.page(env.db, progress.hubAfter, pageSize);
  const last = keys.at(-1);
  const next: Progress = {
    ...progress,
    ...(last === undefined ? {} : { hubAfter: last }),
    hubDone: keys.length < pageSize,
    done: progress.done + keys.length,
  };
  const { marker, listing } = binding.subscriber.capabilities;
  await transactionAgain(env.db, async (tx) => {
    await queueRecords(
      tx,
      { subscriber: binding.id, catalog: binding.catalog.definition.name },
      keys,
      marker && !listing,
    );
    await saveRun(tx, run, next);
  });
  env.emit('progress', { subscriber: binding.id, kind, done: next.done, total: undefined });
  return next;
}

async function queueRemotes(env: Environment, binding: Binding, run: string, progress: Progress): Promise<Progress> {
  const { subscriber } = binding;
  if (!subscriber.capabilities.listing) return { ...progress, listDone: true };
  const page = await reading(env, binding, 'its list', () => subscriber.list(progress.listCursor));
  const next: Progress = {
    ...progress,
    ...(page.cursor === undefined ? { listDone: true } : { listCursor: page.cursor }),
    done: progress.done + page.remotes.length,
  };
  await transactionAgain(env.db, async (tx) => {
    const byId = new Map(page.remotes.map((remote) => [subscriber.identify(remote), remote]));
    await noteListed(tx, run, await listed(tx, binding, byId));
    if (next.listDone === true) await lookAtUnlisted(tx, binding.id, run);
    await saveRun(tx, run, next);
  });
  env.emit('progress', { subscriber: binding.id, kind, done: next.done, total: undefined });
  return next;
}

/** What a page of a listing says. A sight is good enough for a remote that nobody here has written to. */
async function listed(tx: Queryable, binding: Binding, byId: ReadonlyMap<string, unknown>): Promise<Listed[]> {
  const { subscriber } = binding;
  const links = await findLinks(
    tx,
    [...byId.keys()].map((remoteId) => ({ subscriber: binding.id, remoteId })),
  );
  const known = new Map(links.map((link) => [link.remoteId, link]));
  return [...byId].flatMap(([remoteId, remote]): Listed[] => {
    const link = known.get(remoteId);
    const accepted = subscriber.accepts(remote);
    if (link === undefined && !accepted) return [];
    const linked = link?.state === 'linked';
    const settled = linked && shows(binding, link, remote);
    return [
      {
        subscriber: binding.id,
        remoteId,
        look: (accepted || linked) && !settled,
        sight: link === undefined ? remote : null,
        claims: link?.key === undefined ? (claimOf(binding, remote) ?? null) : null,
      },
    ];
  });
}
