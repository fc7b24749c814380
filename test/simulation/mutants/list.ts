/** All planted bugs: `npm run sim:mutants` shows for each how many worlds it takes to find it. */
import { engineMutants } from './engine-mutants.js';
import { inwardMutants } from './inward-mutants.js';
import { maintenanceMutants } from './maintenance-mutants.js';
import { mergeMutants } from './merge-mutants.js';
import type { Mutant } from './mutant.js';
import { outwardMutants } from './outward-mutants.js';

export const mutants: readonly Mutant[] = [
  ...outwardMutants,
  ...inwardMutants,
  ...mergeMutants,
  ...engineMutants,
  ...maintenanceMutants,
];
