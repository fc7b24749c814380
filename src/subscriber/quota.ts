/** What an account can say of its rate limit, for the dashboard: an optional method of the account object. */

export interface Quota {
  /** Requests a second that it allows itself, or the system allows it. */
  readonly perSecond: number;
  /** Requests begun within the last whole second. */
  readonly used: number;
  /** Requests that wait for their turn. */
  readonly waiting: number;
}

/** An account that knows its limit. Asked every few seconds: it must answer at once, without a request. */
export interface Metered {
  quota(): Quota;
}

export function isMetered(account: unknown): account is Metered {
  return (
    typeof account === 'object' && account !== null && typeof (account as { quota?: unknown }).quota === 'function'
  );
}
