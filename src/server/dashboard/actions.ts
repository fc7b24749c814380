/** What a person can do from the dashboard. Each action says what it did, and stands in the audit with who did it. */
import { showKey } from '../../catalog/key.js';
import type { Json } from '../../catalog/values.js';
import { SyncflowError } from '../../errors.js';
import { causeOf } from '../../explain/causes.js';
import type { Difference } from '../../maintenance/drift.js';
import type { VerifyReport } from '../../maintenance/verify.js';
import { parkedReasons } from '../../store/parked.js';
import type { Taken } from '../../store/resolutions.js';
import type { Syncflow } from '../../syncflow.js';
import type { ActionAnswer, RepairCount, VerifiedReport, VerifiedView } from './contract.js';
import { many, type Deeds } from './deeds.js';

/** Differences of a comparison that are kept for its page. */
const keptDifferences = 2_000;

export class Actions {
  readonly #flow: Syncflow;
  readonly #deeds: Deeds;
  readonly #verified = new Map<string, VerifiedReport>();
  readonly #differences = new Map<string, readonly Difference[]>();

  constructor(deeds: Deeds) {
    this.#flow = deeds.flow;
    this.#deeds = deeds;
  }

  /** How a subscriber was last compared, where that was asked for here. */
  verified(subscriber: string): VerifiedView {
    const underWay = ['verify', 'repair'].find((action) => this.#deeds.isUnderWay(action, subscriber));
    return {
      report: this.#verified.get(subscriber) ?? null,
      underWay: underWay ?? null,
      outcome: this.#deeds.outcome(subscriber, ['verify', 'repair']),
    };
  }

  /** A page of what differed then. */
  differences(subscriber: string): readonly Difference[] {
    return this.#differences.get(subscriber) ?? [];
  }

  async retryRecord(by: string, link: string, as: 'create' | undefined): Promise<ActionAnswer> {
    const { subscriber, key, remoteId, name } = await this.#deeds.subject(link);
    const count = await this.#flow.retry({ id: link, ...(as === undefined ? {} : { as }) });
    const said =
      count === 0
        ? `${name} isn’t parked any more: nothing was done`
        : as === 'create'
          ? `${name} gets a new remote in ${subscriber}`
          : `${name} is tried again`;
    return this.#deeds.done(
      { action: 'retry', by, subscriber, key: key ?? undefined, remoteId: remoteId ?? undefined },
      said,
    );
  }

  /** Every record that is parked for one cause. */
  async retryCause(by: string, code: string, cause: string): Promise<ActionAnswer> {
    const { db } = await this.#flow.inside();
    const reasons = (await parkedReasons(db, { code })).filter((one) => causeOf(one.reason) === cause);
    const expected = reasons.reduce((sum, one) => sum + one.count, 0);
    const count = await this.#flow.retry({ code, reasons: [...new Set(reasons.map(({ reason }) => reason))] });
    const said = count < expected ? `${many(count)} of ${expected} tried again` : `${many(count)} tried again`;
    return this.#deeds.done({ action: 'retry', by }, `${said}: ${code}, ${cause}`.slice(0, 500), said);
  }

  async release(by: string, subscriber: string): Promise<ActionAnswer> {
    const count = await this.#flow.release(subscriber, undefined, by);
    return this.#deeds.done({ action: 'release', by, subscriber }, `${many(count)} let go: what was held is made now`);
  }

