/** `syncflow conflicts` */
import type { Command } from 'commander';
import type { ConflictRow } from '../../store/overview.js';
import { recordKey, showRecordKey, type Cli } from '../context.js';
import { short, visible, type Output } from '../output.js';

interface Options {
  readonly json?: boolean;
  readonly key?: string;
  readonly subscriber?: string;
}

export function addConflicts(program: Command, cli: Cli): void {
  program
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
      one.at,
      one.subscriber,
      visible(showRecordKey(one.key)),
      one.unit,
      value(one.hub, 'hub', one.winner),
      value(one.remote, 'remote', one.winner),
      one.winner,
      one.rule,
    ]),
    { head: ['at', 'subscriber', 'key', 'unit', 'hub', 'remote', 'winner', 'rule'] },
  );
}
