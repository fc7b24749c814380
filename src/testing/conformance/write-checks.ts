/** What every subscriber must do: create, update, delete, fetch, and what their answers say. */
import { outcomeProblem } from './closed-set.js';
import { answerDifferences, differences } from './compare.js';
import type { Bench } from './bench.js';
import type { Check } from './check.js';
import { editableUnits, edited, emptied, withOtherLines } from './edits.js';
import { fail } from './failure.js';
import { unfilled } from './unfilled.js';

const list = (items: readonly string[]): string => items.map((item) => `\n  - ${item}`).join('');

export const writeChecks: readonly Check[] = [
  {
    name: 'create, update, delete and fetch are filled in',
    run: async (bench) => {
      const missing = await unfilled(bench);
      if (missing.length > 0) fail(`not filled in yet:${list(missing)}`);
    },
  },
  {
    name: 'the samples are valid records',
    run: async (bench) => {
      const problems = bench.problems(bench.record());
      if (problems.length > 0)
        fail(`the catalog refuses its sample:${list(problems)}`, 'Give valid ones: record: (n) => ({ … }).');
    },
  },
  {
    name: 'a create takes effect, and fetch shows it',
    run: async (bench) => {
      const made = await bench.make();
      const id = bench.subscriber.identify(made.remote);
      if (id !== made.remoteId) fail(`fetch of "${made.remoteId}" shows a remote whose id is "${id}"`, 'See identify.');
      if (!bench.subscriber.accepts(made.remote)) fail('accepts refuses a remote that was just created');
    },
  },
  {
    name: 'every mapped value comes back as it was sent',
    run: async (bench) => {
      const problems = differences(bench, await bench.make());
      if (problems.length > 0)
        fail(
          `after a create, the remote doesn't show what was sent:${list(problems)}`,
          'Send every value of operation.values, mend the lens, or name the unit in normalises where the system changes it.',
        );
    },
  },
  {
    name: 'text with quotes, accents and emoji comes back as it was sent',
    skip: (bench) => (textUnit(bench) === undefined ? 'no free text is mapped' : undefined),
    run: async (bench) => {
      const field = textUnit(bench)?.fields[0];
      if (field === undefined) return;
      const record = { ...bench.record(), [field.name]: 'Ümläut “q” \'s\' "d" \\ <b>&amp; 100% 日本 😀' };
      const problems = differences(bench, await bench.make(record));
      if (problems.length > 0) fail(`odd characters don't survive:${list(problems)}`, 'Mind escaping and encoding.');
    },
  },
  {
    name: 'the answer to a write shows the remote as fetch does',
    run: async (bench) => {
      const made = await bench.make();
      const again = await bench.edit(made, edited(bench, made.record));
      for (const [what, { outcome, remote }] of [
        ['create', made],
        ['update', again],
      ] as const) {
        const answer = outcome.kind === 'done' ? outcome.remote : undefined;
        if (answer === undefined) continue;
        const places = answerDifferences(bench, answer, remote);
        if (places.length > 0)
          fail(
            `${what} answers done(id, remote) with another ${places.join(', ')} than fetch shows`,
            'Return the remote as it is afterwards, or leave it out: done(id).',
          );
      }
    },
  },
  {
    name: 'an update changes what it is given',
    run: async (bench) => {
      const made = await bench.make();
      const problems = differences(bench, await bench.edit(made, edited(bench, made.record)));
      if (problems.length > 0) fail(`after an update, the remote doesn't show what was sent:${list(problems)}`);
    },
  },
  {
    name: 'an update leaves alone what it is not given',
    skip: (bench) => (editableUnits(bench).length < 2 ? 'fewer than two units can be edited' : undefined),
    run: async (bench) => {
      const [unit] = editableUnits(bench);
      const made = await bench.make();
      const problems = differences(
        bench,
        await bench.edit(made, edited(bench, made.record, unit === undefined ? [] : [unit])),
      );
      if (problems.length > 0)
        fail(
          `an update of "${unit?.name ?? ''}" alone changed other units:${list(problems)}`,
          'changed has only what differs. Where the system replaces whole objects, send operation.values.',
        );
    },
  },
  {
    name: 'an update can empty what may be empty',
    skip: (bench) => (emptiedUnits(bench).length === 0 ? 'no mapped unit may be empty' : undefined),
    run: async (bench) => {
      const made = await bench.make();
      const record = emptied(bench, made.record);
      if (bench.problems(record).length > 0) return;
      const problems = differences(bench, await bench.edit(made, record));
      if (problems.length > 0)
        fail(`null doesn't empty a value:${list(problems)}`, 'null means "nothing there": send what empties it.');
    },
  },
  {
    name: 'child rows are added, changed and removed',
    skip: (bench) => (bench.mapping.children.length === 0 ? 'no child rows are mapped' : undefined),
    run: async (bench) => {
      const made = await bench.make();
      const record = withOtherLines(bench, made.record);
      if (record === undefined) return;
      const problems = differences(bench, await bench.edit(made, record));
      if (problems.length > 0)
        fail(
          `child rows aren't what was sent:${list(problems)}`,
          'Carry out add, update and remove of operation.children.',
        );
    },
  },
  {
    name: 'two records make two remotes',
    run: async (bench) => {
      const [one, other] = [await bench.make(), await bench.make()];
      if (one.remoteId === other.remoteId) fail(`both became the remote "${one.remoteId}"`);
      const problems = differences(bench, { ...one, remote: await lookAgain(bench, one.remoteId) });
      if (problems.length > 0) fail(`the second create changed the first remote:${list(problems)}`);
    },
  },
  {
    name: 'a batch is answered in the order of its operations',
    run: async (bench) => {
      const records = [bench.record(), bench.record(), bench.record()];
      const outcomes = await bench.pushMany(records.map((record) => bench.createOf(record)));
      for (const [index, record] of records.entries()) {
        const outcome = outcomes[index];
        if (outcome?.kind !== 'done')
          fail(`the create number ${index + 1} of a batch of 3 answered ${outcome?.kind ?? 'nothing'}`);
        const remote = await lookAgain(bench, outcome.remoteId);
        if (differences(bench, bench.remember(record, outcome, remote)).length > 0)
          fail(
            `the answer number ${index + 1} of a batch names another operation's remote`,
            'Answer in the order of the operations.',
          );
      }
    },
  },
  {
    name: 'fetch of an id that never was is missing',
    run: async (bench) => {
      const made = await bench.make();
      const absent = absentId(made.remoteId);
      const sight = await bench.look(absent);
      if (sight.kind === 'missing') return;
      fail(
        `fetch of "${absent}", which never was, answered ${bench.described(sight)}`,
        'Answer missing(…): a mere 404 is no proof of a deletion, and gone() deletes records.',
      );
    },
  },
  {
    name: 'an error that nobody knows is not taken for success or deletion',
    run: async (bench) => {
      for (const thrown of [new Error('socket hang up'), new TypeError('x is undefined'), 'a text', undefined, null]) {
        const outcome = outcomeOf(bench, thrown);
        const problem = outcomeProblem(outcome, (remote) => bench.subscriber.identify(remote));
        if (problem !== undefined) fail(`outcomeOf(${String(thrown)}) gave ${problem}`);
        if (['unknown', 'retry', 'blocked'].includes(outcome.kind)) continue;
        fail(
          `outcomeOf(${String(thrown)}) gave ${outcome.kind}`,
          'What nobody knows may have taken effect: unknown(…).',
        );
      }
    },
  },
];

