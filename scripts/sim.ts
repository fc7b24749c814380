/**
 * Whole worlds from seeds: `npm run sim -- --seeds N [--seed S] [--hub memory|embedded] [--json]`.
 *
 * One seed decides everything: characters of the remotes, workers, edits, faults and their moments. The engine runs as it is, in virtual
 * time, on the hub in memory (test/simulation/memory-hub) or on an embedded one (real SQL). A seed that fails prints what is violated and the life of the record.
 */
import { Command, Option } from 'commander';
import { fileURLToPath } from 'node:url';
import { EmbeddedDatabase } from '../src/store/embedded.js';
import { EmbeddedHub } from '../test/simulation/embedded-hub.js';
import { MemoryHub } from '../test/simulation/memory-hub/hub.js';
import { simulate, type Length, type SeedResult } from '../test/simulation/simulate.js';

export interface SimulationOptions {
  readonly seeds: number;
  /** The first one; each world has the next number. */
  readonly seed: number;
  readonly length?: Length;
  /** `memory` unless given: fast. `embedded`: real SQL, one connection. */
  readonly hub?: 'memory' | 'embedded';
  readonly onSeed?: (result: SeedResult) => void;
}

/** Plays the worlds one after the other, each on a hub of its own. */
export async function simulateSeeds(options: SimulationOptions): Promise<SeedResult[]> {
  const results: SeedResult[] = [];
  for (let index = 0; index < options.seeds; index++) {
    const seed = options.seed + index;
    const result =
      options.hub === 'embedded'
        ? await onEmbedded(seed, options.length)
        : await simulate(seed, (time) => new MemoryHub(time), options.length);
    results.push(result);
    options.onSeed?.(result);
  }
  return results;
}

async function onEmbedded(seed: number, length: Length | undefined): Promise<SeedResult> {
  const database = new EmbeddedDatabase();
  await database.open();
  try {
    return await simulate(seed, (time) => new EmbeddedHub(database, time), length);
  } finally {
    await database.close();
  }
}

function describe(result: SeedResult): string {
  const faults = Object.entries(result.faults).map(([kind, rate]) => `${kind} ${rate}`);
  if (result.violations.length === 0)
    return `clean   seed ${result.seed}  ${result.entities} records, ${result.writes} remote writes, ${result.parked} parked  trace ${result.trace}`;
  return [
    `FAILED  seed ${result.seed}  (${faults.join(', ')})`,
    ...result.violations.slice(0, 12).map(({ invariant, what }) => `  ${invariant}: ${what}`),
    ...result.story.map((line) => `    ${line}`),
  ].join('\n');
}

async function main(): Promise<number> {
  const given = new Command('sim')
    .description('simulated worlds; exit 0 only if no invariant is violated in any')
    .option('--seeds <n>', 'how many', '10')
    .option('--seed <n>', 'the first one', String(Date.now() % 1_000_000))
    .addOption(new Option('--hub <kind>', 'what the worlds stand on').choices(['memory', 'embedded']).default('memory'))
    .option('--json', 'print JSON at the end instead of lines')
    .parse()
    .opts<{ seeds: string; seed: string; hub: 'memory' | 'embedded'; json?: boolean }>();
  const started = performance.now();
  const results = await simulateSeeds({
    seeds: Number(given.seeds),
    seed: Number(given.seed),
    hub: given.hub,
    onSeed: (result) => {
      if (given.json !== true) process.stdout.write(`${describe(result)}\n`);
    },
  });
  const failed = results.filter((result) => result.violations.length > 0);
  const perSecond = Math.round((results.length / (performance.now() - started)) * 100_000) / 100;
  if (given.json === true)
    process.stdout.write(
      `${JSON.stringify({ seeds: results.length, seedsPerSecond: perSecond, failed }, undefined, 2)}\n`,
    );
  else
    process.stdout.write(
      `${results.length - failed.length} of ${results.length} worlds clean, ${perSecond} a second\n`,
    );
  return failed.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(await main());
