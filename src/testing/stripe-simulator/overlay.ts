import type { ParamSchema } from './param-schema.js';

/**
 * The published OpenAPI file at hand is of 2023-08-16, the official SDK speaks 2026-10-28. Where they differ the SDK
 * is right. Each difference is listed here, with its reason, instead of being edited into the file: so the file stays
 * what Stripe published, and the list stays something a reader can check against the SDK's types.
 */
export interface OverlayEntry {
  /** Routes, as `METHOD /path/{param}`; a route the file does not know is added. */
  routes: readonly string[];
  /** Where below the top level the change applies, e.g. `price_data.product_data`. */
  at?: string;
  set?: Readonly<Record<string, ParamSchema>>;
  remove?: readonly string[];
  required?: readonly string[];
  reason: string;
}

const text: ParamSchema = { type: 'string', maxLength: 5000 };
const decimal: ParamSchema = { type: 'string', format: 'decimal' };
const integer: ParamSchema = { type: 'integer' };
const boolean: ParamSchema = { type: 'boolean' };
const unset: ParamSchema = { type: 'string', enum: [''] };
const expand: ParamSchema = { type: 'array', items: text };
const metadata: ParamSchema = { anyOf: [{ type: 'object', additionalProperties: { type: 'string' } }, unset] };
const emptyable = (schema: ParamSchema): ParamSchema => ({ anyOf: [schema, unset] });
const object = (properties: Record<string, ParamSchema>, required: string[] = []): ParamSchema => ({
  type: 'object',
  properties,
  required,
});
const list = (items: ParamSchema): ParamSchema => ({ type: 'array', items });

const taxBehavior: ParamSchema = { type: 'string', enum: ['exclusive', 'inclusive', 'unspecified'] };
const taxDetails = emptyable(object({ performance_location: text, tax_code: emptyable(text) }));
const period = object(
  { start: { type: 'integer', format: 'unix-time' }, end: { type: 'integer', format: 'unix-time' } },
  ['end', 'start'],
);
const pricing = object({ price: text });
const discounts = emptyable(list(object({ coupon: text, discount: text, promotion_code: text })));
const customUnitAmount = object({ enabled: boolean, maximum: integer, minimum: integer, preset: integer }, ['enabled']);

const productData = object(
  {
    name: text,
    description: text,
    images: list(text),
    metadata: { type: 'object', additionalProperties: { type: 'string' } },
    tax_code: text,
    tax_details: taxDetails,
    unit_label: { type: 'string', maxLength: 12 },
  },
  ['name'],
);

/** What a line of add_lines / update_lines and the update of one line have in common. */
const lineProperties: Record<string, ParamSchema> = {
  amount: integer,
  description: text,
  discountable: boolean,
  discounts,
  metadata,
  period,
  price_data: object(
    {
      currency: text,
      product: text,
      product_data: productData,
      tax_behavior: taxBehavior,
      unit_amount: integer,
      unit_amount_decimal: decimal,
    },
    ['currency'],
  ),
  pricing,
  quantity: integer,
  quantity_decimal: decimal,
  tax_amounts: emptyable(list({ type: 'object', additionalProperties: true })),
  tax_rates: emptyable(list(text)),
};

const bulk = (line: ParamSchema): Record<string, ParamSchema> => ({
  lines: { ...list(line), maxItems: 250 },
  invoice_metadata: metadata,
  expand,
});

const customers = ['POST /v1/customers', 'POST /v1/customers/{customer}'];
const products = ['POST /v1/products', 'POST /v1/products/{id}'];
const invoices = ['POST /v1/invoices', 'POST /v1/invoices/{invoice}'];
const invoiceItems = ['POST /v1/invoiceitems', 'POST /v1/invoiceitems/{invoiceitem}'];
const endpoints = ['POST /v1/webhook_endpoints', 'POST /v1/webhook_endpoints/{webhook_endpoint}'];

