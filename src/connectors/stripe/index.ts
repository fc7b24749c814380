/** `syncflow/stripe`: customers, products with their price, and invoices with their lines. */
export { StripeAccount, type StripeAccountOptions, type StripeCallOptions } from './account.js';
export { StripeCustomerSubscriber, type StripeCustomer } from './customers.js';
export { StripeInvoiceSubscriber, type StripeInvoice, type StripeInvoiceLine } from './invoices.js';
export { stripeEvents } from './event-types.js';
export { type PageRequest as StripePageRequest, type RemotePage as StripePage } from './listing.js';
export { stripeCapabilities, StripeObject, type SeenInEvent, type StripeThing } from './object.js';
export { outcomeOfStripeError, type ErrorOutcome } from './outcome.js';
export { addressMembers, type Params as StripeParams, type Writable as StripeWritable } from './params.js';
export { plain, type Plain } from './plain.js';
export { StripeProductSubscriber, type StripeProduct } from './products.js';
export { stripeApiVersion } from './version.js';
