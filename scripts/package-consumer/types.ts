/** Only type-checked: the connectors' types hold in a strict project, and a wrong mapping is refused. */
import { Catalog, decimal, minorUnits, SyncflowError, type Row } from 'syncflow';
import { CouchAccount, CouchSubscriber } from 'syncflow/couchdb';
import { StripeAccount, StripeCustomerSubscriber, StripeProductSubscriber } from 'syncflow/stripe';
import { CouchServer, StripeSimulator, type StripeSimulatorOptions } from 'syncflow/testing';
import { z } from 'zod';

class Customer extends Catalog({
  name: 'customer',
  key: 'id',
  fields: { id: z.int(), email: z.string().nullable(), name: z.string() },
}) {}

class Product extends Catalog({
  name: 'product',
  key: 'id',
  fields: { id: z.int(), name: z.string(), price: decimal(10, 2), currency: z.string() },
}) {}

export class StripeCustomer extends StripeCustomerSubscriber<typeof Customer> {
  override readonly mapping = this.map({ email: { remote: 'email', authority: 'latest' }, name: 'name' });
}

export class StripeProduct extends StripeProductSubscriber<typeof Product> {
  override readonly mapping = this.map({
    name: 'name',
    price: { remote: 'default_price.unit_amount', via: minorUnits(2) },
    currency: 'default_price.currency',
  });
}

export class NoSuchKey extends StripeCustomerSubscriber<typeof Customer> {
  // @ts-expect-error Stripe's customers have no e_mail
  override readonly mapping = this.map({ email: 'e_mail' });
}

export class NoSuchField extends StripeCustomerSubscriber<typeof Customer> {
  // @ts-expect-error the catalog has no nickname
  override readonly mapping = this.map({ nickname: 'name' });
}

export class CouchCustomer extends CouchSubscriber<
  typeof Customer,
  { readonly email: string | null; readonly name: string }
> {
  override readonly database = 'customers';
  override readonly mapping = this.map({ email: 'email', name: 'name' });
}

const row: Row<typeof Customer> = { id: 1, email: null, name: 'Ada' };
// @ts-expect-error a name is text
const wrong: Row<typeof Customer> = { id: 1, email: null, name: 1 };
const options: StripeSimulatorOptions = { port: 0 };

export const made = [
  row,
  wrong,
  new StripeSimulator(options),
  new CouchServer(),
  new StripeAccount({ apiKey: 'sk_test_x' }),
  new CouchAccount({ url: 'http://127.0.0.1:5984' }),
  new SyncflowError('usage', 'made here'),
];
