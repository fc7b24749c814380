/**
 * What the simulation is worth: `npm run sim:mutants -- [--only name] [--seeds N] [--json]`.
 *
 * Each planted bug (`test/simulation/mutants/`) is put into a copy of the sources, and worlds are played until one is violated. The
 * same worlds are played without any bug first. Exit 0 only if those are clean and every bug is found.
 */
import Table from 'cli-table3';
import { Command } from 'commander';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { compileErrors } from '../test/simulation/mutants/compile.js';
import { hunt, type Hunt, type Hunted } from '../test/simulation/mutants/hunt.js';
import { mutants } from '../test/simulation/mutants/list.js';
import type { Played } from '../test/simulation/mutants/play.js';

interface Given {
  readonly only: readonly string[];
  readonly seeds: string;
  readonly seed: string;
  readonly edits?: string;
  readonly jobs: string;
  readonly json?: boolean;
}

/** On a terminal one line that is written over; elsewhere a line for each that is through. To stderr: stdout is for the result. */
class Progress {
  readonly #total: number;
  readonly #what: string;
  readonly #started = performance.now();
  #done = 0;

  constructor(total: number, what: string) {
    this.#total = total;
    this.#what = what;
  }

  step(line: string): void {
    this.#done += 1;
    const leftMs = ((performance.now() - this.#started) / this.#done) * (this.#total - this.#done);
    const state = `${this.#done}/${this.#total} ${this.#what}, ${duration(leftMs)} left`;
    if (process.stderr.isTTY)
      process.stderr.write(`\r\u001b[K${state}  ${line}${this.#done === this.#total ? '\n' : ''}`);
    else process.stderr.write(`${state}  ${line}\n`);
  }
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return seconds < 100 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function verdict({ caughtBy, seedsPlayed, seed }: Hunted): string {
  return caughtBy === undefined
    ? `SURVIVED ${seedsPlayed} worlds`
    : `found by ${caughtBy} after ${seedsPlayed} (seed ${seed ?? '?'})`;
}

function table(hunted: readonly Hunted[]): string {
  const rows = new Table({
    head: ['planted bug', 'breaks', 'caught by', 'worlds', 'seed', 'time'],
    style: { head: [], border: [] },
  });
  for (const { mutant, breaks, caughtBy, seedsPlayed, seed, ms } of hunted)
    rows.push([mutant, breaks.join(' '), caughtBy ?? 'SURVIVED', seedsPlayed, seed ?? '', duration(ms)]);
  return rows.toString();
}

/** What is wrong, in words; the last line counts. */
export function summary({ dirty, hunted }: Hunt): string {
  const survivors = hunted.filter(({ caughtBy }) => caughtBy === undefined);
  const notFound = survivors.length === 0 ? '' : `; not found: ${survivors.map(({ mutant }) => mutant).join(', ')}`;
  return [
    ...dirty.map(dirtyLine),
    `${hunted.length - survivors.length} of ${hunted.length} planted bugs found${notFound}`,
  ].join('\n');
}

function dirtyLine({ seed, violations: [first] }: Played): string {
  return `seed ${seed} is left out, for it is violated without any planted bug: ${first?.invariant ?? ''} ${first?.what ?? ''}`;
}

function read(): Given {
  return new Command('sim:mutants')
    .description('plants bugs and plays worlds until each is found; exit 0 only if all are')
    .option('--only <name...>', 'these alone', [])
    .option('--seeds <n>', 'worlds that are played at most for each', '30')
    .option('--seed <n>', 'the first one', '1')
    .option('--edits <n>', 'a shorter world: so many edits, one a second')
    .option('--jobs <n>', 'processes at once', String(availableParallelism()))
    .option('--json', 'print JSON at the end instead of a table')
    .parse()
    .opts<Given>();
}

async function main(): Promise<number> {
  const given = read();
  const root = fileURLToPath(new URL('..', import.meta.url));
  const unknown = given.only.filter((name) => mutants.every((mutant) => mutant.name !== name));
  if (unknown.length > 0) throw new Error(`there is no mutant ${unknown.join(', ')}`);
  const chosen =
    given.only.length === 0
      ? mutants.filter(({ foundBy }) => foundBy === undefined)
      : mutants.filter(({ name }) => given.only.includes(name));
  const errors = [...compileErrors(root, chosen)].map(([name, error]) => `${name} doesn't compile: ${error}`);
  if (errors.length > 0) throw new Error(errors.join('\n'));
  const count = Number(given.seeds);
  const seeds = Array.from({ length: count }, (_, index) => Number(given.seed) + index);
  const baseline = new Progress(count, 'worlds without a bug');
  const progress = new Progress(chosen.length, 'planted bugs');
  const result = await hunt({
    root,
    mutants: chosen,
    seeds,
    ...(given.edits === undefined ? {} : { edits: Number(given.edits) }),
    jobs: Number(given.jobs),
    onBaseline: ({ seed, violations }) =>
      baseline.step(`seed ${seed} ${violations.length === 0 ? 'clean' : 'VIOLATED'}`),
    onHunted: (hunted) => progress.step(`${hunted.mutant}: ${verdict(hunted)}`),
  });
  process.stdout.write(
    given.json === true ? `${JSON.stringify(result, undefined, 2)}\n` : `${table(result.hunted)}\n${summary(result)}\n`,
  );
  const isAllFound = result.hunted.every(({ caughtBy }) => caughtBy !== undefined);
  return isAllFound && result.dirty.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(await main());
