/** Who belongs to whom, by a person's word: pairs that are made and undone, and the plan of a first load from its draft to its end. */
import { showKey, type RecordKey } from '../../catalog/key.js';
import { SyncflowError } from '../../errors.js';
import { linksNamed } from '../../store/dashboard.js';
import type { ItemDecision } from '../../store/plans.js';
import type { ActionAnswer, PlanView } from './contract.js';
import { many, type Deeds } from './deeds.js';

export interface DecideRequest {
  readonly subscriber: string;
  readonly remoteId?: string | undefined;
  readonly key?: string | undefined;
  readonly do: ItemDecision['do'];
}

export class Pairing {
  readonly #deeds: Deeds;

  constructor(deeds: Deeds) {
    this.#deeds = deeds;
  }

  async unlink(by: string, link: string, separate: boolean): Promise<ActionAnswer> {
    const { subscriber, key, remoteId, name } = await this.#deeds.subject(link);
    if (key === null)
      throw new SyncflowError('usage', `${name} stands alone: there is no record to part it from`, {
        hint: 'Only a pair can be unlinked.',
      });
    await this.#deeds.flow.unlink({ subscriber, key, separate });
    const said = separate
      ? `${name} and ${remoteId ?? 'its remote'} are parted in ${subscriber}: each gets a partner of its own`
      : `${name} and ${remoteId ?? 'its remote'} are parted in ${subscriber}: both stay, and are left alone`;
    const deed = { action: 'unlink', by, subscriber, key, remoteId: remoteId ?? undefined };
    return this.#deeds.done(deed, said, said, await this.#now(subscriber, { remoteIds: [], keys: [key] }, link));
  }

  async link(
    by: string,
    request: { readonly subscriber: string; readonly key: string; readonly remoteId: string },
  ): Promise<ActionAnswer> {
    const { subscriber, key, remoteId } = request;
    await this.#deeds.flow.link(request);
    const said = `${showKey(key)} and ${remoteId} belong together in ${subscriber}: they are merged next`;
    const deed = { action: 'link', by, subscriber, key, remoteId };
    return this.#deeds.done(deed, said, said, await this.#now(subscriber, { remoteIds: [remoteId], keys: [] }, ''));
  }

  async plan(by: string, subscriber: string): Promise<ActionAnswer> {
    return this.#deeds.begin(
      { action: 'plan', by, subscriber },
      `Planning ${subscriber}: both sides are read, nothing is written`,
      async (signal) => {
        const [report] = await this.#deeds.flow.plan(subscriber, { signal });
        const items = (report?.kinds ?? []).reduce((sum, { count }) => sum + count, 0);
        return { tone: 'good', text: `The plan of ${subscriber} is ready: ${items} of both sides judged` };
      },
    );
  }

  async decide(by: string, { subscriber, remoteId, key, do: what }: DecideRequest): Promise<ActionAnswer> {
    await this.#deeds.flow.decide(subscriber, [{ remoteId, do: what, ...(key === undefined ? {} : { key }) }]);
    const name = remoteId ?? (key === undefined ? 'it' : showKey(key));
    const said = {
      link: `${name} will be linked to ${key === undefined ? '' : showKey(key)}`,
      new: `${name} gets a partner of its own`,
      leave: `${name} will be left alone`,
    }[what];
    return this.#deeds.done({ action: 'decide', by, subscriber, key, remoteId }, `${said}, once the plan is applied`);
  }

  async discard(by: string, subscriber: string): Promise<ActionAnswer> {
    const count = await this.#deeds.flow.discardPlan(subscriber);
    const said =
      count === 0
        ? `There was no plan of ${subscriber}`
        : `The plan of ${subscriber} is thrown away: nothing was written`;
    return this.#deeds.done({ action: 'discard-plan', by, subscriber }, said);
  }

  async apply(by: string, subscriber: string, acceptMoved: boolean): Promise<ActionAnswer> {
    return this.#deeds.begin(
      { action: 'apply', by, subscriber },
      `Applying the plan of ${subscriber}`,
      async (signal) => {
        const [report] = await this.#deeds.flow.apply(subscriber, { acceptMoved, signal });
        if (report === undefined || report.before)
          return { tone: 'good', text: `The plan of ${subscriber} was applied before: nothing was done` };
        const parked = report.parked === 0 ? '' : `; ${many(report.parked)} parked, with a reason each`;
        return { tone: report.parked === 0 ? 'good' : 'bad', text: `The plan of ${subscriber} is applied${parked}` };
      },
    );
  }

  async view(subscriber: string): Promise<PlanView> {
    const underWay = (['plan', 'apply'] as const).find((action) => this.#deeds.isUnderWay(action, subscriber));
    return {
      report: (await this.#deeds.flow.hasPlan(subscriber)) ? await this.#deeds.flow.planReport(subscriber) : null,
      underWay: underWay ?? null,
      outcome: this.#deeds.outcome(subscriber, ['plan', 'apply']),
    };
  }

  /** Where the record is shown from now on, if that is somewhere else. */
  async #now(
    subscriber: string,
    wanted: { readonly remoteIds: readonly string[]; readonly keys: readonly RecordKey[] },
    before: string,
  ): Promise<{ readonly link?: string }> {
    const { db } = await this.#deeds.flow.inside();
    const [now] = await linksNamed(db, [subscriber], wanted, 1);
    return now === undefined || now.id === before ? {} : { link: now.id };
  }
}
