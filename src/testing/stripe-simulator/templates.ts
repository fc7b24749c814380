import { readFileSync } from 'node:fs';
import { isObject, type JsonObject } from './json.js';

/** The API version of the SDK this simulator answers to; also the account's default version. */
export const STRIPE_API_VERSION = '2026-10-28.endive';

export type TemplateKind =
  'customer' | 'product' | 'price' | 'invoice' | 'invoiceitem' | 'line_item' | 'webhook_endpoint';

/**
 * Stripe's published fixtures give the shape of 2026, but many values are samples (a discount, a parent quote). This
 * names the values of a newly made object.
 */
const NEW_OBJECT: Record<TemplateKind, JsonObject> = {
  customer: { address: null, currency: null, discount: null, shipping: null, invoice_prefix: null },
  product: { default_price: null, description: null, package_dimensions: null, tax_details: null, type: 'service' },
  price: { custom_unit_amount: null, recurring: null, transform_quantity: null, type: 'one_time', unit_amount: null },
  invoice: {
    account_name: 'Syncflow Simulator',
    amount_due: 0,
    amount_overpaid: 0,
    amount_remaining: 0,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
    customer_address: null,
    customer_shipping: null,
    due_date: null,
    effective_at: null,
    from_invoice: null,
    last_finalization_error: null,
    next_payment_attempt: null,
    parent: null,
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    subtotal: 0,
    subtotal_excluding_tax: 0,
    total: 0,
    total_excluding_tax: 0,
    total_pretax_credit_amounts: [],
    total_taxes: [],
    webhooks_delivered_at: null,
  },
  invoiceitem: { description: null, parent: null, net_amount: 0, quantity_decimal: '1' },
  line_item: { description: null, parent: null, pretax_credit_amounts: [], taxes: [], quantity_decimal: '1' },
  webhook_endpoint: { description: null },
};

/** Retired from the 2026 answers though the fixtures still carry them. */
const RETIRED: Partial<Record<TemplateKind, readonly string[]>> = { invoice: ['subscription'] };

export class Templates {
  private readonly fixtures: JsonObject;

  constructor() {
    const file = new URL('./schema/stripe-fixtures-subset.json', import.meta.url);
    this.fixtures = JSON.parse(readFileSync(file, 'utf8')) as JsonObject;
  }

  /** A fresh object of a kind, its caller's values laid over the defaults. */
  make<T extends JsonObject>(kind: TemplateKind, values: T): JsonObject & T {
    const fixture = this.fixtures[kind];
    const base: JsonObject = isObject(fixture) ? { ...fixture } : {};
    for (const name of RETIRED[kind] ?? []) Reflect.deleteProperty(base, name);
    return { ...base, metadata: {}, ...NEW_OBJECT[kind], ...values };
  }
}
