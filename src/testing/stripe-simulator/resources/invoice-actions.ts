import { invalidRequest } from '../errors.js';
import { asNumber, asObject, asString, type StripeObject } from '../json.js';
import type { Session } from '../session.js';

/** Numbers run per customer: the customer's prefix and the next of its sequence. */
function takeNumber(session: Session, invoice: StripeObject): string {
  const given = asString(invoice.number);
  if (given !== null) return given;
  const customer = session.store.get('customer', asString(invoice.customer) ?? '');
  if (customer === undefined) throw invalidRequest('The customer of this invoice was deleted.', undefined, 'customer');
  const sequence = asNumber(customer.next_invoice_sequence);
  session.update('customer', customer, { ...customer, next_invoice_sequence: sequence + 1 }, 'customer.updated');
  return `${asString(customer.invoice_prefix) ?? ''}-${String(sequence).padStart(4, '0')}`;
}

function transition(
  session: Session,
  before: StripeObject,
  change: StripeObject,
  events: readonly string[],
): StripeObject {
  const after = session.update('invoice', before, change);
  for (const event of events) session.emit(event, after);
  session.update('invoice', before, after, 'invoice.updated');
  return after;
}

function finalize(session: Session, before: StripeObject): StripeObject {
  const number = takeNumber(session, before);
  const token = session.newToken(24);
  const after: StripeObject = {
    ...before,
    auto_advance: session.params.auto_advance ?? before.auto_advance ?? false,
    automatically_finalizes_at: null,
    effective_at: before.effective_at ?? session.now,
    ending_balance: 0,
    hosted_invoice_url: `https://invoice.stripe.com/i/acct_simulator/test_${token}?s=ap`,
    invoice_pdf: `https://pay.stripe.com/invoice/acct_simulator/test_${token}/pdf?s=ap`,
    number,
    status: 'open',
    status_transitions: { ...asObject(before.status_transitions), finalized_at: session.now },
  };
  const open = transition(session, before, after, ['invoice.finalized']);
  return asNumber(open.amount_due) === 0 ? markPaid(session, open) : open;
}

function markPaid(session: Session, before: StripeObject): StripeObject {
  const due = asNumber(before.amount_due);
  const after: StripeObject = {
    ...before,
    amount_paid: due,
    amount_remaining: 0,
    attempted: true,
    attempt_count: asNumber(before.attempt_count) + (due > 0 ? 1 : 0),
    auto_advance: false,
    status: 'paid',
    status_transitions: { ...asObject(before.status_transitions), paid_at: session.now },
  };
  return transition(session, before, after, ['invoice.paid', 'invoice.payment_succeeded']);
}

export function finalizeInvoice(session: Session): StripeObject {
  session.supportOnly(['auto_advance']);
  const invoice = session.fromPath('invoice');
  if (invoice.status !== 'draft') {
    throw invalidRequest(
      "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
      'invoice_not_editable',
    );
  }
  return finalize(session, invoice);
}

function canBePaid(session: Session, invoice: StripeObject): boolean {
  const { params } = session;
  if (params.paid_out_of_band === true || asNumber(invoice.amount_due) === 0) return true;
  const customer = session.store.get('customer', asString(invoice.customer) ?? '');
  const methods = [
    params.payment_method,
    params.source,
    invoice.default_payment_method,
    invoice.default_source,
    asObject(customer?.invoice_settings).default_payment_method,
    customer?.default_source,
  ];
  return methods.some((method) => typeof method === 'string');
}

export function payInvoice(session: Session): StripeObject {
  session.supportOnly(['paid_out_of_band', 'payment_method', 'source', 'off_session', 'forgive']);
  let invoice = session.fromPath('invoice');
  if (invoice.status === 'paid') throw invalidRequest('Invoice is already paid');
  if (invoice.status === 'void') throw invalidRequest('You cannot pay an invoice that was voided.');
  if (!canBePaid(session, invoice)) {
    throw invalidRequest(
      'This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.',
      'resource_missing',
    );
  }
  // A draft is finalized before it is paid or sent, as Stripe does; with nothing due that already pays it.
  if (invoice.status === 'draft') invoice = finalize(session, invoice);
  return invoice.status === 'paid' ? invoice : markPaid(session, invoice);
}

export function voidInvoice(session: Session): StripeObject {
  const invoice = session.fromPath('invoice');
  if (invoice.status !== 'open' && invoice.status !== 'uncollectible') {
    throw invalidRequest('You can only void open or uncollectible invoices.', 'invoice_not_editable');
  }
  const change: StripeObject = {
    ...invoice,
    auto_advance: false,
    status: 'void',
    status_transitions: { ...asObject(invoice.status_transitions), voided_at: session.now },
  };
  return transition(session, invoice, change, ['invoice.voided']);
}

export function markUncollectible(session: Session): StripeObject {
  const invoice = session.fromPath('invoice');
  if (invoice.status !== 'open') {
    throw invalidRequest("You can only pass in open invoices. This invoice isn't open.", 'invoice_not_editable');
  }
  const change: StripeObject = {
    ...invoice,
    status: 'uncollectible',
    status_transitions: { ...asObject(invoice.status_transitions), marked_uncollectible_at: session.now },
  };
  return transition(session, invoice, change, ['invoice.marked_uncollectible']);
}

export function sendInvoice(session: Session): StripeObject {
  let invoice = session.fromPath('invoice');
  if (invoice.collection_method !== 'send_invoice') {
    throw invalidRequest("You can only manually send an invoice if its collection method is 'send_invoice'.");
  }
  if (invoice.status === 'void' || invoice.status === 'paid') {
    throw invalidRequest(`You can't send an invoice that is ${invoice.status}.`);
  }
  if (invoice.status === 'draft') invoice = finalize(session, invoice);
  session.emit('invoice.sent', invoice);
  return invoice;
}
