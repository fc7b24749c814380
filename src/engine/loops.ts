/** The loops of a running Syncflow: each does what there is to do, then sleeps until it is rung or its interval is over. */
import { setMaxListeners } from 'node:events';
import { routeInbox } from '../inward/inbox.js';
import { mustList, poll } from '../inward/poll.js';
import { ReadFailure } from '../inward/reading.js';
import { retryDelayMs } from '../outward/retry.js';
import { deafSetting, dropSetting, readSetting, writeSetting } from '../store/settings.js';
import { backfill } from '../maintenance/backfill.js';
import { prune } from '../maintenance/pruner.js';
import { routeMarks } from '../outward/route.js';
import { hintsToRoute } from '../store/inbox.js';
import type { RunMode } from '../store/runs.js';
import type { Link } from '../store/links.js';
import { announceAwake, announceSleep, asleepSeconds, ringWorkers } from '../store/marks.js';
import type { VerifySchedule } from '../subscriber/policy.js';
import type { Quota } from '../subscriber/quota.js';
import type { Binding } from './binding.js';
import type { Environment } from './environment.js';
import { Passes, passesAtOnce } from './passes.js';
import { claimDue, reconcile } from './reconcile.js';
import { retentionLoop, sweepLoop } from './watch.js';
import { aborted, Bell } from './signal.js';

export interface LoopSettings {
  /** Links claimed at once. */
  readonly batchSize: number;
  /** How long loops sleep when nobody rings, in ms: alone it suffices. */
  readonly wakeIntervalMs: number;
  /** How often a subscriber is polled, in ms. */
  readonly pollIntervalMs: number;
  /** `planned`: what was never loaded waits for a plan to be applied. */
  readonly backfill: boolean | 'planned';
  /** Of subscribers that don't say otherwise. */
  readonly verify?: VerifySchedule | undefined;
}

const routeBatch = 500;
/** Of the marks of a mass UPDATE, where there are any: what is marked meanwhile waits until they are routed. */
const bulkBatch = 200;
/** Gap between two hints that isn't taken for sleep, in ms. */
const shortGapMs = 20;
/** Rest after a routing pass that was not full, in ms: a stream of single hints is then taken in handfuls. */
const restMs = 15;
/** A router that sleeps says so again after so long, in ms: who is silent for three times as long isn't rung any more. */
const announceMs = (asleepSeconds * 1000) / 3;
const pruneIntervalMs = 600_000;

/** What a system takes within so many seconds is claimed at once at least, where its account says how often it can be asked. */
const frozenSeconds = 0.25;

/**
 * How many links a pass claims. What is claimed is frozen: an edit that comes before it was sent costs a call more. So few wait for their
 * turn; and enough that a slow answer leaves no turn unused: twice as many where, at the end of a pass, of the other one nothing waits.
 * @param last of the pass before; 0 where that left nothing
 */
export function claimLimit(
  batchSize: number,
  last: number,
  quota: Pick<Quota, 'perSecond' | 'waiting'> | undefined,
  recordsPerCall = 1,
): number {
  if (quota === undefined || !Number.isFinite(quota.perSecond)) return batchSize;
  // whole calls
  const least = Math.max(1, Math.ceil((quota.perSecond * frozenSeconds) / passesAtOnce)) * recordsPerCall;
  const waiting = quota.waiting * recordsPerCall;
  const wanted = waiting === 0 ? last * 2 : waiting > last / 2 ? last / 2 : last;
  return Math.min(batchSize, Math.max(least, Math.floor(wanted)));
}

interface Listing {
  readonly done: Promise<void>;
  /** Begins when this one is done. */
  next?: Promise<void>;
}

const nothing = (): void => undefined;

type Subscribers = ReadonlySet<string>;

/** How many hints were routed, and whether as many as are taken at once. */
interface Routed {
  readonly count: number;
  readonly full: boolean;
}

const nothingDue = { count: 0, due: new Set<string>() };
const nothingRouted = { ...nothingDue, urgent: nothingDue.due, full: false };

