/** What people ask of a Syncflow, and decide: the operations apart from its life cycle. */
import { discardHeld, type Discarded } from './apply/discard.js';
import { resolveConflict, type Resolved, type ResolveRequest } from './apply/resolution.js';
import type { CatalogClass } from './catalog/catalog.js';
import { givenKey } from './catalog/given-key.js';
import type { Finding } from './check/finding.js';
import { checkSchema } from './check/schema.js';
import { checkShared } from './check/shared.js';
import type { Binding } from './engine/binding.js';
import { findBinding, subscribersOf, type Prepared, type Readiness } from './engine/prepare.js';
import { SyncflowError } from './errors.js';
import type { SyncflowEvents } from './events.js';
import { parkedCauses, type ParkedCause } from './explain/causes.js';
import { explain, type ExplainRequest } from './explain/explain.js';
import { refuseUnknown } from './explain/filters.js';
import { describeHeld, type DescribedHeld } from './explain/held.js';
import type { Explanation } from './explain/explanation.js';
import { Steered } from './first-load/steered.js';
import { oneOf, type HeldReport, type RetryFilter } from './maintenance/retry.js';
import { verifiedEvent } from './maintenance/sweep.js';
import { refusedReport, verify, type VerifyOptions, type VerifyReport } from './maintenance/verify.js';
import { releaseSetting } from './outward/brake.js';
import { countHeld, listHeld, releaseHeld } from './store/held.js';
import {
  createAgain,
  listConflicts,
  listParked,
  retryParked,
  setPaused,
  subscriberStatus,
  type ConflictRow,
  type ParkedRecord,
  type SubscriberStatus,
} from './store/overview.js';
import { dropSetting, liftHold, writeEnd, writeSetting } from './store/settings.js';

/** What an operation works with. */
export interface Operating extends Prepared {
  /** Aborted when the Syncflow stops. */
  readonly signal: AbortSignal;
  readonly emit: <N extends keyof SyncflowEvents>(name: N, event: SyncflowEvents[N]) => void;
  /** Rings the workers, since something is due; subscribers that are named sleep no longer. */
  readonly wake: (subscribers?: readonly string[]) => void;
}

const idsOf = (bindings: readonly Binding[]): string[] => bindings.map(({ id }) => id);

export abstract class Operated extends Steered {
  /** @internal Reports, and decisions that are only noted, take the hub as it is; what writes rows needs all of it. */
  protected abstract operating(readiness?: Readiness): Promise<Operating>;

  /** @internal For what writes rows of the hub on behalf of a decision: it installs nothing where nothing is. */
  private async writing(): Promise<Operating> {
    await this.operating();
    return this.operating('work');
  }

  async status(): Promise<readonly SubscriberStatus[]> {
    const { env, bindings } = await this.operating();
    return subscriberStatus(
      env.db,
      bindings.map((binding) => binding.id),
    );
  }

  /**
   * Decides about an entry of the conflict log: takes the hub's or the remote's value as it was logged, or another. It is saved in
   * the hub like any edit, and goes to every subscriber; the entry stays, marked as resolved.
   *
   * @throws SyncflowError `usage` where it was resolved already, or can't be resolved so; `validation`
   * @example
   * await flow.resolveConflict({ id, take: 'remote', by: 'ada' });
   */
  async resolveConflict(request: ResolveRequest): Promise<Resolved> {
    const { env, bindings, wake } = await this.writing();
    const resolved = await resolveConflict(env.db, bindings, request);
    wake();
    return resolved;
  }

