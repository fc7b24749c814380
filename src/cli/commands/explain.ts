/** `syncflow explain` */
import type { Command } from 'commander';
import type { ExplainQuery } from '../../server/operations.js';
import { recordKey, type Cli } from '../context.js';
import { showExplanation } from '../explanation.js';

interface Options {
  readonly json?: boolean;
  readonly fetch?: boolean;
  readonly all?: boolean;
}

export function addExplain(program: Command, cli: Cli): void {
  program
    .command('explain')
    .description('why a record is what it is: both sides, and its timeline')
    .argument('<catalog>', 'for example customer')
    .argument('<key>', 'its key: 42, or \'["acme", "7"]\' for a key of several fields')
    .argument('[field]', 'only what concerns this field: email')
    .option('--fetch', 'also read the remotes as they are now, and show what differs')
    .option('--all', 'list events that changed nothing, too')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nIt shows values of the record. Nothing is written on either side.')
    .action(async (catalog: string, key: string, field: string | undefined, { json, fetch, all }: Options) => {
      const query: ExplainQuery = { catalog, key: recordKey(key), field, fetch: fetch === true };
      const explanation = await cli.operate((operations) => operations.explain(query));
      if (json === true) cli.output.json(explanation);
      else showExplanation(cli.output, explanation, all === true);
    });
}
