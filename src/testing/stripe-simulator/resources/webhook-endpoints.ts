import { invalidRequest } from '../errors.js';
import { asArray, asString, type Json, type JsonObject, type StripeObject } from '../json.js';
import { listObjects } from '../listing.js';
import { mergeMetadata } from '../metadata.js';
import type { Session } from '../session.js';
import { pick } from './fields.js';

const LABEL = 'webhook endpoint';
const MAX_ENDPOINTS = 16;

function checkUrl(value: Json | undefined): void {
  const url = asString(value);
  if (url === null) return;
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw invalidRequest('Invalid URL: An explicit scheme (such as https) must be provided.', 'url_invalid', 'url');
  }
}

function checkEvents(value: Json | undefined): void {
  for (const [index, type] of asArray(value).entries()) {
    if (type !== '*' && !/^[a-z_0-9]+(\.[a-z_0-9]+)+$/.test(asString(type) ?? '')) {
      throw invalidRequest(
        `Invalid enabled_events[${index}]: must be an event type or *`,
        undefined,
        `enabled_events[${index}]`,
      );
    }
  }
}

/** The signing secret is in this answer and in no later one. */
export function createEndpoint(session: Session): StripeObject {
  const { params } = session;
  session.supportOnly(['api_version', 'description', 'enabled_events', 'metadata', 'url']);
  checkUrl(params.url);
  checkEvents(params.enabled_events);
  if (session.store.collection('webhook_endpoint').size >= MAX_ENDPOINTS) {
    throw invalidRequest(`You have reached the maximum of ${MAX_ENDPOINTS} test webhook endpoints.`);
  }
  const id = session.newId('we');
  const secret = `whsec_${session.newToken(32)}`;
  const endpoint = session.make('webhook_endpoint', {
    id,
    object: 'webhook_endpoint',
    api_version: null,
    created: session.now,
    status: 'enabled',
    ...pick(params, ['api_version', 'description', 'enabled_events', 'url']),
    metadata: mergeMetadata({}, params.metadata),
  });
  session.store.put('webhook_secret', { id, object: 'webhook_secret', secret });
  session.store.put('webhook_endpoint', endpoint);
  return { ...endpoint, secret };
}

export function retrieveEndpoint(session: Session): StripeObject {
  return session.fromPath('webhook_endpoint', 0, LABEL);
}

export function updateEndpoint(session: Session): StripeObject {
  const { params } = session;
  session.supportOnly(['description', 'disabled', 'enabled_events', 'metadata', 'url']);
  const before = session.fromPath('webhook_endpoint', 0, LABEL);
  checkUrl(params.url);
  checkEvents(params.enabled_events);
  return session.update('webhook_endpoint', before, {
    ...before,
    ...pick(params, ['description', 'enabled_events', 'url']),
    ...(typeof params.disabled === 'boolean' ? { status: params.disabled ? 'disabled' : 'enabled' } : {}),
    metadata: mergeMetadata(before.metadata, params.metadata),
  });
}

export function deleteEndpoint(session: Session): StripeObject {
  const endpoint = session.fromPath('webhook_endpoint', 0, LABEL);
  session.store.remove('webhook_secret', endpoint.id);
  return session.delete('webhook_endpoint', endpoint);
}

export function listEndpoints(session: Session): JsonObject {
  return listObjects(session, { kind: 'webhook_endpoint', label: LABEL, url: '/v1/webhook_endpoints' });
}
