/** Stripe's objects as its API of today shows them. */

export interface CustomerValues {
  readonly email: string | null;
  readonly name: string | null;
  readonly phone: string | null;
  readonly city: string | null;
  readonly metadata?: Readonly<Record<string, string>>;
}

const created = 1_760_000_000;

export function stripeCustomer(id: string, values: CustomerValues) {
  const { email, name, phone, city, metadata = {} } = values;
  return {
    id,
    object: 'customer',
    address: city === null ? null : { city, country: null, line1: null, line2: null, postal_code: null, state: null },
    balance: 0,
    created,
    currency: null,
    default_source: null,
    delinquent: false,
    description: null,
    discount: null,
    email,
    invoice_prefix: id.slice(-8).toUpperCase(),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: false,
    metadata,
    name,
    next_invoice_sequence: 1,
    phone,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  };
}
