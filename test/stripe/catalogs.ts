/** A customer, a product and an invoice, mapped as a user would. */
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { decimal, references } from '../../src/catalog/fields.js';
import {
  StripeCustomerSubscriber,
  StripeInvoiceSubscriber,
  StripeProductSubscriber,
} from '../../src/connectors/stripe/index.js';
import { minorUnits, minorUnitsDecimal, twoNames } from '../../src/subscriber/lens.js';

export class Customer extends Catalog({
  name: 'customer',
  key: 'id',
  fields: {
    id: z.int(),
    email: z.string().nullable(),
    first_name: z.string().nullable(),
    last_name: z.string().nullable(),
    company: z.string().nullable(),
    city: z.string().nullable(),
    street: z.string().nullable(),
  },
}) {}

export class Product extends Catalog({
  name: 'product',
  key: 'id',
  fields: {
    id: z.int(),
    name: z.string(),
    sku: z.string().nullable(),
    unit_price: decimal(12, 2).nullable(),
    currency: z.string().nullable(),
  },
}) {}

export class Invoice extends Catalog({
  name: 'invoice',
  key: 'id',
  fields: {
    id: z.int(),
    customer_id: references(Customer),
    currency: z.string(),
    status: z.enum(['draft', 'open', 'paid', 'void', 'uncollectible']),
    note: z.string().nullable(),
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
        unit_price: decimal(12, 4),
        quantity: z.int(),
        text: z.string().nullable(),
      },
    },
  },
}) {}

export class StripeCustomers extends StripeCustomerSubscriber<typeof Customer> {
  override readonly match = ['email'];
  override readonly mapping = this.map({
    email: 'email',
    name: { hub: ['first_name', 'last_name'], remote: 'name', via: twoNames },
    company: 'metadata.company',
    city: 'address.city',
    street: 'address.line1',
  });
}

export class StripeProducts extends StripeProductSubscriber<typeof Product> {
  override readonly mapping = this.map({
    name: 'name',
    sku: 'metadata.sku',
    unit_price: { remote: 'default_price.unit_amount', via: minorUnits(2) },
    currency: 'default_price.currency',
  });
}

export class StripeInvoices extends StripeInvoiceSubscriber<typeof Invoice> {
  override readonly mapping = this.map({
    customer_id: 'customer',
    currency: 'currency',
    status: 'status',
    note: 'description',
    lines: {
      remote: 'lines.data',
      id: 'id',
      marker: 'metadata.syncflow_line',
      units: {
        product_id: 'pricing.price_details.product',
        unit_price: { remote: 'pricing.unit_amount_decimal', via: minorUnitsDecimal(2) },
        quantity: 'quantity',
        text: 'description',
      },
    },
  });
}

export class CollectedInvoice extends Catalog({
  name: 'invoice',
  key: 'id',
  fields: { id: z.int(), customer_id: z.string(), status: z.string(), advance: z.boolean().nullable() },
}) {}

/** Invoices that say whether Stripe may collect them. */
export function advancingInvoices(direction: 'both' | 'inward') {
  return class extends StripeInvoiceSubscriber<typeof CollectedInvoice> {
    override readonly mapping = this.map({
      customer_id: 'customer',
      status: 'status',
      advance: { remote: 'auto_advance', direction },
    });
  };
}

Customer.register(StripeCustomers);
Product.register(StripeProducts);
Invoice.register(StripeInvoices);
