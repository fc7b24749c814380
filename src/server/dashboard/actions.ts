/** What a person can do from the dashboard. Each action says what it did, and stands in the audit with who did it. */
import { messageOf, SyncflowError } from '../../errors.js';
import { causeOf } from '../../explain/causes.js';
import { showKey } from '../../catalog/key.js';
import type { Taken } from '../../store/resolutions.js';
import type { Json } from '../../catalog/values.js';
import { linkSubject } from '../../store/dashboard.js';
import { insertHistory } from '../../store/history.js';
import { parkedReasons } from '../../store/parked.js';
import type { Syncflow } from '../../syncflow.js';
import type { ActionAnswer, Notice, VerifiedReport } from './contract.js';
import type { Live } from './live.js';

/** In the audit, of what concerns more than one subscriber. */
const everything = '*';

interface Deed {
  readonly action: string;
  readonly by: string;
  readonly subscriber?: string | undefined;
  readonly key?: string | undefined;
  readonly remoteId?: string | undefined;
}

export class Actions {
  readonly #flow: Syncflow;
  readonly #live: Live;
  readonly #verified = new Map<string, VerifiedReport>();
  readonly #underWay = new Set<string>();

  constructor(flow: Syncflow, live: Live) {
    this.#flow = flow;
    this.#live = live;
  }

  /** The last comparison of each subscriber that was asked for here. */
  get verified(): readonly VerifiedReport[] {
    return [...this.#verified.values()];
  }

  async retryRecord(by: string, link: string, as: 'create' | undefined): Promise<ActionAnswer> {
    const { subscriber, key, remoteId } = await this.#subject(link);
    const count = await this.#flow.retry({ id: link, ...(as === undefined ? {} : { as }) });
    const name = key === null ? (remoteId ?? 'it') : showKey(key);
    const said =
      count === 0
        ? `${name} isn’t parked any more: nothing was done`
        : as === 'create'
          ? `${name} gets a new remote in ${subscriber}`
          : `${name} is tried again`;
    return this.#done(
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
    return this.#done({ action: 'retry', by }, `${said}: ${code}, ${cause}`.slice(0, 500), said);
  }

  async release(by: string, subscriber: string): Promise<ActionAnswer> {
    const count = await this.#flow.release(subscriber, undefined, by);
    return this.#done({ action: 'release', by, subscriber }, `${many(count)} let go: what was held is made now`);
  }

  async discard(by: string, subscriber: string): Promise<ActionAnswer> {
    const { discarded, failed } = await this.#flow.discard(subscriber, by);
    const rest = failed.length === 0 ? '' : `; ${many(failed.length)} still held: ${failed[0]?.reason ?? ''}`;
    return this.#done({ action: 'discard', by, subscriber }, `${many(discarded)} taken back${rest}`.slice(0, 500));
  }

  async pause(by: string, target: string): Promise<ActionAnswer> {
    const ids = await this.#flow.pause(target);
    return this.#forEach(
      ids,
      { action: 'pause', by },
      `${target} is paused: changes are noted, and synced when it goes on`,
    );
  }

  async resume(by: string, target: string): Promise<ActionAnswer> {
    const ids = await this.#flow.resume(target);
    return this.#forEach(ids, { action: 'resume', by }, `${target} goes on`);
  }

  async pauseRecord(by: string, link: string, paused: boolean): Promise<ActionAnswer> {
    const { subscriber, key } = await this.#subject(link);
    if (key === null) throw new SyncflowError('usage', 'only a record can be paused, not a remote without one');
    await this.#flow[paused ? 'pause' : 'resume'](subscriber, key);
    const said = paused ? `${showKey(key)} is paused in ${subscriber}` : `${showKey(key)} goes on in ${subscriber}`;
    return this.#done({ action: paused ? 'pause' : 'resume', by, subscriber, key }, said);
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
    return this.#done({ action: 'resolve', by, subscriber, key }, said);
  }

  /** Begins; what came of it is announced. */
  async sync(by: string): Promise<ActionAnswer> {
    return this.#begin({ action: 'sync', by }, 'Fetching what the remotes have to tell', async () => {
      await this.#flow.sync();
      return { tone: 'good', text: 'Everything that the remotes told is synced, or parked with a reason' };
    });
  }

  async verify(by: string, subscriber: string, repair: boolean): Promise<ActionAnswer> {
    const deed = { action: repair ? 'repair' : 'verify', by, subscriber };
    return this.#begin(deed, `Comparing ${subscriber} with its remotes, field by field`, async () => {
      const [report] = await this.#flow.verify(subscriber, { repair });
      if (report === undefined)
        return { tone: 'bad', text: `${subscriber} can’t list its remotes: nothing was compared` };
      // their values are of no use here: the page of each record shows them as they are
      const { differences: _differences, ...kept } = report;
      this.#verified.set(subscriber, { ...kept, at: (await this.#flow.inside()).now.toISOString() });
      const differing = report.table.reduce((sum, one) => sum + one.count, 0);
      if (differing === 0) return { tone: 'good', text: `${subscriber}: ${report.compared} compared, all equal` };
      const queued = repair ? `; ${many(report.repairing)} being merged` : '';
      return { tone: 'bad', text: `${subscriber}: ${report.compared} compared, ${differing} differences${queued}` };
    });
  }

  async rescan(by: string, subscriber: string): Promise<ActionAnswer> {
    return this.#begin({ action: 'rescan', by, subscriber }, `Listing both sides of ${subscriber} anew`, async () => {
      await this.#flow.rescan(subscriber);
      return { tone: 'good', text: `${subscriber}: both sides were listed; what differs is being synced` };
    });
  }

  async #begin(deed: Deed, said: string, work: () => Promise<Pick<Notice, 'tone' | 'text'>>): Promise<ActionAnswer> {
    const id = `${deed.action} ${deed.subscriber ?? ''}`;
    if (this.#underWay.has(id)) return { said: `${said}: that is under way already` };
    const answer = await this.#done(deed, said);
    this.#underWay.add(id);
    void work()
      .catch((error: unknown): Pick<Notice, 'tone' | 'text'> => ({ tone: 'bad', text: messageOf(error) }))
      .then((notice) => this.#live.announce({ ...notice, at: new Date().toISOString() }))
      .finally(() => {
        this.#underWay.delete(id);
        this.#live.touch();
      });
    return answer;
  }

  async #subject(link: string) {
    const { db } = await this.#flow.inside();
    const subject = await linkSubject(db, link);
    if (subject === undefined) throw new SyncflowError('usage', 'this record is no longer known here');
    return subject;
  }

  async #forEach(ids: readonly string[], deed: Deed, said: string): Promise<ActionAnswer> {
    for (const subscriber of ids) await this.#done({ ...deed, subscriber }, said);
    return { said };
  }

  async #done({ action, by, subscriber, key, remoteId }: Deed, reason: string, said = reason): Promise<ActionAnswer> {
    const { db } = await this.#flow.inside();
    const detail = { code: action, reason, editedBy: `@${by}` };
    await insertHistory(db, [{ subscriber: subscriber ?? everything, key, remoteId, event: 'operated', detail }]);
    this.#live.touch();
    return { said };
  }
}

function many(count: number): string {
  return count === 1 ? '1 record' : `${count} records`;
}
