/** Runs the suite over a subscriber, and says what it finds. */
import type { SubscriberClass } from '../../src/subscriber/registration.js';
import { conformance } from '../../src/testing/index.js';
import { Order, Store } from './sound.js';

export interface Fault {
  readonly subscriber: SubscriberClass;
  /** Checks that must fail. */
  readonly red: readonly string[];
  readonly says: RegExp;
}

/** Names of the checks that fail, with what they say. */
export async function failures(
  subscriber: SubscriberClass,
  record?: (n: number) => never,
): Promise<Map<string, string>> {
  const checks = conformance({
    catalog: Order,
    subscriber,
    account: new Store(),
    references: { company: 'c_1' },
    patienceMs: 0,
    ...(record === undefined ? {} : { record }),
  });
  const failed = new Map<string, string>();
  for (const { name, skip, run } of checks) {
    if (skip !== undefined) continue;
    await run().catch((error: unknown) => failed.set(name, (error as Error).message));
  }
  return failed;
}
