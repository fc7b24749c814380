/** `syncflow uninstall` */
import type { Command } from 'commander';
import { SyncflowError } from '../../errors.js';
import type { Database } from '../../store/database.js';
import { pendingMigrations, uninstall } from '../../store/migrate.js';
import { Syncflow } from '../../syncflow.js';
import { exitCodes, type Cli } from '../context.js';

export function addUninstall(program: Command, cli: Cli): void {
  program
    .command('uninstall')
    .description("remove every trace of Syncflow from the hub; the catalogs' tables and rows stay")
    .option('-y, --yes', "don't ask")
    .action(async ({ yes }: { yes?: boolean }) => {
      const { options } = await cli.config();
      const flow = new Syncflow(options);
      try {
        if (yes !== true && !(await confirm(cli, flow.database.description))) {
          cli.output.line('Nothing was removed.');
          cli.exitCode = exitCodes.failure;
          return;
        }
        const { database } = flow;
        if (database.exists?.() === false || !(await isInstalled(database))) {
          cli.output.line(`Syncflow isn't installed in ${database.description}: nothing to remove.`);
          return;
        }
        await uninstall(
          flow.database,
          flow.catalogs.map((main) => main.definition),
        );
        cli.output.line(`Syncflow is removed from ${flow.database.description}.`);
      } finally {
        await flow.stop();
      }
    });
}

async function isInstalled(database: Database): Promise<boolean> {
  await database.open();
  return (await pendingMigrations(database)).installed;
}

async function confirm(cli: Cli, hub: string): Promise<boolean> {
  cli.output.note(
    'This removes all links, history and conflicts: Syncflow forgets which record is which remote. Stop its workers first.',
  );
  const answer = cli.io.ask(`Remove Syncflow from ${hub}? Type yes: `);
  if (answer === undefined)
    throw new SyncflowError('usage', 'nobody can be asked whether to remove it', {
      hint: 'Say so on the command line: --yes',
    });
  return (await answer).trim().toLowerCase() === 'yes';
}
