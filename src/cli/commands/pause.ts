/** `syncflow pause`, `syncflow resume` */
import type { Command } from 'commander';
import { SyncflowError } from '../../errors.js';
import type { Operations } from '../../server/operations.js';
import { recordKey, type Cli } from '../context.js';

/** Whether anything stands under a key. A target that isn't there is for the operation itself to refuse. */
async function isKnown(operations: Operations, target: string, key: string): Promise<boolean> {
  try {
    await operations.explain({ catalog: target.split('/')[0] ?? target, key });
    return true;
  } catch (error) {
    if (error instanceof SyncflowError && error.code === 'usage') return false;
    throw error;
  }
}

export function addPause(program: Command, cli: Cli): void {
  const define = (name: 'pause' | 'resume', description: string): void => {
    program
      .command(name)
      .description(description)
      .argument('<target>', 'a subscriber (invoice/stripe), or a catalog (invoice): all of its subscribers')
      .option('--key <key>', 'only one record: 42, or \'["acme", "7"]\' for a key of several fields')
      .option('--json', 'print JSON: the subscribers that were meant')
      .action(async (target: string, { key, json }: { key?: string; json?: boolean }) => {
        const record = key === undefined ? undefined : recordKey(key);
        const { meant, known } = await cli.operate(async (operations) => ({
          known: record === undefined || (await isKnown(operations, target, record)),
          meant: await operations[name](target, record),
        }));
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
        if (!known && name === 'pause')
          cli.output.note(`There is no record ${key ?? ''} yet: it is paused from its first moment. Is the key right?`);
      });
  };
  define('pause', 'stop syncing a subscriber, a catalog, or one record');
  define('resume', 'go on; changes made meanwhile are synced now');
}