function outcomeOf(bench: Bench, thrown: unknown) {
  try {
    return bench.subscriber.outcomeOf(thrown);
  } catch (error) {
    return fail(`outcomeOf itself threw: ${String(error)}`, 'It must give an outcome for whatever is thrown.');
  }
}

/** An id of the same form that nobody has. */
function absentId(id: string): string {
  if (/^\d+$/.test(id)) return '987654321987';
  if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(id)) return '00000000-0000-4000-8000-0000deadbeef';
  return id.replaceAll(/[a-z0-9](?=[^_:/-]*$)/gi, '0');
}

async function lookAgain(bench: Bench, remoteId: string): Promise<unknown> {
  const sight = await bench.look(remoteId);
  return sight.kind === 'found' ? sight.remote : fail(`fetch of "${remoteId}" answered ${bench.described(sight)}`);
}

function emptiedUnits(bench: Bench) {
  return bench.mapping.units.filter(
    (unit) =>
      unit.direction !== 'inward' && unit.reference === undefined && unit.fields.every((field) => field.nullable),
  );
}

/** A unit of free text without a lens, for which any text is valid. */
function textUnit(bench: Bench) {
  const odd = 'Ümläut “q” \'s\' "d" \\ <b>&amp; 100% 日本 😀';
  return bench.mapping.units.find(
    (unit) =>
      unit.direction === 'both' &&
      !unit.lensed &&
      unit.reference === undefined &&
      unit.fields[0]?.column.kind === 'text' &&
      !/mail|phone|currency|country|code/i.test(unit.path.join('.')) &&
      unit.fields[0].schema.safeParse(odd).success,
  );
}
