/** Stripe's customers. */
import type Stripe from 'stripe';
import type { CatalogClass } from '../../catalog/catalog.js';
import type { CreateOperation, DeleteOperation, Lane, UpdateOperation } from '../../subscriber/base.js';
import type { RemoteSchema } from '../../subscriber/remote-schema.js';
import { done, type Outcome } from '../../subscriber/outcome.js';
import { customerEvents } from './event-types.js';
import { matches, type PageRequest, type RemotePage } from './listing.js';
import { StripeObject } from './object.js';
import { addressMembers, type Writable } from './params.js';
import { asText, plain, type JsonObject } from './plain.js';
import { stripeSchema } from './schema.js';

/** A customer as it is mapped: `email`, `address.city`, `metadata.company`. */
export type StripeCustomer = Stripe.Customer;

const both = [
  'address',
  'balance',
  'business_name',
  'description',
  'email',
  'individual_name',
  'invoice_prefix',
  'invoice_settings',
  'metadata',
  'name',
  'next_invoice_sequence',
  'phone',
  'preferred_locales',
  'shipping',
  'tax_exempt',
];

/**
 * Base of a subscriber for Stripe's customers. Two limits are Stripe's own: lists leave out customers of test clocks, and a
 * look-up by e-mail tells upper from lower case.
 *
 * @example
 * class StripeCustomers extends StripeCustomerSubscriber<typeof Customer> {
 *   override readonly match = ['email'];
 *   override readonly mapping = this.map({
 *     email: 'email',
 *     phone: 'phone',
 *     company: 'metadata.company',
 *     full_name: { hub: ['first_name', 'last_name'], remote: 'name', via: twoNames },
 *   });
 * }
 * Customer.register(StripeCustomers);
 */
export abstract class StripeCustomerSubscriber<C extends CatalogClass> extends StripeObject<C, StripeCustomer> {
  protected override readonly kind: string = 'customer';
  protected override readonly eventTypes: readonly string[] = customerEvents;
  protected override readonly writable: Writable = {
    create: new Set([...both, 'payment_method', 'source', 'tax', 'test_clock']),
    update: new Set([...both, 'default_source', 'source', 'tax']),
    whole: {
      address: addressMembers,
      shipping: ['name', 'phone', ...addressMembers.map((member) => `address.${member}`)],
    },
  };
  override readonly remoteSchema: RemoteSchema | undefined = stripeSchema('customer', this.writable);

  override create(operation: CreateOperation<StripeCustomer>): Promise<Outcome<StripeCustomer>> {
    const params = this.createBody(operation) as Stripe.CustomerCreateParams;
    const { lane, signal } = operation;
    return this.createOnce(operation, operation.idempotencyKey, async (idempotencyKey) =>
      plain(
        await this.account.call(lane, 'POST customers', (stripe, options) => stripe.customers.create(params, options), {
          idempotencyKey,
          signal,
        }),
      ),
    );
  }

  override async update(operation: UpdateOperation<StripeCustomer>): Promise<Outcome<StripeCustomer>> {
    const params = (await this.updateBody(operation)) as Stripe.CustomerUpdateParams;
    const { remoteId, lane, signal, idempotencyKey } = operation;
    const customer = await this.account.call(
      lane,
      'POST customers/:id',
      (stripe, options) => stripe.customers.update(remoteId, params, options),
      {
        idempotencyKey,
        signal,
      },
    );
    return done(customer.id, plain(customer));
  }

  override async delete({ remoteId, lane, signal }: DeleteOperation<StripeCustomer>): Promise<Outcome<StripeCustomer>> {
    await this.account.call(
      lane,
      'DELETE customers/:id',
      (stripe, options) => stripe.customers.del(remoteId, {}, options),
      { signal },
    );
    return done(remoteId);
  }

  protected override async retrieve(remoteId: string, lane: Lane): Promise<StripeCustomer | undefined> {
    const customer = await this.account.call(lane, 'GET customers/:id', (stripe, options) =>
      stripe.customers.retrieve(remoteId, {}, options),
    );
    return customer.deleted === true ? undefined : plain(customer);
  }

  protected override async page(
    request: PageRequest & { readonly email?: string },
    lane: Lane,
  ): Promise<RemotePage<StripeCustomer>> {
    const page = await this.account.call(lane, 'GET customers', (stripe, options) =>
      stripe.customers.list({ limit: 100, ...request }, options),
    );
    return { data: plain(page.data), has_more: page.has_more };
  }

  /** By e-mail, which Stripe's list can filter (and, unlike search, shows at once); by other values it walks all customers. */
  protected override async findMatch(values: JsonObject): Promise<readonly StripeCustomer[]> {
    const email = asText(values['email']) ?? '';
    if (email === '') return super.findMatch(values);
    const request: PageRequest & { readonly email: string } = { email };
    const result: StripeCustomer[] = [];
    for await (const customers of this.pages(request, 'repair'))
      result.push(...customers.filter((customer) => matches(customer, values)));
    return result;
  }
}
