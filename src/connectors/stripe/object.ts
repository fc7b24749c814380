/** What the subscribers of all kinds of Stripe objects share: marker, look-up, listing, events, outcomes. */
import type Stripe from 'stripe';
import type { CatalogClass } from '../../catalog/catalog.js';
import type { RecordKey } from '../../catalog/key.js';
import { SyncflowError } from '../../errors.js';
import {
  SubscriberBase,
  type AnyOperation,
  type ChangePage,
  type Delivery,
  type Lane,
  type ListPage,
  type PartialRemote,
  type Query,
  type RemoteEvent,
  type SubscriberContext,
} from '../../subscriber/base.js';
import { leastCapabilities, type Capabilities } from '../../subscriber/capabilities.js';
import { done, exists, found, gone, missing, rejected, stale, unknown, type Outcome, type Sight } from '../../subscriber/outcome.js';
import type { StripeAccount } from './account.js';
import { readFeed } from './feed.js';
import { isStoredServerError, outcomeOfStripeError } from './outcome.js';
import { createParams, incompleteHashes, updateParams, type Params, type Writable } from './params.js';
import { asObject, asText, isObject, isoOfSeconds, plain, type JsonObject } from './plain.js';
import { resourceMissing, type PageRequest, type RemotePage, type SeenObject } from './remote-page.js';
import { matches } from './match.js';
import { stripeApiVersion } from './version.js';
import Stripes from 'stripe';

/** What every Stripe object has. */
export interface StripeThing {
  readonly id: string;
  readonly created: number;
  readonly metadata: Stripe.Metadata | null;
}

/** The part of a create or update that the shared code needs. */
type Writing<Remote> = Extract<AnyOperation<Remote>, { kind: 'create' | 'update' }>;
type CreateLike<Remote> = Omit<Extract<Writing<Remote>, { kind: 'create' }>, 'kind'>;
type UpdateLike<Remote> = Omit<Extract<Writing<Remote>, { kind: 'update' }>, 'kind'>;

/** Idempotency keys that a create tries in turn when Stripe has stored a 500 for one. */
const createAttempts = 3;
/** Stripe's limit for a metadata value. */
const metadataValueLength = 500;

/**
 * The base of the Stripe subscribers. Extend `StripeCustomerSubscriber`, `StripeProductSubscriber` or `StripeInvoiceSubscriber`;
 * this one is for kinds of objects that the connector doesn't have yet.
 *
 * @typeParam Remote the object as `retrieve` gives it, plain
 * @example
 * abstract class StripeCouponSubscriber<C extends CatalogClass> extends StripeObject<C, Stripe.Coupon> {
 *   protected readonly kind = 'coupon';
 *   protected readonly eventTypes = ['coupon.created', 'coupon.updated', 'coupon.deleted'];
 *   …
 * }
 */
export abstract class StripeObject<C extends CatalogClass, Remote extends StripeThing> extends SubscriberBase<C, Remote, StripeAccount> {
  static readonly system: string = 'stripe';

  override readonly capabilities: Capabilities = {
    ...leastCapabilities,
    idempotencyHours: 24,
    marker: true,
    history: true,
    webhooks: true,
    polling: true,
    listing: true,
  };

  /** The object's name, in messages and endpoints. */
  protected abstract readonly kind: string;
  /** Event types that concern it; Stripe takes 20 at most. */
  protected abstract readonly eventTypes: readonly string[];
  protected abstract readonly writable: Writable;
  /** One object; undefined where Stripe shows a deleted one. A 404 may be thrown. */
  protected abstract retrieve(remoteId: string, lane: Lane): Promise<Remote | undefined>;
  /** A page of objects, newest first. */
  protected abstract page(request: PageRequest, lane: Lane): Promise<RemotePage<Remote>>;

  private readonly catalogName: string;

  constructor(context: SubscriberContext<StripeAccount>) {
    super(context);
    this.catalogName = context.id.split('/')[0] ?? context.id;
  }

  // Marker ------------------------------------------------------------------------------------------------------------

  /** Metadata by which an object is known as ours: the record, its catalog and this hub's environment. */
  protected marker(key: RecordKey): Record<string, string> {
    if (key.length > metadataValueLength) {
      throw new SyncflowError('mapping', `the record's key has ${key.length} characters, Stripe's metadata takes ${metadataValueLength}`);
    }
    const prefix = this.account.metadataPrefix;
    return { [`${prefix}_key`]: key, [`${prefix}_catalog`]: this.catalogName, [`${prefix}_env`]: this.environment };
  }

  /** Only where environment and catalog are ours: a clone of the database must not take production's objects for its own. */
  override keyOf(remote: Remote): RecordKey | undefined {
    const { metadata } = remote;
    const prefix = this.account.metadataPrefix;
    if (metadata?.[`${prefix}_env`] !== this.environment || metadata[`${prefix}_catalog`] !== this.catalogName) return undefined;
    return metadata[`${prefix}_key`];
  }

  // Outward -----------------------------------------------------------------------------------------------------------

  override async push(operation: AnyOperation<Remote>): Promise<Outcome<Remote>> {
    try {
      return await super.push(operation);
    } catch (error) {
      return this.outcomeOf(error);
    } finally {
      // nothing to release: calls free their place themselves
    }
  }

  override outcomeOf(error: unknown): Outcome<Remote> {
    return outcomeOfStripeError(error);
  }
}
