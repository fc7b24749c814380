/** What goes wrong between us and a CouchDB, and which outcome each of it is. */
import { messageOf, SyncflowError } from '../../errors.js';
import {
  blocked,
  gone,
  missing,
  rejected,
  retry,
  stale,
  throttled,
  unknown,
  type Outcome,
} from '../../subscriber/outcome.js';

/** Reasons go into logs and parked records: long ones (a stack trace of a validation function) are cut. */
const maxReasonLength = 300;

interface Told {
  readonly status: number | undefined;
  readonly error: string | undefined;
  readonly reason: string | undefined;
  readonly message: string;
}

/**
 * A failed request. It keeps what the server said and nothing of the request: nano's own errors carry the whole body, that is
 * somebody's personal data, and would end in a log.
 *
 * @example
 * try { await account.request({ database: 'customers' }) } catch (error) {
 *   if (error instanceof CouchFailure && error.status === 404) console.error(error.reason)
 * }
 */
export class CouchFailure extends SyncflowError {
  /** The HTTP status; undefined where no answer came, or only a part of it. */
  readonly status: number | undefined;
  /** CouchDB's word for it: `conflict`, `not_found`. */
  readonly error: string | undefined;
  readonly reason: string | undefined;

  constructor(place: string, told: Partial<Told>) {
    const said = [told.status, told.error, told.reason ?? told.message]
      .filter((part) => part !== undefined && part !== '')
      .join(' ');
    super('subscriber', `${place}: ${said}`, {
      hint: hintFor(told),
      context: { status: told.status, error: told.error },
    });
    this.status = told.status;
    this.error = told.error;
    this.reason = told.reason;
  }

  /** Of whatever was thrown by a request; a failure stays what it is. */
  static of(place: string, error: unknown): CouchFailure {
    return error instanceof CouchFailure ? error : new CouchFailure(place, tell(error));
  }
}

/** Whether the whole database is absent: no statement about any one document. */
export function isDatabaseAbsent(failure: {
  readonly status: number | undefined;
  readonly reason: string | undefined;
}): boolean {
  return failure.status === 404 && /^(database does not exist|no_db_file)/i.test(failure.reason ?? '');
}

/**
 * The outcome that an error of a request is: nano's, or a `CouchFailure`.
 *
 * @example
 * outcomeOfCouchError({ statusCode: 409, error: 'conflict' }) // { kind: 'stale' }
 */
export function outcomeOfCouchError(error: unknown): Outcome<never> {
  if (error instanceof SyncflowError && !(error instanceof CouchFailure)) return outcomeOfOwn(error);
  const told = tell(error);
  if (told.status === undefined) return outcomeOfConnection(told.message);
  return outcomeOfStatus(told.status, told);
}

/** The outcome of one row of `_bulk_docs` that was refused. Here `forbidden` is a validation function's word on one document. */
export function outcomeOfRow(error: string, reason: string | undefined): Outcome<never> {
  const said = clip(reason === undefined ? error : `${error}: ${reason}`);
  switch (error) {
    case 'conflict':
      return stale<never>();
    case 'forbidden':
    case 'unauthorized':
    case 'bad_request':
    case 'doc_validation':
    case 'illegal_docid':
    case 'document_too_large':
    case 'too_large':
    case 'missing_stub':
    case 'invalid_attachment':
      return rejected(said);
    case 'too_many_requests':
      return throttled(said);
    default:
      return unknown(said);
  }
}

function outcomeOfStatus(status: number, told: Told): Outcome<never> {
  const said = clip(
    [status, told.error, told.reason ?? told.message].filter((part) => part !== undefined && part !== '').join(' '),
  );
  if (isDatabaseAbsent(told)) return blocked(said);
  switch (status) {
    case 401:
    case 402:
    case 403:
    case 407:
      return blocked(said);
    case 404:
      return told.reason === 'deleted' ? gone() : missing(said);
    case 409:
      return stale<never>();
    case 408:
    case 499:
      return unknown(said);
    case 429:
      return throttled(said);
    default:
      // what isn't a plain refusal of the request (2xx that can't be read, 3xx, 5xx) may have taken effect
      return status >= 400 && status < 500 ? rejected(said) : unknown(said);
  }
}

/** Only a connection that was never made is proof that nothing was sent. */
function outcomeOfConnection(message: string): Outcome<never> {
  const said = clip(message);
  if (
    /\b(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)\b|ConnectTimeoutError|bad port/.test(
      message,
    )
  )
    return retry(said);
  // several addresses were tried and none could be connected to: Node keeps the single errors to itself
  if (message.endsWith('Reason: AggregateError')) return retry(said);
  if (/certificate|ERR_TLS|altnames/i.test(message)) return blocked(said);
  return unknown(said);
}

function outcomeOfOwn(error: SyncflowError): Outcome<never> {
  if (error.code === 'config') return blocked(error.message);
  if (error.code === 'mapping') return rejected(error.message);
  return unknown(error.message);
}

function tell(error: unknown): Told {
  if (error instanceof CouchFailure) {
    return { status: error.status, error: error.error, reason: error.reason, message: error.message };
  }
  const thrown = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {};
  return {
    status: typeof thrown['statusCode'] === 'number' ? thrown['statusCode'] : undefined,
    error: textOf(thrown['error']),
    reason: textOf(thrown['reason']),
    message: clip(messageOf(error)),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? clip(value) : undefined;
}

function clip(text: string): string {
  const scrubbed = text.replace(/\/\/[^/@\s]*@/g, '//');
  return scrubbed.length > maxReasonLength ? `${scrubbed.slice(0, maxReasonLength)}…` : scrubbed;
}

function hintFor({ status, reason, message }: Partial<Told>): string {
  if (status === 401 || status === 403) return "Check the account's credentials and the database's members.";
  if (isDatabaseAbsent({ status, reason })) return 'Create the database, or give the account createDatabases: true.';
  if (status === undefined)
    return `Check that the server can be reached${message === undefined ? '' : ' and answers in time'}.`;
  return "The server's own words are in reason.";
}
