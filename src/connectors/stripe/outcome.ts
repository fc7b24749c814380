/** What Stripe's errors mean: the whole table, in one place. */
import Stripe from 'stripe';
import { messageOf, SyncflowError } from '../../errors.js';
import { blocked, missing, rejected, retry, throttled, unknown, type Outcome } from '../../subscriber/outcome.js';

/** The outcomes that an error can be. */
export type ErrorOutcome = Extract<Outcome, { kind: 'retry' | 'rejected' | 'missing' | 'blocked' | 'unknown' }>;

/** The request never reached Stripe: name resolution, routing, refused, a certificate that we don't trust. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/**
 * | Stripe says | outcome |
 * | --- | --- |
 * | 401, 403 | blocked: the key is wrong, or lacks a permission |
 * | 429, 400 `rate_limit` | throttled, after what it asks |
 * | `lock_timeout` (429 or 409) | retry: another request holds the object |
 * | 409 `idempotency_key_in_use` | unknown: our first request is still under way |
 * | 409 otherwise | retry where Stripe says that it should be retried, else unknown |
 * | 400 `idempotency_error` | rejected: the key was used with another body |
 * | 404 `resource_missing` | missing: no proof of a deletion |
 * | 400, 402 | rejected, with code, parameter and a message without values |
 * | 5xx, a body that is no JSON | unknown: it may have been applied, whatever `Stripe-Should-Retry` says |
 * | connection refused, no such host | retry |
 * | connection lost, time-out | unknown |
 *
 * A 5xx is never `retry`: with the same key Stripe replays a stored 500, with another key the effect could come twice.
 *
 * @example
 * try { await stripe.customers.create(params) } catch (error) { return outcomeOfStripeError(error) }
 */
export function outcomeOfStripeError(error: unknown): ErrorOutcome {
  if (error instanceof SyncflowError) return outcomeOfOwnError(error);
  if (error instanceof Stripe.errors.StripeConnectionError) return outcomeOfConnectionError(error);
  if (!(error instanceof Stripe.errors.StripeError)) return unknown(messageOf(error));
  const status = error.statusCode ?? 0;
  if (error instanceof Stripe.errors.StripeAuthenticationError)
    return blocked('Stripe refuses the API key (401): it is wrong, expired or rolled');
  if (error instanceof Stripe.errors.StripePermissionError)
    return blocked(`the API key lacks a permission (403${codeOf(error)}): ${withoutValues(error.message)}`);
  if (error.code === 'lock_timeout')
    return retry('the object is in use by another request (lock_timeout)', retryAfterMs(error));
  if (error instanceof Stripe.errors.StripeRateLimitError)
    return throttled('Stripe’s rate limit (429)', retryAfterMs(error));
  if (error.code === 'idempotency_key_in_use')
    return unknown('the first request with this idempotency key is still under way');
  if (status === 409)
    return header(error, 'stripe-should-retry') === 'true'
      ? retry(reasonOf(error), retryAfterMs(error))
      : unknown(reasonOf(error));
  if (error instanceof Stripe.errors.StripeIdempotencyError) {
    return rejected(
      'this operation’s idempotency key was already used with another body, so Stripe did not run it again (idempotency_error)',
    );
  }
  if (status === 404 && error.code === 'resource_missing') return missing(reasonOf(error));
  if (status >= 400 && status < 500) return rejected(reasonOf(error));
  if (status === 0) return unknown('what answered is no JSON: is this Stripe’s address, or a proxy’s page?');
  const again = isStored(error) ? ', again: it is stored for the idempotency key' : '';
  return unknown(`Stripe answered ${status}${again}: ${withoutValues(error.message)}`);
}

function outcomeOfOwnError(error: SyncflowError): ErrorOutcome {
  if (error.context['sent'] === false) return retry(error.message);
  if (error.code === 'mapping')
    return rejected(error.hint === undefined ? error.message : `${error.message}. ${error.hint}`);
  return unknown(error.message);
}

function outcomeOfConnectionError(error: Stripe.errors.StripeConnectionError): ErrorOutcome {
  const detail: unknown = error.detail;
  const code = typeof detail === 'object' && detail !== null ? (detail as { code?: unknown }).code : undefined;
  const name = typeof code === 'string' ? code : 'no answer';
  if (neverSent.has(name)) return retry(`Stripe can’t be reached${addressOf(detail)} (${name})`);
  return unknown(
    name === 'ETIMEDOUT' ? 'Stripe did not answer in time' : `the connection to Stripe was lost (${name})`,
  );
}

/** Where a connection was tried, as far as its error tells. */
function addressOf(detail: unknown): string {
  if (typeof detail !== 'object' || detail === null) return '';
  const { address, hostname, port } = detail as { address?: unknown; hostname?: unknown; port?: unknown };
  const host = typeof address === 'string' ? address : hostname;
  return typeof host === 'string' ? ` at ${host}${typeof port === 'number' ? `:${port}` : ''}` : '';
}

/** A 5xx that Stripe replays: sending the same key again will never give anything else. */
export function isStoredServerError(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeError && (error.statusCode ?? 0) >= 500 && isStored(error);
}

function isStored(error: Stripe.errors.StripeError): boolean {
  return header(error, 'idempotent-replayed') === 'true';
}

/** What `Retry-After` asks, in ms. */
export function retryAfterMs(error: Stripe.errors.StripeError): number | undefined {
  const seconds = Number(header(error, 'retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds * 1000) : undefined;
}

/** A response header, or undefined. */
export function header(error: Stripe.errors.StripeError, name: string): string | undefined {
  const headers: unknown = error.headers;
  if (typeof headers !== 'object' || headers === null) return undefined;
  const value = (headers as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}

function codeOf(error: Stripe.errors.StripeError): string {
  return error.code === undefined ? '' : ` ${error.code}`;
}

function reasonOf(error: Stripe.errors.StripeError): string {
  const where = error.param === undefined ? '' : ` at ${error.param}`;
  return `Stripe: ${error.code ?? error.rawType ?? String(error.statusCode ?? '')}${where}: ${withoutValues(error.message, error.param)}`;
}

/** Ids (`cus_…`) and names of parameters (`ship_to`, `lines[0][id]`); a bare word may be anybody's name. */
const identifier = /^[a-z]+[_[][\w[\]]*$/;

/**
 * Stripe quotes what it was sent: e-mail addresses, phone numbers, quoted values and what follows a last colon are blacked
 * out; ids and names of parameters stay.
 */
export function withoutValues(message: string, param?: string): string {
  const harmless = (text: string): boolean => text === param || identifier.test(text);
  return message
    .replace(/\S+@\S+/g, '[value]')
    .replace(/(['"`“])([^'"`”]{1,200})(['"`”])/g, (whole, open: string, quoted: string, close: string) =>
      harmless(quoted) ? whole : `${open}[value]${close}`,
    )
    .replace(/: ([^:'"`”]+?)(\.?)$/, (whole, value: string, dot: string) =>
      harmless(value) ? whole : `: [value]${dot}`,
    )
    .replace(/\+?\d[\d ()/-]{5,}\d/g, '[value]')
    .slice(0, 300);
}
