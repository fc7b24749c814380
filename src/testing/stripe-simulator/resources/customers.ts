import { invalidRequest, resourceMissing } from '../errors.js';
import { asObject, asString, isObject, type Json, type JsonObject, type StripeObject } from '../json.js';
import { equalFilters, listObjects, rangeFilter } from '../listing.js';
import { mergeMetadata } from '../metadata.js';
import { searchObjects } from '../search.js';
import type { Session } from '../session.js';
import { addressOf, checkEmail, pick, shippingOf } from './fields.js';
import { refreshDraftCustomer } from './invoice-state.js';

const PLAIN = [
  'balance',
  'business_name',
  'description',
  'email',
  'individual_name',
  'invoice_prefix',
  'name',
  'next_invoice_sequence',
  'phone',
  'preferred_locales',
] as const;

const SUPPORTED = [
  ...PLAIN,
  'address',
  'invoice_settings',
  'metadata',
  'payment_method',
  'shipping',
  'tax_exempt',
  'validate',
];

function invoiceSettings(current: Json | undefined, change: Json | undefined): JsonObject {
  const before = asObject(current);
  return isObject(change) ? { ...before, ...change } : before;
}

function applied(current: JsonObject, params: JsonObject): JsonObject {
  checkEmail(params.email);
  const prefix = asString(params.invoice_prefix);
  if (prefix !== null && !/^[A-Z0-9]{3,12}$/.test(prefix)) {
    throw invalidRequest(
      `Invalid invoice prefix: ${prefix}. Must be 3-12 uppercase letters or numbers.`,
      undefined,
      'invoice_prefix',
    );
  }
  return {
    ...current,
    ...pick(params, PLAIN),
    ...(params.address === undefined ? {} : { address: addressOf(params.address) }),
    ...(params.shipping === undefined ? {} : { shipping: shippingOf(params.shipping) }),
    ...(params.tax_exempt === undefined ? {} : { tax_exempt: params.tax_exempt ?? 'none' }),
    invoice_settings: invoiceSettings(current.invoice_settings, params.invoice_settings),
    metadata: mergeMetadata(current.metadata, params.metadata),
  };
}

export function createCustomer(session: Session): StripeObject {
  session.supportOnly(SUPPORTED);
  const base = session.make('customer', {
    id: session.newId('cus'),
    object: 'customer',
    created: session.now,
    email: null,
    invoice_prefix: session.newToken(8).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: session.params.payment_method ?? null,
      footer: null,
      rendering_options: null,
    },
  });
  return session.create('customer', { ...base, ...applied(base, session.params) }, 'customer.created');
}

export function retrieveCustomer(session: Session): StripeObject {
  const tombstone = session.store.get('deleted', session.pathIds[0] ?? '');
  return tombstone?.object === 'customer' ? tombstone : session.fromPath('customer');
}

export function updateCustomer(session: Session): StripeObject {
  session.supportOnly([...SUPPORTED.filter((name) => name !== 'payment_method'), 'default_source']);
  const before = session.fromPath('customer');
  const after = { ...before, ...applied(before, session.params), ...pick(session.params, ['default_source']) };
  const updated = session.update('customer', before, after, 'customer.updated');
  if (updated !== before) refreshDraftCustomer(session, updated);
  return updated;
}

export function deleteCustomer(session: Session): StripeObject {
  const customer = session.fromPath('customer');
  const tombstone = session.delete('customer', customer, 'customer.deleted');
  session.store.put('deleted', tombstone);
  return tombstone;
}

export function listCustomers(session: Session): JsonObject {
  const { params } = session;
  const email = asString(params.email);
  return listObjects(session, {
    kind: 'customer',
    url: '/v1/customers',
    ...(email === null ? {} : { where: { field: 'email', value: email } }),
    filters: [...rangeFilter('created', params.created), ...equalFilters(params, ['test_clock'])],
  });
}

export function searchCustomers(session: Session): JsonObject {
  return searchObjects(session, 'customer', '/v1/customers/search', ['created', 'email', 'metadata', 'name', 'phone']);
}

/** The customer a parameter names; a deleted one counts as missing. */
export function namedCustomer(session: Session, id: string): StripeObject {
  const customer = session.store.get('customer', id);
  if (customer === undefined) throw resourceMissing('customer', id, 'customer');
  return customer;
}
