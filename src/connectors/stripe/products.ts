/** Stripe's products with their default price. */
import type Stripe from 'stripe';
import type { CatalogClass } from '../../catalog/catalog.js';
import type { RecordKey } from '../../catalog/key.js';
import type { CreateOperation, DeleteOperation, Lane, UpdateOperation } from '../../subscriber/base.js';
import type { Capabilities } from '../../subscriber/capabilities.js';
import type { RemoteSchema } from '../../subscriber/remote-schema.js';
import { done, stale, type Outcome } from '../../subscriber/outcome.js';
import { productEvents } from './event-types.js';
import type { PageRequest, RemotePage } from './listing.js';
import { stripeCapabilities, StripeObject, type SeenInEvent } from './object.js';
import type { Params, Writable } from './params.js';
import { asObject, asText, isoOfSeconds, plain, type JsonObject, type Plain } from './plain.js';
import { stripeSchema } from './schema.js';
import {
  defaultPriceData,
  editedPrice,
  oldPriceOf,
  priceChange,
  replacementPrice,
  showsKnown,
  type FoundPrice,
} from './prices.js';
import { StepRun } from './steps.js';

/** A product with its default price in full, so that `default_price.unit_amount` and `default_price.currency` can be mapped. */
export type StripeProduct = Omit<Stripe.Product, 'default_price'> & {
  readonly default_price: Plain<Stripe.Price> | null;
};

const both = [
  'active',
  'default_price',
  'description',
  'images',
  'marketing_features',
  'metadata',
  'name',
  'package_dimensions',
  'shippable',
  'statement_descriptor',
  'tax_code',
  'tax_details',
  'unit_label',
  'url',
];

/**
 * Base of a subscriber for Stripe's products.
 *
 * - A changed amount or currency makes a new price, makes it the default, and deactivates the old one; lookup key, nickname,
 *   metadata, interval and tax behaviour are carried over.
 * - A product with prices can't be deleted: a deleted record archives it, with a mark (`<prefix>_deleted`) by which it is
 *   known and not taken in again. Somebody who activates it in Stripe brings it back.
 * - Map `active` to a boolean field, and archiving is a change like any other. Where it isn't mapped, a linked product that is
 *   archived stays linked, and one that is archived already is not taken in.
 *
 * @example
 * class StripeProducts extends StripeProductSubscriber<typeof Product> {
 *   override readonly currency = 'eur';
 *   override readonly mapping = this.map({
 *     name: 'name',
 *     active: 'active',
 *     sku: 'metadata.sku',
 *     unit_price: { remote: 'default_price.unit_amount', via: minorUnits(2) },
 *   });
 * }
 * Product.register(StripeProducts);
 */
export abstract class StripeProductSubscriber<C extends CatalogClass> extends StripeObject<C, StripeProduct> {
  /** Currency of prices where the mapping has none. */
  readonly currency: string | undefined = undefined;

  override readonly capabilities: Capabilities = {
    ...stripeCapabilities,
    concurrency: this.account.concurrency,
    deletes: 'archive',
  };

  protected override readonly kind: string = 'product';
  protected override readonly eventTypes: readonly string[] = productEvents;
  protected override readonly writable: Writable = {
    create: new Set([...both, 'id', 'type']),
    update: new Set(both),
    whole: {},
  };
  override readonly remoteSchema: RemoteSchema | undefined = stripeSchema('product', this.writable);

  override editedAt(remote: StripeProduct): string {
    return isoOfSeconds(remote.updated);
  }

  override accepts(remote: StripeProduct): boolean {
    return remote.active || (!this.isDeleted(remote) && this.mappedPaths().includes('active'));
  }

  /** A record that is made anew under a deleted one's key gets a product of its own. */
  override keyOf(remote: StripeProduct): RecordKey | undefined {
    return this.isDeleted(remote) ? undefined : super.keyOf(remote);
  }

  override create(operation: CreateOperation<StripeProduct>): Promise<Outcome<StripeProduct>> {
    const { default_price: price, ...params } = this.createBody(operation);
    const data = defaultPriceData(asObject(price), this.currency);
    const body = { ...params, ...(data === undefined ? {} : { default_price_data: data }), expand: ['default_price'] };
    const { lane, signal } = operation;
    return this.createOnce(operation, operation.idempotencyKey, async (idempotencyKey) =>
      plain(
        await this.account.call(
          lane,
          'POST products',
          (stripe, options) => stripe.products.create(body as unknown as Stripe.ProductCreateParams, options),
          {
            idempotencyKey,
            signal,
          },
        ),
      ),
    );
  }

  override async update(operation: UpdateOperation<StripeProduct>): Promise<Outcome<StripeProduct>> {
    const { default_price: _, ...params } = await this.updateBody(operation);
    // it is ours again, should a deleted record have come back under the same key
    const body: Params = { ...params, metadata: { ...asObject(params['metadata']), [this.deletedKey]: '' } };
    const changed = operation.changed as JsonObject;
    const change = priceChange(changed, operation.values as JsonObject);
    if (change !== 'none') return this.updateWithPrice(operation, body, change);
    const { remoteId, lane, signal, idempotencyKey } = operation;
    return done(remoteId, await this.send(remoteId, body, lane, { idempotencyKey, signal }));
  }

