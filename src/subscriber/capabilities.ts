/** What a system can do. The guarantees that hold for it follow from these; shared code asks nothing else about a connector. */
export interface Capabilities {
  /** Records per batched write (`pushMany`); 1 where the system has no batch call. */
  readonly batchSize: number;
  /** Remote calls in flight at once, per worker process. */
  readonly concurrency: number;
  /** A repeated request with the same key and body takes effect once, for so many hours. */
  readonly idempotencyHours: number | undefined;
  /** A remote carries our marker and `find({ key })` sees it at once after a write (never a lagging search). */
  readonly marker: boolean;
  /** We choose the remote's id, so that a second create of it is refused as `exists`. */
  readonly chosenId: boolean;
  /** An update or delete names the version it was made against and is refused as `stale` otherwise. */
  readonly conditional: boolean;
  /** Events tell what a write overwrote (`previous`), so that an edit that we overwrote is seen and logged. */
  readonly history: boolean;
  /** `hard`: a deleted remote is gone; `archive`: it is only set aside; `none`: the system can't delete. */
  readonly deletes: 'hard' | 'archive' | 'none';
  /** `receive` is implemented. */
  readonly webhooks: boolean;
  /** `changes` is implemented. */
  readonly polling: boolean;
  /** `list` is implemented: first load from the remote, sweeps and `verify` need it. */
  readonly listing: boolean;
}

/** The least that a system can do: one write at a time, nothing else. Connectors override what they have. */
export const leastCapabilities: Capabilities = {
  batchSize: 1,
  concurrency: 8,
  idempotencyHours: undefined,
  marker: false,
  chosenId: false,
  conditional: false,
  history: false,
  deletes: 'hard',
  webhooks: false,
  polling: false,
  listing: false,
};
