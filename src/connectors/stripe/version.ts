/** The one API version that this connector speaks. */
import type Stripe from 'stripe';

/**
 * Every request names it, whatever the account's default is: an upgrade in the dashboard must not change what a mapping reads.
 * It is the version that the installed SDK's types describe. Events carry the version of their endpoint or of their creation,
 * so an event's object is taken as a snapshot only where the versions are equal.
 *
 * @example
 * await stripe.webhookEndpoints.create({ url, enabled_events, api_version: stripeApiVersion });
 */
export const stripeApiVersion = '2026-10-28.endive' satisfies Stripe.LatestApiVersion;
