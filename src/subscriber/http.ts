/** What an HTTP status and a failed connection mean, for systems that use them as they are meant. */
import { blocked, gone, missing, rejected, retry, stale, throttled, unknown, type Outcome } from './outcome.js';

/**
 * | status | outcome |
 * | --- | --- |
 * | 401, 403, 407 | `blocked`: nothing of this account works |
 * | 404 | `missing`: no proof of a deletion |
 * | 408, 425 | `retry`, after what was asked: it was refused before anything happened |
 * | 429 | `retry`, `throttled`: the same, and it never parks a record |
 * | 410 | `gone` |
 * | 412 | `stale` |
 * | 4xx otherwise | `rejected`, 409 too: it means another thing in each system, and taken for `stale` by mistake it would be sent for ever |
 * | anything else | `unknown`: a 5xx may have taken effect |
 *
 * @param reason what was answered, without values of records
 * @example
 * override outcomeOf(error: unknown) {
 *   if (error instanceof CrmError) return outcomeOfStatus(error.status, error.message, { retryAfterMs: error.retryAfterMs });
 *   return wasNeverSent(error) ? retry('the CRM is not there') : unknown(String(error));
 * }
 */
export function outcomeOfStatus<Remote = never>(
  status: number,
  reason: string,
  options: { readonly retryAfterMs?: number | undefined } = {},
): Outcome<Remote> {
  switch (status) {
    case 401:
    case 403:
    case 407:
      return blocked(reason, options.retryAfterMs);
    case 404:
      return missing(reason);
    case 408:
    case 425:
      return retry(reason, options.retryAfterMs);
    case 429:
      return throttled(reason, options.retryAfterMs);
    case 410:
      return gone();
    case 412:
      return stale();
    default:
      return status >= 400 && status < 500 ? rejected(reason) : unknown(reason);
  }
}

/** No connection came about: name resolution, routing, refused. */
const unsent: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether a request surely never left, as `fetch` and `node:http` tell it: then it is a `retry`. If in doubt, false. */
export function wasNeverSent(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown };
  // one address after the other was tried
  if (Array.isArray(errors) && errors.length > 0) return errors.every(wasNeverSent);
  return unsent.has(code) || wasNeverSent(cause);
}
