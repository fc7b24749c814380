import { invalidRequest } from '../errors.js';
import { asNumber, asObject, asString, type Json, type JsonObject, type StripeObject } from '../json.js';
import type { Session } from '../session.js';

/** How many lines an invoice embeds; the rest is behind /lines. */
const EMBEDDED_LINES = 10;

export function linesOf(session: Session, invoiceId: string): StripeObject[] {
  return session.store.collection('line_item').where('invoice', invoiceId);
}

/** Sums the lines anew. A negative total is owed to the customer, so there is nothing due. */
export function withTotals(session: Session, invoice: StripeObject): StripeObject {
  const lines = linesOf(session, invoice.id);
  const subtotal = lines.reduce((sum, line) => sum + asNumber(line.amount), 0);
  const due = Math.max(0, subtotal);
  return {
    ...invoice,
    amount_due: due,
    amount_remaining: due - asNumber(invoice.amount_paid),
    lines: {
      object: 'list',
      data: lines.slice(0, EMBEDDED_LINES),
      has_more: lines.length > EMBEDDED_LINES,
      url: `/v1/invoices/${invoice.id}/lines`,
    },
    subtotal,
    subtotal_excluding_tax: subtotal,
    total: subtotal,
    total_excluding_tax: subtotal,
  };
}

export function requireDraft(invoice: StripeObject, message = 'This invoice is no longer editable'): void {
  if (invoice.status !== 'draft') throw invalidRequest(message, 'invoice_not_editable');
}

/** Until it is finalized an invoice shows its customer's current particulars, afterwards those of that moment. */
export function customerSnapshot(customer: StripeObject): JsonObject {
  return {
    customer_address: customer.address ?? null,
    customer_email: customer.email ?? null,
    customer_name: customer.name ?? null,
    customer_phone: customer.phone ?? null,
    customer_shipping: customer.shipping ?? null,
    customer_tax_exempt: customer.tax_exempt ?? 'none',
  };
}

export function refreshDraftCustomer(session: Session, customer: StripeObject): void {
  for (const invoice of session.store.collection('invoice').where('customer', customer.id)) {
    if (invoice.status === 'draft') session.update('invoice', invoice, { ...invoice, ...customerSnapshot(customer) });
  }
}

/** The first item or invoice of a customer settles the customer's currency, which Stripe reports as an update. */
export function settleCurrency(session: Session, customerId: string, currency: string): void {
  const customer = session.store.get('customer', customerId);
  if (customer === undefined || asString(customer.currency) !== null) return;
  session.update('customer', customer, { ...customer, currency }, 'customer.updated');
}

const LINE_FIELDS = [
  'amount',
  'currency',
  'description',
  'discountable',
  'discounts',
  'metadata',
  'period',
  'pricing',
  'quantity',
  'quantity_decimal',
] as const;

/** Puts an item on an invoice: the line is the item as the invoice shows it. */
export function attachItem(session: Session, item: StripeObject, invoiceId: string): StripeObject {
  const attached = { ...item, invoice: invoiceId };
  session.store.put('invoiceitem', attached);
  const line = session.make('line_item', {
    id: session.newId('il'),
    object: 'line_item',
    ...Object.fromEntries(LINE_FIELDS.map((field): [string, Json] => [field, item[field] ?? null])),
    invoice: invoiceId,
    parent: {
      invoice_item_details: { invoice_item: item.id, proration: false, proration_details: null, subscription: null },
      subscription_item_details: null,
      type: 'invoice_item_details',
    },
    subtotal: item.amount ?? 0,
  });
  session.store.put('line_item', line);
  return line;
}

export function itemIdOf(line: StripeObject): string {
  return asString(asObject(asObject(line.parent).invoice_item_details).invoice_item) ?? '';
}

export function lineOfItem(session: Session, item: StripeObject): StripeObject | undefined {
  const invoice = asString(item.invoice);
  if (invoice === null) return undefined;
  return linesOf(session, invoice).find((line) => itemIdOf(line) === item.id);
}

/** Carries a change of an item over to its line. */
export function syncLine(session: Session, item: StripeObject): void {
  const line = lineOfItem(session, item);
  if (line === undefined) return;
  const change = Object.fromEntries(LINE_FIELDS.map((field): [string, Json] => [field, item[field] ?? null]));
  session.update('line_item', line, { ...line, ...change, subtotal: item.amount ?? 0 });
}

/** After its lines changed: new totals, and one invoice.updated for the whole request. */
export function retotal(session: Session, invoice: StripeObject, change: JsonObject = {}): StripeObject {
  return session.update('invoice', invoice, withTotals(session, { ...invoice, ...change }), 'invoice.updated');
}
