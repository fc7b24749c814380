/** What a subscriber does with creates and deletes, in each direction. */

/** `propagate`: carry it over · `unlink`: let go of the pair · `park`: set aside for a person · `ignore`: leave as it is. */
export type DeletePolicy = 'propagate' | 'unlink' | 'park' | 'ignore';
export type CreatePolicy = 'propagate' | 'park' | 'ignore';

export interface Policies {
  /** A new hub record: create its remote? */
  readonly createOutward: CreatePolicy;
  /** A remote nobody here knows: create its record? */
  readonly createInward: CreatePolicy;
  /** A deleted record: delete its remote? */
  readonly deleteOutward: DeletePolicy;
  /** A deleted remote: delete its record? */
  readonly deleteInward: DeletePolicy;
  /** A record that leaves the subscriber's `where`: keep its remote and stop syncing, or treat it as deleted. */
  readonly leave: 'keep' | 'delete';
}

export const defaultPolicies: Policies = {
  createOutward: 'propagate',
  createInward: 'propagate',
  deleteOutward: 'propagate',
  deleteInward: 'propagate',
  leave: 'keep',
};

/**
 * The mass-change brake: more deletes than this within the window are held until released.
 * Both bounds must be exceeded: `count` spares small catalogs, `share` spares large ones.
 */
export interface Brake {
  readonly count: number;
  /** Of the subscriber's linked records, 0 to 1. */
  readonly share: number;
  readonly windowSeconds: number;
}

export const defaultBrake: Brake = { count: 20, share: 0.2, windowSeconds: 3600 };
