/** Mistakes on the way from the hub to the remotes. */
import type { Mutant } from './mutant.js';

const routing: readonly Mutant[] = [
  {
    name: 'first-mark-of-a-key-wins',
    mistake:
      'Of several marks of a key in one batch the first is taken, so that a deletion behind an edit is not seen.',
    breaks: ['S1', 'S12'],
    file: 'src/outward/route.ts',
    find: 'if (except.includes(subscriber)) continue;',
    replace: 'if (except.includes(subscriber) || rows.has(JSON.stringify([subscriber, mark.key]))) continue;',
  },
  {
    name: 'one-subscriber-is-marked',
    mistake: 'The list of a catalog’s subscribers is overwritten instead of lengthened: only the last one is told.',
    breaks: ['S1', 'S4'],
    file: 'src/outward/route.ts',
    find: 'byCatalog.set(name, [...(byCatalog.get(name) ?? []), binding.id]);',
    replace: 'byCatalog.set(name, [binding.id]);',
  },
  {
    name: 'origin-suppressed',
    mistake: 'A mark of our own inward write is not routed to the subscriber that it came from.',
    breaks: ['S4'],
    file: 'src/outward/route.ts',
    find: 'if (except.includes(subscriber)) continue;',
    replace: 'if (except.includes(subscriber) || mark.origin === subscriber) continue;',
  },
  {
    name: 'swap-moved-row-by-row',
    mistake: 'The changes of key of one statement are followed one after the other, though they happen at one moment.',
    breaks: ['S19'],
    file: 'src/outward/route.ts',
    find: 'const name = statement ?? `mark ${index}`;',
    replace: 'const name = `mark ${index}`;',
  },
  {
    name: 'second-change-of-key-not-followed',
    mistake: 'A record whose key changes twice within one batch is looked for under the key in between.',
    breaks: ['S19'],
    file: 'src/outward/route.ts',
    find: 'else next[index] = { from: round[index]?.from ?? move.from, to: move.to };',
    replace: 'else next.push(move);',
  },
];

const planning: readonly Mutant[] = [
  {
    name: 'shadow-advanced-before-the-answer',
    mistake: 'The shadow of a plan holds already what is only about to be sent, and is kept whatever the answer is.',
    breaks: ['S2', 'S3'],
    file: 'src/outward/plan.ts',
    find: 'writePath(changed, unit.path, r);\n    sent[unit.name] = pair(h, r);',
    replace: 'writePath(changed, unit.path, r);\n    sent[unit.name] = pairs[unit.name] = pair(h, r);',
  },
  {
    name: 'absent-row-taken-for-deleted',
    mistake: 'A row that is not there is taken for a deleted one, although no DELETE was seen.',
    breaks: ['S12'],
    file: 'src/outward/plan.ts',
    find: 'const proven = link.deleted || softDeleted;',
    replace: "const proven = link.deleted || softDeleted || link.state === 'linked';",
  },
  {
    name: 'write-without-its-version',
    mistake: 'The version that a conditional write is made against is not sent with it.',
    breaks: ['S5', 'S13'],
    file: 'src/outward/operation.ts',
    find: '...(link.version === undefined ? {} : { version: link.version }),',
    replace: '',
  },
  {
    name: 'brake-needs-one-bound-only',
    mistake: 'The brake holds deletes where one of its two bounds is exceeded, so that a small catalog can’t delete.',
    breaks: ['S22'],
    file: 'src/outward/brake.ts',
    find: 'if (total <= brake.count || total <=',
    replace: 'if (total <= brake.count && total <=',
  },
  {
    name: 'brake-forgets-earlier-deletes',
    mistake: 'The brake counts the deletes of one batch, not those before it.',
    breaks: ['S22'],
    file: 'src/outward/brake.ts',
    find: 'const total = row.recent + coming;',
    replace: 'const total = coming;',
  },
  {
    name: 'reference-not-awaited',
    mistake: 'A reference to a record that has no remote yet is sent as nothing instead of being awaited.',
    breaks: ['S20'],
    file: 'src/merge/project.ts',
    find: 'if (id === undefined) throw new UnresolvedReference(catalog, { key });',
    replace: 'if (id === undefined) return null;',
  },
];

