/** `syncflow simulator stripe | couchdb` */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { messageOf, SyncflowError } from '../../errors.js';
import { EmbeddedLock } from '../../store/embedded-lock.js';
import { port, rate } from '../arguments.js';
import type { Cli } from '../context.js';
import { untilAborted } from '../wait.js';

interface Options {
  readonly port: number;
  readonly dataDir: string;
  readonly rate?: number;
}

interface Simulator {
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Long enough for a worker that is killed and started again: Stripe itself goes on for days. */
const webhookRetries = { retryBaseMs: 200, maxAttempts: 14 };

export function addSimulator(program: Command, cli: Cli): void {
  const simulator = program
    .command('simulator')
    .description('run a stand-in for a system as a process of its own, with durable state');
  simulator
    .command('stripe')
    .description("Stripe's API: customers, products, prices, invoices, events, webhooks")
    .option('-p, --port <port>', 'where it listens', port, 12_111)
    .option('--data-dir <folder>', 'where it keeps its state', '.syncflow/simulator-stripe')
    .option('--rate <per second>', "requests per second (default: Stripe's sandbox limit of 25); 0: no limit", rate)
    .action((options: Options) => runStripe(cli, options));
  simulator
    .command('couchdb')
    .description('a CouchDB-compatible server')
    .option('-p, --port <port>', 'where it listens', port, 15_984)
    .option('--data-dir <folder>', 'where it keeps its databases', '.syncflow/simulator-couchdb')
    .action((options: Options) => runCouch(cli, options));
}

async function runStripe(cli: Cli, options: Options): Promise<void> {
  const { StripeSimulator } = await import('../../testing/stripe-simulator/index.js');
  const limit =
    options.rate === undefined
      ? {}
      : { rateLimit: options.rate === 0 ? undefined : { perSecond: options.rate, perEndpointPerSecond: options.rate } };
  const simulator = new StripeSimulator({
    port: options.port,
    dataDir: folder(cli, options),
    webhooks: webhookRetries,
    ...limit,
  });
  await serve(cli, simulator, options, (url) => [
    `Stripe simulator on ${url}`,
    `  new StripeAccount({ apiKey: 'sk_test_simulator', baseUrl: '${url}'${options.rate === undefined ? '' : `, ${rates(options.rate)}`} })`,
    `  webhooks: POST ${url}/v1/webhook_endpoints makes an endpoint and answers with its secret; without one, polling alone suffices`,
    `  faults and state: ${url}/_simulator/state, /_simulator/faults`,
  ]);
}

async function runCouch(cli: Cli, options: Options): Promise<void> {
  const { CouchServer } = await import('../../testing/couchdb-server/index.js');
  const server = new CouchServer({ port: options.port, dataDir: folder(cli, options) });
  await serve(cli, server, options, (url) => [
    `CouchDB-compatible server on ${url}`,
    `  new CouchAccount({ url: '${url}', … })`,
  ]);
}

/** What the connector may then ask of it. */
function rates(perSecond: number): string {
  const allowed = perSecond === 0 ? 10_000 : perSecond;
  return `ratePerSecond: ${allowed}, endpointRatePerSecond: ${allowed}`;
}

function folder(cli: Cli, { dataDir }: Options): string {
  const path = resolve(cli.io.cwd, dataDir);
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new SyncflowError('config', `the folder ${path} can't be made: ${messageOf(error)}`, {
      hint: 'Choose another: --data-dir',
      cause: error,
    });
  }
  return path;
}

/** Two with one state would overwrite what the other has answered. */
function lockOf(path: string): EmbeddedLock {
  try {
    return EmbeddedLock.acquire(path);
  } catch (error) {
    if (!(error instanceof SyncflowError) || error.code !== 'locked') throw error;
    throw new SyncflowError('locked', `another process keeps its state in ${path}`, {
      hint: 'Stop that one, or give this one a state of its own: --data-dir',
      cause: error,
    });
  }
}

async function serve(
  cli: Cli,
  simulator: Simulator,
  options: Options,
  describe: (url: string) => readonly string[],
): Promise<void> {
  const lock = lockOf(resolve(cli.io.cwd, options.dataDir));
  try {
    await simulator.start();
  } catch (error) {
    lock.release();
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new SyncflowError('config', `port ${options.port} is taken`, {
      hint: 'Choose another: --port (0: any free one)',
      cause: error,
    });
  }
  for (const line of describe(simulator.url)) cli.output.line(line);
  cli.output.line(`  state: ${resolve(cli.io.cwd, options.dataDir)}`);
  await untilAborted(cli.signal);
  await simulator.stop();
  lock.release();
}
