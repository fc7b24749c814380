/** The planted bugs fit the engine as it is. Whether the simulation finds them is what `npm run sim:mutants` shows. */
import { readFile } from 'node:fs/promises';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { summary } from '../../../scripts/mutants.js';
import { mutants } from './list.js';
import { mutated, placesOf } from './mutant.js';

const root = new URL('../../../', import.meta.url);

test('there are enough of them, each with a name of its own', () => {
  expect(mutants.length).toBeGreaterThanOrEqual(36);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  // statements of the store are said in another way by the hub in memory
  expect(
    mutants.filter(({ file, twin }) => file.startsWith('src/store/') && twin === undefined).length,
  ).toBeLessThanOrEqual(10);
});

test.each(mutants)('$name', async (mutant) => {
  for (const place of placesOf(mutant)) {
    const source = await readFile(new URL(place.file, root), 'utf8');
    const changed = mutated(source, place);
    expect(changed).not.toBe(source);
    const { diagnostics = [] } = ts.transpileModule(changed, { reportDiagnostics: true });
    expect(diagnostics.map(({ messageText }) => messageText)).toEqual([]);
  }
});

test('a text that is gone, or stands there twice, is an error that says so', () => {
  const mutant = { file: 'f.ts', find: 'a', replace: 'b' };
  expect(mutated('x a y', mutant)).toBe('x b y');
  expect(() => mutated('x', mutant)).toThrow('f.ts no longer: the text that it replaces is not there any more');
  expect(() => mutated('a a a', mutant)).toThrow('stands there 3 times');
});

test('the summary names what survived, and the worlds that say nothing', () => {
  const hunted = { breaks: ['S1'], what: undefined, seed: 4, seedsPlayed: 2, ms: 1 };
  const dirty = [{ seed: 9, violations: [{ invariant: 'I1', what: 'c1 is in a alone' }], ms: 1 }];
  const lines = summary({
    dirty,
    hunted: [
      { ...hunted, mutant: 'caught', caughtBy: 'I2' },
      { ...hunted, mutant: 'at-large', caughtBy: undefined },
    ],
  }).split('\n');
  expect(lines).toEqual([
    'seed 9 is left out, for it is violated without any planted bug: I1 c1 is in a alone',
    '1 of 2 planted bugs found; not found: at-large',
  ]);
});
