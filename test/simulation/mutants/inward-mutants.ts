/** Mistakes on the way from the remotes to the hub. */
import type { Mutant } from './mutant.js';

const hearing: readonly Mutant[] = [
  {
    name: 'overwritten-edit-not-logged',
    mistake: 'An event that our own request caused is dropped together with the edit that it says we overwrote.',
    breaks: ['S5'],
    file: 'src/inward/inbox.ts',
    find: 'return { look: own.doubtful, conflicts: edits(binding, own, event.payload) };',
    replace: 'return { look: false, conflicts: [] };',
  },
  {
    name: 'late-create-is-an-echo',
    mistake: 'Whatever a create of ours caused counts as its echo, also where another remote has been made since.',
    breaks: ['S13'],
    file: 'src/inward/inbox.ts',
    find: "own?.kind === 'create' && (link === undefined || (link.key === undefined && link.state === 'new'));",
    replace: "own?.kind === 'create' && link?.state === 'excluded';",
  },
  {
    name: 'second-match-becomes-a-record',
    mistake: 'A remote that matches a record with a remote of its own is made a record.',
    breaks: ['S13', 'S30'],
    file: 'src/apply/judge.ts',
    find: 'if (key === undefined && taken.length > 0)',
    replace: 'if (key === undefined && taken.length > 99)',
  },
  {
    name: 'rescan-joins-a-listing',
    mistake: 'A rescan goes on with a listing that is open, past pages that have changed since.',
    breaks: ['S23'],
    file: 'src/store/runs.ts',
    find: "if (last !== undefined && !last.finished && mode !== 'anew')",
    replace: 'if (last !== undefined && !last.finished)',
  },
  {
    name: 'half-an-echo-is-an-echo',
    mistake: 'A snapshot is taken for no news where one unit shows the shadow, though another one was edited.',
    breaks: ['S1', 'S2'],
    file: 'src/inward/inbox.ts',
    find: 'return binding.mapping.units.every((unit) => {\n    const base = own(link.shadow.units, unit.name);',
    replace: 'return binding.mapping.units.some((unit) => {\n    const base = own(link.shadow.units, unit.name);',
  },
  {
    name: 'cursor-before-its-events',
    mistake: 'The cursor of polling is committed before the events that it passes.',
    breaks: ['S23'],
    file: 'src/inward/poll.ts',
    find: 'fresh += await env.db.transaction(async (tx) => {',
    replace:
      'if (next !== cursor) await writeCursor(env.db, binding.id, cursorName, next);\n      fresh += await env.db.transaction(async (tx) => {',
  },
  {
    name: 'expired-cursor-set-to-now',
    mistake: 'A cursor that is too old is set to now, without listing what it passes over.',
    breaks: ['S23'],
    file: 'src/inward/poll.ts',
    find: 'await loseCursor(env, binding, cursor);\n      return { fresh, more: false, relist: true };',
    replace:
      'if (cursor !== undefined) await dropCursor(env.db, binding.id, cursorName, cursor);\n      await startCursor(env, binding);\n      return { fresh, more: false, relist: false };',
  },
  {
    name: 'cursor-after-the-listing',
    mistake: 'The cursor is set to now when the listing is through, not before it begins.',
    breaks: ['S23'],
    file: 'src/maintenance/backfill.ts',
    find: `  if (binding.subscriber.capabilities.polling) await startCursor(env, binding);
  const { plan } = progress;`,
    replace: `  while (progress.listDone !== true && !signal.aborted) progress = await queueRemotes(env, binding, run.id, progress);
  if (binding.subscriber.capabilities.polling) await startCursor(env, binding);
  const { plan } = progress;`,
  },
  {
    name: 'unlisted-remote-not-asked-for',
    mistake: 'A remote that a whole listing doesn’t show is not asked for.',
    breaks: ['S12'],
    file: 'src/maintenance/backfill.ts',
    find: 'if (next.listDone === true) await lookAtUnlisted(tx, binding.id, run);',
    replace: 'if (page.remotes.length === 0) await lookAtUnlisted(tx, binding.id, run);',
  },
  {
    name: 'failed-delivery-acknowledged',
    mistake: 'A webhook whose events could not be written is answered as if they were.',
    breaks: ['S24'],
    file: 'src/inward/webhook.ts',
    find: 'if (group.length === 1) group[0]?.reject(error);',
    replace: 'if (group.length === 1) group[0]?.resolve(0);',
  },
];

