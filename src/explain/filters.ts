/** Filters of reports: one that nothing can ever fit would pass for "nothing is parked". */
import { didYouMean, SyncflowError } from '../errors.js';
import { parkCodes } from './cures.js';

export interface ReportFilter {
  readonly subscriber?: string;
  readonly code?: string;
}

/**
 * For an answer that is empty. What somebody who is no longer registered has left behind is found, and so isn't asked here.
 * @throws SyncflowError `usage` saying which may have been meant
 */
export function refuseUnknown({ subscriber, code }: ReportFilter, subscribers: readonly string[]): void {
  if (subscriber !== undefined && !subscribers.includes(subscriber))
    throw new SyncflowError('usage', `there is no subscriber "${subscriber}"`, {
      hint: meant(subscriber, subscribers),
    });
  if (code !== undefined && !parkCodes.includes(code))
    throw new SyncflowError('usage', `nothing is ever parked with the code "${code}"`, {
      hint: meant(code, parkCodes),
    });
}

function meant(given: string, names: readonly string[]): string {
  const guess = didYouMean(given, names);
  return guess === undefined ? `There are: ${names.join(', ')}.` : `Did you mean "${guess}"?`;
}
