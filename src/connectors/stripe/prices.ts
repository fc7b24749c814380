/** The price of a product: what is sent for it, and how it is replaced. Amount and currency of a Stripe price never change. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../catalog/values.js';
import { SyncflowError } from '../../errors.js';
import { readPath } from '../../subscriber/path.js';
import type { Params } from './params.js';
import { asObject, asText, type JsonObject } from './plain.js';

/** What may be changed of a price that is there; everything else needs a new one. */
const inPlace = new Set(['lookup_key', 'metadata', 'nickname']);
const inDefaultPriceData = new Set([
  'currency',
  'metadata',
  'recurring',
  'tax_behavior',
  'unit_amount',
  'unit_amount_decimal',
]);
const inPrice = new Set([...inDefaultPriceData, 'lookup_key', 'nickname']);

/** What is kept of the old price while it is replaced: small, and stored with the step that read it. */
export type OldPrice = Readonly<Record<string, Json>> & { readonly id: string };

/** The price that an update meets. */
export interface FoundPrice {
  readonly [name: string]: Json;
  readonly old: OldPrice | null;
  /** It isn't what was last seen of it, as far as it is mapped. */
  readonly edited: boolean;
}

/** Whether a product's price is what is known of it, at these remote keys. */
export function showsKnown(paths: readonly string[], known: JsonObject, price: unknown): boolean {
  return paths.every((text) => {
    const path = text.split('.');
    if (path[0] !== 'default_price') return true;
    return isDeepStrictEqual(readPath(known, path) ?? null, readPath({ default_price: price }, path) ?? null);
  });
}

/** What an update does to the price. */
export type PriceChange = 'none' | 'remove' | 'edit' | 'replace';

export function priceChange(changed: JsonObject, values: JsonObject): PriceChange {
  const price = changed['default_price'];
  if (price === undefined) return 'none';
  if (price === null || !hasAmount(asObject(values['default_price']))) return 'remove';
  return Object.keys(asObject(price)).every((name) => inPlace.has(name)) ? 'edit' : 'replace';
}

function hasAmount(price: JsonObject): boolean {
  return ['unit_amount', 'unit_amount_decimal'].some((name) => price[name] !== null && price[name] !== undefined);
}

/** `default_price_data` of a new product; undefined where it has no price. */
export function defaultPriceData(values: JsonObject, currency: string | undefined): Params | undefined {
  if (!hasAmount(values)) return undefined;
  refuseOthers(values, inDefaultPriceData, 'a new product');
  return priced(values, currency);
}

/** The price that takes the place of `old`: what isn't mapped is carried over. */
export function replacementPrice(
  product: string,
  values: JsonObject,
  old: OldPrice | null,
  currency: string | undefined,
): Params {
  refuseOthers(values, inPrice, 'a product');
  const { id: _, currency: before, ...rest } = old ?? { id: '' };
  const carried = Object.fromEntries(Object.entries(rest).filter(([name]) => values[name] === undefined));
  const params: Params = { ...carried, ...priced(values, currency ?? asText(before)), product };
  // the old price gives its lookup key up to the new one
  return params['lookup_key'] === undefined ? params : { ...params, transfer_lookup_key: true };
}

/** Parameters that edit the price that is there. */
export function editedPrice(changed: JsonObject): Params {
  return Object.fromEntries(
    Object.entries(changed).map(([name, value]) => [name, value === null || value === undefined ? '' : emptied(value)]),
  );
}

function emptied(value: Json): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, inner ?? '']));
}

/** What of the present price a replacement takes over. */
export function oldPriceOf(price: JsonObject & { readonly id: string }): OldPrice {
  const kept: Record<string, Json> = { id: price.id, currency: price['currency'] ?? null };
  for (const name of ['lookup_key', 'nickname']) {
    const value = price[name];
    if (value !== null && value !== undefined) kept[name] = value;
  }
  const recurring = asObject(price['recurring']);
  if (typeof recurring['interval'] === 'string') {
    kept['recurring'] = { interval: recurring['interval'], interval_count: recurring['interval_count'] ?? 1 };
  }
  const taxBehavior = asText(price['tax_behavior']);
  if (taxBehavior !== undefined && taxBehavior !== 'unspecified') kept['tax_behavior'] = taxBehavior;
  const metadata = asObject(price['metadata']);
  if (Object.keys(metadata).length > 0) kept['metadata'] = metadata;
  return kept as OldPrice;
}

/** The mapped members that are there. Stripe takes one of the two amounts: the exact one. */
function priced(values: JsonObject, currency: string | undefined): Params {
  const params: Params = {};
  for (const [name, value] of Object.entries(values)) if (value !== null && value !== undefined) params[name] = value;
  if (params['unit_amount_decimal'] !== undefined) delete params['unit_amount'];
  const known = asText(params['currency']) ?? currency;
  if (known === undefined) {
    throw new SyncflowError('mapping', 'the price has no currency', {
      hint: 'Map "default_price.currency", or give the subscriber: override readonly currency = "eur".',
    });
  }
  return { ...params, currency: known.toLowerCase() };
}

function refuseOthers(values: JsonObject, allowed: ReadonlySet<string>, of: string): void {
  const others = Object.keys(values).filter(
    (name) => values[name] !== null && values[name] !== undefined && !allowed.has(name),
  );
  if (others.length === 0) return;
  throw new SyncflowError(
    'mapping',
    `Stripe doesn't let ${others.map((name) => `default_price.${name}`).join(', ')} of ${of} be set`,
    {
      hint: 'Map such a key with direction: "inward".',
    },
  );
}
