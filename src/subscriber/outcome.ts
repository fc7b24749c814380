/** The closed set of outcomes of a remote operation. Whatever a connector meets must be told as one of these. */

export type Outcome<Remote = unknown> =
  /** It took effect. `remote` is the object as the answer shows it; without it the sent values are taken as shown. */
  | { readonly kind: 'done'; readonly remoteId: string; readonly remote?: Remote }
  /** It surely took no effect, and may be tried again as it is (connection refused; `throttled`: by a rate limit, which never parks it). */
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs?: number; readonly throttled?: boolean }
  /** The system will never take this as it is: the record is parked until it is edited or retried. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** Positive proof that the remote was deleted. A mere 404 is not proof: use `missing`. */
  | { readonly kind: 'gone' }
  /** The remote wasn't found, for whatever reason (a lost permission looks the same). Nothing is deleted for it. */
  | { readonly kind: 'missing'; readonly reason: string }
  /** A create found that the remote exists already (by our marker, a match key or the chosen id). */
  | { readonly kind: 'exists'; readonly remoteId: string; readonly remote?: Remote }
  /** A conditional write was refused: the remote has moved on. It is observed, merged and planned again. */
  | { readonly kind: 'stale'; readonly remote?: Remote }
  /** Nothing of this account works now (credentials, quota): hold the whole subscriber, don't park its records. */
  | { readonly kind: 'blocked'; readonly reason: string; readonly afterMs?: number }
  /** It may or may not have taken effect (time-out, 5xx, dropped connection): looked up before anything else happens. */
  | { readonly kind: 'unknown'; readonly reason: string };

export type OutcomeKind = Outcome['kind'];

/** What a read of one remote tells. */
export type Sight<Remote = unknown> =
  | { readonly kind: 'found'; readonly remote: Remote }
  | Extract<Outcome, { kind: 'gone' | 'missing' | 'retry' | 'blocked' }>;

export const done = <Remote>(remoteId: string, remote?: Remote): Outcome<Remote> =>
  remote === undefined ? { kind: 'done', remoteId } : { kind: 'done', remoteId, remote };
export const exists = <Remote>(remoteId: string, remote?: Remote): Outcome<Remote> =>
  remote === undefined ? { kind: 'exists', remoteId } : { kind: 'exists', remoteId, remote };
export const retry = (reason: string, afterMs?: number): Extract<Outcome, { kind: 'retry' }> =>
  afterMs === undefined ? { kind: 'retry', reason } : { kind: 'retry', reason, afterMs };
/** Refused by a rate limit: no fault of the record, however often it happens. */
export const throttled = (reason: string, afterMs?: number): Extract<Outcome, { kind: 'retry' }> => ({
  ...retry(reason, afterMs),
  throttled: true,
});
export const rejected = (reason: string): Extract<Outcome, { kind: 'rejected' }> => ({ kind: 'rejected', reason });
export const gone = (): Extract<Outcome, { kind: 'gone' }> => ({ kind: 'gone' });
export const missing = (reason: string): Extract<Outcome, { kind: 'missing' }> => ({ kind: 'missing', reason });
export const stale = <Remote>(remote?: Remote): Outcome<Remote> =>
  remote === undefined ? { kind: 'stale' } : { kind: 'stale', remote };
export const blocked = (reason: string, afterMs?: number): Extract<Outcome, { kind: 'blocked' }> =>
  afterMs === undefined ? { kind: 'blocked', reason } : { kind: 'blocked', reason, afterMs };
export const unknown = (reason: string): Extract<Outcome, { kind: 'unknown' }> => ({ kind: 'unknown', reason });
export const found = <Remote>(remote: Remote): Sight<Remote> => ({ kind: 'found', remote });
