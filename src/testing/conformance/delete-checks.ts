/** What becomes of a remote that is deleted. */
import type { Check } from './check.js';
import type { Bench, Made } from './bench.js';
import { edited } from './edits.js';
import { fail } from './failure.js';

const unlessDeletes = (bench: Bench): string | undefined =>
  bench.subscriber.capabilities.deletes === 'none' ? 'the system can’t delete' : undefined;

const unlessHard = (bench: Bench): string | undefined => {
  const { deletes } = bench.subscriber.capabilities;
  return deletes === 'hard' ? undefined : `the capability "deletes" is "${deletes}"`;
};

async function remove(bench: Bench, made: Made): Promise<void> {
  const outcome = await bench.push(bench.deleteOf(made));
  if (outcome.kind !== 'done' && outcome.kind !== 'gone')
    fail(`delete answered ${bench.described(outcome)}`, 'A delete of a remote that is there gives done(id).');
}

export const deleteChecks: readonly Check[] = [
  {
    name: 'a deleted remote is no longer there',
    skip: unlessDeletes,
    run: async (bench) => {
      const made = await bench.make();
      await remove(bench, made);
      const sight = await bench.look(made.remoteId);
      if (bench.isThere(sight))
        fail(
          'fetch still shows a remote that was deleted',
          'Where it is only set aside, let accepts(remote) be false for it.',
        );
      const { deletes } = bench.subscriber.capabilities;
      if (deletes === 'hard' && sight.kind !== 'gone' && sight.kind !== 'missing')
        fail(`fetch of a deleted remote answered ${bench.described(sight)}, neither gone nor missing`);
    },
  },
  {
    name: 'deleting twice is gone the second time',
    skip: unlessDeletes,
    run: async (bench) => {
      const made = await bench.make();
      await remove(bench, made);
      const again = await bench.push(bench.deleteOf(made));
      if (again.kind === 'gone') return;
      const { deletes } = bench.subscriber.capabilities;
      if (deletes === 'archive' && again.kind === 'done') return;
      // a system that keeps no trace of what it deleted can't say more
      const sight = await bench.look(made.remoteId);
      if (again.kind === 'missing' && sight.kind === 'missing') return;
      fail(
        `the second delete of a remote answered ${bench.described(again)}`,
        'Deleting what is deleted already must answer gone(): the answer to the first may have been lost.',
      );
    },
  },
  {
    name: 'an update of a deleted remote brings nothing back',
    skip: unlessHard,
    run: async (bench) => {
      const made = await bench.make();
      await remove(bench, made);
      const update = bench.updateOf(made, edited(bench, made.record));
      if (update === undefined) return;
      const outcome = await bench.push(update);
      if (!['gone', 'missing', 'stale'].includes(outcome.kind))
        fail(`an update of a deleted remote answered ${bench.described(outcome)}`, 'Answer gone() or missing(…).');
      if (bench.isThere(await bench.look(made.remoteId))) fail('an update of a deleted remote brought it back');
    },
  },
];
