/** The first load as a person steers it: plan, decide, apply; and links that are made and undone by hand. */
import { showKey, type RecordKey } from '../catalog/key.js';
import { sharing } from '../check/shared.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import type { Loops } from '../engine/loops.js';
import { findBinding, subscribersOf, type Prepared } from '../engine/prepare.js';
import { SyncflowError } from '../errors.js';
import { startCursor } from '../inward/poll.js';
import { beginPlannedLoad } from '../maintenance/backfill.js';
import { countLoading } from '../store/decisions.js';
import {
  beginPlan,
  copyDecisions,
  countDifferences,
  countItems,
  dropPlans,
  itemsAfter,
  latestPlan,
  movedItems,
  setPlanState,
  type ItemCount,
  type ItemDecision,
  type PlanState,
  type StoredPlan,
} from '../store/plans.js';
import { isMetered } from '../subscriber/quota.js';
import { assertPlannable, draftPlan } from './draft.js';
import { saveDecisions, type Numbered } from './decide.js';
import type { ItemKind } from './item.js';
import { Pace } from './pace.js';
import { described, type DescribedItem } from './sides.js';
import { linkByHand, unlinkByHand, type LinkRequest, type Unlinked, type UnlinkRequest } from './by-hand.js';

/** What a plan comes to. */
export interface PlanReport {
  readonly id: string;
  readonly subscriber: string;
  readonly state: PlanState;
  /** ISO. */
  readonly createdAt: string;
  /** Units by whose equal values remotes of before are recognised. Without any, whatever stands on both sides is made twice. */
  readonly match: readonly string[];
  /** Other subscribers that take the same remotes, where this one doesn't say by `accepts` which are its: it makes records of theirs. */
  readonly shares: readonly string[];
  /** Of each kind: how many, how many of the pairs differ in a field, were decided by a person, or come to nothing. */
  readonly kinds: readonly ItemCount[];
  /** Fields in which pairs differ, and whose value would stay. */
  readonly differences: readonly {
    readonly unit: string;
    readonly winner: 'hub' | 'remote' | 'merged';
    readonly rule: string;
    readonly count: number;
  }[];
}

/** A decision about an ambiguous remote, or about an ambiguous record that is to stay alone. */
export interface PlanDecision extends ItemDecision {
  readonly subscriber?: string | undefined;
  readonly remoteId?: string | undefined;
  /** As text: `["42"]`. With `link` the record that the remote belongs to; else, without `remoteId`, the record that is meant. */
  readonly key?: RecordKey;
}

export interface PlanOptions {
  readonly decisions?: readonly PlanDecision[];
  readonly signal?: AbortSignal;
}

export interface ApplyOptions {
  /** Carry out what both sides are now, although they are no longer as the plan said. */
  readonly acceptMoved?: boolean;
  readonly signal?: AbortSignal;
}

export interface ApplyReport {
  readonly subscriber: string;
  /** True where it had been applied before: nothing was done. */
  readonly before: boolean;
  readonly items: number;
  /** Parked records of the subscriber, ambiguous ones among them. */
  readonly parked: number;
}

/** Between two looks at how much of a load is left, in ms. */
const lookIntervalMs = 200;
/** Moved items that an error names. */
const shownMoved = 5;

export class FirstLoad {
  readonly #prepared: Prepared;
  readonly #loops: Loops | undefined;
  readonly #stopping: AbortSignal;
  readonly #accounts: Readonly<Record<string, unknown>>;

  constructor(
    prepared: Prepared,
    loops: Loops | undefined,
    stopping: AbortSignal,
    accounts: Readonly<Record<string, unknown>>,
  ) {
    this.#prepared = prepared;
    this.#loops = loops;
    this.#stopping = stopping;
    this.#accounts = accounts;
  }

