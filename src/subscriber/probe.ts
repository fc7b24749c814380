/** What an account can say of itself when it is asked, for `doctor`: an optional method of the account object. */

export interface Probe {
  /** `refused`: the credentials or their rights; `unreachable`: nobody answered, or not in time. */
  readonly outcome: 'works' | 'refused' | 'unreachable';
  /** What it said; never with credentials. */
  readonly reason?: string;
  /** The system's own time, ISO, where its answer tells (a `Date` header). */
  readonly serverTime?: string;
  /** Whether a secret is given by which webhooks can be verified; undefined where there are no webhooks. */
  readonly webhookSecret?: boolean;
  /** For how long the system keeps the changes that polling reads. */
  readonly eventRetentionHours?: number;
}

/** An account that can be asked. It must change nothing, and answer within some seconds. */
export interface Probing {
  probe(): Promise<Probe>;
}

export function isProbing(account: unknown): account is Probing {
  return (
    typeof account === 'object' && account !== null && typeof (account as { probe?: unknown }).probe === 'function'
  );
}
