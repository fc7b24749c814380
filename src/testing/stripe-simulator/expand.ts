import { invalidRequest } from './errors.js';
import { asArray, asString, isObject, type Json, type JsonObject } from './json.js';
import type { Kind, Store } from './store.js';

/** Fields that hold an id and may be asked for as an object. */
const EXPANDABLE: Readonly<Record<string, Kind | null>> = {
  customer: 'customer',
  default_price: 'price',
  invoice: 'invoice',
  latest_revision: 'invoice',
  price: 'price',
  product: 'product',
  // Known to Stripe, never filled by the simulator: expanding null is not an error.
  charge: null,
  default_payment_method: null,
  default_source: null,
  discounts: null,
  on_behalf_of: null,
  subscription: null,
  tax_code: null,
  test_clock: null,
};

const MAX_DEPTH = 4;

function cannotExpand(path: string): Error {
  return invalidRequest(`This property cannot be expanded (${path}).`, undefined, 'expand');
}

function expandPath(store: Store, value: Json, path: readonly string[], whole: string): Json {
  const [head, ...rest] = path;
  if (head === undefined || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => expandPath(store, item, path, whole));
  if (!isObject(value) || !Object.hasOwn(value, head)) throw cannotExpand(whole);
  const current = value[head] ?? null;
  if (typeof current !== 'string') {
    if (rest.length === 0 && current !== null && !Array.isArray(current)) throw cannotExpand(whole);
    return { ...value, [head]: expandPath(store, current, rest, whole) };
  }
  if (!Object.hasOwn(EXPANDABLE, head)) throw cannotExpand(whole);
  const kind = EXPANDABLE[head] ?? null;
  if (kind === null) return value;
  const found = store.get(kind, current) ?? store.get('deleted', current);
  return found === undefined ? value : { ...value, [head]: expandPath(store, found, rest, whole) };
}

/** Replaces ids by objects along each path; what is stored is never touched. */
export function expandAnswer(store: Store, answer: JsonObject, expand: Json | undefined): JsonObject {
  let out: Json = answer;
  for (const entry of asArray(expand)) {
    const path = (asString(entry) ?? '').split('.');
    if (path.length > MAX_DEPTH) {
      throw invalidRequest('You cannot expand more than 4 levels of a property.', undefined, 'expand');
    }
    out = expandPath(store, out, path, path.join('.'));
  }
  return isObject(out) ? out : answer;
}