  async plan(target: string | undefined, { decisions = [], signal }: PlanOptions): Promise<readonly PlanReport[]> {
    const { env, bindings } = this.#prepared;
    const reports: PlanReport[] = [];
    refuseHomeless(chosen(bindings, target), bindings, decisions);
    for (const binding of chosen(bindings, target)) {
      assertPlannable(binding);
      await refuseWhileApplying(env, binding);
      const plan = await beginPlan(env.db, binding.id, 'drafting');
      await draftPlan({ env, binding, plan, pace: paceOf(env, binding, 'plan'), signal: this.#signal(signal) });
      await env.db.transaction(async (tx) => {
        await dropPlans(tx, binding.id, plan);
        await setPlanState(tx, plan, 'ready');
      });
      await this.decide(binding.id, decisions);
      reports.push(await this.report(binding.id));
    }
    return reports;
  }

  async report(subscriber: string): Promise<PlanReport> {
    const { env, bindings } = this.#prepared;
    const binding = findBinding(bindings, subscriber);
    const { id, state, createdAt } = await planOf(env, binding);
    const { match } = binding.subscriber;
    const [kinds, differences] = [await countItems(env.db, id), await countDifferences(env.db, id)];
    return { id, subscriber, state, createdAt, match, shares: sharing(binding, bindings), kinds, differences };
  }

  async hasPlan(subscriber: string): Promise<boolean> {
    const { env, bindings } = this.#prepared;
    return (await latestPlan(env.db, findBinding(bindings, subscriber).id)) !== undefined;
  }

  async items(
    subscriber: string,
    { after = '0', limit = 100, kind }: { after?: string; limit?: number; kind?: ItemKind } = {},
  ): Promise<readonly DescribedItem[]> {
    const { env, bindings } = this.#prepared;
    const binding = findBinding(bindings, subscriber);
    const { id } = await planOf(env, binding);
    return described(env.db, binding, id, await itemsAfter(env.db, id, after, Math.min(limit, 1_000), { kind }));
  }

  async discard(target: string | undefined): Promise<number> {
    const { env, bindings } = this.#prepared;
    let count = 0;
    for (const binding of chosen(bindings, target)) {
      await refuseWhileApplying(env, binding);
      count += await dropPlans(env.db, binding.id);
    }
    return count;
  }

  /** Decisions of this subscriber, all or none. */
  async decide(subscriber: string, decisions: readonly PlanDecision[]): Promise<number> {
    const { env, bindings } = this.#prepared;
    const own = decisions
      .map((decision, index): Numbered => ({ decision, place: decisions.length === 1 ? undefined : index + 1 }))
      .filter(({ decision: { subscriber: of } }) => of === undefined || of === subscriber);
    if (own.length === 0) return 0;
    const binding = findBinding(bindings, subscriber);
    const { id, state } = await planOf(env, binding);
    if (state !== 'ready')
      throw new SyncflowError(
        'usage',
        `the plan of ${subscriber} ${state === 'applied' ? 'was' : 'is being'} applied: what it left open is parked`,
        {
          hint: `Say who belongs together: syncflow link.`,
        },
      );
    await env.db.transaction((tx) => saveDecisions(tx, binding, id, own));
    return own.length;
  }

  /**
   * Carries out the plan. A plan is judged anew first: where the world says something else by now, nothing is done.
   */
  async apply(
    target: string | undefined,
    { acceptMoved = false, signal }: ApplyOptions,
  ): Promise<readonly ApplyReport[]> {
    const { env, bindings } = this.#prepared;
    const stop = this.#signal(signal);
    const reports: ApplyReport[] = [];
    for (const binding of chosen(bindings, target)) {
      let plan = await planOf(env, binding);
      const before = plan.state === 'applied';
      if (plan.state === 'ready') plan = await this.#approve(env, binding, plan, acceptMoved, stop);
      if (!before) await this.#carryOut(env, binding, plan, stop);
      const items = (await countItems(env.db, plan.id)).reduce((sum, { count }) => sum + count, 0);
      const { parked } = await countLoading(env.db, binding.id);
      reports.push({ subscriber: binding.id, before, items, parked });
    }
    return reports;
  }

  async #approve(
    env: Environment,
    binding: Binding,
    approved: StoredPlan,
    acceptMoved: boolean,
    signal: AbortSignal,
  ): Promise<StoredPlan> {
    // from here on, what changes comes as an event
    if (binding.subscriber.capabilities.polling) await startCursor(env, binding);
    const now = await beginPlan(env.db, binding.id, 'checking');
    await draftPlan({ env, binding, plan: now, pace: paceOf(env, binding, 'apply'), signal });
    const moved = await movedItems(env.db, approved.id, now, shownMoved);
    if (moved.count > 0 && !acceptMoved) throw movedError(binding, moved);
    await env.db.transaction(async (tx) => {
      await copyDecisions(tx, approved.id, now);
      await dropPlans(tx, binding.id, now);
      await setPlanState(tx, now, 'applying');
      await beginPlannedLoad(tx, binding.id, now);
    });
    return { ...approved, id: now, state: 'applying' };
  }

  async #carryOut(env: Environment, binding: Binding, plan: StoredPlan, signal: AbortSignal): Promise<void> {
    const loops = this.#loops;
    if (loops === undefined)
      throw new SyncflowError('usage', 'apply() works once this Syncflow was started', { hint: 'Call start() first.' });
    await loops.list(binding, 'first');
    loops.wake(binding.id);
    const total = (await countItems(env.db, plan.id)).reduce((sum, { count }) => sum + count, 0);
    const pace = paceOf(env, binding, 'apply');
    for (;;) {
      signal.throwIfAborted();
      const { waiting } = await countLoading(env.db, binding.id);
      pace.tell('applying', Math.max(0, total - waiting), total, this.#quotaLeft(binding));
      if (waiting === 0 && !loops.isListing(binding.id)) break;
      await env.clock.sleep(lookIntervalMs, signal);
    }
    await setPlanState(env.db, plan.id, 'applied');
  }

  async link(request: LinkRequest): Promise<void> {
    const { env, bindings } = this.#prepared;
    await linkByHand(env, findBinding(bindings, request.subscriber), request);
    this.#loops?.wake(request.subscriber);
  }

  async unlink(request: UnlinkRequest): Promise<Unlinked> {
    const { env, bindings } = this.#prepared;
    const unlinked = await unlinkByHand(env, findBinding(bindings, request.subscriber), request);
    this.#loops?.wake(request.subscriber);
    return unlinked;
  }

  /** Calls that the account has left in this second, where it counts them. */
  #quotaLeft({ account }: Binding): number | undefined {
    const one = this.#accounts[account];
    if (!isMetered(one)) return undefined;
    const { perSecond, used } = one.quota();
    return Math.max(0, perSecond - used);
  }

