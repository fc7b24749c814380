/** How much flowed lately, by subscriber and direction: of the entries that the stream has brought. Pure. */
import type { HistoryEntry } from '../../../src/server/dashboard/contract.js';
import { flowOf } from '../data/format.js';

export interface Rate {
  readonly outward: number;
  readonly inward: number;
}

const none: Rate = { outward: 0, inward: 0 };

/** Changes within the last minute. */
export function ratesOf(activity: readonly HistoryEntry[], now: number): ReadonlyMap<string, Rate> {
  const rates = new Map<string, Rate>();
  for (const entry of activity) {
    if (Date.parse(entry.at) < now - 60_000) break; // newest first
    const flow = flowOf(entry);
    if (flow === 'none') continue;
    const known = rates.get(entry.subscriber) ?? none;
    rates.set(entry.subscriber, { ...known, [flow]: known[flow] + 1 });
  }
  return rates;
}
