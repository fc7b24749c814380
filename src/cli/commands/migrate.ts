/** `syncflow migrate` */
import type { Command } from 'commander';
import { Syncflow } from '../../syncflow.js';
import type { Cli } from '../context.js';

export function addMigrate(program: Command, cli: Cli): void {
  program
    .command('migrate')
    .description("make the hub ready: Syncflow's schema, the catalogs' tables, their triggers")
    .option('--adopt-environment', 'take over a hub that belongs to another environment')
    .option('--json', 'print JSON')
    .action(async ({ adoptEnvironment, json }: { adoptEnvironment?: boolean; json?: boolean }) => {
      const { options } = await cli.config();
      const flow = new Syncflow(adoptEnvironment === true ? { ...options, adoptEnvironment } : options);
      try {
        const { applied } = await flow.prepare();
        if (json === true) {
          cli.output.json({ applied, database: flow.database.description });
          return;
        }
        for (const name of applied) cli.output.line(`applied ${name}`);
        cli.output.line(cli.output.colors.green(`${flow.database.description} is ready.`));
      } finally {
        await flow.stop();
      }
    });
}
