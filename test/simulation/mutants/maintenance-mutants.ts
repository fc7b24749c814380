/** Mistakes in what goes on beside the road: sweeps and brakes. Simulated worlds have neither; a test of the suite finds each. */
import type { Mutant } from './mutant.js';

const sweeping: readonly Mutant[] = [
  {
    name: 'unlisted-counts-as-deleted',
    mistake: 'A repair takes it for a deletion that a listing doesn’t show a remote.',
    breaks: ['S12', 'S34'],
    file: 'src/maintenance/repair.ts',
    find: "remoteId, kind: 'changed' },",
    replace: "remoteId, kind: 'deleted' },",
    foundBy: 'test/flow/drifted-unheard.test.ts',
  },
  {
    name: 'short-list-is-believed',
    mistake: 'However few a listing shows, what is missing from it is asked for, and parked.',
    breaks: ['S34'],
    file: 'src/maintenance/repair.ts',
    find: 'if (notListed <= brake.count || notListed <= brake.share * linked) return undefined;',
    replace: 'if (notListed <= brake.count || notListed <= linked) return undefined;',
    foundBy: 'test/flow/drifted-unheard.test.ts',
  },
  {
    name: 'unsent-is-created-blindly',
    mistake: 'A record without a link gets a new remote from a repair, though one may bear its marker.',
    breaks: ['S9', 'S34'],
    file: 'src/maintenance/repair.ts',
    find: 'await queueRecords(tx, binding.id, [...keys], binding.subscriber.capabilities.marker);',
    replace: 'await queueRecords(tx, binding.id, [...keys], false);',
    foundBy: 'test/flow/drifted-unheard.test.ts',
  },
];

export const maintenanceMutants: readonly Mutant[] = [...sweeping];
