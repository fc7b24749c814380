/** Whether the command lines of a text are ones that `syncflow` takes. */
import type { Command } from 'commander';

const starts = /(?:\bnpx syncflow|\bnpm run syncflow --|(?:^|[;&|(]) *syncflow)\s+([^;&|\n#)]*)/gm;

export function wrongCommands(program: Command, text: string): string[] {
  const lines = text.replaceAll(/\\\n\s*/g, ' ');
  return [...lines.matchAll(starts)].flatMap(([, rest = '']) => {
    const words = rest.split(/\s+/).filter((word) => word !== '');
    return problemOf(program, words) ?? [];
  });
}

function problemOf(program: Command, words: readonly string[]): string[] | undefined {
  const given = [...words];
  const path: string[] = [];
  let command = program;
  while (command.commands.length > 0) {
    const word = given[0];
    if (word === undefined || word.startsWith('-') || word.startsWith('<')) break;
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    // a group with a default command takes arguments of its own
    if (next === undefined)
      return command === program || command.registeredArguments.length === 0
        ? [`there is no command ${[...path, word].join(' ')}`]
        : undefined;
    path.push(word);
    given.shift();
    command = next;
  }
  const known = new Set(['--help', '-h', '--version', '-V']);
  for (let at: Command | null = command; at !== null; at = at.parent)
    for (const { short, long } of at.options) for (const flag of [short, long]) if (flag !== undefined) known.add(flag);
  // a group's default command
  for (const { options } of command.commands) for (const { long } of options) if (long !== undefined) known.add(long);
  return given
    .map((word) => /^--?[a-z][\w-]*/i.exec(word)?.[0])
    .filter((flag): flag is string => flag !== undefined && !known.has(flag))
    .map((flag) => `syncflow ${path.join(' ')} has no option ${flag}`);
}