const looking: readonly Mutant[] = [
  {
    name: 'not-found-taken-for-deleted',
    mistake: 'A look that is answered with 404 is taken for proof of a deletion.',
    breaks: ['S12'],
    file: 'src/inward/observe.ts',
    find: 'if (link.gone) return applyDeletion(env, binding, link);',
    replace: "if (link.gone || link.state === 'linked') return applyDeletion(env, binding, link);",
  },
  {
    name: 'refused-look-forgotten',
    mistake: 'A look that was refused (429) is tried again as a plan, not as a look.',
    breaks: ['S1'],
    file: 'src/inward/observe.ts',
    find: '? retryResult(env, link, sight.reason, { ...sight, look: true })',
    replace: '? retryResult(env, link, sight.reason, { ...sight, look: false })',
  },
  {
    name: 'edit-of-a-deleted-record-not-logged',
    mistake: 'What somebody edited in the remote of a deleted record moves the shadow, but not into the conflict log.',
    breaks: ['S5'],
    file: 'src/inward/observe.ts',
    find: 'const { conflicts, shadow } = editsOverridden(binding, result.settlement.shadow ?? link.shadow, seen.remote);',
    replace:
      'const { shadow } = editsOverridden(binding, result.settlement.shadow ?? link.shadow, seen.remote);\n  const conflicts = result.conflicts ?? [];',
  },
  {
    name: 'owed-after-a-look-forgotten',
    mistake: 'A look that finds the hub edited, too, clears “due” although the remote is still to be told.',
    breaks: ['S5', 'S7'],
    file: 'src/inward/observe.ts',
    find: 'shadow: shadowAfter(merged, record),\n        ...(merged.owed ? { dueInMs: 0 } : {}),',
    replace: 'shadow: shadowAfter(merged, record),',
  },
];

