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
    find: 'await queueRecords(tx, of, [...keys], binding.subscriber.capabilities.marker);',
    replace: 'await queueRecords(tx, of, [...keys], false);',
    foundBy: 'test/flow/drifted-unheard.test.ts',
  },
];

const held = 'test/flow/mass-update-held.test.ts';

const braking: readonly Mutant[] = [
  {
    name: 'brake-counts-creates',
    mistake: 'What was created is counted among the updates, so that a busy day of new records holds the next edit.',
    breaks: ['S22'],
    file: 'src/outward/brake.ts',
    find: 'h.event = $2 and',
    replace: "h.event in ($2, 'created') and",
    foundBy: held,
  },
  {
    name: 'brake-counts-a-first-load',
    mistake: 'Updates that a first load or a field mapped since brings along are held.',
    breaks: ['S22'],
    file: 'src/outward/brake.ts',
    find: 'return brake.updates !== undefined && lane < backfillLane;',
    replace: 'return brake.updates !== undefined && lane <= backfillLane;',
    foundBy: held,
  },
  {
    name: 'brake-forgets-what-it-holds',
    mistake: 'Once it has tripped, each further edit of a held record goes through by itself.',
    breaks: ['S22'],
    file: 'src/outward/brake.ts',
    find: 'const total = row.recent + row.held + row.waiting + coming.length;',
    replace: 'const total = row.recent + row.waiting + coming.length;',
    foundBy: held,
  },
  {
    name: 'release-is-counted-again',
    mistake: 'What a release let go is counted once it is over, so that the next edit is held.',
    breaks: ['S22'],
    file: 'src/outward/brake.ts',
    find: "coalesce((select until from released), '-infinity')",
    replace: "'-infinity'::timestamptz",
    foundBy: held,
  },
  {
    name: 'discard-obeys-the-authority',
    mistake: 'An edit made there that a person took back is decided by the field’s authority, and comes back.',
    breaks: ['S22'],
    file: 'src/apply/discard.ts',
    find: "shadow: { ...held.shadow, insists: 'hub' }",
    replace: 'shadow: held.shadow',
    foundBy: held,
  },
];

const swept = 'test/flow/swept-by-the-clock.test.ts';

const scheduled: readonly Mutant[] = [
  {
    name: 'everybody-sweeps',
    mistake: 'A worker sweeps although another one has the turn.',
    breaks: ['S34'],
    file: 'src/maintenance/sweep.ts',
    find: 'if (proof === undefined) return Math.min(everyMs, turnMs);',
    replace: '',
    foundBy: swept,
  },
  {
    name: 'sweep-begins-again',
    mistake: 'A sweep that was cut off lists everything from the beginning.',
    breaks: ['S34'],
    file: 'src/maintenance/sweep.ts',
    find: "openRun<SweepProgress>(env.db, binding.id, kind, {}, 'owed')",
    replace: "openRun<SweepProgress>(env.db, binding.id, kind, {}, 'anew')",
    foundBy: swept,
  },
  {
    name: 'old-cursor-is-trusted',
    mistake: 'A cursor that is older than the system keeps its events is read on from, as long as the system takes it.',
    breaks: ['S23'],
    file: 'src/inward/poll.ts',
    find: '?? 0) > kept) {',
    replace: '?? 0) > kept * 99) {',
    foundBy: swept,
  },
];

export const maintenanceMutants: readonly Mutant[] = [...sweeping, ...braking, ...scheduled];