  /**
   * Compares whole catalogs with their remotes, field by field. Systems without a listing are left out. It writes nothing unless
   * `repair` is set: then whatever differs is queued, and merged by authority by its ordinary pass (`settled` waits for that).
   *
   * @throws SyncflowError `subscriber` where a list can't be read to its end; `table` where the table of the one that is asked for isn't
   * as its catalog says (where all are, its report says so: `refused`); the signal's reason where it is aborted
   * @example
   * const [report] = await flow.verify('customer/stripe', { repair: true });
   * console.table(report?.table);
   */
  async verify(subscriber?: string, options: VerifyOptions = {}): Promise<readonly VerifyReport[]> {
    const { env, bindings, signal, emit, wake } = await this.operating();
    const chosen = subscriber === undefined ? bindings : [findBinding(bindings, subscriber)];
    const signals = [signal, ...(options.signal === undefined ? [] : [options.signal])];
    const reports: VerifyReport[] = [];
    for (const binding of chosen)
      if (binding.subscriber.capabilities.listing) {
        const comparing = verify(env, binding, { ...options, signal: AbortSignal.any(signals) });
        const report = await comparing.catch((error: unknown) => {
          // one table that isn't as its catalog says is no reason to say nothing of the others
          if (subscriber !== undefined || !(error instanceof SyncflowError) || error.code !== 'table') throw error;
          return refusedReport(binding.id, error.message);
        });
        reports.push(report);
        if (report.refused === undefined) emit('verified', verifiedEvent(report));
      }
    if (options.repair === true) wake();
    return reports;
  }

  /** What in the mappings can't work, or not always, by the schemas of catalogs and remotes. `syncflow check` tries real values, too. */
  async check(): Promise<readonly Finding[]> {
    const { bindings } = await this.operating();
    return [...bindings.flatMap(checkSchema), ...checkShared(bindings)];
  }

  async parked(filter: { subscriber?: string; code?: string; id?: string } = {}): Promise<readonly ParkedRecord[]> {
    const { env, bindings } = await this.operating();
    const found = await listParked(env.db, filter);
    if (found.length === 0) refuseUnknown(filter, idsOf(bindings));
    return found;
  }

  /** What is parked, grouped by cause (code and reason, without what differs from record to record), each with an example and its cure. */
  async parkedCauses(filter: { subscriber?: string; code?: string } = {}): Promise<readonly ParkedCause[]> {
    const { env, bindings } = await this.operating();
    const found = await parkedCauses(env.db, filter);
    if (found.length === 0) refuseUnknown(filter, idsOf(bindings));
    return found;
  }

  /**
   * Tries parked records again. `{ id, as: 'create' }` decides about one that is parked as `unknown-create` (its create had no effect)
   * or `delete-conflict` (its remote was deleted, and is wanted): it gets a new remote. A subscriber that is held because it was `blocked` goes on at once. Those held by the brake or a TRUNCATE only go on with `release`. */
  async retry(filter: RetryFilter = {}): Promise<number> {
    const { as, ...which } = filter;
    const { env, bindings, wake } = await this.operating();
    const { db } = env;
    if (which.id === undefined && which.code === undefined)
      await liftHold(db, which.subscriber === undefined ? bindings.map(({ id }) => id) : [which.subscriber]);
    const count =
      as === undefined
        ? await retryParked(db, { ...which, held: false })
        : Number(await db.transaction((tx) => createAgain(tx, oneOf(which))));
    if (count === 0) refuseUnknown(which, idsOf(bindings));
    wake();
    return count;
  }

  /** What the brake or a TRUNCATE holds, counted, and the oldest 1,000 of it: of a subscriber, of a catalog by its name, or all. */
  async held(target?: string): Promise<HeldReport> {
    const { env, bindings } = await this.operating();
    const ids = target === undefined ? bindings.map(({ id }) => id) : subscribersOf(bindings, target);
    const counts = await countHeld(env.db, ids);
    const held = await listHeld(env.db, ids, 1_000);
    const described = new Map<string, DescribedHeld>();
    for (const id of new Set(held.map((one) => one.subscriber))) {
      const own = held.filter((one) => one.subscriber === id);
      for (const one of await describeHeld(env.db, findBinding(bindings, id), own)) described.set(one.id, one);
    }
    return { counts, changes: held.flatMap(({ id }) => described.get(id) ?? []) };
  }

