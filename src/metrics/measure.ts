/** What the hub holds at this moment, for gauges. */
import type { Queryable } from '../store/database.js';
import { backlog, feeds, type Backlog, type Feed } from '../store/health.js';
import { subscriberStatus, type SubscriberStatus } from '../store/overview.js';
import { parkedByCode, type ParkedCount } from '../store/parked.js';

export interface Measurements {
  readonly subscribers: readonly SubscriberStatus[];
  readonly parked: readonly ParkedCount[];
  readonly feeds: readonly Feed[];
  readonly backlog: Backlog | undefined;
}

export async function measure(db: Queryable, subscribers: readonly string[]): Promise<Measurements> {
  return {
    subscribers: await subscriberStatus(db, subscribers),
    parked: await parkedByCode(db, subscribers),
    feeds: await feeds(db, subscribers),
    backlog: await backlog(db),
  };
}
