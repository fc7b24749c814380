/** What the subscribers of all kinds of Stripe objects share: marker, look-up, listing, events, outcomes. */
import Stripe from 'stripe';
import type { CatalogClass } from '../../catalog/catalog.js';
import type { RecordKey } from '../../catalog/key.js';
import { SyncflowError } from '../../errors.js';
import {
  SubscriberBase,
  type AnyOperation,
  type ChangePage,
  type CreateOperation,
  type Delivery,
  type Lane,
  type ListPage,
  type PartialRemote,
  type Query,
  type RemoteEvent,
  type SubscriberContext,
  type UpdateOperation,
} from '../../subscriber/base.js';
import { leastCapabilities, type Capabilities } from '../../subscriber/capabilities.js';
import type { UnitSpec } from '../../subscriber/mapping.js';
import {
  done,
  exists,
  found,
  gone,
  missing,
  stale,
  unknown,
  type Outcome,
  type Sight,
} from '../../subscriber/outcome.js';
import { eventRetentionDays, type StripeAccount } from './account.js';
import { readFeed, type FeedRequest } from './feed.js';
import { formatListCursor, matches, parseListCursor, type PageRequest, type RemotePage } from './listing.js';
import { isStoredServerError, outcomeOfStripeError } from './outcome.js';
import { createParams, incompleteHashes, updateParams, type Params, type Writable } from './params.js';
import { asObject, asText, isoOfSeconds, plain, type JsonObject } from './plain.js';
import { stripeApiVersion } from './version.js';

/** What every Stripe object has. */
export interface StripeThing {
  readonly id: string;
  readonly created: number;
  readonly metadata: Stripe.Metadata | null;
}

/** What an event tells of one object. */
export interface SeenInEvent<Remote> {
  readonly remoteId: string;
  readonly deleted: boolean;
  readonly snapshot?: Remote | undefined;
  readonly previous?: JsonObject | undefined;
}

/** What Stripe can do; spread it and override. */
export const stripeCapabilities: Capabilities = {
  ...leastCapabilities,
  idempotencyHours: 24,
  marker: true,
  history: true,
  webhooks: true,
  polling: true,
  listing: true,
};

/** Idempotency keys that a create tries in turn when Stripe has stored a 500 for one. */
const createAttempts = 3;
/** Stripe's limit for a metadata value. */
const metadataValueLength = 500;

/**
 * The base of the Stripe subscribers. Extend `StripeCustomerSubscriber`, `StripeProductSubscriber` or `StripeInvoiceSubscriber`;
 * this one is for kinds of objects that the connector doesn't have.
 *
 * @typeParam Remote the object as `retrieve` gives it: plain JSON
 * @example
 * abstract class StripeCouponSubscriber<C extends CatalogClass> extends StripeObject<C, Stripe.Coupon> {
 *   protected override readonly kind = 'coupon';
 *   protected override readonly eventTypes = ['coupon.created', 'coupon.updated', 'coupon.deleted'];
 *   // writable, retrieve, page, create, update, delete
 * }
 */
export abstract class StripeObject<C extends CatalogClass, Remote extends StripeThing> extends SubscriberBase<
  C,
  Remote,
  StripeAccount
