/** The public face of the first load as a person steers it. */
import type { Readiness } from '../engine/prepare.js';
import type { LinkRequest, Unlinked, UnlinkRequest } from './by-hand.js';
import type { ApplyOptions, ApplyReport, FirstLoad, PlanDecision, PlanOptions, PlanReport } from './first-load.js';
import type { ItemKind } from './item.js';
import type { DescribedItem } from './sides.js';

export abstract class Steered {
  /** @internal How far the hub is made ready for it; with `work` it is started, too, but loads nothing that has no plan. */
  protected abstract steer(readiness: Readiness): Promise<FirstLoad>;

  /**
   * What switching subscribers on would do, before anything is written on either side: a whole catalog's by its name, one by its id,
   * all of them by neither. The plan stands until it is discarded, planned anew or applied, in tables of Syncflow's own: where it isn't
   * installed yet, its schema `syncflow` is made for that, and nothing else; tables that aren't there count as empty.
   *
   * @throws SyncflowError `usage`, also where a decision is about something that isn't ambiguous
   * @example
   * const [report] = await flow.plan('customer/stripe');
   * for (const { kind, count } of report?.kinds ?? []) console.log(kind, count);
   */
  async plan(target?: string, options: PlanOptions = {}): Promise<readonly PlanReport[]> {
    return (await this.steer('plan')).plan(target, options);
  }

  /** What the newest plan of a subscriber says as a whole. */
  async planReport(subscriber: string): Promise<PlanReport> {
    return (await this.steer('look')).report(subscriber);
  }

  /** A page of what it says of each remote and record, with what people tell them by: 100 unless given, 1,000 at most, after the `id` of an item. */
  async planItems(
    subscriber: string,
    page: { after?: string; limit?: number; kind?: ItemKind } = {},
  ): Promise<readonly DescribedItem[]> {
    return (await this.steer('look')).items(subscriber, page);
  }

  /**
   * Decides about ambiguous items of the plan that stands, all or none; `plan` takes decisions, too, but reads both sides anew.
   *
   * @throws SyncflowError `usage` where there is no plan, or the decision is about something that isn't ambiguous
   * @example
   * await flow.decide('customer/stripe', [{ remoteId: 'cus_1', do: 'link', key: '["42"]' }]);
   */
  async decide(subscriber: string, decisions: readonly PlanDecision[]): Promise<number> {
    return (await this.steer('look')).decide(subscriber, decisions);
  }

  /** @internal Whether there is a plan to report of. */
  async hasPlan(subscriber: string): Promise<boolean> {
    return (await this.steer('look')).hasPlan(subscriber);
  }

  /** Throws plans away; returns how many. */
  async discardPlan(target?: string): Promise<number> {
    return (await this.steer('look')).discard(target);
  }

  /**
   * Carries out plans, and waits until all of it is synced or parked. Goes on where it was broken off. What was ambiguous and not
   * decided is parked.
   *
   * @throws SyncflowError `moved` where both sides say something else by now: nothing was written then
   * @example
   * await flow.plan('customer/stripe');
   * await flow.apply('customer/stripe');
   */
  async apply(target?: string, options: ApplyOptions = {}): Promise<readonly ApplyReport[]> {
    return (await this.steer('work')).apply(target, options);
  }

  /** A person's word that a record and a remote belong together: the decision about what is parked as `ambiguous`, `twin` or `moved`. */
  async link(request: LinkRequest): Promise<void> {
    return (await this.steer('look')).link(request);
  }

  /** Parts a record from its remote, and says which that was. Both stay, and are left alone; with `separate` each gets a partner of its own. */
  async unlink(request: UnlinkRequest): Promise<Unlinked> {
    return (await this.steer('look')).unlink(request);
  }
}