  async discard(by: string, subscriber: string): Promise<ActionAnswer> {
    const { discarded, failed } = await this.#flow.discard(subscriber, by);
    const rest = failed.length === 0 ? '' : `; ${many(failed.length)} still held: ${failed[0]?.reason ?? ''}`;
    return this.#deeds.done(
      { action: 'discard', by, subscriber },
      `${many(discarded)} taken back${rest}`.slice(0, 500),
    );
  }

  async pause(by: string, target: string): Promise<ActionAnswer> {
    const ids = await this.#flow.pause(target);
    return this.#deeds.forEach(
      ids,
      { action: 'pause', by },
      `${target} is paused: changes are noted, and synced when it goes on`,
    );
  }

  async resume(by: string, target: string): Promise<ActionAnswer> {
    const ids = await this.#flow.resume(target);
    return this.#deeds.forEach(ids, { action: 'resume', by }, `${target} goes on`);
  }

  async pauseRecord(by: string, link: string, paused: boolean): Promise<ActionAnswer> {
    const { subscriber, key } = await this.#deeds.subject(link);
    if (key === null)
      throw new SyncflowError('usage', 'only a record can be paused, not a remote without one', {
        hint: 'Pause its subscriber, or link it first.',
      });
    await this.#flow[paused ? 'pause' : 'resume'](subscriber, key);
    const said = paused ? `${showKey(key)} is paused in ${subscriber}` : `${showKey(key)} goes on in ${subscriber}`;
    return this.#deeds.done({ action: paused ? 'pause' : 'resume', by, subscriber, key }, said);
  }

  async resolve(
    by: string,
    request: { readonly id: string; readonly take: Taken; readonly value?: Json | undefined },
  ): Promise<ActionAnswer> {
    const { subscriber, key, unit, changed } = await this.#flow.resolveConflict({ ...request, by });
    const side = { hub: 'the hub’s value', remote: 'the remote’s value', value: 'another value' }[request.take];
    const said = changed
      ? `${unit} of ${showKey(key)} is ${side} now, and goes to every subscriber`
      : `${unit} of ${showKey(key)} had ${side} already: the conflict is closed`;
    return this.#deeds.done({ action: 'resolve', by, subscriber, key }, said);
  }

  /** Begins; what came of it is announced. */
  async sync(by: string): Promise<ActionAnswer> {
    return this.#deeds.begin({ action: 'sync', by }, 'Fetching what the remotes have to tell', async () => {
      await this.#flow.sync();
      return { tone: 'good', text: 'Everything that the remotes told is synced, or parked with a reason' };
    });
  }

  async verify(by: string, subscriber: string, repair: boolean): Promise<ActionAnswer> {
    const deed = { action: repair ? 'repair' : 'verify', by, subscriber };
    return this.#deeds.begin(deed, `Comparing ${subscriber} with its remotes, field by field`, async (signal) => {
      const [report] = await this.#flow.verify(subscriber, { repair, signal });
      if (report === undefined)
        return { tone: 'bad', text: `${subscriber} can’t list its remotes: nothing was compared` };
      const { differences, ...kept } = report;
      const at = (await this.#flow.inside()).now.toISOString();
      this.#differences.set(subscriber, differences.slice(0, keptDifferences));
      this.#verified.set(subscriber, { ...kept, at, repaired: repair, steps: stepsOf(differences) });
      const drift = driftOf(report.table);
      if (drift === 0) return { tone: 'good', text: `${subscriber}: ${report.compared} compared, all equal` };
      const differing = `${subscriber}: ${report.compared} compared, ${many(drift, 'difference')}`;
      if (!repair) return { tone: 'bad', text: differing };
      const held = report.held === undefined ? '' : `; ${report.held}`;
      return { tone: 'good', text: `${differing}; ${many(report.repairing)} queued to be merged${held}` };
    });
  }

  /** Ends a long action before it is done. */
  async stop(by: string, subscriber: string, action: string): Promise<ActionAnswer> {
    return this.#deeds.stop(by, subscriber, action);
  }

  async rescan(by: string, subscriber: string): Promise<ActionAnswer> {
    return this.#deeds.begin(
      { action: 'rescan', by, subscriber },
      `Listing both sides of ${subscriber} anew`,
      async () => {
        await this.#flow.rescan(subscriber);
        return { tone: 'good', text: `${subscriber}: both sides were listed; what differs is being synced` };
      },
    );
  }
}

/** Differences that are none are left out: what the remote makes of a value, as agreed. */
function driftOf(table: VerifyReport['table']): number {
  return table.reduce((sum, { cause, count }) => sum + (cause === 'normalised' ? 0 : count), 0);
}

/** What a repair would do, counted: of the differences that are listed. */
function stepsOf(differences: readonly Difference[]): RepairCount[] {
  const counts = new Map<string, RepairCount>();
  for (const { repair } of differences) {
    const { action } = repair;
    counts.set(action, { action, count: (counts.get(action)?.count ?? 0) + 1 });
  }
  return [...counts.values()].sort((one, other) => other.count - one.count);
}
