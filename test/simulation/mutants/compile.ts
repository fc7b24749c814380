/** A mutant that doesn't compile would be found by anything: each must be a mistake that the compiler lets pass. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { mutated, placesOf, type Mutant } from './mutant.js';

/** Complaints of the compiler, by the name of the mutant. */
export function compileErrors(root: string, mutants: readonly Mutant[]): Map<string, string> {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const errors = new Map<string, string>();
  let before: ts.Program | undefined;
  for (const round of rounds(mutants)) {
    const places = round.flatMap((mutant) => placesOf(mutant).map((place) => ({ name: mutant.name, place })));
    const texts = new Map(
      places.map(({ place }) => {
        const path = join(root, place.file);
        return [path, mutated(readFileSync(path, 'utf8'), place)];
      }),
    );
    const program = ts.createProgram([...texts.keys()], options, hostWith(options, texts, before), before);
    before = program;
    for (const { name, place } of places) {
      const [first] = program.getSemanticDiagnostics(program.getSourceFile(join(root, place.file)));
      if (first !== undefined) errors.set(name, ts.flattenDiagnosticMessageText(first.messageText, ' '));
    }
  }
  return errors;
}

/** One mutant of each file at a time: they are compiled together. */
function rounds(mutants: readonly Mutant[]): Mutant[][] {
  const made: Mutant[][] = [];
  for (const mutant of mutants) {
    const files = placesOf(mutant).map(({ file }) => file);
    const round = made.find((one) => one.every((other) => placesOf(other).every(({ file }) => !files.includes(file))));
    if (round === undefined) made.push([mutant]);
    else round.push(mutant);
  }
  return made;
}

/** Reads what is not mutated, and what was not in the round before, from the disk. */
function hostWith(
  options: ts.CompilerOptions,
  texts: ReadonlyMap<string, string>,
  before: ts.Program | undefined,
): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  const fromDisk = host.getSourceFile.bind(host);
  host.getSourceFile = (name, version, ...rest) => {
    const text = texts.get(name);
    if (text !== undefined) return ts.createSourceFile(name, text, version, true);
    const known = before?.getSourceFile(name);
    const isMutated = known !== undefined && known.text !== host.readFile(name);
    return known === undefined || isMutated ? fromDisk(name, version, ...rest) : known;
  };
  return host;
}
