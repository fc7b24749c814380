/** What the compiler must refuse in a mapping; checked by `tsc`, which fails when an expected error isn't there. */
import { describe, expect, it } from 'vitest';
import {
  StripeCustomerSubscriber,
  StripeInvoiceSubscriber,
  StripeProductSubscriber,
} from '../../src/connectors/stripe/index.js';
import { emptyAsNull, minorUnits, minorUnitsDecimal } from '../../src/subscriber/lens.js';
import { Customer, Invoice, Product } from './catalogs.js';

class GoodCustomers extends StripeCustomerSubscriber<typeof Customer> {
  override readonly mapping = this.map({ email: { remote: 'email', via: emptyAsNull }, city: 'shipping.address.city' });
}

class BadCustomers extends StripeCustomerSubscriber<typeof Customer> {
  override readonly mapping = this.map({
    // @ts-expect-error Stripe's customers have no such key
    email: 'mail',
    // @ts-expect-error a text isn't a number
    company: 'balance',
    // @ts-expect-error the catalog has no such field
    telephone: 'phone',
    // @ts-expect-error nor has an address a planet
    city: 'address.planet',
  });
}

class BadProducts extends StripeProductSubscriber<typeof Product> {
  override readonly mapping = this.map({
    // @ts-expect-error decimal text isn't a number: a lens is needed
    unit_price: 'default_price.unit_amount',
    // @ts-expect-error the price is expanded: its id is inside
    currency: 'default_price',
  });
}

class GoodProducts extends StripeProductSubscriber<typeof Product> {
  override readonly mapping = this.map({
    unit_price: { remote: 'default_price.unit_amount_decimal', via: minorUnitsDecimal(2) },
    currency: 'default_price.currency',
  });
}

class BadInvoices extends StripeInvoiceSubscriber<typeof Invoice> {
  override readonly mapping = this.map({
    note: 'description',
    lines: {
      remote: 'lines.data',
      id: 'id',
      units: {
        // @ts-expect-error the exact amount is text: minorUnits gives a number
        unit_price: { remote: 'pricing.unit_amount_decimal', via: minorUnits(2) },
        // @ts-expect-error lines have no such key
        quantity: 'count',
      },
    },
  });
}

class NoLines extends StripeInvoiceSubscriber<typeof Invoice> {
  override readonly mapping = this.map({
    // @ts-expect-error `lines` is Stripe's envelope, the array is `lines.data`
    lines: { remote: 'lines', id: 'id', units: {} },
  });
}

describe('the types', () => {
  it('are checked by the compiler', () => {
    expect(
      [GoodCustomers, BadCustomers, GoodProducts, BadProducts, BadInvoices, NoLines].map((one) => one.system),
    ).toEqual(Array(6).fill('stripe'));
  });
});
