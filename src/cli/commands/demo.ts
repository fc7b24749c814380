/** `syncflow demo` */
import type { Command } from 'commander';
import { SyncflowError } from '../../errors.js';
import { port } from '../arguments.js';
import type { Cli } from '../context.js';

type DemoModule = typeof import('../../demo/main.js');

interface Options {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly database?: string;
  readonly port?: number;
}

export function addDemo(program: Command, cli: Cli): void {
  program
    .command('demo')
    .description(
      'load a shop into a hub, sync it with Stripe and CouchDB simulators, and edit all sides while you watch',
    )
    .option('--once', 'end after the final comparison: 0 only if all sides agree')
    .option('--json', 'print the counts as JSON')
    .option('--database <address>', 'a hub to use: postgres://…, or a folder')
    .option('-p, --port <port>', 'where webhooks are taken', port)
    .action(async ({ once, json, ...rest }: Options) => {
      const demo = await load();
      cli.exitCode = await demo.runDemo({
        once: once === true,
        json: json === true,
        output: cli.output,
        env: cli.io.env,
        signal: cli.signal,
        ...rest,
      });
    });
}

async function load(): Promise<DemoModule> {
  try {
    // loaded only when it is asked for: it brings simulators and data along
    return await import('../../demo/main.js');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new SyncflowError('config', "the demo, or something that it needs, isn't installed", {
      hint: 'Run it from a clone: npm ci && npm run demo',
      cause: error,
    });
  }
}
