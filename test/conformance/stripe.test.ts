/** The Stripe connector does what it claims, for each of its kinds of objects. */
import { afterAll, describe, test } from 'vitest';
import { StripeAccount } from '../../src/connectors/stripe/index.js';
import { conformance, sampleRecord, StripeSimulator } from '../../src/testing/index.js';
import { Customer, Invoice, Product, StripeCustomers, StripeInvoices, StripeProducts } from '../stripe/catalogs.js';

const simulator = new StripeSimulator({ rateLimit: undefined });
await simulator.start();
const account = new StripeAccount({
  apiKey: 'sk_test_simulator',
  baseUrl: simulator.url,
  ratePerSecond: Infinity,
  endpointRatePerSecond: Infinity,
});
afterAll(async () => {
  account.close();
  await simulator.stop();
});
const made = async (path: string, name: string): Promise<string> => {
  const create = path === 'customers' ? 'POST customers' : 'POST products';
  return account.call('live', create, async (stripe, options) => {
    const object =
      path === 'customers'
        ? await stripe.customers.create({ name }, options)
        : await stripe.products.create({ name }, options);
    return object.id;
  });
};
const [customer, product] = [await made('customers', 'Ada'), await made('products', 'Pen')];

const suites = {
  customers: conformance({ catalog: Customer, subscriber: StripeCustomers, account }),
  products: conformance({
    catalog: Product,
    subscriber: StripeProducts,
    account,
    record: (n) => sampleRecord(Product, n, { currency: 'eur' }),
  }),
  invoices: conformance({
    catalog: Invoice,
    subscriber: StripeInvoices,
    account,
    record: (n) => sampleRecord(Invoice, n, { currency: 'eur' }),
    references: { customer, product },
  }),
};

describe.each(Object.entries(suites))('%s', (_, checks) => {
  for (const { name, skip, run } of checks) test.skipIf(skip !== undefined)(name, run);
});
