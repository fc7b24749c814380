/** The kinds of events that tell of each kind of object. */
export const customerEvents = ['customer.created', 'customer.updated', 'customer.deleted'] as const;

export const productEvents = [
  'product.created',
  'product.updated',
  'product.deleted',
  'price.created',
  'price.updated',
  'price.deleted',
] as const;

export const invoiceEvents = [
  'invoice.created',
  'invoice.updated',
  'invoice.finalized',
  'invoice.paid',
  'invoice.voided',
  'invoice.marked_uncollectible',
  'invoice.deleted',
  'invoiceitem.created',
  'invoiceitem.deleted',
] as const;

/**
 * What a webhook endpoint for these connectors listens to; `*` works too, at the price of deliveries that concern nobody.
 *
 * @example
 * await stripe.webhookEndpoints.create({ url, enabled_events: [...stripeEvents], api_version: stripeApiVersion });
 */
export const stripeEvents = [...customerEvents, ...productEvents, ...invoiceEvents] as const;
