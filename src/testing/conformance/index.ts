/** The conformance suite of subscribers: does a subscriber do what its capabilities claim? Public names, listed by hand. */
import { messageOf } from '../../errors.js';
import type { CatalogClass } from '../../catalog/catalog.js';
import { Bench, type ConformanceOptions } from './bench.js';
import type { ConformanceCheck } from './check.js';
import { claimChecks } from './claim-checks.js';
import { deleteChecks } from './delete-checks.js';
import { fail } from './failure.js';
import { writeChecks } from './write-checks.js';

export type { ConformanceOptions } from './bench.js';
export type { ConformanceCheck } from './check.js';
export { sampleRecord } from './sample.js';

/**
 * The checks of a subscriber, for any test runner. They make, change and delete remotes through it, so give the account of a
 * simulator or a sandbox. Each takes away what it made. One that doesn't apply says why in `skip`.
 *
 * @example
 * // vitest
 * for (const { name, skip, run } of conformance({ catalog: Customer, subscriber: CrmCustomer, account }))
 *   test.skipIf(skip !== undefined)(name, run);
 * @example
 * // node:test
 * for (const { name, skip, run } of conformance({ catalog: Customer, subscriber: CrmCustomer, account }))
 *   test(name, { skip: skip ?? false }, run);
 */
export function conformance<C extends CatalogClass>(options: ConformanceOptions<C>): readonly ConformanceCheck[] {
  const fits = 'the mapping fits the catalog, and every capability has its method';
  let bench: Bench;
  try {
    bench = new Bench(options);
  } catch (error) {
    const hint = (error as { hint?: string }).hint;
    return [{ name: fits, skip: undefined, run: async () => fail(messageOf(error), hint) }];
  }
  const checks = [...writeChecks, ...deleteChecks, ...claimChecks].map((check): ConformanceCheck => {
    const run = async (): Promise<void> => {
      try {
        await check.run(bench);
      } finally {
        await bench.clean();
      }
    };
    return { name: check.name, skip: check.skip?.(bench), run };
  });
  return [{ name: fits, skip: undefined, run: async () => undefined }, ...checks];
}
