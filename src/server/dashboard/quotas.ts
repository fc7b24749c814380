/** What accounts may ask of their systems a second, and what they do ask: of those that can tell. */
import { isMetered, type Quota } from '../../subscriber/quota.js';

export interface QuotaReport extends Quota {
  readonly account: string;
}

export function quotasOf(accounts: Readonly<Record<string, unknown>>): QuotaReport[] {
  return Object.entries(accounts).flatMap(([account, one]) => (isMetered(one) ? [{ account, ...one.quota() }] : []));
}
