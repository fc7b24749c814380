/** How a check says what is wrong, and what to do about it. */
import { SyncflowError } from '../../errors.js';

/** @throws SyncflowError `subscriber`: test runners print the message alone, so the cure stands in it too */
export function fail(problem: string, cure?: string): never {
  const message = cure === undefined ? problem : `${problem}\n  ${cure}`;
  throw new SyncflowError('subscriber', message, cure === undefined ? {} : { hint: cure });
}
