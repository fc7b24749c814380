import { invalidRequest, StripeSimulatorError } from './errors.js';

function credentials(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [scheme = '', value = ''] = header.split(' ');
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() === 'basic') return Buffer.from(value, 'base64').toString().split(':')[0];
  return undefined;
}

function masked(key: string): string {
  return key.length <= 12 ? '*'.repeat(key.length) : `${key.slice(0, 8)}${'*'.repeat(key.length - 12)}${key.slice(-4)}`;
}

/** 401 for a missing or unknown key, in Stripe's words. */
export function checkAuthorization(header: string | undefined, keys: readonly string[]): void {
  const key = credentials(header);
  if (key === undefined || key === '') {
    throw invalidRequest(
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.",
      undefined,
      undefined,
      401,
    );
  }
  if (!keys.includes(key)) {
    throw new StripeSimulatorError(401, {
      type: 'invalid_request_error',
      message: `Invalid API Key provided: ${masked(key)}`,
    });
  }
}

export function checkVersion(header: string | undefined): void {
  if (header !== undefined && !/^\d{4}-\d{2}-\d{2}(\.[a-z]+)?(;.*)?$/.test(header)) {
    throw invalidRequest(`Invalid Stripe API version: ${header}`);
  }
}
