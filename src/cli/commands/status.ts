/** `syncflow status` */
import type { Command } from 'commander';
import type { StatusReport } from '../../server/operations.js';
import type { SubscriberStatus } from '../../store/overview.js';
import type { Cli } from '../context.js';
import { seconds } from '../arguments.js';
import { pause } from '../wait.js';
import { short, showDuration, type Output } from '../output.js';

interface Options {
  readonly json?: boolean;
  readonly watch?: number | true;
}

export function addStatus(program: Command, cli: Cli): void {
  program
    .command('status')
    .description('how each catalog stands with each of its subscribers')
    .option('--json', 'print JSON')
    .option('-w, --watch [seconds]', 'again and again (every 2 seconds)', seconds)
    .action(async (options: Options) => {
      await cli.operate(async (operations) => {
        const everyMs = options.watch === undefined ? undefined : (options.watch === true ? 2 : options.watch) * 1_000;
        for (;;) {
          const report = await operations.status();
          if (options.json === true) cli.output.json(report);
          else showStatus(cli.output, report);
          if (everyMs === undefined || (await pause(everyMs, cli.signal))) return;
          if (options.json !== true) cli.output.line();
        }
      });
    });
}

export function showStatus(output: Output, report: StatusReport): void {
  const { dim } = output.colors;
  const where = report.running ? ` · through process ${report.pid}` : '';
  output.line(dim(`${report.hub} · environment ${report.environment}${where}`));
  if (report.subscribers.length === 0) {
    output.line('No catalog has a subscriber yet: Catalog.register(Subscriber).');
    return;
  }
  output.table(
    report.subscribers.map((one) => row(output, one)),
    {
      head: ['catalog', 'subscriber', 'in agreement', 'waiting', 'parked', 'lag', 'conflicts', 'last error'],
      right: [2, 3, 4, 5, 6],
    },
  );
}

function row(output: Output, one: SubscriberStatus): string[] {
  const { dim, green, red, yellow } = output.colors;
  const slash = one.subscriber.indexOf('/');
  const count = (value: number, colour: (text: string) => string): string =>
    value === 0 ? dim('0') : colour(String(value));
  return [
    one.subscriber.slice(0, slash),
    one.subscriber.slice(slash + 1) + (one.paused ? yellow(' (paused)') : ''),
    count(one.inAgreement, green),
    count(one.waiting, yellow),
    count(one.parked, red),
    one.lagMs < 1 ? dim('-') : showDuration(one.lagMs),
    count(one.conflicts, yellow),
    one.lastError === undefined ? dim('-') : red(short(one.lastError, Math.max(20, output.width - 90))),
  ];
}
