/**
 * Codes of every error that Syncflow throws, what each means, and what to do. They are stable, so that callers can branch on them.
 *
 * @example
 * if (error instanceof SyncflowError) console.error(error.message, error.hint ?? errorCodes[error.code].cure);
 */
export const errorCodes = {
  config: {
    means: 'A definition or an option is wrong; nothing was started.',
    cure: 'Change what the message names.',
  },
  database: {
    means: 'The hub can’t be reached, or it refused a statement.',
    cure: 'Look at the address, the rights of the role, and the server’s log. `syncflow doctor` examines all three.',
  },
  locked: {
    means: 'Another process holds the embedded hub.',
    cure: 'Let the commands act through that process, or stop it; the message names it.',
  },
  table: {
    means: 'A table doesn’t fit its catalog, or isn’t there though its records are linked.',
    cure: 'Change the main class or the table: the message lists every difference.',
  },
  schema: {
    means: 'Syncflow isn’t installed in the hub, or its own schema there was made by another version.',
    cure: '`syncflow migrate` installs it, and brings an older one up to date. Of a newer one: install that version.',
  },
  environment: {
    means: 'This hub belongs to another environment, and nothing was written.',
    cure: 'If the database is a copy that is to have remotes of its own: `syncflow migrate --adopt-environment`. Else correct `environment`.',
  },
  validation: {
    means: 'A record doesn’t satisfy its catalog, or a constraint of the table.',
    cure: 'Correct the values: the message names every field.',
  },
  mapping: {
    means: 'A lens threw, or a value doesn’t fit.',
    cure: 'Correct the value, or the lens (`via`) of the unit that the message names.',
  },
  subscriber: {
    means: 'A subscriber class broke its contract.',
    cure: 'Correct the method that the message names; the conformance suite says what it must do.',
  },
  webhook: {
    means: 'A delivery was refused; nothing of it took effect.',
    cure: 'Compare the signing secret with the one in the system; a proxy in between must not change the body.',
  },
  'cursor-expired': {
    means: 'The remote no longer keeps the changes since our cursor.',
    cure: 'Nothing: everything is listed again by itself. Thrown by `changes` of a subscriber.',
  },
  fenced: {
    means: 'Another worker has taken over the lease; what was computed under it isn’t committed.',
    cure: 'Nothing: the other worker does the work.',
  },
  moved: {
    means: 'Both sides say something else by now than the plan that was approved; nothing was written.',
    cure: 'Plan again and look at what differs; or `syncflow apply --accept-moved`.',
  },
  usage: {
    means: 'A command line or a call is wrong.',
    cure: 'See the message; `syncflow <command> --help` shows what a command takes.',
  },
} as const satisfies Readonly<Record<string, { readonly means: string; readonly cure: string }>>;

/** One of the keys of `errorCodes`. */
export type ErrorCode = keyof typeof errorCodes;

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
