/** `npm run sim -- --seeds N [--seed S] [--json]` */
import { Command } from 'commander';
import { EmbeddedDatabase } from '../src/store/embedded.js';
import { simulate, type SeedResult } from '../test/simulation/simulate.js';

const program = new Command()
  .option('--seeds <n>', 'how many worlds', '20')
  .option('--seed <s>', 'the first one', '1')
  .option('--json', 'print the result as JSON')
  .parse();
const options = program.opts<{ seeds: string; seed: string; json?: boolean }>();

function show(result: SeedResult): void {
  const faults = Object.entries(result.faults).map(([kind, rate]) => `${kind} ${rate}`);
  process.stderr.write(`seed ${result.seed}: ${result.violations.length} violations (${faults.join(', ')})\n`);
  for (const { invariant, what } of result.violations.slice(0, 12)) process.stderr.write(`  ${invariant}: ${what}\n`);
  for (const line of result.story) process.stderr.write(`    ${line}\n`);
}

const started = performance.now();
const failed: SeedResult[] = [];
let edits = 0;
for (let index = 0; index < Number(options.seeds); index++) {
  const database = new EmbeddedDatabase();
  await database.open();
  const result = await simulate(Number(options.seed) + index, database);
  await database.close();
  edits += result.edits;
  if (result.violations.length > 0) {
    failed.push(result);
    show(result);
  } else
    process.stderr.write(
      `seed ${result.seed}: clean, ${result.entities} entities, ${result.writes} writes, ${result.parked} parked, trace ${result.trace}\n`,
    );
}
const seconds = (performance.now() - started) / 1000;
const summary = {
  seeds: Number(options.seeds),
  failed: failed.map(({ seed }) => seed),
  edits,
  seedsPerSecond: Math.round((Number(options.seeds) / seconds) * 100) / 100,
};
process.stdout.write(
  `${options.json === true ? JSON.stringify(summary) : `${summary.seeds} seeds, ${failed.length} failed, ${summary.seedsPerSecond} seeds a second`}\n`,
);
process.exit(failed.length === 0 ? 0 : 1);
