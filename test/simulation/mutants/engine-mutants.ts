/** Mistakes in leases, settling, waiting and the statements of the store. */
import type { Mutant } from './mutant.js';

const passes: readonly Mutant[] = [
  {
    name: 'lease-not-renewed',
    mistake: 'The lease of a slow pass is renewed after three times its length instead of a third.',
    breaks: ['S13'],
    file: 'src/engine/reconcile.ts',
    find: 'env.clock.sleep(env.leaseMs / 3, stop)',
    replace: 'env.clock.sleep(env.leaseMs * 3, stop)',
  },
  {
    name: 'retries-without-end',
    mistake: 'Attempts are not counted on, so that a link that always fails is never parked.',
    breaks: ['S21'],
    file: 'src/engine/result.ts',
    find: '): Result {\n  const attempts = link.attempts + 1;',
    replace: '): Result {\n  const attempts = 1;',
  },
  {
    name: 'parked-parent-awaited',
    mistake: 'A child goes on waiting for a parent that is parked, as if that were on its way.',
    breaks: ['S20'],
    file: 'src/engine/result.ts',
    find: "if (standing === 'coming') return dueInMs",
    replace: "if (standing !== 'ready') return dueInMs",
  },
  {
    name: 'events-link-not-absorbed',
    mistake: 'The link that an event made for a remote which we had just created is left beside that of its record.',
    breaks: ['S9'],
    file: 'src/store/links.ts',
    find: '  await absorbTwins(tx, kept);\n',
    replace: '',
  },
  {
    name: 'lost-lease-closes-intents',
    mistake: 'Intents are closed for all results, those of links whose lease was lost included.',
    breaks: ['S8', 'S13'],
    file: 'src/engine/result.ts',
    find: 'committed.flatMap((result) => result.close ?? [])',
    replace: 'results.flatMap((result) => result.close ?? [])',
  },
];

/** Few, for the in-memory hub has to say the same in another way. */
const statements: readonly Mutant[] = [
  {
    name: 'settling-clears-a-new-hint',
    mistake: 'Settling clears “due” though a hint has come in meanwhile.',
    breaks: ['S7'],
    file: 'src/store/links.ts',
    find: 'due_at = case when l.generation <> r.generation then case when l.parked_code is null then clock_timestamp() end when r.due_in',
    replace: 'due_at = case when r.due_in',
  },
  {
    name: 'fence-not-checked-when-settling',
    mistake: 'A worker that has lost its lease settles the link all the same.',
    breaks: ['S13'],
    file: 'src/store/links.ts',
    find: 'from r where l.id = r.id and l.fence = r.fence returning',
    replace: 'from r where l.id = r.id returning',
  },
  {
    name: 'leased-link-claimed',
    mistake: 'Due links are claimed whether or not somebody is at work on them.',
    breaks: ['S13'],
    file: 'src/store/links.ts',
    find: 'and (lease_until is null or lease_until < clock_timestamp())\n',
    replace: '\n',
  },
  {
    name: 'mark-leaves-the-generation',
    mistake: 'A mark makes a link due without raising its generation, so that a pass under way clears it.',
    breaks: ['S7'],
    file: 'src/store/marks.ts',
    find: `          generation = l.generation + 1,
          due_at = clock_timestamp(),
          lane = case when l.due_at is null then excluded.lane else least(l.lane, excluded.lane) end,`,
    replace: `          due_at = clock_timestamp(),
          lane = case when l.due_at is null then excluded.lane else least(l.lane, excluded.lane) end,`,
  },
  {
    name: 'marks-deleted-by-a-range-of-ids',
    mistake: 'Routing deletes all marks up to the last one that it read, those that became visible since included.',
    breaks: ['S10'],
    file: 'src/store/marks.ts',
    find: 'where id in (select id from first union select m.id from first f join syncflow.mark m on m.statement = f.statement)',
    replace: 'where id <= (select max(id) from first)',
  },
  {
    name: 'removed-line-marks-nobody',
    mistake: 'The removal of a child row doesn’t mark its parent.',
    breaks: ['S17'],
    file: 'src/capture/triggers-sql.ts',
    find: "    trigger('delete', child, suffix, changed(once('o', 'old_rows'))),\n",
    replace: '',
  },
];

export const engineMutants: readonly Mutant[] = [...passes, ...statements];
