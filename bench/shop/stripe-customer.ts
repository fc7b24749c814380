/** The catalog of customers whose system is Stripe, with the connector as it is shipped. */
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { StripeAccount } from '../../src/connectors/stripe/account.js';
import { StripeCustomerSubscriber } from '../../src/connectors/stripe/customers.js';
import { stripeCapabilities } from '../../src/connectors/stripe/object.js';
import { inFlight } from './plain-customer.js';

export class StripeShopCustomer extends Catalog({
  name: 'customer',
  key: 'id',
  fields: {
    id: z.int(),
    email: z.string().nullable(),
    name: z.string().nullable(),
    phone: z.string().nullable(),
    city: z.string().nullable(),
  },
}) {}

export class StripeShopSubscriber extends StripeCustomerSubscriber<typeof StripeShopCustomer> {
  override readonly capabilities = { ...stripeCapabilities, concurrency: inFlight };
  override readonly mapping = this.map({ email: 'email', name: 'name', phone: 'phone', city: 'address.city' });
}

StripeShopCustomer.register(StripeShopSubscriber, { as: 'stripe', account: 'stripe' });

export const apiKey = 'sk_test_bench';
export const webhookSecret = 'whsec_bench';

/** Without limits of rate unless one is given: the remote has none. */
export function unlimitedAccount(baseUrl: string, perSecond = Number.POSITIVE_INFINITY): CountingAccount {
  return new CountingAccount({
    apiKey,
    baseUrl,
    webhookSecrets: [webhookSecret],
    ratePerSecond: perSecond,
    endpointRatePerSecond: perSecond,
    concurrency: inFlight,
  });
}

export class CountingAccount extends StripeAccount {
  /** Requests so far. */
  calls = 0;

  override call<T>(...given: Parameters<StripeAccount['call']>): Promise<T> {
    this.calls += 1;
    return super.call(...given) as Promise<T>;
  }
}
