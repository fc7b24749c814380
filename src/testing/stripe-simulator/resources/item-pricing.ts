import { multiplyToAmount, truncate } from '../decimal.js';
import { invalidRequest, parameterMissing } from '../errors.js';
import { asNumber, asObject, asString, isObject, type Json, type JsonObject } from '../json.js';
import type { Session } from '../session.js';
import { exclusive } from './fields.js';
import { addPrice, unitAmounts } from './prices.js';
import { addProduct } from './products.js';

/** The monetary part that an invoice item and its line share. */
export interface ItemPricing extends JsonObject {
  amount: number;
  currency: string;
  pricing: JsonObject;
  quantity: number;
  quantity_decimal: string;
}

/** What a name, when none is passed, is taken from. */
export interface PricedItem {
  money: ItemPricing;
  productName: string | null;
}

interface UnitPrice {
  unit: string;
  currency: string;
  pricing: JsonObject;
  productName: string | null;
}

const priceDetails = (price: string, product: string, unit: string): JsonObject => ({
  price_details: { price, product },
  type: 'price_details',
  unit_amount_decimal: unit,
});

function existingPrice(session: Session, id: string, param: string): UnitPrice {
  const price = session.named('price', id, param);
  if (price.active !== true) {
    throw invalidRequest('The price specified is inactive. This field only accepts active prices.', undefined, param);
  }
  if (price.type !== 'one_time') {
    throw invalidRequest(
      'The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.',
      undefined,
      param,
    );
  }
  const product = asString(price.product) ?? '';
  const unit = asString(price.unit_amount_decimal) ?? '0';
  return {
    unit,
    currency: asString(price.currency) ?? 'usd',
    pricing: priceDetails(price.id, product, unit),
    productName: asString(session.store.get('product', product)?.name),
  };
}

/** Inline price data makes an inactive price (and, with product_data, a product) that is reported like any other. */
function inlinePrice(session: Session, data: JsonObject, param: string): UnitPrice {
  exclusive(data, ['product', 'product_data'], `${param}[`);
  unitAmounts(data, `${param}[`);
  let product = asString(data.product);
  if (product === null) {
    if (!isObject(data.product_data)) throw parameterMissing(`${param}[product]`);
    const made = addProduct(session, { ...data.product_data, active: false }, `${param}[product_data][`);
    session.emit('product.created', made);
    product = made.id;
  } else session.named('product', product, `${param}[product]`);
  const price = addPrice(session, { ...data, product, active: false }, param);
  session.emit('price.created', price);
  const unit = asString(price.unit_amount_decimal) ?? '0';
  return {
    unit,
    currency: asString(price.currency) ?? 'usd',
    pricing: priceDetails(price.id, product, unit),
    productName: asString(session.store.get('product', product)?.name),
  };
}

function unitPriceOf(session: Session, params: JsonObject, currency: string | null, prefix: string): UnitPrice | null {
  const name = (param: string): string => (prefix === '' ? param : `${prefix}[${param}]`);
  const price = asString(asObject(params.pricing).price);
  if (price !== null) return existingPrice(session, price, `${name('pricing')}[price]`);
  if (isObject(params.price_data)) return inlinePrice(session, params.price_data, name('price_data'));
  const bare = params.amount ?? params.unit_amount_decimal;
  if (typeof bare !== 'number' && typeof bare !== 'string') return null;
  const known = asString(params.currency) ?? currency;
  if (known === null) throw parameterMissing(name('currency'));
  const unit = String(bare);
  return { unit, currency: known, pricing: { type: 'price_details', unit_amount_decimal: unit }, productName: null };
}

function quantityOf(params: JsonObject, current: JsonObject | null): string {
  const given = params.quantity_decimal ?? params.quantity;
  if (typeof given === 'number' || typeof given === 'string') {
    if (String(given).startsWith('-')) {
      throw invalidRequest('This value must be greater than or equal to 0.', 'parameter_invalid_integer', 'quantity');
    }
    return String(given);
  }
  return params.amount === undefined ? (asString(current?.quantity_decimal) ?? '1') : '1';
}

/**
 * Works out unit price, quantity and amount of an item from what was passed and, on update, from what it has. The
 * amount is unit × quantity, exact, rounded once.
 */
export function priceItem(
  session: Session,
  params: JsonObject,
  current: JsonObject | null,
  currency: string | null,
  prefix = '',
): PricedItem {
  exclusive(params, ['amount', 'pricing', 'price_data', 'unit_amount_decimal'], prefix);
  exclusive(params, ['quantity', 'quantity_decimal'], prefix);
  if (params.amount !== undefined) exclusive(params, ['amount', 'quantity', 'quantity_decimal'], prefix);
  const price = unitPriceOf(session, params, currency, prefix);
  if (price === null && current === null) {
    throw invalidRequest(
      'You must specify one of these parameters: amount, pricing, price_data, unit_amount_decimal.',
      'parameter_missing',
      prefix === '' ? 'amount' : `${prefix}[amount]`,
    );
  }
  const wanted = price?.currency ?? asString(current?.currency) ?? 'usd';
  if (currency !== null && wanted !== currency) {
    throw invalidRequest(
      `The currency of this item (${wanted}) does not match the currency of the invoice (${currency}).`,
      undefined,
      prefix === '' ? 'currency' : prefix,
    );
  }
  const quantity = quantityOf(params, current);
  const pricing: Json = price?.pricing ?? asObject(current?.pricing);
  const unit = price?.unit ?? asString(pricing.unit_amount_decimal) ?? '0';
  const repriced = price !== null || params.quantity !== undefined || params.quantity_decimal !== undefined;
  const money: ItemPricing = {
    amount: repriced ? multiplyToAmount(unit, quantity) : asNumber(current?.amount),
    currency: wanted,
    pricing,
    quantity: truncate(quantity),
    quantity_decimal: quantity,
  };
  return { money, productName: price?.productName ?? null };
}
