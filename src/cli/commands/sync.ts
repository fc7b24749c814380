/** `syncflow sync` */
import type { Command } from 'commander';
import { SyncflowError } from '../../errors.js';
import { seconds } from '../arguments.js';
import { exitCodes, type Cli } from '../context.js';
import { showStatus } from './status.js';

interface Options {
  readonly json?: boolean;
  readonly timeout?: number;
}

export function addSync(program: Command, cli: Cli): void {
  program
    .command('sync')
    .description('pull and push now, until everything known is synced or parked')
    .option('--timeout <seconds>', 'give up after this time (the work done stays)', seconds)
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const signal =
        options.timeout === undefined ? cli.signal : AbortSignal.any([cli.signal, timeout(options.timeout)]);
      const report = await cli.operate((operations) =>
        operations.sync({ signal, onProgress: (progress) => cli.showProgress(progress) }),
      );
      if (options.json === true) cli.output.json(report);
      else showStatus(cli.output, report);
      const parked = report.subscribers.reduce((sum, one) => sum + one.parked, 0);
      if (parked > 0 && options.json !== true) cli.output.note(`${parked} parked: see syncflow parked list`);
      cli.exitCode = exitCodes.ok;
    });
}

/** Unlike `AbortSignal.timeout`, with an error that says what to do. */
function timeout(after: number): AbortSignal {
  const controller = new AbortController();
  const error = new SyncflowError('database', `not everything was synced within ${after} s`, {
    hint: 'What waits is in: syncflow status',
  });
  setTimeout(() => controller.abort(error), after * 1_000).unref();
  return controller.signal;
}
