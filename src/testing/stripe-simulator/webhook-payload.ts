import { createHmac } from 'node:crypto';
import { asArray, asObject, isObject, type JsonObject, type StripeObject } from './json.js';
import type { Store } from './store.js';

/** The version whose shapes `webhook_old_version` sends. */
export const OLD_API_VERSION = '2023-08-16';

/** Stripe's signature: HMAC-SHA256 over the time, a dot and the payload. */
export function signatureHeader(secret: string, payload: string, timestamp: number): string {
  const signature = createHmac('sha256', secret).update(`${timestamp}.${payload}`).digest('hex');
  return `t=${timestamp},v1=${signature}`;
}

/** Before 2025-03-31 an item carried its whole price and no `pricing` or `parent`. */
function oldItem(store: Store, item: JsonObject): JsonObject {
  const { pricing, parent, quantity_decimal: _, ...rest } = item;
  const details = asObject(asObject(pricing).price_details);
  const price = typeof details.price === 'string' ? store.get('price', details.price) : undefined;
  const line =
    item.object === 'line_item'
      ? {
          invoice_item: asObject(asObject(parent).invoice_item_details).invoice_item ?? null,
          proration: false,
          tax_amounts: [],
          tax_rates: [],
          type: 'invoiceitem',
          unit_amount_excluding_tax: asObject(pricing).unit_amount_decimal ?? null,
        }
      : { unit_amount: price?.unit_amount ?? null, unit_amount_decimal: asObject(pricing).unit_amount_decimal ?? null };
  return { ...rest, price: price ?? null, ...line };
}

function oldObject(store: Store, object: JsonObject): JsonObject {
  if (object.object === 'invoiceitem' || object.object === 'line_item') return oldItem(store, object);
  if (object.object !== 'invoice') return object;
  const { parent: _, total_taxes: __, ...rest } = object;
  const lines = asObject(object.lines);
  const data = asArray(lines.data).map((line) => (isObject(line) ? oldItem(store, line) : line));
  return {
    ...rest,
    charge: null,
    lines: { ...lines, data },
    paid: object.status === 'paid',
    payment_intent: null,
    subscription: null,
    tax: null,
  };
}

/** An event as Stripe posts it: pretty-printed with two blanks, which the signature covers byte by byte. */
export function renderEvent(store: Store, event: StripeObject, version: string | null, old: boolean): string {
  const data = asObject(event.data);
  const rendered = old
    ? { ...event, api_version: OLD_API_VERSION, data: { ...data, object: oldObject(store, asObject(data.object)) } }
    : { ...event, api_version: version ?? event.api_version ?? null };
  return JSON.stringify(rendered, null, 2);
}
