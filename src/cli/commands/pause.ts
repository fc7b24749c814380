/** `syncflow pause`, `syncflow resume` */
import type { Command } from 'commander';
import { recordKey, type Cli } from '../context.js';

export function addPause(program: Command, cli: Cli): void {
  const define = (name: 'pause' | 'resume', description: string): void => {
    program
      .command(name)
      .description(description)
      .argument('<subscriber>', 'for example invoice/stripe')
      .option('--key <key>', 'only one record: 42, or \'["acme", "7"]\' for a key of several fields')
      .action(async (subscriber: string, { key }: { key?: string }) => {
        await cli.operate((operations) => operations[name](subscriber, key === undefined ? undefined : recordKey(key)));
        const what = key === undefined ? subscriber : `${subscriber}, record ${key},`;
        cli.output.line(
          name === 'pause'
            ? `${what} is paused: changes are noted, and synced after: syncflow resume`
            : `${what} is synced again`,
        );
      });
  };
  define('pause', 'stop syncing a subscriber, or one record of it');
  define('resume', 'go on; changes made meanwhile are synced now');
}
