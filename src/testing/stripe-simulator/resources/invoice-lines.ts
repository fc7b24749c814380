import { invalidRequest, parameterMissing, resourceMissing } from '../errors.js';
import { asObjects, asString, type JsonObject, type StripeObject } from '../json.js';
import { listObjects } from '../listing.js';
import { mergeMetadata } from '../metadata.js';
import type { Session } from '../session.js';
import { attachItem, itemIdOf, requireDraft, retotal } from './invoice-state.js';
import { addItem, changeItem } from './invoiceitems.js';

const LINE = [
  'amount',
  'description',
  'discountable',
  'metadata',
  'period',
  'price_data',
  'pricing',
  'quantity',
  'quantity_decimal',
];

export function listLines(session: Session): JsonObject {
  const invoice = session.fromPath('invoice');
  return listObjects(session, {
    kind: 'line_item',
    label: 'line item',
    url: `/v1/invoices/${invoice.id}/lines`,
    where: { field: 'invoice', value: invoice.id },
    order: 'oldest first',
  });
}

function bulkInput(session: Session): { invoice: StripeObject; lines: JsonObject[]; change: JsonObject } {
  session.supportOnly(['lines', 'invoice_metadata']);
  const invoice = session.fromPath('invoice');
  requireDraft(invoice);
  const lines = asObjects(session.params.lines);
  if (lines.length === 0) throw parameterMissing('lines');
  const { invoice_metadata: metadata } = session.params;
  return {
    invoice,
    lines,
    change: metadata === undefined ? {} : { metadata: mergeMetadata(invoice.metadata, metadata, 'invoice_metadata') },
  };
}

/** Discounts and taxes are not implemented: see Session.supportOnly for why they are refused. */
function supportLine(line: JsonObject, index: number, more: string): void {
  for (const name of Object.keys(line)) {
    if (!LINE.includes(name) && name !== more) {
      throw invalidRequest(
        `The Stripe simulator does not implement the parameter lines[${index}][${name}].`,
        'simulator_unsupported',
        `lines[${index}][${name}]`,
      );
    }
  }
}

/** An item that is still pending may be put on the invoice; anything else makes a new one. */
function addLine(session: Session, invoice: StripeObject, line: JsonObject, index: number): void {
  const existing = asString(line.invoice_item);
  const customer = asString(invoice.customer) ?? '';
  if (existing === null) {
    const item = addItem(session, line, customer, asString(invoice.currency), `lines[${index}]`);
    attachItem(session, item, invoice.id);
    session.emit('invoiceitem.created', session.fromStore('invoiceitem', item.id));
    return;
  }
  const param = `lines[${index}][invoice_item]`;
  const item = session.named('invoiceitem', existing, param);
  if (item.invoice !== null || item.customer !== customer) {
    throw invalidRequest(`The invoice item ${existing} cannot be assigned to this invoice.`, undefined, param);
  }
  const { invoice_item: _, ...change } = line;
  attachItem(
    session,
    Object.keys(change).length === 0 ? item : changeItem(session, item, change, `lines[${index}]`),
    invoice.id,
  );
}

export function addLines(session: Session): StripeObject {
  const { invoice, lines, change } = bulkInput(session);
  for (const [index, line] of lines.entries()) {
    supportLine(line, index, 'invoice_item');
    addLine(session, invoice, line, index);
  }
  return retotal(session, invoice, change);
}

function lineOf(session: Session, invoice: StripeObject, id: string, param: string, status?: number): StripeObject {
  const line = session.store.get('line_item', id);
  if (line?.invoice !== invoice.id) throw resourceMissing('line item', id, param, status);
  return line;
}

function changeLine(session: Session, line: StripeObject, params: JsonObject, prefix = ''): void {
  const item = session.store.get('invoiceitem', itemIdOf(line));
  if (item === undefined) throw new Error(`The line ${line.id} has no invoice item.`);
  changeItem(session, item, params, prefix);
}

export function updateLines(session: Session): StripeObject {
  const { invoice, lines, change } = bulkInput(session);
  for (const [index, line] of lines.entries()) {
    supportLine(line, index, 'id');
    const found = lineOf(session, invoice, asString(line.id) ?? '', `lines[${index}][id]`);
    changeLine(session, found, line, `lines[${index}]`);
  }
  return retotal(session, invoice, change);
}

export function removeLines(session: Session): StripeObject {
  const { invoice, lines, change } = bulkInput(session);
  for (const [index, { id, behavior }] of lines.entries()) {
    const line = lineOf(session, invoice, asString(id) ?? '', `lines[${index}][id]`);
    const item = session.store.get('invoiceitem', itemIdOf(line));
    session.delete('line_item', line);
    if (item === undefined) continue;
    if (behavior === 'unassign') session.update('invoiceitem', item, { ...item, invoice: null });
    else session.delete('invoiceitem', item, 'invoiceitem.deleted');
  }
  return retotal(session, invoice, change);
}

export function updateLine(session: Session): StripeObject {
  session.supportOnly(LINE);
  const invoice = session.fromPath('invoice');
  const line = lineOf(session, invoice, session.pathIds[1] ?? '', 'id', 404);
  requireDraft(invoice);
  changeLine(session, line, session.params);
  retotal(session, invoice);
  return session.fromStore('line_item', line.id);
}
