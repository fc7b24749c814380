/** An operation of several requests: what it means when one of them fails after others took effect. */
import type Stripe from 'stripe';
import type { Json } from '../../catalog/values.js';
import type { CreateOperation, UpdateOperation } from '../../subscriber/base.js';
import { stale, unknown, type Outcome } from '../../subscriber/outcome.js';
import type { StripeAccount } from './account.js';
import { isStoredServerError, outcomeOfStripeError } from './outcome.js';
import type { Params } from './params.js';

type Request<Result> = (stripe: Stripe, params: Params, options: Stripe.RequestOptions) => Promise<Result>;

/**
 * Runs the steps of one create or update. Each has its own idempotency key and is frozen before it is sent; a resumed
 * operation passes over those that are finished.
 */
export class StepRun<Remote> {
  /** The answer to the last step that was sent now: what it shows is first hand. Undefined where that was in an earlier run. */
  last: Remote | undefined;
  /** Whether Stripe holds something of this operation. */
  begun = false;

  constructor(
    private readonly account: StripeAccount,
    private readonly operation: CreateOperation<Remote> | UpdateOperation<Remote>,
  ) {}

  /** A step that only reads: what it finds stays the same when the operation is resumed. */
  read<Result extends Json>(name: string, read: () => Promise<Result>): Promise<Result> {
    return this.operation.step(name, null, read);
  }

  /** A step that writes; gives the written object's id. */
  async send(
    name: string,
    endpoint: string,
    params: Params,
    request: Request<{ readonly id: string }>,
  ): Promise<string> {
    return this.step(
      name,
      endpoint,
      params,
      async (stripe, frozen, options) => (await request(stripe, frozen, options)).id,
    );
  }

  /** A step whose answer shows the remote: it is kept in `last`. */
  async remember(name: string, endpoint: string, params: Params, request: Request<Remote>): Promise<void> {
    await this.step(name, endpoint, params, async (stripe, frozen, options) => {
      this.last = await request(stripe, frozen, options);
      return null;
    });
  }

  /** A step that writes and whose result later steps need. */
  async step<Result extends Json>(
    name: string,
    endpoint: string,
    params: Params,
    request: Request<Result>,
  ): Promise<Result> {
    const { lane, signal } = this.operation;
    const result = await this.operation.step(name, params, (frozen, idempotencyKey) =>
      this.account.call(lane, endpoint, (stripe, options) => request(stripe, frozen, options), {
        idempotencyKey,
        signal,
      }),
    );
    this.begun = true;
    return result;
  }

  /**
   * Runs `work` and says what came of it. Once a step took effect the operation can't be said not to be applied: it is resumed
   * where it can go on (`unknown`), and where it never can, `partly` says what is there (by default: read it and plan again).
   */
  async settle(
    work: () => Promise<unknown>,
    finished: () => Promise<Outcome<Remote>>,
    partly: () => Promise<Outcome<Remote>> = async () => stale(),
  ): Promise<Outcome<Remote>> {
    try {
      await work();
    } catch (error) {
      if (!this.begun) throw error;
      const outcome = outcomeOfStripeError(error);
      const resumable = outcome.kind === 'retry' || outcome.kind === 'blocked' || outcome.kind === 'unknown';
      return resumable && !isStoredServerError(error) ? unknown(outcome.reason) : attempted(partly);
    }
    return attempted(finished);
  }
}

/** What fails while the result is read says nothing against the steps: all of them are finished, and are passed over next time. */
async function attempted<Remote>(read: () => Promise<Outcome<Remote>>): Promise<Outcome<Remote>> {
  try {
    return await read();
  } catch (error) {
    return unknown(outcomeOfStripeError(error).reason);
  }
}
