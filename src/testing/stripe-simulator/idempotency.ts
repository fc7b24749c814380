import { createHash } from 'node:crypto';
import { StripeSimulatorError } from './errors.js';
import type { IdempotencyRecord } from './store.js';

const MAX_KEY_LENGTH = 255;

/** Two requests are the same when they name the same parameters, in whatever order. */
export function fingerprint(method: string, body: string): string {
  const pairs = body.split('&').sort().join('&');
  return createHash('sha256').update(`${method}\n${pairs}`).digest('base64url');
}

export function checkKey(key: string): void {
  if (key.length > MAX_KEY_LENGTH) {
    throw new StripeSimulatorError(400, {
      type: 'idempotency_error',
      message: `Idempotency keys may be at most ${MAX_KEY_LENGTH} characters long.`,
    });
  }
}

export function inProgress(key: string): StripeSimulatorError {
  const message = `There is currently another in-progress request using this Stripe-Idempotent key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`;
  return new StripeSimulatorError(
    409,
    { type: 'idempotency_error', code: 'idempotency_key_in_use', message },
    { 'Stripe-Should-Retry': 'true' },
  );
}

/** A key that was used for something else is an error of the caller. */
export function checkSame(record: IdempotencyRecord, path: string, print: string): void {
  const advice = `Try using a key other than '${record.key}' if you meant to execute a different request.`;
  if (record.path !== path) {
    throw new StripeSimulatorError(400, {
      type: 'idempotency_error',
      message: `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${path}' vs '${record.path}'). ${advice}`,
    });
  }
  if (record.fingerprint !== print) {
    throw new StripeSimulatorError(400, {
      type: 'idempotency_error',
      message: `Keys for idempotent requests can only be used with the same parameters they were first used with. ${advice}`,
    });
  }
}
