/** `syncflow held`, `syncflow release`, `syncflow discard` */
import type { Command } from 'commander';
import type { HeldReport } from '../../maintenance/retry.js';
import type { Operations } from '../../server/operations.js';
import { duration } from '../arguments.js';
import { exitCodes, showRecordKey, targetOf, type Cli } from '../context.js';
import { short, visible, type Output } from '../output.js';

interface Decision {
  readonly by?: string;
  readonly json?: boolean;
}

const shown = 20;

export function addHeld(program: Command, cli: Cli): void {
  program
    .command('held')
    .description('mass changes that the brake holds, or a TRUNCATE, until somebody decides')
    .argument('[catalog]', 'only of this one: invoice; or a subscriber of it: invoice/stripe')
    .argument('[subscriber]', 'only of this one of its subscribers: stripe')
    .option('--json', 'print JSON with the oldest 1,000')
    .action(async (catalog: string | undefined, subscriber: string | undefined, { json }: { json?: boolean }) => {
      const report = await cli.operate((operations) => operations.held(targetOf(catalog, subscriber)));
      if (json === true) cli.output.json(report);
      else show(cli.output, report);
    });
  const by = (given: string | undefined): string =>
    given ?? cli.io.env['USER'] ?? cli.io.env['LOGNAME'] ?? 'somebody at the command line';
  program
    .command('release')
    .description('let held changes go: they were meant. Lets a planned mass change through beforehand, too')
    .argument('<subscriber>', 'whose: invoice/stripe')
    .option('--for <duration>', 'how long nothing of it is held: 30m, 2h (default: 10m)', duration)
    .option('--by <name>', 'who decided, for the audit (default: you)')
    .option('--json', 'print JSON')
    .action(async (subscriber: string, { for: forMs, by: who, json }: Decision & { readonly for?: number }) => {
      const released = await cli.operate((operations) => operations.release({ subscriber, forMs, by: by(who) }));
      if (json === true) cli.output.json({ released });
      else cli.output.line(`${changes(released)} of ${subscriber} let go: carried over by its next passes`);
    });
  program
    .command('discard')
    .description('take held changes back: whoever made them gets what both sides last agreed on')
    .argument('<subscriber>', 'whose: invoice/stripe')
    .option('--by <name>', 'who decided, for the audit (default: you)')
    .option('--json', 'print JSON')
    .action(async (subscriber: string, { by: who, json }: Decision) => {
      const { result, deletes } = await cli.operate(async (operations) => ({
        deletes: await holdsDeletes(operations, subscriber),
        result: await operations.discard({ subscriber, by: by(who) }),
      }));
      cli.exitCode = result.failed.length === 0 ? exitCodes.ok : exitCodes.failure;
      if (json === true) {
        cli.output.json(result);
        return;
      }
      cli.output.line(`${changes(result.discarded)} of ${subscriber} taken back`);
      if (result.discarded > 0 && deletes) cli.output.note(`Records that were inserted again: ${restored}`);
      for (const { id, key, reason } of result.failed.slice(0, shown))
        cli.output.line(cli.output.colors.red(visible(`  ${showRecordKey(key)} stays held (${id}): ${reason}`)));
      if (result.failed.length > 0)
        cli.output.note('Mend what stands in the way and discard again, or: syncflow parked show <id>');
    });
}

/** What becomes of a record that was deleted here and is taken back. */
const restored = 'their mapped fields are as both sides agreed, all others as in a new row (what they held is gone)';

async function holdsDeletes(operations: Operations, subscriber: string): Promise<boolean> {
  const { counts } = await operations.held(subscriber);
  return counts.some(({ direction, operation }) => direction === 'outward' && operation === 'delete');
}

/** Whom it happens to, what would change, who made it. */
function line({ id, key, remoteId, label, by, changes: fields }: HeldReport['changes'][number]): string {
  const text = (value: unknown): string => short(typeof value === 'string' ? value : JSON.stringify(value), 40);
  const edits = (fields ?? []).map(({ unit, from, to }) => `${unit}: ${text(from)} → ${text(to)}`);
  return [
    `${showRecordKey(key)}${remoteId === null ? '' : ` ↔ ${remoteId}`}`,
    ...(label === null ? [] : [label]),
    ...(edits.length === 0 ? [] : [edits.join(', ')]),
    ...(by === null ? [] : [`by ${by.replace(/^@/, '')}`]),
    `(${id})`,
  ].join('  ');
}

const changes = (count: number): string => `${count} ${count === 1 ? 'change' : 'changes'}`;

function show(output: Output, { counts, changes: list }: HeldReport): void {
  const { bold, dim, green, red } = output.colors;
  if (counts.length === 0) {
    output.line(green('Nothing is held.'));
    return;
  }
  for (const { subscriber, direction, operation, count, since } of counts) {
    const made = direction === 'outward' ? 'made here, not sent' : 'made there, not applied';
    output.line(
      `${bold(String(count))} × ${red(operation)}  ${visible(subscriber)}  ${made}  ${dim(`since ${since}`)}`,
    );
    const own = list.filter(
      (one) => one.subscriber === subscriber && one.direction === direction && one.operation === operation,
    );
    for (const one of own.slice(0, shown)) output.line(visible(`  ${line(one)}`));
    if (count > shown)
      output.line(dim(`  and ${count - Math.min(shown, own.length)} more: --json has the oldest 1,000`));
    if (direction === 'outward' && operation === 'delete')
      output.line(dim(`  discard inserts them again; ${restored}`));
    output.line(
      `  ${green('meant?')} syncflow release ${subscriber}   ${green('a mistake?')} syncflow discard ${subscriber}`,
    );
  }
}
