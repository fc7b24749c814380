/** A planted bug: one place of the engine, said in another way. What the simulation is worth is how many of these it finds. */
export interface Mutant extends Place {
  readonly name: string;
  /** The mistake, in one sentence, as the one who makes it would put it. */
  readonly mistake: string;
  /** The invariants of `SPEC.md` that it breaks. */
  readonly breaks: readonly string[];
  /** Where the place is a statement: the same mistake in what the hub in memory does for it. */
  readonly twin?: Place;
  /** The test of the suite that finds it, where simulated worlds have nothing of the kind: they aren't asked then. */
  readonly foundBy?: string;
}

export interface Place {
  /** From the root of the project. */
  readonly file: string;
  /** Text that stands in the file just once: what moved or was rewritten asks for a new mutant. */
  readonly find: string;
  readonly replace: string;
}

export function placesOf(mutant: Mutant): Place[] {
  return mutant.twin === undefined ? [mutant] : [mutant, mutant.twin];
}

/** @throws where the text doesn't stand in the file just once */
export function mutated(source: string, { file, find, replace }: Place): string {
  const [before, after, ...more] = source.split(find);
  if (before === undefined || after === undefined || more.length > 0) {
    const found = after === undefined ? 'is not there any more' : `stands there ${more.length + 1} times`;
    throw new Error(`A mutant fits ${file} no longer: the text that it replaces ${found}:\n${find}`);
  }
  return `${before}${replace}${after}`;
}
