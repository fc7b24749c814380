/** `syncflow start` */
import { randomBytes } from 'node:crypto';
import { Option, type Command } from 'commander';
import { createHandler } from '../../server/handler.js';
import { listen, type Listening } from '../../server/listen.js';
import { createLogger, logEvents, logHttp, type Logger } from '../../server/log.js';
import { EmbeddedDatabase } from '../../store/embedded.js';
import { Syncflow, type SyncflowOptions } from '../../syncflow.js';
import { port } from '../arguments.js';
import type { Cli } from '../context.js';
import { prettyLines } from '../pretty-log.js';
import { untilAborted } from '../wait.js';

interface Options {
  readonly port: number;
  readonly host: string;
  readonly backfill: boolean;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logReasons?: boolean;
}

export function addStart(program: Command, cli: Cli): void {
  program
    .command('start')
    .description('work: keep everything in agreement until told to stop (SIGINT or SIGTERM)')
    .option('-p, --port <port>', 'where webhooks and /health are served', port, 4400)
    .option('--host <host>', 'the address to listen on; 0.0.0.0 for every one', '127.0.0.1')
    .option('--no-backfill', "don't load subscribers that were never loaded")
    .addOption(
      new Option('--log-level <level>', 'least level that is logged')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .option(
      '--log-reasons',
      'log why records are parked or retried (other systems may quote personal data there); always on a terminal',
    )
    .action((options: Options) => start(cli, options));
}

async function start(cli: Cli, options: Options): Promise<void> {
  const { options: config } = await cli.config();
  const flow = new Syncflow({ ...config, ...(options.backfill ? {} : { backfill: false }) });
  const logger = createLogger({
    level: options.logLevel,
    destination: cli.output.isTTY ? prettyLines(cli.output) : { write: (line) => cli.output.raw(line) },
  });
  logEvents(flow, logger, { reasons: options.logReasons ?? cli.output.isTTY });
  const servers: Listening[] = [];
  const stop = new AbortController();
  try {
    await flow.prepare();
    for (const { level, problem, cure, ...where } of await flow.check())
      if (level !== 'note')
        logger.warn(
          { event: 'mapping', level, ...where, cure },
          `${where.subscriber} ${where.unit ?? ''}: ${problem}. ${cure}`,
        );
    servers.push(await serveOutside(flow, config, options, logger, stop));
    const control = await serveControl(flow, logger, stop);
    if (control !== undefined) servers.push(control);
    await flow.start();
    announce(logger, flow, config, servers[0]?.url ?? '');
    await untilAborted(AbortSignal.any([cli.signal, stop.signal]));
    logger.info({ event: 'stopping' }, 'finishing what is under way (a second signal ends at once)');
  } finally {
    await Promise.all(servers.map((server) => server.close()));
    await flow.stop();
  }
  logger.info({ event: 'stopped' }, 'stopped');
}

async function serveOutside(
  flow: Syncflow,
  config: SyncflowOptions,
  options: Options,
  logger: Logger,
  stop: AbortController,
): Promise<Listening> {
  const handler = createHandler(flow, { ...config.http, report: logHttp(logger), onStop: () => stop.abort() });
  return listen(handler, { port: options.port, host: options.host });
}

/** An embedded hub has one process at a time: the other commands act through this one, by an address that only its owner can read. */
async function serveControl(flow: Syncflow, logger: Logger, stop: AbortController): Promise<Listening | undefined> {
  if (!(flow.database instanceof EmbeddedDatabase)) return undefined;
  const token = randomBytes(32).toString('hex');
  const handler = createHandler(flow, {
    apiToken: token,
    webhooks: false,
    dashboard: 'off',
    report: logHttp(logger),
    onStop: () => stop.abort(),
  });
  const server = await listen(handler, { port: 0 });
  flow.database.setControl({ url: server.url, token });
  return server;
}

function announce(logger: Logger, flow: Syncflow, config: SyncflowOptions, url: string): void {
  const base = `${url}${config.http?.basePath ?? ''}`;
  const fields = {
    event: 'listening',
    url: base,
    hub: flow.database.description,
    environment: flow.environment,
    catalogs: flow.catalogs.map((main) => main.definition.name),
  };
  logger.info(fields, `working; webhooks: POST ${base}/webhooks/<account>, health: ${base}/health`);
}
