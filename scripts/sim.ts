/**
 * Whole worlds from seeds: `npm run sim -- --seeds N [--seed S] [--hub memory|embedded] [--json]`.
 *
 * One seed decides everything: characters of the remotes, workers, edits, faults and their moments. The engine runs as it is, in
 * virtual time, on the hub in memory (test/simulation/memory-hub) or on an embedded one (real SQL). A seed that fails is made smaller as far as the same invariant still fails, and prints what is violated, what
 * went wrong when, and the life of the record.
 */
import { Command, Option } from 'commander';
import { fileURLToPath } from 'node:url';
import { EmbeddedDatabase } from '../src/store/embedded.js';
import { Coverage } from '../test/simulation/coverage.js';
import { shrink, type Shrunk } from '../test/simulation/shrink.js';
import { EmbeddedHub } from '../test/simulation/embedded-hub.js';
import { MemoryHub } from '../test/simulation/memory-hub/hub.js';
import { fullLength, simulate, type Length, type SeedResult } from '../test/simulation/simulate.js';
import type { Scope } from '../test/simulation/world.js';

export interface SimulationOptions {
  readonly seeds: number;
  /** The first one; each world has the next number. */
  readonly seed: number;
  readonly length?: Length;
  readonly scope?: Scope;
  /** `memory` unless given. */
  readonly hub?: HubKind;
  /** Every so many worlds one is played twice: the same must come of it. */
  readonly twiceEvery?: number;
  readonly onSeed?: (result: SeedResult) => void;
}

/** `memory`: fast. `embedded`: real SQL, one connection. */
type HubKind = 'memory' | 'embedded';

async function play(
  seed: number,
  { hub, length, scope }: Omit<SimulationOptions, 'seeds' | 'seed'>,
): Promise<SeedResult> {
  if (hub !== 'embedded') return simulate(seed, (time) => new MemoryHub(time), length ?? fullLength, scope);
  const database = new EmbeddedDatabase();
  await database.open();
  try {
    return await simulate(seed, (time) => new EmbeddedHub(database, time), length ?? fullLength, scope);
  } finally {
    await database.close();
  }
}

/** Plays the worlds one after the other, each on a hub of its own. */
export async function simulateSeeds(options: SimulationOptions): Promise<SeedResult[]> {
  const { seeds, seed: first, twiceEvery, onSeed } = options;
  const results: SeedResult[] = [];
  for (let seed = first; seed < first + seeds; seed++) {
    let result = await play(seed, options);
    if (twiceEvery !== undefined && seed % twiceEvery === 0) result = same(result, await play(seed, options));
    results.push(result);
    onSeed?.(result);
  }
  return results;
}

/** I15 */
function same(one: SeedResult, other: SeedResult): SeedResult {
  if (one.trace === other.trace) return one;
  const what = `played twice, it went two ways: ${one.trace} and ${other.trace}`;
  return { ...one, violations: [...one.violations, { invariant: 'I15', what }] };
}

const isClean = (result: SeedResult): boolean => result.violations.length === 0;

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

async function main(): Promise<number> {
  const given = new Command('sim')
    .description('simulated worlds; exit 0 only if no invariant is violated in any')
    .option('--seeds <n>', 'how many', '10')
    .option('--seed <n>', 'the first one', String(Date.now() % 1_000_000))
    .addOption(new Option('--hub <kind>', 'what the worlds stand on').choices(['memory', 'embedded']).default('memory'))
    .option('--json', 'print JSON at the end instead of lines')
    .option('--quiet', 'no line for a world that is clean')
    .option('--no-shrink', 'leave failing worlds as large as they are')
    .parse()
    .opts<Given>();
  const seeds = Number(given.seeds);
  const { hub } = given;
  const coverage = new Coverage();
  const progress = new Progress(seeds);
  const failed: { readonly seed: number; readonly violations: SeedResult['violations']; readonly shrunk: Shrunk }[] =
    [];
  let longestDelayMs = 0;
  for (let seed = Number(given.seed), last = seed + seeds; seed < last; seed++) {
    const [result] = await simulateSeeds({ seeds: 1, seed, hub, twiceEvery: 50 });
    if (result === undefined) continue;
    coverage.add(result.cells);
    longestDelayMs = Math.max(longestDelayMs, result.delayMs);
    if (isClean(result)) {
      if (given.json !== true && given.quiet !== true) process.stdout.write(`${clean(result)}\n`);
    } else {
      const shrunk = given.shrink
        ? await shrink(result, (scope) => play(seed, { hub, scope }))
        : { scope: {}, result, tries: 0 };
      failed.push({ seed, violations: result.violations, shrunk });
      if (given.json !== true) process.stdout.write(`${failure(result, shrunk)}\n`);
    }
    progress.advance(result);
  }
  const { hit, of } = coverage.cells();
  if (given.json === true) {
    const report = { seeds, violations: failed.length, seedsPerSecond: round(progress.perSecond), longestDelayMs };
    const cells = { hit, of, empty: coverage.empty(), table: coverage };
    process.stdout.write(`${JSON.stringify({ ...report, coverage: cells, failed }, undefined, 2)}\n`);
  } else {
    process.stdout.write(
      `${coverage.table()}\n${hit} of ${of} cells hit; empty: ${coverage.empty().join(', ') || 'none'}\n`,
    );
    process.stdout.write(`${seeds - failed.length} of ${seeds} worlds clean, ${round(progress.perSecond)} a second\n`);
  }
  return failed.length === 0 ? 0 : 1;
}

const round = (value: number): number => Math.round(value * 100) / 100;

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(await main());
