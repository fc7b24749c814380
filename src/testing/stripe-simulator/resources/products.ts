import { invalidRequest } from '../errors.js';
import { asArray, asString, equalJson, isObject, type Json, type JsonObject, type StripeObject } from '../json.js';
import { equalFilters, listObjects, rangeFilter, type Filter } from '../listing.js';
import { mergeMetadata } from '../metadata.js';
import { searchObjects } from '../search.js';
import type { Session } from '../session.js';
import { pick } from './fields.js';
import { addPrice } from './prices.js';

const PLAIN = [
  'active',
  'description',
  'images',
  'marketing_features',
  'name',
  'package_dimensions',
  'shippable',
  'statement_descriptor',
  'tax_code',
  'unit_label',
  'url',
] as const;

const ID_FORM = /^[A-Za-z0-9_-]{1,255}$/;

function taxDetails(value: Json | undefined): JsonObject {
  if (value === undefined) return {};
  if (!isObject(value)) return { tax_details: null };
  return {
    tax_details: { performance_location: value.performance_location ?? null, tax_code: value.tax_code ?? null },
  };
}

function applied(current: JsonObject, params: JsonObject): JsonObject {
  const change = pick(params, PLAIN);
  for (const name of ['images', 'marketing_features']) if (change[name] === null) change[name] = [];
  return { ...change, ...taxDetails(params.tax_details), metadata: mergeMetadata(current.metadata, params.metadata) };
}

/** Also makes the products that prices and invoice lines describe inline. */
export function addProduct(session: Session, params: JsonObject, prefix = ''): StripeObject {
  const id = asString(params.id) ?? session.newId('prod');
  if (!ID_FORM.test(id)) {
    throw invalidRequest(`Invalid id: ${id}. Ids may contain letters, digits, - and _.`, undefined, `${prefix}id`);
  }
  if (session.store.get('product', id) !== undefined) {
    throw invalidRequest('Product already exists.', 'resource_already_exists', `${prefix}id`);
  }
  const base = session.make('product', {
    id,
    object: 'product',
    created: session.now,
    updated: session.now,
    active: true,
  });
  return session.create('product', { ...base, ...pick(params, ['type']), ...applied(base, params) });
}

export function createProduct(session: Session): StripeObject {
  const { params } = session;
  session.supportOnly([...PLAIN, 'default_price_data', 'id', 'metadata', 'tax_details', 'type']);
  let product = addProduct(session, params);
  let price: StripeObject | undefined;
  if (isObject(params.default_price_data)) {
    price = addPrice(session, { ...params.default_price_data, product: product.id }, 'default_price_data');
    product = session.create('product', { ...product, default_price: price.id });
  }
  session.emit('product.created', product);
  if (price !== undefined) session.emit('price.created', price);
  return product;
}

function checkDefaultPrice(session: Session, product: StripeObject): void {
  const id = asString(session.params.default_price);
  if (id === null) return;
  const price = session.named('price', id, 'default_price');
  if (price.product !== product.id) {
    throw invalidRequest(
      `The price specified (\`${id}\`) does not belong to the product \`${product.id}\`.`,
      undefined,
      'default_price',
    );
  }
  if (price.active !== true) {
    throw invalidRequest('The default price of a product must be active.', undefined, 'default_price');
  }
}

export function updateProduct(session: Session): StripeObject {
  session.supportOnly([...PLAIN, 'default_price', 'metadata', 'tax_details']);
  const before = session.fromPath('product');
  checkDefaultPrice(session, before);
  const change = { ...applied(before, session.params), ...pick(session.params, ['default_price']) };
  const changed = { ...before, ...change };
  if (equalJson(before, changed)) return before;
  return session.update('product', before, { ...changed, updated: session.now }, 'product.updated');
}

export function deleteProduct(session: Session): StripeObject {
  const product = session.fromPath('product');
  if (session.store.collection('price').where('product', product.id).length > 0) {
    throw invalidRequest('This product cannot be deleted because it has one or more user-created prices.');
  }
  return session.delete('product', product, 'product.deleted');
}

export function listProducts(session: Session): JsonObject {
  const { params } = session;
  const ids = params.ids === undefined ? undefined : new Set(asArray(params.ids));
  const byId: Filter[] = ids === undefined ? [] : [(value) => ids.has(value.id)];
  return listObjects(session, {
    kind: 'product',
    url: '/v1/products',
    filters: [
      ...rangeFilter('created', params.created),
      ...equalFilters(params, ['active', 'shippable', 'type', 'url']),
      ...byId,
    ],
  });
}

export function searchProducts(session: Session): JsonObject {
  return searchObjects(session, 'product', '/v1/products/search', [
    'active',
    'description',
    'metadata',
    'name',
    'shippable',
    'url',
  ]);
}
