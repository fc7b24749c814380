/** The template "shop": customers, products and invoices with their lines, in sync with Stripe. */
export const shopCatalogs = `/** A shop's main classes. Their tables are created, or checked where they exist. */
import { z } from 'zod';
import { Catalog, decimal, references } from 'syncflow';

export class Customer extends Catalog({
  name: 'customer',
  key: 'id',
  fields: {
    id: z.int(),
    name: z.string().min(1).max(256),
    email: z.email().nullable(),
    phone: z.string().max(20).nullable(),
    city: z.string().nullable(),
  },
}) {}

export class Product extends Catalog({
  name: 'product',
  key: 'id',
  fields: {
    id: z.int(),
    name: z.string().min(1),
    unit_price: decimal(10, 2),
    currency: z.string().length(3),
  },
}) {}

export class Invoice extends Catalog({
  name: 'invoice',
  key: 'id',
  fields: {
    id: z.int(),
    customer_id: references(Customer),
    currency: z.string().length(3),
    status: z.enum(['draft', 'open', 'paid', 'void', 'uncollectible']),
    memo: z.string().nullable(),
  },
  children: {
    lines: {
      table: 'invoice_line',
      key: 'id',
      parent: 'invoice_id',
      fields: {
        id: z.int(),
        invoice_id: z.int(),
        product_id: references(Product),
        unit_price: decimal(10, 2),
        quantity: z.int().positive(),
      },
    },
  },
}) {}
`;

export const shopSubscribers = (js: string): string => `/** How the shop's catalogs stand in Stripe. */
import { minorUnits, minorUnitsDecimal } from 'syncflow';
import { StripeCustomerSubscriber, StripeInvoiceSubscriber, StripeProductSubscriber } from 'syncflow/stripe';
import { Customer, Invoice, Product } from './catalogs.${js}';

export class StripeCustomer extends StripeCustomerSubscriber<typeof Customer> {
  override readonly match = ['email'];
  override readonly mapping = this.map({
    name: 'name',
    email: { remote: 'email', authority: 'latest' },
    phone: 'phone',
    city: 'address.city',
  });
}

export class StripeProduct extends StripeProductSubscriber<typeof Product> {
  override readonly mapping = this.map({
    name: 'name',
    unit_price: { remote: 'default_price.unit_amount', via: minorUnits(2) },
    currency: 'default_price.currency',
  });
}

export class StripeInvoice extends StripeInvoiceSubscriber<typeof Invoice> {
  override readonly mapping = this.map({
    customer_id: 'customer',
    currency: 'currency',
    status: { remote: 'status', authority: 'remote' },
    memo: 'description',
    lines: {
      remote: 'lines.data',
      id: 'id',
      marker: 'metadata.syncflow_line',
      units: {
        product_id: 'pricing.price_details.product',
        unit_price: { remote: 'pricing.unit_amount_decimal', via: minorUnitsDecimal(2) },
        quantity: 'quantity',
      },
    },
  });
}

Customer.register(StripeCustomer);
Product.register(StripeProduct);
Invoice.register(StripeInvoice);
`;
