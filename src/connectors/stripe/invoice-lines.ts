/** An invoice's lines, from nested mapped values to Stripe's parameters. Pure. */
import type { Json } from '../../catalog/values.js';
import { SyncflowError } from '../../errors.js';
import type { ChildWrites } from '../../subscriber/base.js';
import type { Params } from './params.js';
import { asObject, asText, type JsonObject } from './plain.js';

/** Lines per request; Stripe takes 250. */
const chunkSize = 100;

const plainKeys = new Set([
  'amount',
  'description',
  'discountable',
  'metadata',
  'period',
  'quantity',
  'quantity_decimal',
]);

/** One bulk request: its step's name and its lines. */
export interface LineBatch {
  readonly name: string;
  readonly endpoint: 'add_lines' | 'update_lines' | 'remove_lines';
  readonly lines: readonly Params[];
}

/** The bulk requests that an operation needs: what goes first makes room, what is new comes last. */
export function lineBatches(
  children: Readonly<Record<string, ChildWrites>>,
  currency: string | undefined,
): LineBatch[] {
  const writes = Object.values(children);
  const remove = writes
    .flatMap((one) => one.remove)
    .map(({ remoteId }): Params => ({ id: remoteId, behavior: 'delete' }));
  const update = writes
    .flatMap((one) => one.update)
    .map((line): Params => ({ id: line.remoteId, ...lineUpdate(line.values, line.changed, currency) }));
  const add = writes.flatMap((one) => one.add).map((line) => newLine(line.values, currency));
  return [...batches('remove_lines', remove), ...batches('update_lines', update), ...batches('add_lines', add)];
}

function batches(endpoint: LineBatch['endpoint'], lines: readonly Params[]): LineBatch[] {
  const result: LineBatch[] = [];
  for (let at = 0; at < lines.length; at += chunkSize) {
    result.push({ name: `${endpoint} ${result.length + 1}`, endpoint, lines: lines.slice(at, at + chunkSize) });
  }
  return result;
}

function newLine(values: JsonObject, currency: string | undefined): Params {
  const params = plainParams(values, 'drop');
  const price = priceOf(asObject(values['pricing']), currency);
  if (price === undefined && params['amount'] === undefined) {
    throw new SyncflowError('mapping', 'an invoice line needs a price or an amount', {
      hint: 'Map "pricing.price_details.product" with "pricing.unit_amount_decimal", or "amount".',
    });
  }
  return { ...params, ...price };
}

/** The price goes as a whole: its parts are one inline price, and the quantity is kept. */
function lineUpdate(values: JsonObject, changed: JsonObject, currency: string | undefined): Params {
  const params = plainParams(changed, 'unset');
  const price = changed['pricing'] === undefined ? undefined : priceOf(asObject(values['pricing']), currency);
  const metadata =
    values['metadata'] === undefined
      ? {}
      : { metadata: { ...asObject(values['metadata']), ...asObject(params['metadata']) } };
  return { ...params, ...price, ...withText(metadata) };
}

function plainParams(values: JsonObject, nulls: 'drop' | 'unset'): Params {
  const params: Params = {};
  for (const [name, value] of Object.entries(values)) {
    if (name === 'pricing' || value === undefined || (value === null && nulls === 'drop')) continue;
    if (!plainKeys.has(name)) {
      throw new SyncflowError('mapping', `Stripe doesn't let ${name} of an invoice line be set`, {
        hint: 'Map such a key with direction: "inward".',
      });
    }
    params[name] = value ?? '';
  }
  // the same quantity twice is refused; the exact one wins
  if (params['quantity_decimal'] !== undefined) delete params['quantity'];
  return withText(params);
}

function withText(params: Params): Params {
  if (params['metadata'] === undefined) return params;
  const metadata = Object.entries(asObject(params['metadata'])).map(([name, value]): [string, Json] => {
    if (value === null || value === undefined) return [name, ''];
    return [name, typeof value === 'string' ? value : JSON.stringify(value)];
  });
  return { ...params, metadata: Object.fromEntries(metadata) };
}

/** An existing price, or an inline one: product, currency and the exact amount of a unit. */
function priceOf(pricing: JsonObject, currency: string | undefined): Params | undefined {
  const details = asObject(pricing['price_details']);
  const price = asText(details['price']);
  const amount = asText(pricing['unit_amount_decimal']);
  if (price !== undefined && amount === undefined) return { pricing: { price } };
  if (amount === undefined) return undefined;
  const product = asText(details['product']);
  if (product === undefined) {
    throw new SyncflowError('mapping', 'an invoice line has a unit price but no product', {
      hint: 'Map "pricing.price_details.product", or map "amount" instead of the unit price.',
    });
  }
  if (currency === undefined) {
    throw new SyncflowError('mapping', 'the currency of the invoice is not known', {
      hint: 'Map "currency", or give the subscriber: override readonly currency = "eur".',
    });
  }
  return { price_data: { currency: currency.toLowerCase(), product, unit_amount_decimal: amount } };
}
