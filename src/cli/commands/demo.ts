/** `syncflow demo` */
import type { Command } from 'commander';
import { SyncflowError } from '../../errors.js';
import { port } from '../arguments.js';
import type { Cli } from '../context.js';

interface DemoOptions {
  readonly once: boolean;
  readonly json: boolean;
  readonly database?: string;
  readonly port?: number;
  readonly signal: AbortSignal;
}

interface DemoModule {
  /** Resolves with the exit code, or with nothing for 0. */
  runDemo(options: DemoOptions): Promise<unknown>;
}

interface Options {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly database?: string;
  readonly port?: number;
}

/** Loaded only when it is asked for: it brings simulators and data along. */
const place = '../../demo/main.js';

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
      const code = await demo.runDemo({ once: once === true, json: json === true, signal: cli.signal, ...rest });
      if (typeof code === 'number') cli.exitCode = code;
    });
}

async function load(): Promise<DemoModule> {
  try {
    return (await import(place)) as DemoModule;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new SyncflowError('config', "the demo, or something that it needs, isn't installed", {
      hint: 'Run it from a clone: npm ci && npm run demo',
      cause: error,
    });
  }
}