> {
  static readonly system: string = 'stripe';

  override readonly capabilities: Capabilities = { ...stripeCapabilities, concurrency: this.account.concurrency };
  override readonly eventRetentionMs = eventRetentionDays * 86_400_000;

  /** The object's name, in event types and messages. */
  protected abstract readonly kind: string;
  /** Event types that concern it; Stripe's list takes 20 at most. */
  protected abstract readonly eventTypes: readonly string[];
  protected abstract readonly writable: Writable;
  /** Reads one object; undefined where Stripe shows the stub of a deleted one. It may throw a 404. */
  protected abstract retrieve(remoteId: string, lane: Lane): Promise<Remote | undefined>;
  /** A page of objects, newest first. */
  protected abstract page(request: PageRequest, lane: Lane): Promise<RemotePage<Remote>>;

  private readonly catalogName: string;

  override get takes(): string {
    return this.kind;
  }

  constructor(context: SubscriberContext<StripeAccount>) {
    super(context);
    this.catalogName = context.id.split('/')[0] ?? context.id;
  }

  // Marker ------------------------------------------------------------------------------------------------------------

  /** Metadata by which an object is known as ours: the record, its catalog and this hub's environment. */
  protected marker(key: RecordKey): Record<string, string> {
    if (key.length > metadataValueLength) {
      throw new SyncflowError(
        'mapping',
        `the record's key has ${key.length} characters, Stripe's metadata takes ${metadataValueLength}`,
      );
    }
    const prefix = this.account.metadataPrefix;
    return { [`${prefix}_key`]: key, [`${prefix}_catalog`]: this.catalogName, [`${prefix}_env`]: this.environment };
  }

  /** Only where environment and catalog are ours: a clone of the database must not take production's objects for its own. */
  override keyOf(remote: Remote): RecordKey | undefined {
    const { metadata } = remote;
    const prefix = this.account.metadataPrefix;
    if (metadata?.[`${prefix}_env`] !== this.environment || metadata[`${prefix}_catalog`] !== this.catalogName)
      return undefined;
    return metadata[`${prefix}_key`];
  }

  /** The remote keys that are mapped. */
  protected mappedPaths(): string[] {
    return Object.values(this.mapping).map((unit) => (typeof unit === 'string' ? unit : (unit as UnitSpec).remote));
  }

  // Outward -----------------------------------------------------------------------------------------------------------

  override async push(operation: AnyOperation<Remote>): Promise<Outcome<Remote>> {
    let outcome: Outcome<Remote>;
    try {
      outcome = await this.attempt(operation);
    } catch (error) {
      // Stripe will only ever replay this 500: read what became of the update, and plan again under another key
      outcome = operation.kind === 'update' && isStoredServerError(error) ? stale() : this.outcomeOf(error);
    }
    if (outcome.kind === 'missing' && operation.kind !== 'create')
      return this.provenGone(operation.remoteId, operation.lane, outcome);
    // the attempt before this one may have taken effect: that this one surely didn't says nothing of it
    const open = operation.kind !== 'delete' && operation.resumed;
    return open && (outcome.kind === 'retry' || outcome.kind === 'blocked') ? unknown(outcome.reason) : outcome;
  }

  override outcomeOf(error: unknown): Outcome<Remote> {
    return outcomeOfStripeError(error);
  }

  private attempt(operation: AnyOperation<Remote>): Promise<Outcome<Remote>> {
    switch (operation.kind) {
      case 'create':
        return this.create(operation);
      case 'update':
        return this.update(operation);
      case 'delete':
        return this.delete(operation);
    }
  }

  /** A write answers 404 for a deleted object; the object's stub, where there is one, is the proof. */
  private async provenGone(remoteId: string, lane: Lane, outcome: Outcome<Remote>): Promise<Outcome<Remote>> {
    const sight = await this.look(remoteId, lane);
    return sight.kind === 'gone' ? gone() : outcome;
  }

  /**
   * Creates once. Where Stripe has stored a 500 for the key (or refuses it for another body), the object is looked up by its
   * marker, and only when it isn't there the create is sent under a further key, which is derived and so stays the same too.
   */
  protected async createOnce(
    operation: CreateOperation<Remote>,
    key: string,
    send: (idempotencyKey: string) => Promise<Remote>,
  ): Promise<Outcome<Remote>> {
    for (let attempt = 0; attempt < createAttempts; attempt++) {
      try {
        const remote = await send(attempt === 0 ? key : `${key}.${attempt}`);
        return done(this.identify(remote), remote);
      } catch (error) {
        if (!isStoredServerError(error) && !(error instanceof Stripe.errors.StripeIdempotencyError)) throw error;
        const [remote] = await this.find({ by: 'key', key: operation.key });
        if (remote !== undefined) return exists(this.identify(remote), remote);
      }
    }
    return unknown(`Stripe has stored an error for each of ${createAttempts} idempotency keys`);
  }

  /** Parameters of a create: the mapped values and our marker. */
  protected createBody(operation: Pick<CreateOperation<Remote>, 'key' | 'values'>): Params {
    return this.marked(createParams(this.kind, operation.values, this.writable), operation.key);
  }

  /**
   * Parameters of an update: the changed values and our marker. Where a hash that Stripe replaces as a whole is changed in
   * part only, the rest of it is read once, in a step, so that a repeated request has the same body.
   */
  protected async updateBody(operation: UpdateOperation<Remote>): Promise<Params> {
    const changed = operation.changed as JsonObject;
    const names = incompleteHashes(changed, this.writable);
    const current =
      names.length === 0 ? {} : await operation.step('read', names, async () => this.readHashes(operation, names));
    return this.marked(updateParams(this.kind, changed, this.writable, current), operation.key);
  }

  private async readHashes(operation: UpdateOperation<Remote>, names: readonly string[]): Promise<JsonObject> {
    const remote = await this.retrieve(operation.remoteId, operation.lane);
    return Object.fromEntries(names.map((name) => [name, asObject((remote as JsonObject | undefined)?.[name])]));
  }

  private marked(params: Params, key: RecordKey): Params {
    return { ...params, metadata: { ...asObject(params['metadata']), ...this.marker(key) } };
  }

  // Inward ------------------------------------------------------------------------------------------------------------

  override async fetch(remoteId: string, lane: Lane): Promise<Sight<Remote>> {
    try {
      const remote = await this.retrieve(remoteId, lane);
      return remote === undefined ? gone() : found(remote);
    } catch (error) {
      const outcome = outcomeOfStripeError(error);
      if (outcome.kind === 'missing') return missing(outcome.reason);
      throw error;
    }
  }

  /**
   * By marker: lists what was created lately and looks at the metadata (never search, which lags up to an hour). By values:
   * see the subscriber of the kind.
   */
  override async find(query: Query<Remote>): Promise<readonly Remote[]> {
    if (query.by === 'match') return this.findMatch(query.values);
    const since = Math.floor(this.account.now().getTime() / 1000) - this.account.lookBackSeconds;
    for await (const remotes of this.pages({ created: { gte: since } }, 'repair')) {
      const ours = remotes.filter((remote) => this.keyOf(remote) === query.key);
      if (ours.length > 0) return ours;
    }
    return [];
  }

  /** Objects with these values. The default walks the whole list: fine for hundreds of objects, slow for many more. */
  protected async findMatch(values: JsonObject): Promise<readonly Remote[]> {
    const result: Remote[] = [];
    for await (const remotes of this.pages({}, 'repair'))
      result.push(...remotes.filter((remote) => matches(remote, values)));
    return result;
  }

  /** All pages that a request leads to. */
  protected async *pages(request: PageRequest, lane: Lane): AsyncGenerator<readonly Remote[]> {
    let page = await this.page(request, lane);
    yield page.data;
    for (let last = page.data.at(-1); page.has_more && last !== undefined; last = page.data.at(-1)) {
      page = await this.page({ ...request, starting_after: last.id }, lane);
      yield page.data;
    }
  }

  override async list(cursor: string | undefined): Promise<ListPage<Remote>> {
    const page = cursor === undefined ? await this.page({}, 'backfill') : await this.pageAfter(cursor);
    const last = page.data.at(-1);
    if (!page.has_more || last === undefined) return { remotes: page.data };
    return { remotes: page.data, cursor: formatListCursor(last) };
  }

  /** The object that the last page ended with may be deleted by now: then the list goes on from its time. */
  private async pageAfter(cursor: string): Promise<RemotePage<Remote>> {
    const { id, created } = parseListCursor(cursor);
    try {
      return await this.page({ starting_after: id }, 'backfill');
    } catch (error) {
      const lost = error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing';
      if (!lost) throw error;
      return this.page({ created: { lte: created } }, 'backfill');
    }
  }

  override async changes(cursor: string | undefined): Promise<ChangePage<Remote>> {
    const now = Math.floor(this.account.now().getTime() / 1000);
    const feed = await readFeed((request) => this.events(request), cursor, now);
    return { events: feed.events.flatMap((event) => this.toRemoteEvents(event)), cursor: feed.cursor, more: feed.more };
  }

  private events(request: FeedRequest): Promise<Stripe.ApiList<Stripe.Event>> {
    const params = { ...request, types: [...this.eventTypes] };
    return this.account.call('live', 'GET events', (stripe, options) => stripe.events.list(params, options));
  }

  override async receive(delivery: Delivery): Promise<readonly RemoteEvent<Remote>[]> {
    return this.toRemoteEvents(this.account.verify(delivery));
  }

  /** Events of other kinds, of connected accounts and of the other mode (a live endpoint gets some test events) don't concern us. */
  private toRemoteEvents(event: Stripe.Event): RemoteEvent<Remote>[] {
    if (!this.eventTypes.includes(event.type) || event.account !== undefined) return [];
    if (this.account.livemode !== undefined && event.livemode !== this.account.livemode) return [];
    const seen = this.seenIn(event.type, plain<JsonObject>(event.data), event.api_version === stripeApiVersion);
    if (seen === undefined) return [];
    const cause = event.request?.idempotency_key;
    return [
      {
        id: event.id,
        remoteId: seen.remoteId,
        kind: seen.deleted ? 'deleted' : 'changed',
        at: isoOfSeconds(event.created),
        ...(seen.snapshot === undefined ? {} : { snapshot: seen.snapshot }),
        ...(seen.previous === undefined ? {} : { previous: seen.previous as PartialRemote<Remote> }),
        ...(typeof cause === 'string' ? { cause } : {}),
      },
    ];
  }

  /**
   * What an event's data tell; undefined where it concerns no object of this kind.
   * @param current whether the data have the shape of our API version
   */
  protected seenIn(type: string, data: JsonObject, current: boolean): SeenInEvent<Remote> | undefined {
    const object = asObject(data['object']);
    const remoteId = asText(object['id']);
    if (remoteId === undefined) return undefined;
    const deleted = type === `${this.kind}.deleted`;
    const previous = data['previous_attributes'];
    return {
      remoteId,
      deleted,
      snapshot: current && !deleted ? this.snapshotOf(object) : undefined,
      previous: previous === undefined || !current ? undefined : asObject(previous),
    };
  }

  /** An event's object as `retrieve` would give it; undefined where it shows less. */
  protected snapshotOf(object: JsonObject): Remote | undefined {
    return object as unknown as Remote;
  }
}