const applying: readonly Mutant[] = [
  {
    name: 'late-update-taken-for-an-edit',
    mistake: 'An update that was given up and comes after all passes for somebody’s edit.',
    breaks: ['S13'],
    file: 'src/inward/late.ts',
    find: 'if (late !== undefined) return {',
    replace: 'if (late !== undefined && late === seen.late) return {',
  },
  {
    name: 'fence-not-checked-before-an-apply',
    mistake: 'The transaction that writes the hub doesn’t ask whether its lease is still held.',
    breaks: ['S6', 'S13'],
    file: 'src/apply/apply.ts',
    find: `seenAt(binding, link, seen));
  if (!(await holdsLease(tx, link))) return 'fenced';`,
    replace: 'seenAt(binding, link, seen));',
  },
  {
    name: 'conflict-of-an-apply-not-logged',
    mistake: 'The conflicts of a merge that writes the hub are lost on the way into the log.',
    breaks: ['S5', 'S6'],
    file: 'src/apply/apply.ts',
    find: 'conflicts: [...merged.conflicts, ...(before === undefined ? [] : lateConflicts(binding, seen, before))],',
    replace: 'conflicts: before === undefined ? [] : lateConflicts(binding, seen, before),',
  },
  {
    name: 'owed-after-an-apply-forgotten',
    mistake: 'An inward write clears “due” although an edit here is still to be told to that remote.',
    breaks: ['S5', 'S7'],
    file: 'src/apply/apply.ts',
    find: 'flips: rememberValues(link, merged, before, after, nowMs),\n      ...(merged.owed ? { dueInMs: 0 } : {}),',
    replace: 'flips: rememberValues(link, merged, before, after, nowMs),',
  },
  {
    name: 'version-not-renewed',
    mistake: 'The version that a look shows is not kept, so that the next conditional write is stale for ever.',
    breaks: ['S5', 'S21'],
    file: 'src/apply/apply.ts',
    find: 'version: binding.subscriber.versionOf(seen.remote),\n    ...(seen.look',
    replace: 'version: link.version ?? binding.subscriber.versionOf(seen.remote),\n    ...(seen.look',
  },
  {
    name: 'deletion-outweighs-an-edit',
    mistake: 'A remote’s deletion that an event has told deletes the record although it was edited here.',
    breaks: ['S5', 'S12'],
    file: 'src/apply/deletion.ts',
    find: "if (edited.length === 0) return { kind: 'delete' };",
    replace: "if (edited.length === 0 || link.gone) return { kind: 'delete' };",
  },
  {
    name: 'tombstone-keeps-its-key',
    mistake: 'A tombstone keeps the key of its record, so that a new life under it is never told.',
    breaks: ['S18'],
    file: 'src/apply/deletion.ts',
    find: "return { settlement: { link, state: 'gone', key: null, proof: 'deleted' } };",
    replace: "return { settlement: { link, state: 'gone', proof: 'deleted' } };",
  },
  {
    name: 'tombstone-not-kept',
    mistake: 'When a deletion is through, the link is forgotten instead of being kept as a tombstone.',
    breaks: ['S18'],
    file: 'src/apply/deletion.ts',
    find: "return { settlement: { link, state: 'gone', key: null, proof: 'deleted' } };",
    replace: 'return { settlement: { link, forget: true } };',
  },
  {
    name: 'late-create-becomes-a-record',
    mistake:
      'What a create made after it was looked for in vain, and its record was deleted, becomes a record of its own.',
    breaks: ['S9', 'S18'],
    file: 'src/apply/judge.ts',
    find: 'if (late !== undefined)',
    replace: 'if (late !== undefined && createInward === "park")',
  },
  {
    name: 'deleted-and-there-again-unseen',
    mistake: 'A remote that is there again after it was deleted with its record is looked at, and left as it is.',
    breaks: ['S13'],
    file: 'src/inward/observe.ts',
    find: 'if (!binding.subscriber.accepts(sight.remote)) return { settlement: { link } };',
    replace: 'if (link.key === undefined) return { settlement: { link } };',
  },
  {
    name: 'late-update-taken-for-known',
    mistake: 'An event that our own update caused is never looked at, also where that had been looked for in vain.',
    breaks: ['S13'],
    file: 'src/inward/inbox.ts',
    find: 'return { look: own.doubtful, conflicts: edits(binding, own, event.payload) };',
    replace: 'return { look: false, conflicts: edits(binding, own, event.payload) };',
  },
  {
    name: 'rivals-not-asked',
    mistake: 'A remote that matches a record is paired with it although another remote matches it as well.',
    breaks: ['S30'],
    file: 'src/apply/judge.ts',
    find: 'if (free.length + rivals.length > 1)',
    replace: 'if (free.length > 1)',
  },
  {
    name: 'plan-carried-out-although-the-world-moved',
    mistake: 'A remote of an applied plan is paired by what matches now, whatever was approved.',
    breaks: ['S34'],
    file: 'src/apply/judge.ts',
    find: 'return planned === undefined ? verdict : asPlanned(planned, verdict);',
    replace: 'return verdict;',
  },
  {
    name: 'alike-of-one-page-judged-together',
    mistake: 'Two remotes of a page that may be the same record are judged before either is settled.',
    breaks: ['S30'],
    file: 'src/apply/absorb.ts',
    find: 'for (const name of same) taken.add(name);',
    replace: '',
  },
  {
    name: 'loop-breaker-forgets',
    mistake: 'The loop breaker remembers the last value only, so that it never sees one return.',
    breaks: ['S22'],
    file: 'src/apply/loop.ts',
    find: '.slice(-remembered);',
    replace: '.slice(-1);',
  },
];

export const inwardMutants: readonly Mutant[] = [...hearing, ...looking, ...applying];
