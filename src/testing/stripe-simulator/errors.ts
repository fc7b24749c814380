import type { JsonObject } from './json.js';

/** The `error` object of a Stripe answer. */
export interface StripeErrorBody {
  type: 'invalid_request_error' | 'api_error' | 'idempotency_error' | 'card_error';
  message: string;
  code?: string;
  param?: string;
}

/** Thrown by validation and by handlers; the server turns it into Stripe's error answer. */
export class StripeSimulatorError extends Error {
  constructor(
    readonly status: number,
    readonly body: StripeErrorBody,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(body.message);
    this.name = 'StripeSimulatorError';
  }

  toJson(requestLogId: string): JsonObject {
    const error: JsonObject = {};
    if (this.body.code !== undefined) {
      error.code = this.body.code;
      error.doc_url = `https://stripe.com/docs/error-codes/${this.body.code.replaceAll('_', '-')}`;
    }
    error.message = this.body.message;
    if (this.body.param !== undefined) error.param = this.body.param;
    error.request_log_url = `https://dashboard.stripe.com/test/logs/${requestLogId}`;
    error.type = this.body.type;
    return { error };
  }
}

/** A refused request: 400, with the code and parameter Stripe would name. */
export function invalidRequest(message: string, code?: string, param?: string, status = 400): StripeSimulatorError {
  return new StripeSimulatorError(status, {
    type: 'invalid_request_error',
    message,
    ...(code === undefined ? {} : { code }),
    ...(param === undefined ? {} : { param }),
  });
}

/** An id in the path that is not there is 404; Stripe answers 400 for one named in a parameter. */
export function resourceMissing(kind: string, id: string, param = 'id', status?: number): StripeSimulatorError {
  return invalidRequest(`No such ${kind}: '${id}'`, 'resource_missing', param, status ?? (param === 'id' ? 404 : 400));
}

export function parameterMissing(param: string): StripeSimulatorError {
  return invalidRequest(`Missing required param: ${param}.`, 'parameter_missing', param);
}

export function unrecognizedUrl(method: string, path: string): StripeSimulatorError {
  return invalidRequest(
    `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
    undefined,
    undefined,
    404,
  );
}

export function rateLimited(reason: string, retryAfter: boolean): StripeSimulatorError {
  const message = 'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.';
  return new StripeSimulatorError(
    429,
    { type: 'invalid_request_error', code: 'rate_limit', message },
    {
      'Stripe-Rate-Limited-Reason': reason,
      'Stripe-Should-Retry': 'true',
      ...(retryAfter ? { 'Retry-After': '1' } : {}),
    },
  );
}

export function lockTimeout(status: number): StripeSimulatorError {
  const message =
    'This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request. If you see this error frequently and are making multiple concurrent requests to a single object, make your requests serially or at a lower rate. For more details, see https://stripe.com/docs/rate-limits#object-lock-timeouts.';
  return new StripeSimulatorError(
    status,
    { type: 'invalid_request_error', code: 'lock_timeout', message },
    {
      'Stripe-Should-Retry': 'true',
      ...(status === 429 ? { 'Stripe-Rate-Limited-Reason': 'resource-specific' } : {}),
    },
  );
}

export function serverError(): StripeSimulatorError {
  return new StripeSimulatorError(500, {
    type: 'api_error',
    message: "An unknown error occurred. We've been notified. If this persists, contact support@stripe.com.",
  });
}
