/** What Stripe publishes of the objects that are mapped: limits, choices, what a create needs. A test holds it against the OpenAPI file. */
import type { RemoteSchema } from '../../subscriber/remote-schema.js';
import { addressMembers, type Writable } from './params.js';

const text = (maxLength = 5_000): RemoteSchema => ({ type: 'string', maxLength, nullable: true });
const needed = (schema: RemoteSchema): RemoteSchema => ({ ...schema, nullable: false });
const choice = (...values: string[]): RemoteSchema => ({ type: 'string', enum: values });
const object = (properties: Readonly<Record<string, RemoteSchema>>): RemoteSchema => ({ type: 'object', properties });
const integer: RemoteSchema = { type: 'integer' };
const boolean: RemoteSchema = { type: 'boolean' };
const metadata: RemoteSchema = { type: 'object', additional: { type: 'string', maxLength: 500 } };
const address = object(Object.fromEntries(addressMembers.map((member) => [member, text()])));

const customer: Readonly<Record<string, RemoteSchema>> = {
  address,
  balance: integer,
  business_name: text(),
  description: text(),
  email: text(512),
  individual_name: text(),
  invoice_prefix: text(),
  metadata,
  name: text(256),
  next_invoice_sequence: integer,
  phone: text(20),
  shipping: object({ name: text(), phone: text(), address }),
  tax_exempt: { ...choice('exempt', 'none', 'reverse'), nullable: true },
};

const product: Readonly<Record<string, RemoteSchema>> = {
  active: boolean,
  // what a new price takes; the rest of it is Stripe's
  default_price: {
    type: 'object',
    properties: {
      currency: { type: 'string', maxLength: 3 },
      lookup_key: text(200),
      metadata,
      nickname: text(),
      recurring: { type: 'object' },
      tax_behavior: choice('exclusive', 'inclusive', 'unspecified'),
      unit_amount: { ...integer, nullable: true },
      unit_amount_decimal: { type: 'string', nullable: true },
    },
    additional: { writable: 'never' },
  },
  description: text(40_000),
  metadata,
  name: needed(text()),
  shippable: { ...boolean, nullable: true },
  statement_descriptor: text(22),
  tax_code: { type: 'string', nullable: true },
  unit_label: text(12),
  url: text(),
};

const line: RemoteSchema = {
  type: 'object',
  properties: {
    amount: integer,
    description: text(),
    discountable: boolean,
    metadata,
    period: { type: 'object' },
    pricing: { type: 'object' },
    quantity: { ...integer, nullable: true },
    quantity_decimal: { type: 'string', nullable: true },
  },
  additional: { writable: 'never' },
};

const invoice: Readonly<Record<string, RemoteSchema>> = {
  application_fee_amount: integer,
  auto_advance: boolean,
  collection_method: choice('charge_automatically', 'send_invoice'),
  currency: { type: 'string', maxLength: 3, writable: 'create' },
  customer: { ...needed(text()), writable: 'create' },
  days_until_due: integer,
  default_payment_method: text(),
  default_source: text(),
  description: text(1_500),
  due_date: { ...integer, nullable: true },
  effective_at: { ...integer, nullable: true },
  footer: text(),
  lines: { type: 'object', properties: { data: { type: 'array', items: line } } },
  metadata,
  number: text(26),
  statement_descriptor: text(22),
  status: choice('draft', 'open', 'paid', 'void', 'uncollectible'),
};

/** What Stripe alone says. */
const computed = ['id', 'object', 'created', 'livemode'];
const amounts = [
  'amount_due',
  'amount_paid',
  'amount_remaining',
  'subtotal',
  'total',
  'hosted_invoice_url',
  'invoice_pdf',
];

/** The schema of a kind: what it writes is known from `writable`, everything else is Stripe's alone. */
export function stripeSchema(kind: 'customer' | 'product' | 'invoice', writable: Writable): RemoteSchema {
  const known = { customer, product, invoice }[kind];
  const properties: Record<string, RemoteSchema> = { ...known };
  for (const name of [...computed, ...(kind === 'invoice' ? amounts : [])]) properties[name] = { writable: 'never' };
  for (const name of writable.create) if (name !== 'id') properties[name] ??= {};
  for (const name of writable.create)
    if (!writable.update.has(name) && name !== 'id') properties[name] = { ...properties[name], writable: 'create' };
  const required = { customer: [], product: ['name'], invoice: ['customer'] }[kind];
  return { type: 'object', properties, required, additional: { writable: 'never' } };
}
