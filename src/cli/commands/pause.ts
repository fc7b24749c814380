/** `syncflow pause`, `syncflow resume` */
import type { Command } from 'commander';
import { recordKey, type Cli } from '../context.js';

export function addPause(program: Command, cli: Cli): void {
  const define = (name: 'pause' | 'resume', description: string): void => {
    program
      .command(name)
      .description(description)
      .argument('<target>', 'a subscriber (invoice/stripe), or a catalog (invoice): all of its subscribers')
      .option('--key <key>', 'only one record: 42, or \'["acme", "7"]\' for a key of several fields')
      .option('--json', 'print JSON: the subscribers that were meant')
      .action(async (target: string, { key, json }: { key?: string; json?: boolean }) => {
        const meant = await cli.operate((operations) =>
          operations[name](target, key === undefined ? undefined : recordKey(key)),
        );
        if (json === true) {
          cli.output.json({ [name === 'pause' ? 'paused' : 'resumed']: meant, ...(key === undefined ? {} : { key }) });
          return;
        }
        const what = `${meant.join(', ')}${key === undefined ? '' : `, record ${key},`}`;
        const are = meant.length > 1 ? 'are' : 'is';
        cli.output.line(
          name === 'pause'
            ? `${what} ${are} paused: changes are noted, and synced after: syncflow resume`
            : `${what} ${are} synced again`,
        );
      });
  };
  define('pause', 'stop syncing a subscriber, a catalog, or one record');
  define('resume', 'go on; changes made meanwhile are synced now');
}
