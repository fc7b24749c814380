/** The command line: its commands, and what ends it. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addApply, addLink } from './commands/apply.js';
import { addCheck } from './commands/check.js';
import { addConflicts } from './commands/conflicts.js';
import { addDemo } from './commands/demo.js';
import { addDoctor } from './commands/doctor.js';
import { addExplain } from './commands/explain.js';
import { addGenerate } from './commands/generate.js';
import { addHeld } from './commands/held.js';
import { addInit } from './commands/init.js';
import { addMigrate } from './commands/migrate.js';
import { addParked } from './commands/parked.js';
import { addPause } from './commands/pause.js';
import { addPlan } from './commands/plan.js';
import { addSimulator } from './commands/simulator.js';
import { addStart } from './commands/start.js';
import { addStatus } from './commands/status.js';
import { addSync } from './commands/sync.js';
import { addUninstall } from './commands/uninstall.js';
import { addVerify } from './commands/verify.js';
import { Cli, Interrupted, type GlobalOptions } from './context.js';
import { report } from './failure.js';
import type { Io } from './io.js';

const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const;

export function buildProgram(cli: Cli): Command {
  const { output } = cli;
  const program = new Command('syncflow')
    .description('Keeps your own Postgres catalogs and the external systems that hold the same things in agreement.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print what a command does and takes')
    .option('-c, --config <file>', 'config file (default: syncflow.config.ts, looked for upward from here)')
    .option('--debug', 'show stacks of errors')
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({
      writeOut: (text) => output.raw(text),
      writeErr: (text) => output.rawError(text),
      outputError: (text) => {
        const [message = '', ...more] = text.trim().split('\n');
        output.error(message.replace(/^error: /, ''), more.join('\n') || 'See: syncflow --help');
      },
    })
    .hook('preAction', (_, command) => cli.setGlobals(command.optsWithGlobals<GlobalOptions>()));
  const adders = [
    addStart,
    addMigrate,
    addStatus,
    addParked,
    addExplain,
    addDoctor,
    addPlan,
    addApply,
    addLink,
    addSync,
    addVerify,
    addConflicts,
    addHeld,
    addPause,
    addUninstall,
    addSimulator,
    addDemo,
    addCheck,
    addGenerate,
    addInit,
  ];
  for (const add of adders) add(program, cli);
  return program;
}

/** Runs a command line; resolves with the exit code. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const ending = new AbortController();
  const cli = new Cli(io, ending.signal);
  const stopListening = io.onSignal((name) => {
    if (ending.signal.aborted) io.exit(128 + signalNumbers[name]);
    else ending.abort(new Interrupted(name));
  });
  // before any of it is understood: an option that isn't there is an error that a program reads, too
  if (args.includes('--json')) cli.setGlobals({ json: true });
  try {
    await buildProgram(cli).parseAsync([...args], { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    return report(cli, error);
  } finally {
    cli.output.clearProgress();
    stopListening();
  }
}

function version(): string {
  const read = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version?: string };
  return read.version ?? '0.0.0';
}
