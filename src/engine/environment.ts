/** What the steps of the road need besides the data: given once, so that tests can give others. */
import type { Database } from '../store/database.js';
import type { RetryOptions } from '../outward/retry.js';
import type { SyncflowEvents } from '../events.js';
import type { RecordSpans } from '../tracing/records.js';
import type { Tracing } from '../tracing/tracing.js';
import type { Contacts } from './contacts.js';

export interface Clock {
  now(): Date;
  /** Resolves after `ms`, or at once when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Resolves once whatever has arrived by now was taken in: one turn of the event loop unless given. */
  turn?(): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const finish = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal.addEventListener('abort', finish);
    }),
};

export interface Environment {
  readonly db: Database;
  readonly clock: Clock;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  readonly newId: () => string;
  /** Name of this worker process, in leases. */
  readonly worker: string;
  readonly leaseMs: number;
  readonly retry: RetryOptions;
  readonly contacts: Contacts;
  readonly tracing: Tracing;
  /** Of the records that passes of this process are at work on. */
  readonly spans: RecordSpans;
  readonly emit: <N extends keyof SyncflowEvents>(name: N, event: SyncflowEvents[N]) => void;
}
