/** Codes of every error that Syncflow throws; stable, so that callers can branch on them. */
export type ErrorCode =
  | 'config' // a definition or option is wrong: nothing was started
  | 'database' // the hub can't be reached or refused
  | 'locked' // the embedded hub is held by another process
  | 'table' // an existing table doesn't fit its catalog
  | 'schema' // Syncflow's own schema is missing, older or newer
  | 'environment' // this hub belongs to another environment
  | 'validation' // a record doesn't satisfy its catalog
  | 'mapping' // a lens threw, or a value doesn't fit
  | 'subscriber' // a subscriber broke its contract
  | 'webhook' // a delivery was refused
  | 'cursor-expired' // the remote no longer keeps the changes since our cursor
  | 'fenced' // our lease was taken over: whatever we computed must not be committed
  | 'usage'; // a command line or a call is wrong

export interface ErrorContext {
  /** What was being done, and to what: `{ catalog: 'invoice', field: 'total' }`. Never values of personal data. */
  readonly [name: string]: unknown;
}

/**
 * Every error that Syncflow throws. `message` says what and where, `hint` what to do about it.
 *
 * @example
 * try { await flow.start() } catch (error) {
 *   if (error instanceof SyncflowError && error.code === 'table') console.error(error.message, error.hint)
 * }
 */
export class SyncflowError extends Error {
  override readonly name = 'SyncflowError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly context: ErrorContext;

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string; context?: ErrorContext; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.context = options.context ?? {};
  }
}

/** The message of anything that was thrown, for logs and parked reasons. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // what `fetch` throws says only that it failed
  const { message, cause } = error;
  return message === 'fetch failed' && cause instanceof Error ? `${message}: ${cause.message}` : message;
}

/** The candidate closest to a misspelt name, or undefined when none is near: "did you mean …?". */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current[j] = Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1);
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