const sending: readonly Mutant[] = [
  {
    name: 'idempotency-key-recomputed',
    mistake: 'A request that is sent again gets a new idempotency key.',
    breaks: ['S8', 'S9'],
    file: 'src/outward/operation.ts',
    find: 'key: body.key,\n    idempotencyKey: intent.idempotencyKey,',
    replace: 'key: body.key,\n    idempotencyKey: intent.resumed ? `syncflow-${env.newId()}` : intent.idempotencyKey,',
  },
  {
    name: 'resumed-intent-passes-for-a-new-one',
    mistake: 'An intent that is taken up again is treated as one that was never sent.',
    breaks: ['S3', 'S8'],
    file: 'src/store/intents.ts',
    find: 'resumed: true,',
    replace: 'resumed: false,',
  },
  {
    name: 'unknown-outcome-closes-its-intent',
    mistake: 'A write whose outcome is not known is taken for one that failed, and planned anew.',
    breaks: ['S8', 'S9'],
    file: 'src/outward/answer.ts',
    find: 'return { ...retryResult(env, link, outcome.reason), unknown: intent.id };',
    replace: "return { ...retryResult(env, link, outcome.reason), ...closed(intent, 'unknown') };",
  },
  {
    name: 'refused-replay-closes-its-intent',
    mistake: 'That a repeated request was refused is taken for proof that the first one had no effect.',
    breaks: ['S8', 'S9'],
    file: 'src/outward/answer.ts',
    find: "return intent.resumed ? { ...again, unknown: intent.id } : { ...again, ...closed(intent, 'not applied') };",
    replace: "return { ...again, ...closed(intent, 'not applied') };",
  },
  {
    name: 'open-intent-planned-again',
    mistake: 'A link with an open intent is planned beside being resolved.',
    breaks: ['S8', 'S9'],
    file: 'src/engine/reconcile.ts',
    find: 'const others = links.filter((link) => !intents.has(link.id));',
    replace: 'const others = links;',
  },
  {
    name: 'unknown-update-taken-for-applied',
    mistake: 'After an update of unknown outcome everything that was sent is taken for written.',
    breaks: ['S3', 'S8'],
    file: 'src/outward/resolve.ts',
    find: 'sent: appliedPart(binding, link, intent, sight.remote),',
    replace: 'sent: sentOf(intent, { firstHand: false }),',
  },
  {
    name: 'replay-is-not-looked-at',
    mistake: 'The answer to a repeated request, which may be an old one, is taken for what the remote shows now.',
    breaks: ['S3'],
    file: 'src/outward/answer.ts',
    find: 'look: intent.resumed,',
    replace: 'look: false,',
  },
  {
    name: 'not-found-answers-a-delete',
    mistake: 'A delete that is answered with 404 is taken for done.',
    breaks: ['S12'],
    file: 'src/outward/answer.ts',
    find: "case 'missing':\n      return {",
    replace:
      "case 'missing':\n      if (intent.kind === 'delete') return deleted(binding, link, intent);\n      return {",
  },
  {
    name: 'edit-under-a-delete-not-logged',
    mistake: 'What the look before a delete found to be edited there is not put into the conflict log.',
    breaks: ['S5'],
    file: 'src/outward/push.ts',
    find: 'if (result === undefined || check.conflicts === undefined) return result;',
    replace: "if (result === undefined || check.conflicts === undefined || intent.kind === 'delete') return result;",
  },
  {
    name: 'create-without-a-match-check',
    mistake: 'A create is sent without asking whether a remote matches the record already.',
    breaks: ['S30'],
    file: 'src/outward/push.ts',
    find: 'return binding.subscriber.match.length > 0 ? await checkCreate(env, binding, link, going.intent) : {};',
    replace: 'return binding.subscriber.match.length > 1 ? await checkCreate(env, binding, link, going.intent) : {};',
  },
  {
    name: 'own-marker-not-recognised',
    mistake:
      'A remote that bears our marker is taken for somebody else’s when the remote of a lost create is looked for.',
    breaks: ['S9'],
    file: 'src/apply/candidates.ts',
    find: '(marked === undefined || marked === key)',
    replace: 'marked === undefined',
  },
];

export const outwardMutants: readonly Mutant[] = [...routing, ...planning, ...sending];