  /**
   * Lets the changes go that the brake or a TRUNCATE holds: they were meant. For so long, in ms, nothing of the subscriber is held:
   * 10 minutes unless given. That lets a planned mass change through beforehand, too.
   *
   * @returns how many were held
   * @example
   * await flow.release('customer/stripe', 3_600_000, 'ada');
   */
  async release(subscriber: string, forMs = 600_000, by = 'app'): Promise<number> {
    const { env, bindings, emit, wake } = await this.operating();
    findBinding(bindings, subscriber);
    await writeEnd(env.db, releaseSetting(subscriber), forMs);
    const count = await releaseHeld(env.db, subscriber, by);
    if (count > 0) emit('decided', { subscriber, decision: 'release', count, by });
    wake([subscriber]);
    return count;
  }

  /**
   * Takes back what the brake or a TRUNCATE holds: it was a mistake. Whoever made the change gets what both sides last agreed on. A
   * record that was deleted here is inserted again with its mapped fields, an edit is undone by an edit of the hub (which goes to
   * every subscriber); there, edits are overwritten, and what was deleted is made again. Fields that are mapped inward only can't be
   * taken back: nothing here may write them.
   *
   * @example
   * const { discarded, failed } = await flow.discard('customer/stripe', 'ada');
   */
  async discard(subscriber: string, by = 'app'): Promise<Discarded> {
    const { env, bindings, emit, wake } = await this.writing();
    const result = await discardHeld(env.db, findBinding(bindings, subscriber), by);
    if (result.discarded > 0) emit('decided', { subscriber, decision: 'discard', count: result.discarded, by });
    wake([subscriber]);
    return result;
  }

  /**
   * Both sides of a record for each of its subscribers, and its timeline: which event or write, from whom and by which rule,
   * gave each value, and what lost.
   *
   * @param key its value, an object with every key field, or its text (`'["42"]'`)
   * @throws SyncflowError `usage` for a catalog, key or field that isn't there
   * @example
   * const { origins } = await flow.explain(Customer, 42, { field: 'email' });
   * console.log(origins.email?.by, origins.email?.rule);
   */
  async explain(
    catalog: CatalogClass | string,
    key: unknown,
    options: Pick<ExplainRequest, 'field' | 'fetch'> = {},
  ): Promise<Explanation> {
    const { env, catalogs, bindings } = await this.operating();
    const name = typeof catalog === 'string' ? catalog : catalog.definition.name;
    return explain(env, catalogs, bindings, { catalog: name, key, ...options });
  }

  async conflicts(filter: { subscriber?: string; key?: string } = {}): Promise<readonly ConflictRow[]> {
    const { env, bindings } = await this.operating();
    const found = await listConflicts(env.db, filter);
    if (found.length === 0) refuseUnknown(filter, idsOf(bindings));
    return found;
  }

  /**
   * Stops syncing, until `resume`, a subscriber (`customer/stripe`) or a whole catalog (`customer`: all of its subscribers); with a
   * key only that record. Changes meanwhile, on both sides, are noted, and synced then. Returns the subscribers that it meant.
   */
  async pause(target: string, key?: string): Promise<readonly string[]> {
    const { env, bindings } = await this.operating();
    const ids = subscribersOf(bindings, target);
    for (const id of ids) {
      if (key === undefined) await writeSetting(env.db, `pause:${id}`, env.clock.now().toISOString());
      else await setPaused(env.db, id, givenKey(findBinding(bindings, id).catalog.definition, key), true);
    }
    return ids;
  }

  /** Ends what `pause` of the same target began. A record that was paused by its key stays so when its subscriber is resumed. */
  async resume(target: string, key?: string): Promise<readonly string[]> {
    const { env, bindings, wake } = await this.operating();
    const ids = subscribersOf(bindings, target);
    for (const id of ids) {
      if (key === undefined) await dropSetting(env.db, `pause:${id}`);
      else await setPaused(env.db, id, givenKey(findBinding(bindings, id).catalog.definition, key), false);
    }
    wake(ids);
    return ids;
  }
}
