/** The hunt itself: a bug that no world can miss is found, and what changes nothing survives. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { compileErrors } from './compile.js';
import { hunt } from './hunt.js';
import type { Mutant } from './mutant.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

const glaring: Mutant = {
  name: 'glaring',
  mistake: 'Every remote is sent the same name.',
  breaks: ['S3'],
  file: 'src/outward/plan.ts',
  find: 'writePath(values, unit.path, r);\n    sent[unit.name] = pair(hubText(unit, record), r);',
  replace:
    "writePath(values, unit.path, unit.name === 'name' ? 'same' : r);\n    sent[unit.name] = pair(hubText(unit, record), r);",
};
const harmless: Mutant = {
  name: 'harmless',
  mistake: 'None: a comment says it in other words.',
  breaks: [],
  file: 'src/outward/plan.ts',
  find: '/** There is nothing on either side. */',
  replace: '/** Neither side has anything. */',
};

test('what changes nothing survives the worlds in which a glaring bug is found', { timeout: 240_000 }, async () => {
  const told: string[] = [];
  const { dirty, hunted } = await hunt({
    root,
    mutants: [harmless, glaring],
    seeds: [7],
    edits: 12,
    jobs: 1,
    onBaseline: ({ seed, violations }) => told.push(`${seed}: ${violations.length}`),
    onHunted: ({ mutant }) => told.push(mutant),
  });
  expect(dirty).toEqual([]);
  expect(told).toEqual(['7: 0', 'harmless', 'glaring']);
  expect(hunted.map(({ caughtBy, seed, seedsPlayed }) => ({ caughtBy, seed, seedsPlayed }))).toEqual([
    { caughtBy: undefined, seed: undefined, seedsPlayed: 1 },
    { caughtBy: expect.stringMatching(/^I/) as string, seed: 7, seedsPlayed: 1 },
  ]);
});

test('what the compiler would refuse is no mutant', () => {
  const untyped = {
    ...glaring,
    name: 'untyped',
    find: 'const update = draftUpdate(',
    replace: 'const update: string = draftUpdate(',
  };
  const errors = compileErrors(root, [glaring, untyped]);
  expect([...errors.keys()]).toEqual(['untyped']);
});
