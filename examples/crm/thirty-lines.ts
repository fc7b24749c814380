// The example of the README, as it is. In a project of yours: from 'syncflow' and 'syncflow/stripe'
import { z } from 'zod';
import { Catalog, Syncflow } from '../../src/index.js';
import { StripeAccount, StripeCustomerSubscriber } from '../../src/connectors/stripe/index.js';

class Customer extends Catalog({
  name: 'customer',
  key: 'id',
  fields: { id: z.int(), name: z.string().min(1), email: z.email().nullable(), city: z.string().nullable() },
}) {}

class StripeCustomer extends StripeCustomerSubscriber<typeof Customer> {
  override readonly mapping = this.map({
    name: 'name',
    email: { remote: 'email', authority: 'latest' },
    city: { remote: 'address.city', authority: 'remote' },
  });
}

Customer.register(StripeCustomer);

const flow = new Syncflow({
  database: process.env.DATABASE_URL ?? '.syncflow/hub', // postgres://…, or a folder for an embedded hub
  catalogs: [Customer],
  accounts: { stripe: new StripeAccount({ apiKey: process.env.STRIPE_API_KEY ?? '' }) },
});

await flow.start();
await flow.catalog(Customer).save({ name: 'Ada', email: 'ada@example.com' });
await flow.settled(); // everything that is known has been synced, or parked with a reason
await flow.stop();