  #signal(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#stopping : AbortSignal.any([signal, this.#stopping]);
  }
}

function chosen(bindings: readonly Binding[], target: string | undefined): readonly Binding[] {
  if (target === undefined) return bindings;
  const ids = new Set(subscribersOf(bindings, target));
  return bindings.filter((binding) => ids.has(binding.id));
}

/** Each decision must be about one of those that are planned: else nobody would take notice of it. */
function refuseHomeless(
  planned: readonly Binding[],
  bindings: readonly Binding[],
  decisions: readonly PlanDecision[],
): void {
  const ids = planned.map(({ id }) => id);
  for (const [index, { subscriber }] of decisions.entries()) {
    if (subscriber === undefined && ids.length > 1)
      throw new SyncflowError('usage', `decision ${index + 1} doesn't say whose remote or record it is about`, {
        hint: `Several are planned: add "subscriber", one of ${ids.join(', ')}; or plan one at a time.`,
      });
    if (subscriber === undefined || ids.includes(subscriber)) continue;
    findBinding(bindings, subscriber);
    throw new SyncflowError('usage', `decision ${index + 1} is about ${subscriber}, which isn't planned here`, {
      hint: `Planned is ${ids.join(', ')}: leave the decision out, or plan ${subscriber}.`,
    });
  }
}

async function planOf(env: Environment, binding: Binding): Promise<StoredPlan> {
  const plan = await latestPlan(env.db, binding.id);
  if (plan !== undefined) return plan;
  throw new SyncflowError('usage', `there is no plan of ${binding.id}`, {
    hint: `Make one: syncflow plan ${binding.id}`,
  });
}

async function refuseWhileApplying(env: Environment, binding: Binding): Promise<void> {
  const plan = await latestPlan(env.db, binding.id);
  if (plan?.state !== 'applying') return;
  throw new SyncflowError('usage', `the plan of ${binding.id} is being applied`, {
    hint: `Let it end, or go on with it: syncflow apply ${binding.id}`,
  });
}

function paceOf(env: Environment, binding: Binding, kind: 'plan' | 'apply'): Pace {
  return new Pace(env.clock, binding.id, kind, (progress) => env.emit('progress', progress));
}

function movedError(binding: Binding, { count, items }: Awaited<ReturnType<typeof movedItems>>): SyncflowError {
  const told = items.map(({ remoteId, key, before, now }) => {
    const name = remoteId === null ? `record ${key === null ? '' : showKey(key)}` : `remote ${remoteId}`;
    return `${name}: ${before ?? 'the plan didn’t know it'} → ${now ?? 'it was paired or deleted since'}`;
  });
  const more = count > items.length ? `; and ${count - items.length} more` : '';
  return new SyncflowError(
    'moved',
    `${binding.id}: both sides say something else than the plan that was approved, ${count === 1 ? 'in one place' : `in ${count} places`}: ${told.join('; ')}${more}. Nothing was written.`,
    {
      hint: `Look again: syncflow plan ${binding.id}. Or carry out what holds now: syncflow apply ${binding.id} --accept-moved`,
      context: { subscriber: binding.id, count },
    },
  );
}
