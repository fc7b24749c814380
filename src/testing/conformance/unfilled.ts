/** Finds methods that a template left open. */
import { SyncflowError } from '../../errors.js';
import type { Bench } from './bench.js';

/** The methods that say of themselves that they aren't filled in, each with what it must do. */
export async function unfilled(bench: Bench): Promise<string[]> {
  const { subscriber } = bench;
  const nowhere = { remoteId: 'conformance-nowhere', key: '["0"]', version: undefined, known: {} as never };
  const create = bench.createOf(bench.record());
  const { values, children } = create;
  const update = { ...create, ...nowhere, values, changed: {} as never, children };
  const calls: readonly (() => Promise<unknown>)[] = [
    async () => bench.push(create).then(() => undefined),
    async () => subscriber.update(update),
    async () => subscriber.delete({ ...create, ...nowhere }),
    async () => subscriber.fetch(nowhere.remoteId, 'live'),
  ];
  const missing: string[] = [];
  for (const [index, call] of calls.entries()) {
    if (index === 0) {
      // through pushMany, so that what it makes is taken away; what it threw is asked for
      await call().catch(() => undefined);
      note(bench.lastThrown, missing);
    } else await call().catch((error: unknown) => note(error, missing));
  }
  return missing;
}

function note(error: unknown, missing: string[]): void {
  const method = error instanceof SyncflowError ? error.context['unfilled'] : undefined;
  if (error instanceof SyncflowError && typeof method === 'string')
    missing.push(`${method}: ${error.hint ?? error.message}`);
}
