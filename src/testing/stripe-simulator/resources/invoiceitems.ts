import { invalidRequest, parameterMissing } from '../errors.js';
import { asNumber, asString, isObject, type Json, type JsonObject, type StripeObject } from '../json.js';
import { equalFilters, listObjects, rangeFilter, type Filter } from '../listing.js';
import { mergeMetadata } from '../metadata.js';
import type { Session } from '../session.js';
import { namedCustomer } from './customers.js';
import { pick } from './fields.js';
import { attachItem, lineOfItem, requireDraft, retotal, settleCurrency, syncLine } from './invoice-state.js';
import { priceItem } from './item-pricing.js';

const PRICED = ['amount', 'price_data', 'pricing', 'quantity', 'quantity_decimal', 'unit_amount_decimal'] as const;
const UPDATABLE = [...PRICED, 'description', 'discountable', 'metadata', 'period'];

function checkPeriod(period: Json | undefined): void {
  if (isObject(period) && asNumber(period.end) < asNumber(period.start)) {
    throw invalidRequest('The period end must not be before its start.', undefined, 'period');
  }
}

/** Makes an item without attaching it. Bulk lines come through here too. */
export function addItem(
  session: Session,
  params: JsonObject,
  customer: string,
  currency: string | null,
  prefix = '',
): StripeObject {
  checkPeriod(params.period);
  const { money, productName } = priceItem(session, params, null, currency, prefix);
  const item = session.make('invoiceitem', {
    id: session.newId('ii'),
    object: 'invoiceitem',
    ...money,
    customer,
    date: session.now,
    description: asString(params.description) ?? productName,
    discountable: params.discountable ?? true,
    invoice: null,
    metadata: mergeMetadata({}, params.metadata),
    net_amount: money.amount,
    period: params.period ?? { end: session.now, start: session.now },
  });
  session.store.put('invoiceitem', item);
  settleCurrency(session, customer, money.currency);
  return item;
}

/** The item after a change, and its line with it. */
export function changeItem(session: Session, before: StripeObject, params: JsonObject, prefix = ''): StripeObject {
  checkPeriod(params.period);
  const { money, productName } = priceItem(session, params, before, asString(before.currency), prefix);
  // A new price brings its product's name along, unless a description is passed in the same breath.
  const description =
    params.description === undefined ? (productName ?? before.description ?? null) : params.description;
  const after = {
    ...before,
    ...money,
    ...pick(params, ['discountable', 'period']),
    description,
    metadata: mergeMetadata(before.metadata, params.metadata),
    net_amount: money.amount,
  };
  const updated = session.update('invoiceitem', before, after);
  syncLine(session, updated);
  return updated;
}

export function createInvoiceItem(session: Session): StripeObject {
  const { params } = session;
  session.supportOnly([...UPDATABLE, 'currency', 'customer', 'invoice']);
  const invoiceId = asString(params.invoice);
  const invoice = invoiceId === null ? undefined : session.named('invoice', invoiceId, 'invoice');
  const customerId = asString(params.customer) ?? asString(invoice?.customer);
  if (customerId === null) throw parameterMissing('customer');
  namedCustomer(session, customerId);
  if (invoice !== undefined) {
    requireDraft(invoice);
    if (invoice.customer !== customerId) {
      throw invalidRequest('The invoice specified does not belong to the customer specified.', undefined, 'invoice');
    }
  }
  const item = addItem(session, params, customerId, asString(invoice?.currency));
  if (invoice === undefined) {
    session.emit('invoiceitem.created', item);
    return item;
  }
  attachItem(session, item, invoice.id);
  const attached = session.fromStore('invoiceitem', item.id);
  session.emit('invoiceitem.created', attached);
  retotal(session, invoice);
  return attached;
}

/** An item on a finalized invoice is settled; on a draft its change shows in the invoice. */
function draftOf(session: Session, item: StripeObject): StripeObject | undefined {
  const id = asString(item.invoice);
  const invoice = id === null ? undefined : session.store.get('invoice', id);
  if (invoice !== undefined) requireDraft(invoice);
  return invoice;
}

export function updateInvoiceItem(session: Session): StripeObject {
  session.supportOnly(UPDATABLE);
  const before = session.fromPath('invoiceitem');
  const invoice = draftOf(session, before);
  const updated = changeItem(session, before, session.params);
  if (invoice !== undefined) retotal(session, invoice);
  return updated;
}

export function deleteInvoiceItem(session: Session): StripeObject {
  const item = session.fromPath('invoiceitem');
  const invoice = draftOf(session, item);
  const line = lineOfItem(session, item);
  if (line !== undefined) session.delete('line_item', line);
  const tombstone = session.delete('invoiceitem', item, 'invoiceitem.deleted');
  if (invoice !== undefined) retotal(session, invoice);
  return tombstone;
}

export function listInvoiceItems(session: Session): JsonObject {
  const { params } = session;
  const customer = asString(params.customer);
  const invoice = asString(params.invoice);
  const pending: Filter[] =
    typeof params.pending === 'boolean' ? [(value) => (value.invoice === null) === params.pending] : [];
  const where = invoice !== null ? { field: 'invoice', value: invoice } : { field: 'customer', value: customer };
  return listObjects(session, {
    kind: 'invoiceitem',
    url: '/v1/invoiceitems',
    ...(where.value === null ? {} : { where }),
    filters: [...rangeFilter('date', params.created), ...equalFilters(params, ['customer', 'invoice']), ...pending],
  });
}
