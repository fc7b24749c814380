/** How long to wait before the next attempt. Pure; the random source is given. */
export interface RetryOptions {
  /** Wait before the second attempt, in ms. */
  readonly baseMs: number;
  /** Longest wait, in ms. */
  readonly maxMs: number;
  /** Attempts after which a record is parked as `failed`. */
  readonly maxAttempts: number;
}

export const defaultRetry: RetryOptions = { baseMs: 500, maxMs: 300_000, maxAttempts: 12 };

/** Exponential, with jitter between half and the whole, and never less than what the remote asked for. */
export function retryDelayMs(
  attempts: number,
  askedMs: number | undefined,
  options: RetryOptions,
  random: () => number,
): number {
  const exponential = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(30, Math.max(0, attempts - 1)));
  const jittered = exponential * (0.5 + random() / 2);
  return Math.round(Math.max(jittered, askedMs ?? 0));
}