  override async delete({
    remoteId,
    lane,
    signal,
    idempotencyKey,
  }: DeleteOperation<StripeProduct>): Promise<Outcome<StripeProduct>> {
    const metadata = { [this.deletedKey]: 'true' };
    return done(remoteId, await this.send(remoteId, { active: false, metadata }, lane, { idempotencyKey, signal }));
  }

  /** New price, then the product, then the old price: at no time is the product without a valid one. */
  private async updateWithPrice(
    operation: UpdateOperation<StripeProduct>,
    body: Params,
    change: 'remove' | 'edit' | 'replace',
  ): Promise<Outcome<StripeProduct>> {
    const { remoteId, lane } = operation;
    const values = asObject((operation.values as JsonObject)['default_price']);
    const run = new StepRun<StripeProduct>(this.account, operation);
    const { old, edited } = await run.read<FoundPrice>('old price', async () => {
      const price = (await this.retrieve(remoteId, lane))?.default_price ?? null;
      return {
        old: price === null ? null : oldPriceOf(price as unknown as JsonObject & { id: string }),
        edited: !showsKnown(this.mappedPaths(), operation.known as JsonObject, price),
      };
    });
    // somebody gave it another price: ours would take its place, and no event tells of more than its id
    if (edited) return stale();
    return run.settle(
      async () => {
        let price = old?.id;
        if (change === 'edit' && old !== null) {
          const edit = editedPrice(asObject((operation.changed as JsonObject)['default_price']));
          await run.send('edit price', 'POST prices/:id', edit, (stripe, params, options) =>
            stripe.prices.update(old.id, params, options),
          );
        } else if (change !== 'remove') {
          const made = replacementPrice(remoteId, values, old, this.currency);
          price = await run.send('new price', 'POST prices', made, (stripe, params, options) =>
            stripe.prices.create(params as unknown as Stripe.PriceCreateParams, options),
          );
        } else price = '';
        await run.remember(
          'product',
          'POST products/:id',
          { ...body, default_price: price ?? '', expand: ['default_price'] },
          async (stripe, params, options) =>
            plain(await stripe.products.update(remoteId, params as Stripe.ProductUpdateParams, options)),
        );
        if (old !== null && old.id !== price) {
          await run.send('old price off', 'POST prices/:id', { active: false }, (stripe, params, options) =>
            stripe.prices.update(old.id, params, options),
          );
        }
      },
      async () => done(remoteId, run.last ?? (await this.retrieve(remoteId, lane))),
    );
  }

  private async send(
    remoteId: string,
    body: Params,
    lane: Lane,
    request: { idempotencyKey: string; signal: AbortSignal },
  ): Promise<StripeProduct> {
    const params = { ...body, expand: ['default_price'] } as Stripe.ProductUpdateParams;
    return plain(
      await this.account.call(
        lane,
        'POST products/:id',
        (stripe, options) => stripe.products.update(remoteId, params, options),
        request,
      ),
    );
  }

  protected override async retrieve(remoteId: string, lane: Lane): Promise<StripeProduct | undefined> {
    const product = plain<StripeProduct | Stripe.DeletedProduct>(
      await this.account.call(lane, 'GET products/:id', (stripe, options) =>
        stripe.products.retrieve(remoteId, { expand: ['default_price'] }, options),
      ),
    );
    return product.deleted === true ? undefined : product;
  }

  protected override async page(request: PageRequest, lane: Lane): Promise<RemotePage<StripeProduct>> {
    const params = { limit: 100, expand: ['data.default_price'], ...request };
    const page = await this.account.call(lane, 'GET products', (stripe, options) =>
      stripe.products.list(params, options),
    );
    return { data: plain(page.data), has_more: page.has_more };
  }

  /** A price's event concerns its product. */
  protected override seenIn(type: string, data: JsonObject, current: boolean): SeenInEvent<StripeProduct> | undefined {
    if (!type.startsWith('price.')) return super.seenIn(type, data, current);
    const product = asObject(data['object'])['product'];
    const remoteId = asText(product) ?? asText(asObject(product)['id']);
    // a price's earlier values aren't the product's: it may never have been the default
    return remoteId === undefined ? undefined : { remoteId, deleted: false };
  }

  /** An event shows only the price's id. */
  protected override snapshotOf(object: JsonObject): StripeProduct | undefined {
    return object['default_price'] === null ? super.snapshotOf(object) : undefined;
  }

  /** Archived for a deleted record, and not brought back by anybody since. */
  private isDeleted(remote: StripeProduct): boolean {
    return !remote.active && remote.metadata[this.deletedKey] !== undefined;
  }

  private get deletedKey(): string {
    return `${this.account.metadataPrefix}_deleted`;
  }
}
