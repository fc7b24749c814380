/** SPEC: whatever moment `syncflow start` is killed at, after a new start all sides agree and no remote exists twice. */
import { expect, test } from 'vitest';
import { torture } from '../../scripts/torture.js';

test(
  'killed with -9 during the load and started again, it leaves nothing lost or doubled',
  { timeout: 120_000 },
  async () => {
    const results = await torture({
      rounds: 1,
      hubs: ['embedded'],
      // one kill, at 74 % of the load
      seed: 28,
      size: { customers: 8, products: 10, invoices: 6 },
      timeoutMs: 100_000,
    });
    expect(results.map(({ problems }) => problems)).toEqual([[]]);
    expect(results.flatMap(({ kills }) => kills).length).toBeGreaterThan(0);
  },
);
