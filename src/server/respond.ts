/** JSON answers, and what each error means in HTTP. */
import { SyncflowError } from '../errors.js';

export type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 408 | 409 | 413 | 415 | 422 | 429 | 500 | 503;

/** An error with the HTTP status it is answered with. */
export class HttpError extends Error {
  readonly status: ErrorStatus;
  readonly code: string;
  readonly hint: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: ErrorStatus,
    code: string,
    message: string,
    options: { hint?: string; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = options.hint;
    this.headers = options.headers ?? {};
  }
}

/** What a handler tells whoever runs it; the caller outside only learns what he needs. */
export interface HttpReport {
  readonly where: string;
  readonly status: number;
  readonly error: unknown;
}

const fixedHeaders = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${JSON.stringify(body)}\n`, { status, headers: { ...fixedHeaders, ...headers } });
}

export function errorBody(error: HttpError | SyncflowError): {
  error: { code: string; message: string; hint?: string };
} {
  return {
    error: { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) },
  };
}

export function failure(error: HttpError): Response {
  return json(error.status, errorBody(error), error.headers);
}

/** For the sender of a webhook, who is a stranger: nothing about the inside, only whether to send again. */
export function webhookFailure(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof SyncflowError && error.code === 'webhook')
    return new HttpError(webhookStatus(error), error.code, error.message);
  const away = { headers: { 'retry-after': '10' } };
  if (isBug(error)) return new HttpError(500, 'internal', 'the delivery could not be taken in; send it again', away);
  return new HttpError(503, 'unavailable', 'the hub is not available; send it again', away);
}

/** For a caller who has shown the token: the error as it is. */
export function apiFailure(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof SyncflowError) {
    return new HttpError(
      apiStatus(error),
      error.code,
      error.message,
      error.hint === undefined ? {} : { hint: error.hint },
    );
  }
  return new HttpError(500, 'internal', 'something failed inside', {
    hint: 'The log of this process has the details.',
  });
}

function webhookStatus(error: SyncflowError): ErrorStatus {
  const { status } = error.context;
  return status === 404 || status === 413 || status === 415 || status === 500 || status === 503 ? status : 400;
}

function apiStatus(error: SyncflowError): ErrorStatus {
  switch (error.code) {
    case 'usage':
    case 'validation':
    case 'webhook':
      return 400;
    case 'database':
    case 'locked':
      return 503;
    case 'config':
    case 'environment':
    case 'schema':
    case 'table':
      return 409;
    default:
      return 500;
  }
}

/** Neither an error of ours nor of the database: somebody's code threw. */
function isBug(error: unknown): boolean {
  if (error instanceof SyncflowError)
    return error.code === 'subscriber' || error.code === 'mapping' || error.code === 'validation';
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code !== 'string'; // SQLSTATE or a system error: the hub or the way to it
}
