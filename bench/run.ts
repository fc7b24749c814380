/** `npm run bench [-- NAME...] [--json] [--quick | --full] [--rounds N] [--count N]`: exit 1 where a target is missed. */
import { Command, Option } from 'commander';
import { benchmarks } from './benchmarks/index.js';
import type { Bench, Benchmark, Outcome, Size } from './harness/benchmark.js';
import { createHub, urlVariable } from './harness/hub.js';
import { describeMachine } from './harness/machine.js';
import { startRemote, type Remote } from './harness/remote.js';
import { describeFigures, describeMachineLine, describeOutcome, summarise } from './harness/report.js';
import { interleave } from './harness/statistics.js';

interface Arguments {
  readonly json?: boolean;
  readonly quick?: boolean;
  readonly full?: boolean;
  readonly rounds?: string;
  readonly count?: string;
}

/** Pairs, unless `--rounds` says otherwise. */
const defaultRounds: Readonly<Record<Size, number>> = { quick: 3, usual: 7, full: 7 };

const program = new Command('bench')
  .description('Syncflow beside its rivals, interleaved; exit 1 where a target is missed')
  .argument('[names...]', `which: ${benchmarks.map(({ name }) => name).join(', ')}; all unless given`)
  .option('--json', 'print one JSON object instead of lines')
  .addOption(new Option('--quick', 'small and short: does it run at all?').conflicts('full'))
  .option('--full', 'the sizes of the targets: hours')
  .option('--rounds <n>', 'pairs of each benchmark')
  .option(
    '--count <n>',
    'so many records, where a benchmark leaves that open: growth, inward-batch, mass-update, verify',
  )
  .parse();
const options = program.opts<Arguments>();
const size: Size = options.quick === true ? 'quick' : options.full === true ? 'full' : 'usual';
const rounds = wholeNumber('rounds') ?? defaultRounds[size];
const count = wholeNumber('count');
process.exitCode = await main(chosen(program.args));

function wholeNumber(option: 'rounds' | 'count'): number | undefined {
  const given = options[option];
  if (given === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(given)) program.error(`error: --${option} is a whole number, at least 1`);
  return Number(given);
}

function chosen(names: readonly string[]): readonly Benchmark[] {
  const unknown = names.filter((name) => !benchmarks.some((one) => one.name === name));
  if (unknown.length > 0) {
    program.error(
      `error: there is no benchmark ${unknown.join(', ')}; there are ${benchmarks.map(({ name }) => name).join(', ')}`,
    );
  }
  return names.length === 0 ? benchmarks : benchmarks.filter(({ name }) => names.includes(name));
}

function line(text: string): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  (options.json === true ? process.stderr : process.stdout).write(`${text}\n`);
}

/** On a terminal the last line, written over; else lines of their own. */
function progress(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text.slice(0, 110)}` : `${text}\n`);
}

async function main(wanted: readonly Benchmark[]): Promise<number> {
  const machine = await describeMachine();
  line(describeMachineLine(machine));
  if (machine.postgres === undefined) {
    line(`skipped, all that need a hub: no Postgres at ${urlVariable}. CONTRIBUTING.md says how to start one.`);
  }
  const outcomes: Outcome[] = [];
  for (const benchmark of wanted) {
    if (machine.postgres === undefined && benchmark.needsHub) continue;
    outcomes.push(await measure(benchmark));
  }
  const { text, missed } = summarise(outcomes);
  if (options.json === true) process.stdout.write(`${JSON.stringify({ machine, size, outcomes, missed })}\n`);
  line(text);
  return missed === 0 ? 0 : 1;
}

async function measure(benchmark: Benchmark): Promise<Outcome> {
  const started: Remote[] = [];
  const skipped: string[] = [];
  const bench: Bench = {
    size,
    rounds,
    sized: (sizes) => sizes[size],
    counted: (sizes) => count ?? sizes[size],
    freshHub: createHub,
    remote: async (script, given) => {
      const remote = await startRemote(script, given);
      started.push(remote);
      return remote;
    },
    interleave: (contenders, times = rounds) =>
      interleave(contenders, {
        rounds: times,
        onRun: (name, round, figures) =>
          progress(
            `${benchmark.name} ${round === 0 ? 'warm-up' : `${round}/${times}`}  ${name}: ${describeFigures(figures)}`,
          ),
      }),
    skip: (what) => void skipped.push(`skipped: ${what}`),
    say: progress,
  };
  try {
    const measured = await benchmark.measure(bench);
    const outcome = { benchmark: benchmark.name, ...measured, notes: [...measured.notes, ...skipped] };
    line(`\n${describeOutcome(outcome)}`);
    return outcome;
  } finally {
    for (const remote of started) await remote.stop();
  }
}
