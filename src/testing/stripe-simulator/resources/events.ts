import { invalidRequest } from '../errors.js';
import { asArray, asNumber, asString, type JsonObject, type StripeObject } from '../json.js';
import { listObjects, rangeFilter, type Filter } from '../listing.js';
import type { Session } from '../session.js';
import { exclusive } from './fields.js';

const MAX_TYPES = 20;

export function retrieveEvent(session: Session): StripeObject {
  session.store.dropOldEvents(session.now);
  return session.fromPath('event');
}

/** `customer.*` matches a whole family, as Stripe's list does. */
function typeFilter(wanted: string): Filter {
  if (!wanted.includes('*')) return (value) => value.type === wanted;
  const pattern = new RegExp(
    `^${wanted
      .split('*')
      .map((part) => part.replace(/[.\\]/g, '\\$&'))
      .join('.*')}$`,
  );
  return (value) => pattern.test(asString(value.type) ?? '');
}

export function listEvents(session: Session): JsonObject {
  const { params } = session;
  session.store.dropOldEvents(session.now);
  exclusive(params, ['type', 'types']);
  const types = asArray(params.types);
  if (types.length > MAX_TYPES) {
    throw invalidRequest(`You may pass at most ${MAX_TYPES} types.`, undefined, 'types');
  }
  const type = asString(params.type);
  const filters: Filter[] = rangeFilter('created', params.created);
  if (type !== null) filters.push(typeFilter(type));
  if (params.types !== undefined) filters.push((value) => types.includes(value.type ?? null));
  if (typeof params.delivery_success === 'boolean') {
    filters.push((value) => (asNumber(value.pending_webhooks) === 0) === params.delivery_success);
  }
  return listObjects(session, { kind: 'event', url: '/v1/events', filters });
}
