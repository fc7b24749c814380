/** How the shop's catalogs stand in Stripe. */
import { minorUnits, minorUnitsDecimal, twoNames } from 'syncflow';
import { StripeCustomerSubscriber, StripeInvoiceSubscriber, StripeProductSubscriber } from 'syncflow/stripe';
import { Customer, Invoice, Product } from './catalogs.js';

export class StripeCustomer extends StripeCustomerSubscriber<typeof Customer> {
  // who is a customer of Stripe's already can be known by the e-mail address, where each has one of their own:
  // override readonly match = ['email'];
  override readonly mapping = this.map({
    name: { hub: ['first_name', 'last_name'], remote: 'name', via: twoNames },
    email: { remote: 'email', authority: 'latest' },
    phone: { remote: 'phone', authority: 'remote' },
    address: { remote: 'address.line1', group: 'address' },
    city: { remote: 'address.city', group: 'address' },
    state: { remote: 'address.state', group: 'address' },
    country: { remote: 'address.country', group: 'address' },
    postal_code: { remote: 'address.postal_code', group: 'address' },
    company: 'metadata.company',
    fax: 'metadata.fax',
  });
}

export class StripeProduct extends StripeProductSubscriber<typeof Product> {
  override readonly mapping = this.map({
    name: 'name',
    composer: 'metadata.composer',
    unit_price: { remote: 'default_price.unit_amount', via: minorUnits(2) },
    currency: 'default_price.currency',
  });
}

export class StripeInvoice extends StripeInvoiceSubscriber<typeof Invoice> {
  override readonly mapping = this.map({
    customer_id: 'customer',
    currency: 'currency',
    status: { remote: 'status', authority: 'remote' },
    invoice_date: 'metadata.invoice_date',
    memo: 'description',
    total: { remote: 'total', via: minorUnits(2), direction: 'inward' },
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
