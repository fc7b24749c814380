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
 * The mass-change brake: more deletes than this within the window are held until they are released or discarded, each direction by
 * itself. Both bounds must be exceeded: `count` spares small catalogs, `share` spares large ones.
 *
 * @example
 * Customer.register(StripeCustomer, { brake: { count: 50, updates: { count: 1_000, share: 0.5 } } });
 */
export interface Brake {
  /** Deletes that are let through in any case. 20 unless given. */
  readonly count: number;
  /** Of the subscriber's linked records, 0 to 1. 0.2 unless given. */
  readonly share: number;
  /** 3,600 unless given. */
  readonly windowSeconds: number;
  /**
   * The same for records that are updated. Unless given updates aren't held: that a whole table is updated is everyday business, while a
   * catalog of prices may change in full every hour. What a first load, a rescan or a field that was mapped since brings along isn't
   * counted; a planned mass update is let through beforehand by `flow.release`.
   */
  readonly updates?: { readonly count: number; readonly share: number };
}

export const defaultBrake: Brake = { count: 20, share: 0.2, windowSeconds: 3600 };

/** How often everything of a subscriber is compared. Needs the capability `listing`. */
export interface VerifySchedule {
  /** From the end of one comparison, or of a first load, to the next, in ms. */
  readonly everyMs: number;
  /** Merge what differs, by authority, as `verify --repair` does. False unless given: then it is only told of. */
  readonly repair?: boolean;
}
