import { normalizeDecimal } from '../decimal.js';
import { invalidRequest, parameterMissing } from '../errors.js';
import { asArray, asString, isObject, type Json, type JsonObject, type StripeObject } from '../json.js';
import { equalFilters, listObjects, rangeFilter, type Filter } from '../listing.js';
import { mergeMetadata } from '../metadata.js';
import { searchObjects } from '../search.js';
import type { Session } from '../session.js';
import { exclusive, pick } from './fields.js';
import { addProduct } from './products.js';

const CREATE = [
  'active',
  'billing_scheme',
  'currency',
  'lookup_key',
  'metadata',
  'nickname',
  'product',
  'product_data',
  'recurring',
  'tax_behavior',
  'transfer_lookup_key',
  'transform_quantity',
  'unit_amount',
  'unit_amount_decimal',
];

/** `unit_amount` is null when the decimal amount is not whole; the decimal is always there. */
export function unitAmounts(
  params: JsonObject,
  prefix: string,
): { unit_amount: number | null; unit_amount_decimal: string } {
  exclusive(params, ['unit_amount', 'unit_amount_decimal'], prefix);
  const given = params.unit_amount ?? params.unit_amount_decimal;
  if (typeof given !== 'number' && typeof given !== 'string') throw parameterMissing(`${prefix}unit_amount`);
  const decimal = normalizeDecimal(String(given));
  if (decimal.startsWith('-')) {
    throw invalidRequest(
      'This value must be greater than or equal to 0.',
      'parameter_invalid_integer',
      `${prefix}unit_amount`,
    );
  }
  return { unit_amount: decimal.includes('.') ? null : Number(decimal), unit_amount_decimal: decimal };
}

function recurringOf(value: Json | undefined): JsonObject | null {
  if (!isObject(value)) return null;
  return {
    interval: value.interval ?? 'month',
    interval_count: value.interval_count ?? 1,
    meter: value.meter ?? null,
    trial_period_days: value.trial_period_days ?? null,
    usage_type: value.usage_type ?? 'licensed',
  };
}

/** A lookup key belongs to one price; another may take it over when it says so. */
function claimLookupKey(session: Session, params: JsonObject, self?: string): void {
  const key = asString(params.lookup_key);
  if (key === null) return;
  const holder = session.store.collection('price').where('lookup_key', key)[0];
  if (holder === undefined || holder.id === self) return;
  if (params.transfer_lookup_key !== true) {
    throw invalidRequest(
      `A price (\`${holder.id}\`) already uses that lookup key.`,
      'resource_already_exists',
      'lookup_key',
    );
  }
  session.update('price', holder, { ...holder, lookup_key: null }, 'price.updated');
}

/** Makes a price without reporting it: who calls knows in which order Stripe reports. */
export function addPrice(session: Session, params: JsonObject, at?: string): StripeObject {
  const prefix = at === undefined ? '' : `${at}[`;
  claimLookupKey(session, params);
  const recurring = recurringOf(params.recurring);
  const base = session.make('price', {
    id: session.newId('price'),
    object: 'price',
    created: session.now,
    active: true,
    currency: params.currency ?? 'usd',
    product: params.product ?? null,
    recurring,
    type: recurring === null ? 'one_time' : 'recurring',
    ...unitAmounts(params, prefix),
  });
  const change = pick(params, ['active', 'lookup_key', 'nickname', 'tax_behavior', 'transform_quantity']);
  return session.create('price', { ...base, ...change, metadata: mergeMetadata({}, params.metadata) });
}

export function createPrice(session: Session): StripeObject {
  const { params } = session;
  session.supportOnly(CREATE);
  if (params.billing_scheme === 'tiered') {
    throw invalidRequest(
      'The Stripe simulator does not implement tiered prices.',
      'simulator_unsupported',
      'billing_scheme',
    );
  }
  exclusive(params, ['product', 'product_data']);
  let product = asString(params.product);
  if (product !== null) session.named('product', product, 'product');
  else if (isObject(params.product_data)) {
    const made = addProduct(session, params.product_data, 'product_data[');
    session.emit('product.created', made);
    product = made.id;
  } else throw parameterMissing('product');
  const price = addPrice(session, { ...params, product });
  session.emit('price.created', price);
  return price;
}

export function updatePrice(session: Session): StripeObject {
  const { params } = session;
  session.supportOnly(['active', 'lookup_key', 'metadata', 'nickname', 'tax_behavior', 'transfer_lookup_key']);
  const before = session.fromPath('price');
  if (
    params.active === false &&
    session.store.get('product', asString(before.product) ?? '')?.default_price === before.id
  ) {
    throw invalidRequest(
      'This price cannot be archived because it is the default price of its product.',
      undefined,
      'active',
    );
  }
  if (
    params.tax_behavior !== undefined &&
    before.tax_behavior !== 'unspecified' &&
    before.tax_behavior !== params.tax_behavior
  ) {
    throw invalidRequest(
      'You cannot update tax_behavior from a value other than `unspecified`.',
      undefined,
      'tax_behavior',
    );
  }
  claimLookupKey(session, params, before.id);
  const change = pick(params, ['active', 'lookup_key', 'nickname', 'tax_behavior']);
  const after = { ...before, ...change, metadata: mergeMetadata(before.metadata, params.metadata) };
  return session.update('price', before, after, 'price.updated');
}

export function listPrices(session: Session): JsonObject {
  const { params } = session;
  const product = asString(params.product);
  const keys = params.lookup_keys === undefined ? undefined : new Set(asArray(params.lookup_keys));
  const byKey: Filter[] =
    keys === undefined ? [] : [(value) => value.lookup_key !== null && keys.has(value.lookup_key ?? '')];
  const recurring = isObject(params.recurring) ? Object.entries(params.recurring) : [];
  const byRecurring = recurring.map(
    ([name, wanted]): Filter =>
      (value) =>
        isObject(value.recurring) && value.recurring[name] === wanted,
  );
  return listObjects(session, {
    kind: 'price',
    url: '/v1/prices',
    ...(product === null ? {} : { where: { field: 'product', value: product } }),
    filters: [
      ...rangeFilter('created', params.created),
      ...equalFilters(params, ['active', 'currency', 'type']),
      ...byKey,
      ...byRecurring,
    ],
  });
}

export function searchPrices(session: Session): JsonObject {
  return searchObjects(session, 'price', '/v1/prices/search', [
    'active',
    'currency',
    'lookup_key',
    'metadata',
    'product',
    'type',
  ]);
}