export const OVERLAY: readonly OverlayEntry[] = [
  {
    routes: customers,
    set: { business_name: emptyable(text), individual_name: emptyable(text), validate: boolean },
    remove: ['coupon', 'promotion_code'],
    reason: 'CustomerCreateParams / CustomerUpdateParams: names of a business or person; discounts left the customer.',
  },
  {
    routes: customers,
    at: 'invoice_settings.rendering_options',
    set: { template: text },
    reason: 'InvoiceSettings.RenderingOptions.template.',
  },
  {
    routes: ['POST /v1/customers/{customer}'],
    remove: ['bank_account', 'card', 'default_alipay_account', 'default_bank_account', 'default_card'],
    reason: 'Not in CustomerUpdateParams any more: payment sources are set through `source` and payment methods.',
  },
  {
    routes: products,
    set: { marketing_features: emptyable(list(object({ name: text }, ['name']))), tax_details: taxDetails },
    remove: ['features'],
    reason: '`features` was renamed `marketing_features` in 2024; tax_details is new.',
  },
  {
    routes: ['POST /v1/products'],
    set: { type: { type: 'string', enum: ['good', 'service'] } },
    reason: 'ProductCreateParams.type.',
  },
  {
    routes: ['GET /v1/products'],
    set: { type: { type: 'string', enum: ['good', 'service'] } },
    reason: 'ProductListParams.type.',
  },
  {
    routes: ['POST /v1/products'],
    at: 'default_price_data',
    set: {
      metadata: { type: 'object', additionalProperties: { type: 'string' } },
      custom_unit_amount: customUnitAmount,
    },
    reason: 'DefaultPriceData.metadata and .custom_unit_amount.',
  },
  {
    routes: ['POST /v1/prices'],
    at: 'recurring',
    set: { meter: text, trial_period_days: integer },
    remove: ['aggregate_usage'],
    reason: 'Usage-based prices are metered by billing meters since 2025-03-31.',
  },
  {
    routes: ['POST /v1/prices'],
    at: 'product_data',
    set: { tax_details: taxDetails },
    reason: 'PriceCreateParams.ProductData.tax_details.',
  },
  {
    routes: invoices,
    set: {
      automatically_finalizes_at: { type: 'integer', format: 'unix-time' },
      issuer: object({ type: { type: 'string', enum: ['account', 'self'] }, account: text }, ['type']),
      rendering: object({
        amount_tax_display: { type: 'string', enum: ['', 'exclude_tax', 'include_inclusive_tax'] },
        pdf: object({ page_size: { type: 'string', enum: ['a4', 'auto', 'letter'] } }),
        template: text,
        template_version: emptyable(integer),
      }),
      discounts,
    },
    remove: ['rendering_options'],
    reason: '`rendering_options` became `rendering`; issuer and scheduled finalization are new.',
  },
  {
    routes: ['POST /v1/invoices'],
    set: { number: { type: 'string', maxLength: 26 }, customer_account: text },
    reason: 'InvoiceCreateParams.number and .customer_account.',
  },
  {
    routes: ['POST /v1/invoices/{invoice}'],
    set: { number: emptyable({ type: 'string', maxLength: 26 }) },
    reason: 'InvoiceUpdateParams.number may be unset.',
  },
  {
    routes: ['GET /v1/invoices', 'GET /v1/invoiceitems'],
    set: { customer_account: text },
    reason: 'InvoiceListParams / InvoiceItemListParams.customer_account.',
  },
  {
    routes: invoiceItems,
    set: { pricing, quantity_decimal: decimal, discounts },
    remove: ['price', 'unit_amount'],
    reason: '`price` became `pricing.price` in 2025-03-31; decimal quantities came with 2026-03-25.',
  },
  {
    routes: ['POST /v1/invoiceitems'],
    set: { customer_account: text },
    required: [],
    reason: 'InvoiceItemCreateParams.customer is optional: an account or the invoice may stand for it.',
  },
  {
    routes: ['POST /v1/invoiceitems/{invoiceitem}'],
    set: { invoicing_rules: unset, tax_rates: emptyable(list(text)) },
    reason: 'InvoiceItemUpdateParams.',
  },
  {
    routes: ['POST /v1/invoices/{invoice}/add_lines'],
    set: bulk(object({ ...lineProperties, invoice_item: text })),
    required: ['lines'],
    reason: 'InvoiceAddLinesParams: bulk line items came with 2024-09-30.',
  },
  {
    routes: ['POST /v1/invoices/{invoice}/update_lines'],
    set: bulk(object({ ...lineProperties, id: text }, ['id'])),
    required: ['lines'],
    reason: 'InvoiceUpdateLinesParams.',
  },
  {
    routes: ['POST /v1/invoices/{invoice}/remove_lines'],
    set: bulk(object({ id: text, behavior: { type: 'string', enum: ['delete', 'unassign'] } }, ['behavior', 'id'])),
    required: ['lines'],
    reason: 'InvoiceRemoveLinesParams.',
  },
  {
    routes: ['POST /v1/invoices/{invoice}/lines/{line_item_id}'],
    set: { ...lineProperties, expand },
    reason: 'InvoiceUpdateLineItemParams.',
  },
  {
    routes: endpoints,
    set: { enabled_events: list(text) },
    reason: 'The 2023 list of event types lacks those added since; the simulator checks the type’s form instead.',
  },
  {
    routes: ['POST /v1/webhook_endpoints'],
    set: { api_version: text },
    reason: 'The 2023 list of API versions lacks the current ones.',
  },
];
