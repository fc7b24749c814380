import { invalidRequest, resourceMissing } from './errors.js';
import { asNumber, asString, isObject, type Json, type JsonObject, type StripeObject } from './json.js';
import type { Session } from './session.js';
import type { Kind } from './store.js';

export type Filter = (value: StripeObject) => boolean;

export interface ListOptions {
  kind: Kind;
  /** How errors name the kind. */
  label?: string;
  /** An indexed field the list is restricted to. */
  where?: { field: string; value: Json };
  filters?: readonly Filter[];
  /** Lines of an invoice are listed oldest first, everything else newest first. */
  order?: 'newest first' | 'oldest first';
  url: string;
}

export function pageLimit(params: JsonObject): number {
  const limit = params.limit;
  if (limit === undefined || limit === null) return 10;
  const value = asNumber(limit);
  if (value < 1 || value > 100) {
    const message =
      value < 1
        ? 'This value must be greater than or equal to 1.'
        : 'This value must be less than or equal to 100 (it currently is ' + String(value) + ').';
    throw invalidRequest(message, value < 1 ? 'parameter_invalid_integer' : undefined, 'limit');
  }
  return value;
}

/** `created=5`, `created[gte]=5`. */
export function rangeFilter(field: string, range: Json | undefined): Filter[] {
  if (range === undefined || range === null) return [];
  if (!isObject(range)) return [(value) => value[field] === range];
  const bound = (name: string, test: (value: number, limit: number) => boolean): Filter[] =>
    typeof range[name] === 'number' ? [(value) => test(asNumber(value[field]), asNumber(range[name]))] : [];
  return [
    ...bound('gt', (value, limit) => value > limit),
    ...bound('gte', (value, limit) => value >= limit),
    ...bound('lt', (value, limit) => value < limit),
    ...bound('lte', (value, limit) => value <= limit),
  ];
}

/** A filter for each of the named parameters that was passed. */
export function equalFilters(params: JsonObject, names: readonly string[]): Filter[] {
  return names.flatMap((name) => {
    const wanted = params[name];
    return wanted === undefined || wanted === null ? [] : [(value: StripeObject) => value[name] === wanted];
  });
}

function cursor(
  session: Session,
  options: ListOptions,
  param: 'starting_after' | 'ending_before',
): StripeObject | undefined {
  const id = asString(session.params[param]);
  if (id === null) return undefined;
  const found = session.store.get(options.kind, id);
  const inside = options.where === undefined || found?.[options.where.field] === options.where.value;
  if (found === undefined || !inside) throw resourceMissing(options.label ?? options.kind, id, param);
  return found;
}

function* candidates(
  session: Session,
  options: ListOptions,
  from: StripeObject | undefined,
  direction: 'older' | 'newer',
): Generator<StripeObject> {
  const collection = session.store.collection(options.kind);
  if (options.where === undefined) {
    yield* collection.walk(from === undefined ? undefined : collection.positionOf(from.id), direction);
    return;
  }
  const bucket = collection.where(options.where.field, options.where.value);
  const ordered = direction === 'older' ? bucket.reverse() : bucket;
  const start = from === undefined ? 0 : ordered.findIndex((value) => value.id === from.id) + 1;
  for (let index = start; index < ordered.length; index += 1) {
    const value = ordered[index];
    if (value !== undefined) yield value;
  }
}

/** Stripe's cursor pagination. */
export function listObjects(session: Session, options: ListOptions): JsonObject {
  const limit = pageLimit(session.params);
  const after = cursor(session, options, 'starting_after');
  const before = cursor(session, options, 'ending_before');
  if (after !== undefined && before !== undefined) {
    throw invalidRequest('You cannot pass both starting_after and ending_before.', undefined, 'starting_after');
  }
  const forward = options.order === 'oldest first' ? 'newer' : 'older';
  const backward = forward === 'older' ? 'newer' : 'older';
  const data: JsonObject[] = [];
  let hasMore = false;
  for (const value of candidates(session, options, after ?? before, before === undefined ? forward : backward)) {
    if (options.filters?.every((filter) => filter(value)) === false) continue;
    if (data.length === limit) {
      hasMore = true;
      break;
    }
    data.push(value);
  }
  // Walking back from `ending_before` meets the objects nearest to it first; the page is shown in list order.
  if (before !== undefined) data.reverse();
  return { object: 'list', data, has_more: hasMore, url: options.url };
}
