/** `syncflow check` */
import type { Command } from 'commander';
import { checkAll, type Checked } from '../../check/check.js';
import type { Finding } from '../../check/finding.js';
import { SyncflowError } from '../../errors.js';
import { openDatabase } from '../../store/open.js';
import { count } from '../arguments.js';
import { exitCodes, type Cli } from '../context.js';
import type { LoadedConfig } from '../config.js';
import { short, visible, type Output } from '../output.js';

interface Options {
  readonly json?: boolean;
  readonly rows: number;
  readonly remote?: number | true;
}

const remotesUnlessTold = 100;

export function addCheck(program: Command, cli: Cli): void {
  program
    .command('check')
    .description('compare every mapping with its catalog, the remote’s schema and real values; writes nothing')
    .option('--rows <n>', 'rows of each catalog that are put through the mapping and back', count, 200)
    .option('--remote [n]', `read remotes as well, up to so many (${remotesUnlessTold})`, count)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nEnds with 0, or with 1 where there are errors.')
    .action(async (options: Options) => {
      const config = await cli.config();
      const checked = await check(cli, config, options);
      if (options.json === true) cli.output.json({ ok: errorsOf(checked) === 0, subscribers: checked });
      else show(cli.output, checked);
      if (errorsOf(checked) > 0) cli.exitCode = exitCodes.failure;
    });
}

async function check(cli: Cli, { options: config }: LoadedConfig, options: Options): Promise<Checked[]> {
  const database = typeof config.database === 'string' ? openDatabase(config.database) : config.database;
  const remotes = options.remote === undefined ? 0 : options.remote === true ? remotesUnlessTold : options.remote;
  const { catalogs, accounts = {}, environment = 'default' } = config;
  const rest = { catalogs, accounts, environment, rows: options.rows, remotes };
  if (database.exists?.() === false) return checkAll({ ...rest, database: undefined });
  try {
    await database.open();
  } catch (error) {
    await database.close();
    if (!(error instanceof SyncflowError) || error.code !== 'locked') throw error;
    cli.output.note('the hub is held by another process: no rows are tried');
    return checkAll({ ...rest, database: undefined });
  }
  try {
    return await checkAll({ ...rest, database });
  } finally {
    await database.close();
  }
}

const errorsOf = (checked: readonly Checked[]): number =>
  checked.flatMap((one) => one.findings).filter(({ level }) => level === 'error').length;

function show(output: Output, checked: readonly Checked[]): void {
  const { dim, green, red, yellow } = output.colors;
  if (checked.length === 0) {
    output.line('No catalog has a subscriber yet: syncflow generate subscriber <catalog> <system>.');
    return;
  }
  const colour = { error: red, warning: yellow, note: dim };
  const findings = checked.flatMap((one) => one.findings);
  if (findings.length > 0) {
    output.table(
      findings.map((one) => row(output, one, colour[one.level])),
      { head: ['', 'subscriber', 'field', 'remote key', 'problem and cure'] },
    );
    output.line();
  }
  for (const one of checked) {
    const tried = [
      one.schema ? 'schema' : dim('no schema is published'),
      one.rows === undefined ? dim('no rows (no table yet?)') : `${one.rows} rows`,
      ...(one.remotes === undefined ? [] : [`${one.remotes} remotes`]),
    ];
    output.line(`${one.subscriber}: ${one.units} units against ${tried.join(', ')}`);
  }
  const [errors = 0, warnings = 0] = ['error', 'warning'].map(
    (level) => findings.filter((one) => one.level === level).length,
  );
  const counted = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
  if (errors === 0 && warnings === 0) output.line(green('Nothing stands in the way.'));
  else output.line((errors === 0 ? yellow : red)(`${counted(errors, 'error')}, ${counted(warnings, 'warning')}`));
}

function row(output: Output, one: Finding, colour: (text: string) => string): string[] {
  const width = Math.max(40, output.width - 60);
  return [
    colour(one.level),
    one.subscriber,
    visible(one.unit ?? '-'),
    visible(one.remote ?? '-'),
    wrapped(`${one.problem}. ${one.cure}`, width)
      .map((line) => short(line, width))
      .join('\n'),
  ];
}

function wrapped(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}
