/** Mistakes in the merge of what both sides hold. */
import type { Mutant } from './mutant.js';

const units: readonly Mutant[] = [
  {
    name: 'remote-form-not-absorbed',
    mistake: 'After a write the shadow holds what was sent, not the form in which the remote shows it.',
    breaks: ['S2', 'S29'],
    file: 'src/merge/sent.ts',
    find: 'seen.firstHand ? remoteValue(unit, seen.remote) : ours.r',
    replace: 'ours.r',
  },
  {
    name: 'edit-here-taken-for-told',
    mistake: 'An edit here that a look meets is taken into the shadow as if the remote had been told.',
    breaks: ['S2', 'S5'],
    file: 'src/merge/merge.ts',
    find: 'if (base !== undefined) out.pairs[unit.name] = base; // owed',
    replace: 'if (base !== undefined) out.pairs[unit.name] = pair(h, r); // owed',
  },
  {
    name: 'won-conflict-taken-for-told',
    mistake: 'Where the hub wins a conflict, the shadow says that the remote agrees.',
    breaks: ['S5'],
    file: 'src/merge/merge.ts',
    find: "if (winner === 'hub') out.pairs[side.unit.name] = pair(undefined, side.r);",
    replace: "if (winner === 'hub') out.pairs[side.unit.name] = pair(side.h, side.r);",
  },
  {
    name: 'won-conflict-not-logged',
    mistake: 'A conflict that the hub wins is not logged: nothing changes here.',
    breaks: ['S5'],
    file: 'src/merge/merge.ts',
    find: 'if (side.hub && side.remote) log(side, winner, rule, out);',
    replace: "if (side.hub && side.remote && winner === 'remote') log(side, winner, rule, out);",
  },
  {
    name: 'remote-authority-asks-nobody',
    mistake: 'A field whose authority is the remote is overwritten without a look at what stands here.',
    breaks: ['S5'],
    file: 'src/merge/merge.ts',
    find: "  if (!side.hub) {\n    apply(side, input, 'only the remote had changed it', out);",
    replace:
      "  if (!side.hub || unit.authority === 'remote') {\n    apply(side, input, 'only the remote had changed it', out);",
  },
  {
    name: 'group-members-part',
    mistake: 'The winner of a group takes only those of its members that both sides have changed.',
    breaks: ['S5'],
    file: 'src/merge/merge.ts',
    find: "if (forced !== undefined && unit.direction === 'both' && (side.hub || side.remote) && !side.same()) {",
    replace: "if (forced !== undefined && unit.direction === 'both' && side.hub && side.remote && !side.same()) {",
  },
];

const children: readonly Mutant[] = [
  {
    name: 'removed-line-not-owed',
    mistake: 'A line that was removed here, and that a look meets, is not told to the remote any more.',
    breaks: ['S7', 'S17'],
    file: 'src/merge/children.ts',
    find: 'draft.shadows[key] = { units: withSeen(agreed, edited, match.child.value), id: match.child.id };\n  draft.owed = true;',
    replace: 'draft.shadows[key] = { units: withSeen(agreed, edited, match.child.value), id: match.child.id };',
  },
  {
    name: 'edited-line-goes-with-its-remote',
    mistake:
      'Whether a line was edited here is asked of its outward units only: it goes with its remote, and nothing is logged.',
    breaks: ['S5', 'S17'],
    file: 'src/merge/children.ts',
    find: 'const edited = mapping.units.filter((unit) => hubChanged(own(base.units, unit.name), hubText(unit, hub)));',
    replace:
      "const edited = mapping.units.filter((unit) => unit.direction === 'outward' && hubChanged(own(base.units, unit.name), hubText(unit, hub)));",
  },
  {
    name: 'removed-line-edited-there-not-logged',
    mistake: 'An edit there of a line that was removed here is not put into the conflict log.',
    breaks: ['S5', 'S17'],
    file: 'src/merge/children.ts',
    find: "if (edited.length > 0 || winner === 'remote') {",
    replace: "if (winner === 'remote') {",
  },
  {
    name: 'line-conflict-not-logged',
    mistake: 'The conflicts within a line are lost when its record is merged.',
    breaks: ['S5', 'S17'],
    file: 'src/merge/merge.ts',
    find: 'conflicts: [...units.conflicts, ...children.flatMap((child) => child.conflicts)],',
    replace: 'conflicts: units.conflicts,',
  },
];

export const mergeMutants: readonly Mutant[] = [...units, ...children];
