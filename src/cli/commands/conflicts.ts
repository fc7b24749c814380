/** `syncflow conflicts` */
import { Option, type Command } from 'commander';
import type { Json } from '../../catalog/values.js';
import { SyncflowError } from '../../errors.js';
import { conflictId } from '../arguments.js';
import type { Taken } from '../../store/resolutions.js';
import type { ConflictRow } from '../../store/overview.js';
import { recordKey, showRecordKey, type Cli } from '../context.js';
import { short, visible, type Output } from '../output.js';

interface Options {
  readonly json?: boolean;
  readonly key?: string;
  readonly subscriber?: string;
}

interface ResolveOptions {
  readonly take: Taken;
  readonly by?: string;
}

export function addConflicts(program: Command, cli: Cli): void {
  const conflicts = program
    .command('conflicts')
    .description('what both sides had changed at once, with the value that lost')
    .option('--subscriber <subscriber>', 'only those of a subscriber: invoice/stripe')
    .option('--key <key>', 'only those of one record: 42, or \'["acme", "7"]\' for a key of several fields')
    .option('--json', 'print JSON')
    .action(async ({ json, key, subscriber }: Options) => {
      const filter = { subscriber, key: key === undefined ? undefined : recordKey(key) };
      const rows = await cli.operate((operations) => operations.conflicts(filter));
      if (json === true) cli.output.json(rows);
      else show(cli.output, rows);
    });
  addResolve(conflicts, cli);
}

function addResolve(conflicts: Command, cli: Cli): void {
  conflicts
    .command('resolve')
    .description('decide about one: put the value that lost back, or set another')
    .argument('<id>', 'number from `syncflow conflicts`', conflictId)
    .argument('[value]', 'with --take value: the hub’s value, as JSON')
    .addOption(
      new Option('--take <side>', 'whose value, as it was logged; or another')
        .choices(['hub', 'remote', 'value'])
        .makeOptionMandatory(),
    )
    .option('--by <name>', 'who decided, for the log (default: you)')
    .option('--json', 'print JSON')
    .action(async (id: string, text: string | undefined, { take, by }: ResolveOptions, command: Command) => {
      if ((take === 'value') !== (text !== undefined))
        throw new SyncflowError('usage', '--take value needs a value, and no other takes one', {
          hint: `For example: syncflow conflicts resolve ${id} --take value '"ada@example.com"'`,
        });
      const value = text === undefined ? undefined : jsonValue(text);
      const who = by ?? cli.io.env['USER'] ?? cli.io.env['LOGNAME'] ?? 'somebody at the command line';
      const done = await cli.operate((operations) => operations.resolve({ id, take, value, by: who }));
      // an option of its parent, too, which takes it first
      if (command.optsWithGlobals<{ json?: boolean }>().json === true) {
        cli.output.json({ resolved: { id, take, by: who, ...done } });
        return;
      }
      cli.output.line(
        done.changed
          ? `${done.unit} of ${visible(showRecordKey(done.key))} is set in the hub; every subscriber is told`
          : `${done.unit} of ${visible(showRecordKey(done.key))} is that already: noted as resolved`,
      );
    });
}

function jsonValue(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new SyncflowError('usage', 'the value isn’t JSON', { hint: `Text goes in quotes: '"ada@example.com"'` });
  }
}

function show(output: Output, rows: readonly ConflictRow[]): void {
  if (rows.length === 0) {
    output.line(output.colors.green('No conflicts.'));
    return;
  }
  const { dim } = output.colors;
  const width = Math.max(12, Math.floor((output.width - 90) / 2));
  const value = (text: string | null, side: string, winner: string): string => {
    const shown = text === null ? '-' : short(text, width);
    return winner === side || winner === 'merged' ? shown : dim(shown);
  };
  output.table(
    rows.map((one) => [
      one.id,
      one.at,
      one.subscriber,
      visible(showRecordKey(one.key)),
      one.unit,
      value(one.hub, 'hub', one.winner),
      value(one.remote, 'remote', one.winner),
      one.winner,
      one.rule,
      one.resolvedBy === null ? '' : visible(`${one.taken ?? ''} by ${one.resolvedBy}`),
    ]),
    { head: ['id', 'at', 'subscriber', 'key', 'unit', 'hub', 'remote', 'winner', 'rule', 'resolved'], right: [0] },
  );
  const open = rows.find((one) => one.resolvedBy === null);
  if (open !== undefined)
    output.note(
      `Was one decided wrongly? syncflow conflicts resolve ${open.id} --take hub | remote, or --take value '<JSON>'`,
    );
}
