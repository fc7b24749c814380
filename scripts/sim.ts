/**
 * Whole worlds from seeds: `npm run sim -- --seeds N [--seed S] [--jobs J] [--hub memory|embedded] [--json]`.
 *
 * One seed decides everything: characters of the remotes, workers, edits, faults and their moments. The engine runs as it is, in
 * virtual time, on the hub in memory (test/simulation/memory-hub) or on an embedded one (real SQL). A seed that fails is made smaller as far as the same invariant still fails, and prints what is violated, what
 * went wrong when, and the life of the record.
 */
import { Command, Option } from 'commander';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Coverage } from '../test/simulation/coverage.js';
import { playInJobs } from '../test/simulation/jobs/pool.js';
import { isClean, type HubKind } from '../test/simulation/jobs/seeds.js';
import type { Shrunk } from '../test/simulation/shrink.js';
import type { SeedResult } from '../test/simulation/simulate.js';

function clean(result: SeedResult): string {
  const { seed, entities, writes, parked, trace } = result;
  return `clean   seed ${seed}  ${entities} records, ${writes} remote writes, ${parked} parked  trace ${trace}`;
}

/** Of what went wrong, the last before the faults ended: a minimised schedule has few. */
const strikesShown = 40;

function failure({ seed, violations }: SeedResult, { scope, result, tries }: Shrunk): string {
  const faults = Object.entries(result.faults).map(([kind, rate]) => `${kind} ${rate}`);
  const strikes = result.strikes.map(({ at, kind, step, what }) => `    ${at} ${kind} in ${step}: ${what}`);
  return [
    `FAILED  seed ${seed}`,
    ...violations.slice(0, 12).map(({ invariant, what }) => `  ${invariant}: ${what}`),
    `  smaller, after ${tries} tries: ${JSON.stringify({ ...scope, without: undefined })}, with ${faults.join(', ') || 'no fault'}`,
    ...result.violations.slice(0, 6).map(({ invariant, what }) => `  ${invariant}: ${what}`),
    `  what went wrong (${result.strikes.length}):`,
    ...strikes.slice(-strikesShown),
    '  the life of the record:',
    ...result.story.map((line) => `    ${line}`),
  ].join('\n');
}

interface Given {
  readonly seeds: string;
  readonly seed: string;
  readonly hub: HubKind;
  readonly jobs: string;
  readonly json?: true;
  readonly shrink: boolean;
  readonly quiet?: true;
}

/** One line that is written over on a terminal; elsewhere one every half minute. */
class Progress {
  readonly #total: number;
  readonly #started = performance.now();
  #done = 0;
  #failed = 0;
  #saidAt = performance.now();

  constructor(total: number) {
    this.#total = total;
  }

  get perSecond(): number {
    return (this.#done / (performance.now() - this.#started)) * 1000;
  }

  advance(result: SeedResult): void {
    this.#done += 1;
    if (!isClean(result)) this.#failed += 1;
    const now = performance.now();
    if (now - this.#saidAt < (process.stderr.isTTY ? 200 : 30_000) && this.#done < this.#total) return;
    this.#saidAt = now;
    const left = Math.round((this.#total - this.#done) / Math.max(this.perSecond, 0.001));
    const line = `${this.#done} of ${this.#total} worlds, ${this.#failed} failed, ${this.perSecond.toFixed(2)} a second, ${left} s left`;
    process.stderr.write(
      process.stderr.isTTY ? `\r${line}\u001b[K${this.#done === this.#total ? '\n' : ''}` : `${line}\n`,
    );
  }
}

function read(): Given {
  return new Command('sim')
    .description('simulated worlds; exit 0 only if no invariant is violated in any')
    .option('--seeds <n>', 'how many', '10')
    .option('--seed <n>', 'the first one', String(Date.now() % 1_000_000))
    .option('--jobs <n>', 'processes at once', String(availableParallelism()))
    .addOption(new Option('--hub <kind>', 'what the worlds stand on').choices(['memory', 'embedded']).default('memory'))
    .option('--json', 'print JSON at the end instead of lines')
    .option('--quiet', 'no line for a world that is clean')
    .option('--no-shrink', 'leave failing worlds as large as they are')
    .parse()
    .opts<Given>();
}

interface Failed {
  readonly seed: number;
  readonly violations: SeedResult['violations'];
  readonly shrunk: Shrunk;
}

async function main(): Promise<number> {
  const given = read();
  const { hub } = given;
  const seeds = Number(given.seeds);
  const jobs = Math.max(1, Number(given.jobs));
  const coverage = new Coverage();
  const progress = new Progress(seeds);
  const failed: Failed[] = [];
  let longestDelayMs = 0;
  const orders = Array.from({ length: seeds }, (_, index) => Number(given.seed) + index);
  await playInJobs(
    orders.map((seed) => ({ seed, hub, shrinks: given.shrink })),
    jobs,
    ({ result, shrunk }) => {
      coverage.add(result.cells);
      longestDelayMs = Math.max(longestDelayMs, result.delayMs);
      if (shrunk !== undefined) {
        failed.push({ seed: result.seed, violations: result.violations, shrunk });
        if (given.json !== true) process.stdout.write(`${failure(result, shrunk)}\n`);
      } else if (given.json !== true && given.quiet !== true) process.stdout.write(`${clean(result)}\n`);
      progress.advance(result);
    },
  );
  const { perSecond } = progress;
  // more processes than cores make nothing faster
  const perSecondPerCore = round(perSecond / Math.min(jobs, availableParallelism()));
  const { hit, of } = coverage.cells();
  if (given.json === true) {
    const speed = { seedsPerSecond: round(perSecond), perSecondPerCore, jobs };
    const report = { seeds, violations: failed.length, ...speed, longestDelayMs };
    const cells = { hit, of, empty: coverage.empty(), table: coverage };
    process.stdout.write(`${JSON.stringify({ ...report, coverage: cells, failed }, undefined, 2)}\n`);
  } else {
    const speed = `${round(perSecond)} a second, ${perSecondPerCore} a second and core`;
    process.stdout.write(
      `${coverage.table()}\n${hit} of ${of} cells hit; empty: ${coverage.empty().join(', ') || 'none'}\n`,
    );
    process.stdout.write(`${seeds - failed.length} of ${seeds} worlds clean, ${speed}\n`);
  }
  return failed.length === 0 ? 0 : 1;
}

const round = (value: number): number => Math.round(value * 100) / 100;

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(await main());
