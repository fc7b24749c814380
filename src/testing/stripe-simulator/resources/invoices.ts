import { invalidRequest, parameterMissing } from '../errors.js';
import { asNumber, asObject, asString, isObject, type JsonObject, type StripeObject } from '../json.js';
import { equalFilters, listObjects, rangeFilter } from '../listing.js';
import { mergeMetadata } from '../metadata.js';
import { searchObjects } from '../search.js';
import type { Session } from '../session.js';
import { namedCustomer } from './customers.js';
import { pick } from './fields.js';
import {
  attachItem,
  customerSnapshot,
  itemIdOf,
  linesOf,
  requireDraft,
  settleCurrency,
  withTotals,
} from './invoice-state.js';

const PLAIN = [
  'auto_advance',
  'automatically_finalizes_at',
  'collection_method',
  'custom_fields',
  'default_payment_method',
  'default_source',
  'description',
  'due_date',
  'effective_at',
  'footer',
  'number',
  'statement_descriptor',
] as const;

const UPDATE = [...PLAIN, 'days_until_due', 'issuer', 'metadata', 'payment_settings', 'rendering'];

/** What may still change when the money no longer may. The rest of Stripe's update parameters need a draft. */
const AFTER_FINALIZING = new Set([
  'auto_advance',
  'default_payment_method',
  'default_source',
  'description',
  'metadata',
  'payment_settings',
]);

const DAY_SECONDS = 86_400;

function rendering(params: JsonObject): JsonObject {
  if (params.rendering === undefined) return {};
  const given = params.rendering;
  if (!isObject(given)) return { rendering: null };
  return {
    rendering: {
      amount_tax_display: given.amount_tax_display ?? null,
      pdf: { page_size: asObject(given.pdf).page_size ?? 'auto' },
      template: given.template ?? null,
      template_version: given.template_version ?? null,
    },
  };
}

function applied(current: JsonObject, params: JsonObject): JsonObject {
  const days = params.days_until_due;
  return {
    ...pick(params, PLAIN),
    ...pick(params, ['issuer']),
    ...(typeof days === 'number' ? { due_date: asNumber(current.created) + days * DAY_SECONDS } : {}),
    ...(isObject(params.payment_settings)
      ? { payment_settings: { ...asObject(current.payment_settings), ...params.payment_settings } }
      : {}),
    ...rendering(params),
    metadata: mergeMetadata(current.metadata, params.metadata),
  };
}

/** A sent invoice needs a date to be paid by and an address to be sent to; a charged one has neither. */
function checkCollection(invoice: JsonObject, params: JsonObject): void {
  if (invoice.collection_method === 'send_invoice') {
    if (invoice.due_date === null) {
      throw invalidRequest(
        'If invoice collection_method is send_invoice, you must specify either due_date or days_until_due.',
        'parameter_missing',
        'days_until_due',
      );
    }
    if (asString(invoice.customer_email) === null) {
      throw invalidRequest(
        'Missing email. In order to create invoices that are sent to the customer, the customer must have a valid email.',
        undefined,
        'customer',
      );
    }
    return;
  }
  for (const name of ['due_date', 'days_until_due']) {
    if (params[name] !== undefined && params[name] !== null) {
      throw invalidRequest(`You can only set ${name} if collection_method is send_invoice.`, undefined, name);
    }
  }
}

/** Pending items of the invoice's currency, newest first, as Stripe lists them. */
function takePendingItems(session: Session, invoice: StripeObject): void {
  const items = session.store
    .collection('invoiceitem')
    .where('customer', invoice.customer ?? null)
    .reverse();
  for (const item of items) {
    if (item.invoice === null && item.currency === invoice.currency) attachItem(session, item, invoice.id);
  }
}

export function createInvoice(session: Session): StripeObject {
  const { params } = session;
  session.supportOnly([...UPDATE, 'currency', 'customer', 'pending_invoice_items_behavior']);
  const customerId = asString(params.customer);
  if (customerId === null) throw parameterMissing('customer');
  const customer = namedCustomer(session, customerId);
  const currency = asString(params.currency) ?? asString(customer.currency) ?? 'usd';
  const base = session.make('invoice', {
    id: session.newId('in'),
    object: 'invoice',
    created: session.now,
    currency,
    customer: customerId,
    ...customerSnapshot(customer),
    period_end: session.now,
    period_start: session.now,
  });
  const draft = { ...base, ...applied(base, params), status: 'draft' };
  checkCollection(draft, params);
  session.store.put('invoice', draft);
  if (params.pending_invoice_items_behavior === 'include') takePendingItems(session, draft);
  settleCurrency(session, customerId, currency);
  return session.create('invoice', withTotals(session, draft), 'invoice.created');
}

export function retrieveInvoice(session: Session): StripeObject {
  return session.fromPath('invoice');
}

export function updateInvoice(session: Session): StripeObject {
  const { params } = session;
  session.supportOnly(UPDATE);
  const before = session.fromPath('invoice');
  const frozen = Object.keys(params).filter((name) => name !== 'expand' && !AFTER_FINALIZING.has(name));
  if (frozen.length > 0) requireDraft(before, "Finalized invoices can't be updated in this way");
  const after = { ...before, ...applied(before, params) };
  if (before.status === 'draft') checkCollection(after, params);
  return session.update('invoice', before, after, 'invoice.updated');
}

export function deleteInvoice(session: Session): StripeObject {
  const invoice = session.fromPath('invoice');
  requireDraft(invoice, 'You can only delete draft invoices.');
  for (const line of linesOf(session, invoice.id)) {
    const item = session.store.get('invoiceitem', itemIdOf(line));
    session.delete('line_item', line);
    if (item !== undefined) session.delete('invoiceitem', item, 'invoiceitem.deleted');
  }
  return session.delete('invoice', invoice, 'invoice.deleted');
}

export function listInvoices(session: Session): JsonObject {
  const { params } = session;
  const customer = asString(params.customer);
  return listObjects(session, {
    kind: 'invoice',
    url: '/v1/invoices',
    ...(customer === null ? {} : { where: { field: 'customer', value: customer } }),
    filters: [
      ...rangeFilter('created', params.created),
      ...rangeFilter('due_date', params.due_date),
      ...equalFilters(params, ['collection_method', 'status']),
    ],
  });
}

export function searchInvoices(session: Session): JsonObject {
  return searchObjects(session, 'invoice', '/v1/invoices/search', [
    'created',
    'currency',
    'customer',
    'metadata',
    'number',
    'receipt_number',
    'status',
    'total',
  ]);
}
