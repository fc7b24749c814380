/** Trying parked records again. */
import { SyncflowError } from '../errors.js';
import type { DescribedHeld } from '../explain/held.js';
import type { HeldCount } from '../store/held.js';

/** What waits for `release` or `discard`. */
export interface HeldReport {
  readonly counts: readonly HeldCount[];
  readonly changes: readonly DescribedHeld[];
}

/** Which parked records to try again, and for a single one with what decision. */
export interface RetryFilter {
  readonly subscriber?: string;
  readonly code?: string;
  readonly id?: string;
  /** Only those that are parked with just these words. */
  readonly reasons?: readonly string[];
  readonly as?: 'create';
}

/** @throws SyncflowError `usage` where it isn't one record that is meant */
export function oneOf({ id }: RetryFilter): string {
  if (id !== undefined) return id;
  throw new SyncflowError('usage', 'a decision is made for one record', { hint: 'Give its id: see flow.parked().' });
}
