/**
 * The proof by kill -9: `npm run torture -- --rounds 20 --hub both`.
 *
 * Each round (but for `--calm`) has two workers where the hub is a server, faults switched on in the Stripe simulator, and a crash of the
 * database server where it can be one of our own. It loads a shop into a fresh hub, kills `syncflow start` at a random moment (once or several times) while it carries the shop to
 * simulators that run as processes of their own, starts it again, and then demands: `syncflow verify` ends with 0, and the remotes,
 * counted without Syncflow's help, hold every record once. A round is repeated by its seed: `--rounds 1 --seed 7`.
 */
import { Command, Option } from 'commander';
import { fileURLToPath } from 'node:url';
import { readChinook } from '../src/demo/chinook.js';
import { fullSize, partOf, smallSize, type Harshness, type Size } from '../test/torture/plan.js';
import { PostgresServer } from '../test/torture/postgres-server.js';
import { Build } from '../test/torture/processes.js';
import { playRound, type Hub, type RoundResult } from '../test/torture/round.js';

export interface TortureOptions {
  readonly rounds: number;
  readonly hubs: readonly Hub[];
  /** Of the first round; each round has the next number. */
  readonly seed: number;
  readonly size: Size;
  readonly postgresUrl?: string;
  /** None unless given: kills alone. */
  readonly harshness?: Harshness;
  /** How long the work of a killed process stays reserved for it. */
  readonly leaseMs?: number;
  readonly timeoutMs?: number;
  /** Once it is aborted, the round is broken off and cleaned up, and no further one begins. */
  readonly signal?: AbortSignal;
  readonly onRound?: (result: RoundResult) => void;
}

const defaultPostgres = 'postgres://postgres@127.0.0.1:5432/postgres';

/** Plays the rounds, on each hub in turn; ends early only when it is told to. */
export async function torture(options: TortureOptions): Promise<RoundResult[]> {
  const shop = partOf(readChinook(), options.size);
  const results: RoundResult[] = [];
  const build = new Build();
  const harshness = options.harshness ?? { workers: 1, faults: false, crashes: false };
  const server = harshness.crashes && options.hubs.includes('postgres') ? await PostgresServer.start() : undefined;
  try {
    for (let index = 0; index < options.rounds; index++) {
      for (const hub of options.hubs) {
        if (isAborted(options.signal)) return results;
        const result = await playRound({
          build,
          hub,
          seed: options.seed + index,
          shop,
          postgresUrl:
            server?.url ?? options.postgresUrl ?? process.env['SYNCFLOW_TEST_POSTGRES_URL'] ?? defaultPostgres,
          ...(server === undefined ? {} : { server }),
          harshness,
          leaseMs: options.leaseMs ?? 3_000,
          timeoutMs: options.timeoutMs ?? 120_000,
          ...(options.signal === undefined ? {} : { signal: options.signal }),
        });
        if (isAborted(options.signal)) return results;
        results.push(result);
        options.onRound?.(result);
      }
    }
  } finally {
    build.remove();
    await server?.remove();
  }
  return results;
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function describe(result: RoundResult): string {
  const kills = result.kills.map(({ moment, afterMs, remotes, links }) => {
    const where = moment.kind === 'time' ? `at ${afterMs} ms` : `at ${Math.round(moment.share * 100)} %`;
    return `${where} (${remotes}/${result.expected} in Stripe${links === undefined ? '' : `, ${links} links done`})`;
  });
  const ways = [
    result.webhooks ? 'webhooks' : 'polling',
    ...(result.loadMeanwhile ? ['loaded meanwhile'] : []),
    ...(result.workers > 1 ? [`${result.workers} workers`] : []),
    ...(result.crashes > 0 ? ['database crashed'] : []),
    ...Object.entries(result.faults).map(([kind, rate]) => `${kind} ${rate}`),
  ].join(', ');
  const verdict = result.ok ? 'clean' : `FAILED`;
  const line = `${verdict}  seed ${result.seed}  ${result.hub}  ${ways}  killed ${kills.join(', ')}  ${(result.durationMs / 1_000).toFixed(1)} s`;
  return [line, ...result.problems.slice(0, 10).map((problem) => `    ${problem}`)].join('\n');
}

interface Arguments {
  readonly rounds: string;
  readonly hub: Hub | 'both';
  readonly seed: string;
  readonly customers?: string;
  readonly products?: string;
  readonly invoices?: string;
  readonly full?: boolean;
  readonly calm?: boolean;
  readonly lease: string;
  readonly timeout: string;
  readonly json?: boolean;
}

async function main(): Promise<number> {
  const program = new Command('torture')
    .description('kill -9 of syncflow start at random moments; exit 0 only if every round is clean')
    .option('--rounds <n>', 'rounds on each hub', '5')
    .addOption(
      new Option('--hub <hub>', 'kind of hub')
        .choices(['embedded', 'postgres', 'both'])
        .default(PostgresServer.isInstalled() ? 'both' : 'embedded'),
    )
    .option('--seed <n>', 'seed of the first round', String(Date.now() % 1_000_000))
    .option('--customers <n>')
    .option('--products <n>', 'at least those on the invoices are taken')
    .option('--invoices <n>')
    .option('--full', 'the whole shop')
    .option('--calm', 'kills alone: one worker, no faults, no crash of the database')
    .option('--lease <ms>', 'how long the work of a killed process stays reserved', '3000')
    .option('--timeout <seconds>', 'of a round', '120')
    .option('--json', 'print JSON at the end instead of lines')
    .parse();
  const given = program.opts<Arguments>();
  const base = given.full === true ? fullSize : smallSize;
  const size: Size = {
    customers: Number(given.customers ?? base.customers),
    products: Number(given.products ?? base.products),
    invoices: Number(given.invoices ?? base.invoices),
  };
  const numbers = [
    size.customers,
    size.products,
    size.invoices,
    given.rounds,
    given.seed,
    given.lease,
    given.timeout,
  ].map(Number);
  if (numbers.some((value) => !Number.isInteger(value) || value < 0))
    program.error('error: numbers are whole and not negative');
  const stop = new AbortController();
  // tsx passes on what the terminal has sent already: the second one must not end us before we have cleaned up
  process.on('SIGINT', () => stop.abort());
  process.on('SIGTERM', () => stop.abort());
  const results = await torture({
    rounds: Number(given.rounds),
    hubs: given.hub === 'both' ? ['embedded', 'postgres'] : [given.hub],
    seed: Number(given.seed),
    size,
    harshness: { workers: given.calm === true ? 1 : 2, faults: given.calm !== true, crashes: given.calm !== true },
    leaseMs: Number(given.lease),
    timeoutMs: Number(given.timeout) * 1_000,
    signal: stop.signal,
    onRound: (result) => {
      if (given.json !== true) process.stdout.write(`${describe(result)}\n`);
    },
  });
  return summarise(results, given.json === true, Number(given.rounds) * (given.hub === 'both' ? 2 : 1));
}

function summarise(results: readonly RoundResult[], json: boolean, wanted: number): number {
  const clean = results.filter((result) => result.ok).length;
  const kills = results.reduce((sum, result) => sum + result.kills.length, 0);
  const ok = clean === wanted;
  if (json)
    process.stdout.write(`${JSON.stringify({ ok, rounds: results.length, clean, kills, results }, undefined, 2)}\n`);
  else process.stdout.write(`${clean} of ${wanted} rounds clean, ${kills} kills\n`);
  return ok ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main();
