/** Signed webhook deliveries of customers that Stripe created. */
import Stripe from 'stripe';
import type { Delivery } from '../../src/subscriber/base.js';
import { rowOf } from './rows.js';
import { webhookSecret } from './stripe-customer.js';
import { stripeCustomer } from './stripe-objects.js';

export interface SignedEvent {
  readonly body: string;
  readonly signature: string;
}

/** Of the first `count` customers that the remote was `preloaded` with. Signed now: signatures grow old. */
export function signedEvents(count: number): SignedEvent[] {
  const timestamp = Math.floor(Date.now() / 1_000);
  return Array.from({ length: count }, (_, index) => {
    const n = index + 1;
    const object = stripeCustomer(`cus_${String(n).padStart(14, '0')}`, rowOf(n));
    const body = JSON.stringify({
      id: `evt_${String(n).padStart(14, '0')}`,
      object: 'event',
      api_version: '2026-01-28',
      created: timestamp,
      data: { object },
      livemode: false,
      pending_webhooks: 1,
      request: { id: `req_${n}`, idempotency_key: null },
      type: 'customer.created',
    });
    return {
      body,
      signature: Stripe.webhooks.generateTestHeaderString({ payload: body, secret: webhookSecret, timestamp }),
    };
  });
}

export function deliveryOf({ body, signature }: SignedEvent): Delivery {
  return {
    headers: new Headers({ 'stripe-signature': signature, 'content-type': 'application/json' }),
    body: Buffer.from(body),
    url: new URL('http://127.0.0.1/webhooks/stripe'),
    receivedAt: new Date(),
  };
}
