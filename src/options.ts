/** What a Syncflow is made of. */
import type { CatalogClass } from './catalog/catalog.js';
import type { Accounts } from './engine/bind.js';
import type { Clock } from './engine/environment.js';
import type { RetryOptions } from './outward/retry.js';
import type { HttpOptions } from './server/handler.js';
import type { Database } from './store/database.js';
import type { VerifySchedule } from './subscriber/policy.js';

export interface SyncflowOptions {
  /** `postgres://…`, a folder for an embedded hub, `memory:`, or an own `Database`. */
  readonly database: string | Database;
  readonly catalogs: readonly CatalogClass[];
  /** By the names that registrations use: whatever the subscriber classes expect. */
  readonly accounts?: Accounts;
  /** Name of this environment. A hub remembers it: a copy of production started as `staging` refuses to write. `default` unless given. */
  readonly environment?: string;
  /** Take over a hub of another environment (after a rename, or for a copy that is to have remotes of its own). */
  readonly adoptEnvironment?: boolean;
  /** Links that a worker claims at once. 100 unless given. */
  readonly batchSize?: number;
  /** How often loops look by themselves, in ms. 1,000 unless given. */
  readonly wakeIntervalMs?: number;
  /** How often remotes are polled, in ms. 5,000 unless given. */
  readonly pollIntervalMs?: number;
  /**
   * How long a claimed link stays ours without a sign of life, in ms. 30,000 unless given. What a killed worker had claimed waits
   * for so long: its last requests may still be under way.
   */
  readonly leaseMs?: number;
  readonly retry?: Partial<RetryOptions>;
  /**
   * How often every subscriber that can list its remotes is compared as a whole, by one worker at a time; a registration can say
   * otherwise. Never unless given.
   */
  readonly verify?: VerifySchedule;
  /**
   * Whether a subscriber that was never loaded is loaded at start. True unless given. A load that was begun must be ended by a
   * process that has it on: until then no process creates remotes for that subscriber. `planned`: it waits until a plan of it is
   * applied (`flow.plan`, `flow.apply`); edits meanwhile are noted, and synced then.
   */
  readonly backfill?: boolean | 'planned';
  /** Limits of `flow.handler`, and the token that opens its control API. */
  readonly http?: HttpOptions;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly newId?: () => string;
}