export class Loops {
  readonly #env: Environment;
  readonly #catalogs: readonly string[];
  readonly #bindings: readonly Binding[];
  readonly #settings: LoopSettings;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];
  readonly #marks = new Bell();
  readonly #due = new Map<string, Bell>();
  /** Rung where what was made due is urgent, for who is busy with what isn't. */
  readonly #urgent = new Map<string, Bell>();
  /** Subscribers whose system has answered. */
  readonly #heard = new Set<string>();
  /** Subscribers whose first load isn't queued yet: `settled` waits for them. */
  readonly #loading = new Set<string>();
  /** Listings under way. */
  readonly #listings = new Map<string, Listing>();

  constructor(env: Environment, catalogs: readonly string[], bindings: readonly Binding[], settings: LoopSettings) {
    this.#env = env;
    this.#catalogs = catalogs;
    this.#bindings = bindings;
    this.#settings = settings;
    for (const { id } of bindings) {
      this.#due.set(id, new Bell());
      this.#urgent.set(id, new Bell());
    }
  }

  get loading(): boolean {
    return this.#loading.size > 0;
  }

  start(): void {
    // every sleeping loop and every call under way listens to it: many, but bounded by the subscribers and their concurrency
    setMaxListeners(0, this.#stop.signal);
    this.#run('route', () => this.#routeLoop());
    this.#run('prune', () => this.#pruneLoop());
    this.#run('retention', () => retentionLoop(this.#env, this.#bindings, this.#stop.signal));
    for (const binding of this.#bindings) {
      this.#run(binding.id, () => this.#workLoop(binding));
      this.#loading.add(binding.id);
      this.#run(`${binding.id} inward`, () => this.#inwardLoop(binding));
      const { verify = this.#settings.verify } = binding;
      if (verify === undefined || verify === false || !binding.subscriber.capabilities.listing) continue;
      this.#run(`${binding.id} verify`, () =>
        sweepLoop(this.#env, binding, verify, this.#stop.signal, () => this.ring()),
      );
    }
  }

  /** Something may have been marked, or have come in. */
  ring(): void {
    this.#marks.ring();
  }

  /** Another worker has made more links due than it takes at once. */
  wakeAll(): void {
    for (const id of this.#due.keys()) this.wake(id);
  }

  /** Links of a subscriber were made due. */
  wake(subscriber: string): void {
    this.#due.get(subscriber)?.ring();
    this.#urgent.get(subscriber)?.ring();
  }

  /** Ends all loops; each finishes what it has begun. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#marks.ring();
    this.wakeAll();
    await Promise.all(this.#running);
  }

  /** Fetches changes of every subscriber that can be polled, now. */
  async pollAll(): Promise<number> {
    let fresh = 0;
    for (const binding of this.#bindings) {
      if (!binding.subscriber.capabilities.polling) continue;
      const polled = await poll(this.#env, binding, this.#stop.signal);
      fresh += polled.fresh;
      if (polled.relist) await this.list(binding, 'owed');
    }
    this.ring();
    return fresh;
  }

  /**
   * Lists everything of a subscriber, one listing at a time. One under way may be past what is asked for: another follows then, one
   * for all who ask meanwhile.
   */
  async list(binding: Binding, mode: RunMode): Promise<void> {
    const running = this.#listings.get(binding.id);
    if (running === undefined) return this.#startListing(binding, mode);
    if (mode === 'first') return running.done;
    if (mode === 'anew') return (running.next ??= running.done.catch(nothing).then(() => this.list(binding, 'anew')));
    // what is owed may be just this one
    await running.done.catch(nothing);
    if (await mustList(this.#env, binding)) await this.list(binding, 'owed');
  }

  isListing(subscriber: string): boolean {
    return this.#listings.has(subscriber);
  }

  #startListing(binding: Binding, mode: RunMode): Promise<void> {
    const listing: Listing = {
      done: backfill(this.#env, binding, this.#stop.signal, mode).finally(() => {
        this.#listings.delete(binding.id);
      }),
    };
    this.#listings.set(binding.id, listing);
    return listing.done;
  }

  #run(where: string, loop: () => Promise<void>): void {
    const guarded = async (): Promise<void> => {
      let pauseMs = 200;
      while (!this.#stop.signal.aborted) {
        const beganAt = this.#env.clock.now().getTime();
        try {
          await loop();
          return;
        } catch (error) {
          // the database may be away: go on when it is back
          this.#env.emit('error', { where, error });
          // what worked for longer than we waited has begun anew
          const worked = this.#env.clock.now().getTime() - beganAt > pauseMs;
          pauseMs = worked ? 400 : Math.min(30_000, 2 * pauseMs);
          await this.#sleep(pauseMs);
        }
      }
    };
    this.#running.push(this.#env.tracing.apart(guarded));
  }

  async #sleep(ms: number): Promise<void> {
    await this.#env.clock.sleep(ms, this.#stop.signal);
  }

  /** `stop` rings all bells. */
  #wait(bell: Bell, ms: number): Promise<void> {
    return bell.wait((enough) => this.#env.clock.sleep(ms, enough));
  }

  async #routeLoop(): Promise<void> {
    const byId = new Map(this.#bindings.map((binding) => [binding.id, binding]));
    let idlePasses = 0;
    let sleptMs = 0;
    while (!this.#stop.signal.aborted) {
      const routed = await this.#route(byId);
      if (routed.count > 0) {
        if (idlePasses > 1) await announceAwake(this.#env.db, this.#env.worker);
        idlePasses = 0;
        if (!routed.full) await this.#sleep(restMs);
        continue;
      }
      idlePasses += 1;
      // a stream of hints comes with short gaps: only a longer one is worth announcing
      if (idlePasses === 1) await this.#wait(this.#marks, shortGapMs);
      // announce, then look once more: what was marked in between rang nobody
      else if (idlePasses === 2 || sleptMs >= announceMs) {
        await announceSleep(this.#env.db, this.#env.worker);
        sleptMs = 0;
      } else {
        const ms = Math.min(this.#settings.wakeIntervalMs, announceMs);
        await this.#wait(this.#marks, ms);
        sleptMs += ms;
      }
    }
    await announceAwake(this.#env.db, this.#env.worker).catch(() => undefined);
  }

  async #route(byId: ReadonlyMap<string, Binding>): Promise<Routed> {
    const hints = await hintsToRoute(this.#env.db, this.#catalogs, [...byId.keys()]);
    if (!hints.marks && !hints.events) return { count: 0, full: false };
    return this.#env.tracing.during('route', { parent: 'none' }, async (span) => {
      const marks = hints.marks ? await this.#routeMarks(hints.bulk) : nothingRouted;
      const events = hints.events ? await routeInbox(this.#env, byId, routeBatch) : nothingDue;
      for (const id of [...marks.due, ...events.due]) this.#due.get(id)?.ring();
      for (const id of [...marks.urgent, ...events.due]) this.#urgent.get(id)?.ring();
      const count = marks.count + events.count;
      if (count >= this.#settings.batchSize && this.#env.db.shared) await ringWorkers(this.#env.db);
      span?.set({ marks: marks.count, events: events.count });
      if (count > 0) this.#env.emit('routed', { marks: marks.count, events: events.count });
      return { count, full: marks.full || count >= routeBatch };
    });
  }

  /** Beside a mass UPDATE the others' marks are routed first, by transactions of their own: none waits for a large one. */
  async #routeMarks(hasBulk: boolean): Promise<Routed & { readonly due: Subscribers; readonly urgent: Subscribers }> {
    const route = (limit: number, which?: 'live') =>
      routeMarks(this.#env.db, this.#catalogs, this.#bindings, limit, which);
    if (!hasBulk) {
      const live = await route(routeBatch);
      return { ...live, urgent: live.due, full: live.count >= routeBatch };
    }
    const live = await route(routeBatch, 'live');
    if (live.count >= routeBatch) return { ...live, urgent: live.due, full: true };
    const bulk = await route(bulkBatch);
    return {
      count: live.count + bulk.count,
      due: new Set([...live.due, ...bulk.due]),
      urgent: live.due,
      full: bulk.count >= bulkBatch,
    };
  }

  async #workLoop(binding: Binding): Promise<void> {
    const bell = this.#due.get(binding.id) ?? new Bell();
    const { batchSize, wakeIntervalMs } = this.#settings;
    const { batchSize: recordsPerCall } = binding.subscriber.capabilities;
    const passes = new Passes((links) => this.#pass(binding, links));
    let limit = 0;
    let hasMore = false;
    /** A pass has ended since the last one was claimed. */
    let isOver = false;
    try {
      while (!this.#stop.signal.aborted && !passes.failed) {
        if (isOver || !hasMore) limit = claimLimit(batchSize, hasMore ? limit : 0, binding.quota(), recordsPerCall);
        const links = await claimDue(this.#env, binding, limit);
        passes.begin(links);
        // a full batch: more is waiting, to be claimed and planned while the calls of this pass are under way
        hasMore = links.length === limit;
        const most = hasMore ? passesAtOnce : 1;
        isOver = passes.count >= most;
        if (isOver) await this.#untilOver(binding, passes, { most, limit });
        else if (links.length === 0) await this.#wait(bell, wakeIntervalMs);
      }
    } finally {
      await passes.end();
    }
  }

  /** Until one of so many passes has ended. What is urgent, and they aren't, is taken on meanwhile. */
  async #untilOver(
    binding: Binding,
    passes: Passes,
    at: { readonly most: number; readonly limit: number },
  ): Promise<void> {
    const bell = this.#urgent.get(binding.id) ?? new Bell();
    const goesOn = (): boolean => passes.count >= at.most && !passes.failed;
    while (goesOn()) {
      const asks = passes.letsPass && !this.#stop.signal.aborted;
      const urgent = asks ? await claimDue(this.#env, binding, at.limit, 'urgent') : [];
      passes.beginUrgent(urgent);
      // one may have ended while it was asked
      if (urgent.length > 0 || !goesOn()) continue;
      await bell.wait((enough) => Promise.race([passes.anyEnds(), aborted(enough)]));
    }
  }

  async #pass(binding: Binding, links: readonly Link[]): Promise<void> {
    await reconcile(this.#env, binding, links, this.#stop.signal);
    // marks await routing, and what was written may be waited for: by whoever refers to it, within its account
    this.ring();
    for (const { id, account } of this.#bindings) if (account === binding.account && id !== binding.id) this.wake(id);
  }

  async #inwardLoop(binding: Binding): Promise<void> {
    if (this.#settings.backfill) await this.#listening(binding, () => this.list(binding, 'first'));
    this.#loading.delete(binding.id);
    this.wake(binding.id);
    const { capabilities } = binding.subscriber;
    if (!capabilities.polling && !capabilities.listing) return;
    while (!this.#stop.signal.aborted) {
      const more = await this.#listening(binding, () => this.#look(binding));
      if (!more) await this.#sleep(this.#settings.pollIntervalMs);
    }
  }

  /** Returns whether more is waiting. Where there is nothing to poll, a listing that somebody didn't live to finish may still be owed. */
  async #look(binding: Binding): Promise<boolean> {
    const { fresh, more, relist } = binding.subscriber.capabilities.polling
      ? await poll(this.#env, binding, this.#stop.signal)
      : { fresh: 0, more: false, relist: await mustList(this.#env, binding) };
    if (relist) {
      await this.list(binding, 'owed');
      this.wake(binding.id);
    }
    if (fresh > 0) this.ring();
    return more;
  }

  /** Reads from a system until it answers; meanwhile the status says that nothing is heard from it. */
  async #listening<T>(binding: Binding, read: () => Promise<T>): Promise<T | undefined> {
    for (let failures = 1; ; failures++) {
      try {
        const answer = await read();
        // also what a process before this one has left
        if (failures > 1 || !this.#heard.has(binding.id)) await dropSetting(this.#env.db, deafSetting(binding.id));
        this.#heard.add(binding.id);
        return answer;
      } catch (error) {
        if (this.#stop.signal.aborted) return undefined;
        if (!(error instanceof ReadFailure)) throw error;
        const waitMs = retryDelayMs(failures, error.afterMs, this.#env.retry, this.#env.random);
        this.#env.emit('error', { where: `${binding.id} inward, again in ${waitMs} ms`, error });
        await writeSetting(this.#env.db, deafSetting(binding.id), error.message);
        await this.#untilRetried(binding, waitMs);
      }
    }
  }

  /** Sleeps, but no longer than until somebody asks for a retry: that drops the setting, in whichever process it is asked. */
  async #untilRetried(binding: Binding, waitMs: number): Promise<void> {
    for (let left = waitMs; left > 0 && !this.#stop.signal.aborted; left -= this.#settings.wakeIntervalMs) {
      await this.#sleep(Math.min(left, this.#settings.wakeIntervalMs));
      if ((await readSetting(this.#env.db, deafSetting(binding.id))) === undefined) return;
    }
  }

  async #pruneLoop(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await prune(this.#env.db, undefined, { signal: this.#stop.signal });
      await this.#sleep(pruneIntervalMs);
    }
  }
}
