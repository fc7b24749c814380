/** The page of the command line, from commander's own definitions. */
import type { Argument, Command, Option } from 'commander';
import { Cli, exitCodes } from '../../src/cli/context.js';
import type { Io } from '../../src/cli/io.js';
import { buildProgram } from '../../src/cli/program.js';
import { code, page, table } from './markdown.js';

/** The command line as it is defined; nothing is run. */
export function program(): Command {
  const silent = { write: () => undefined, isTTY: false };
  const io: Io = {
    stdout: silent,
    stderr: silent,
    env: {},
    cwd: '/',
    ask: () => undefined,
    onSignal: () => () => undefined,
    exit: () => undefined,
  };
  return buildProgram(new Cli(io, new AbortController().signal));
}

const exitTexts: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'it is as it should be',
  failure: 'it failed; `check` found errors, `doctor` something broken',
  usage: 'the command line is wrong',
  drift: '`verify` found differences',
  interrupted: 'ended by a signal before it was done',
};

export function cliPage(): string {
  const root = program();
  const all = leaves(root);
  return page('the commands in `src/cli/`', 'The command line', [
    'What each command takes, and what its exit code says. `npx syncflow <command> --help` prints the same.',
    table(
      ['command', ''],
      all.map(({ path, command }) => [`[\`${path}\`](#${anchor(path)})`, command.description()]),
    ),
    '## Options of every command',
    optionTable(root.options),
    '## Exit codes',
    table(
      ['code', ''],
      Object.entries(exitCodes).map(([name, value]) => [String(value), exitTexts[name as keyof typeof exitCodes]]),
    ),
    ...all.map(section),
  ]);
}

interface Leaf {
  readonly path: string;
  readonly command: Command;
}

/** Commands that do something, with their whole path; a group that has an action of its own is one, too. */
function leaves(command: Command, path = ''): Leaf[] {
  const below = command.commands.flatMap((one) => leaves(one, `${path}${path === '' ? '' : ' '}${one.name()}`));
  const acts = path !== '' && (command.commands.length === 0 || hasAction(command));
  return [...(acts ? [{ path, command }] : []), ...below];
}

function hasAction(command: Command): boolean {
  return (command as unknown as { _actionHandler: unknown })._actionHandler !== null;
}

const anchor = (path: string): string => `syncflow-${path.replaceAll(' ', '-')}`;

function section({ path, command }: Leaf): string {
  const usage = command.commands.length > 0 ? '[options]' : command.usage();
  const hidden = usage.startsWith('[options]') && command.options.length === 0;
  const shown = hidden ? usage.replace('[options]', '').trim() : usage;
  return [
    `## syncflow ${path}`,
    sentence(command.description()),
    `\`\`\`text usage\nsyncflow ${path}${shown === '' ? '' : ` ${shown}`}\n\`\`\``,
    argumentTable(command.registeredArguments.filter(({ description }) => description !== '')),
    command.options.length === 0 ? '' : optionTable(command.options),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}

function argumentTable(list: readonly Argument[]): string {
  if (list.length === 0) return '';
  return table(
    ['argument', ''],
    list.map((one) => [code(one.required ? `<${one.name()}>` : `[${one.name()}]`), one.description]),
  );
}

function optionTable(options: readonly Option[]): string {
  return table(
    ['option', '', 'default'],
    options
      .filter((one) => !one.hidden)
      .map((one) => [code(one.flags), `${one.description}${choicesOf(one)}`, defaultOf(one)]),
  );
}

function choicesOf({ argChoices }: Option): string {
  return argChoices === undefined ? '' : ` (${argChoices.map(code).join(', ')})`;
}

function defaultOf({ defaultValue, negate }: Option): string {
  const value: unknown = defaultValue;
  return value === undefined || negate ? '' : code(typeof value === 'string' ? value : JSON.stringify(value));
}
