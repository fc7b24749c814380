import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../../errors.js';
import { answer, CONFLICT, discardAnswer, NO_DATABASE, pass, refuseRows, truncateAnswer } from './answers.js';
import { closeAll, databasesIn, isolate, openAll, releaseFolder, takeFolder } from './databases.js';
import { canonicalKeys, read, remove } from './documents.js';
import { CouchFaults, type CouchFault } from './faults.js';
import { loadCouchPackages, type ExpressApp, type PouchConstructor, type PouchDatabase } from './packages.js';
import { parseRequest, type CouchRequest } from './request.js';

export interface CouchServerOptions {
  /** Default: a free one, which is kept when the server is stopped and started again. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Where the databases are kept. Absent: in a temporary folder that is removed by `stop()`. */
  readonly dataDir?: string;
  /** How many of the last requests `requests` keeps; default 0. */
  readonly requestLog?: number;
}

/** One handled request. */
export interface CouchLogEntry extends CouchRequest {
  /** The status that was answered, or undefined when the connection was cut. */
  readonly status: number | undefined;
  /** The faults that hit it. */
  readonly faults: readonly CouchFault['kind'][];
}

interface Running {
  readonly http: Server;
  readonly app: ExpressApp;
  readonly Pouch: PouchConstructor;
  readonly folder: string;
  readonly databases: Set<string>;
  readonly open: Set<PouchDatabase>;
  readonly handles: Map<string, PouchDatabase>;
  /** Resolves when the server is being stopped: whatever waits must not wait any longer. */
  readonly stopping: AbortController;
  readonly inFlight: Set<Promise<void>>;
  readonly removeOnExit: (() => void) | undefined;
  creating: Promise<void>;
}

/** The names that CouchDB accepts, except those with a slash, which express-pouchdb would fold into another name. */
const DATABASE_NAME = /^[a-z][a-z0-9_$()+-]*$/;

const DRAIN_MS = 5000;

/**
 * A CouchDB-compatible server in this process, made of `express-pouchdb` and `pouchdb` (LevelDB on disk), with faults
 * that can be switched while it runs.
 *
 * @example
 * const server = new CouchServer();
 * await server.start();
 * server.faults.inject({ kind: 'drop-after', when: (request) => request.writes });
 * await server.stop();
 */
export class CouchServer {
  readonly faults = new CouchFaults();
  readonly #options: CouchServerOptions;
  readonly #log: CouchLogEntry[] = [];
  #port: number;
  #running: Running | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: CouchServerOptions = {}) {
    this.#options = options;
    this.#port = options.port ?? 0;
  }

  /** The port it listens on; 0 before the first start when none was given. */
  get port(): number {
    return this.#port;
  }

  /** Where it can be reached, without a slash at the end. */
  get url(): string {
    const host = this.#options.host ?? '127.0.0.1';
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.#port}`;
  }

  /** The last requests, oldest first, as far as `requestLog` allows. */
  get requests(): readonly CouchLogEntry[] {
    return this.#log;
  }

  clearRequests(): void {
    this.#log.length = 0;
  }

  /** Starts to listen. Calling it again while it runs does nothing. */
  async start(): Promise<void> {
    await this.#stopping;
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** Cuts all connections, closes the databases and removes what was temporary. Calling it again does nothing. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop().finally(() => {
      this.#starting = undefined;
      this.#stopping = undefined;
    });
    return this.#stopping;
  }

  async #start(): Promise<void> {
    const { Pouch: BasePouch, expressPouch } = loadCouchPackages();
    const { folder, removeOnExit } = takeFolder(this.#options.dataDir);
    const open = new Set<PouchDatabase>();
    try {
      const databases = new Set(databasesIn(folder));
      const handles = new Map<string, PouchDatabase>();
      const Pouch = isolate(BasePouch, folder, databases, open, handles);
      await openAll(Pouch, databases, handles, folder);
      const app = expressPouch({
        mode: 'minimumForPouchDB',
        overrideMode: { include: ['routes/find'], exclude: ['compression'] },
      });
      await app.setPouchDB(Pouch);
      const running: Running = {
        http: createServer((request, response) => {
          const handled = this.#handle(running, request, response).catch((error: unknown) => {
            if (response.headersSent) response.destroy();
            else answer(response, 500, { error: 'internal_server_error', reason: messageOf(error) });
          });
          running.inFlight.add(handled);
          void handled.finally(() => running.inFlight.delete(handled));
        }),
        app,
        Pouch,
        folder,
        databases,
        open,
        handles,
        stopping: new AbortController(),
        inFlight: new Set(),
        removeOnExit,
        creating: Promise.resolve(),
      };
      await listen(running.http, this.#port, this.#options.host ?? '127.0.0.1');
      const address = running.http.address();
      if (typeof address === 'object' && address !== null) this.#port = address.port;
      this.#running = running;
    } catch (error) {
      await closeAll(open);
      releaseFolder(folder, removeOnExit);
      throw error;
    }
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.stopping.abort();
    const closed = new Promise<void>((resolve) => running.http.close(() => resolve()));
    running.http.closeAllConnections();
    await closed;
    // A database must not be closed under a request that is being applied.
    // The limit is for a request that express-pouchdb forgets to answer.
    const drained = new AbortController();
    const limit = wait(DRAIN_MS, drained.signal);
    await Promise.race([Promise.all(running.inFlight), limit]);
    drained.abort();
    await limit;
    await closeAll(running.open);
    releaseFolder(running.folder, running.removeOnExit);
  }

  async #handle(running: Running, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = parseRequest(incoming.method ?? 'GET', incoming.url ?? '/');
    const faults = this.faults.take(request);
    let cut = false;
    response.once('close', () => {
      const status = cut || !response.headersSent ? undefined : response.statusCode;
      this.#remember({ ...request, status, faults: faults.map((fault) => fault.kind) });
    });

    let decisive: CouchFault | undefined;
    for (const fault of faults) {
      if (fault.kind !== 'delay') decisive = fault;
      else if ('ms' in fault) await wait(fault.ms, running.stopping.signal);
      else await Promise.race([fault.until.catch(() => undefined), aborted(running.stopping.signal)]);
      if (running.stopping.signal.aborted || incoming.socket.destroyed) return;
    }
    switch (decisive?.kind) {
      case 'drop-before':
        cut = true;
        incoming.socket.destroy();
        return;
      case 'server-error':
        incoming.resume();
        answer(response, decisive.status ?? 500, { error: 'internal_server_error', reason: 'injected fault' });
        return;
      case 'rate-limit':
        incoming.resume();
        response.setHeader('Retry-After', String(decisive.retryAfter ?? 1));
        answer(response, 429, { error: 'too_many_requests', reason: 'Too many requests' });
        return;
      case 'conflict':
        if (request.operation === 'bulk') {
          await refuseRows(incoming, response, decisive.ids);
          if (response.writableEnded) return;
          break;
        }
        incoming.resume();
        answer(response, 409, CONFLICT);
        return;
      case 'drop-after':
        cut = true;
        discardAnswer(incoming, response);
        break;
      case 'cut-answer':
        cut = true;
        truncateAnswer(incoming, response);
        break;
      case 'delay':
      case undefined:
        break;
    }
    await this.#serve(running, request, incoming, response);
  }

  /** Answers what express-pouchdb leaves out or does unlike CouchDB, and passes everything else on to it. */
  async #serve(
    running: Running,
    request: CouchRequest,
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { method, path, operation, database, id } = request;
    if (method === 'GET' && path === '/') {
      answer(response, 200, { couchdb: 'Welcome', version: '3.0.0', vendor: { name: 'syncflow-pouchdb' } });
      return;
    }
    if (method === 'GET' && path === '/_up') {
      answer(response, 200, { status: 'ok' });
      return;
    }
    if (method === 'GET' && path === '/_uuids') {
      const count = Math.min(Math.max(Number(request.query.get('count') ?? 1) || 1, 1), 1000);
      const uuids = Array.from({ length: count }, () => randomUUID().replaceAll('-', ''));
      answer(response, 200, { uuids });
      return;
    }
    if (operation === 'changes') {
      // PouchDB takes any other text for the end of the feed, and answers for ever that there is nothing new.
      const since = request.query.get('since');
      if (since !== null && since !== 'now' && !/^"?\d+"?$/.test(since)) {
        incoming.resume();
        answer(response, 400, {
          error: 'bad_request',
          reason: `Malformed sequence supplied in 'since' parameter.`,
        });
        return;
      }
      // express-pouchdb never notices that the reader of such a feed has gone, and keeps a timer for it for ever.
      const feed = request.query.get('feed');
      if (feed === 'continuous' || feed === 'eventsource') {
        answer(response, 400, { error: 'bad_request', reason: `feed=${feed} is not supported here` });
        return;
      }
    }
    if (database !== undefined && operation === 'database') {
      if (method === 'PUT') return this.#create(running, database, incoming, response);
      if (!running.databases.has(database)) {
        answer(response, 404, NO_DATABASE);
        return;
      }
    }
    if (database !== undefined && !running.databases.has(database)) {
      incoming.resume();
      answer(response, 404, NO_DATABASE);
      return;
    }
    if (database !== undefined && id !== undefined) {
      const handle = handleOf(running, database);
      if (method === 'DELETE') return remove(handle, id, request, incoming, response);
      if (method === 'GET' || method === 'HEAD') {
        const plain = request.query.size === 0;
        const isRevision = request.query.has('rev') || request.query.has('open_revs');
        if (!isRevision && !(await read(handle, id, plain, response))) return;
      }
    }
    canonicalKeys(incoming);
    return pass(running.app, incoming, response);
  }

  /** Creates databases one after the other, so that of two that ask at once only one is told 201. */
  async #create(
    running: Running,
    database: string,
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (!DATABASE_NAME.test(database)) {
      incoming.resume();
      answer(response, 400, {
        error: 'illegal_database_name',
        reason: `Name: '${database}'. Only lowercase characters (a-z), digits (0-9), and any of the characters _, $, (, ), +, and - are allowed. Must begin with a letter.`,
      });
      return;
    }
    const created = running.creating.then(() => pass(running.app, incoming, response));
    running.creating = created.catch(() => undefined);
    return created;
  }

  #remember(entry: CouchLogEntry): void {
    const limit = this.#options.requestLog ?? 0;
    if (limit <= 0) return;
    this.#log.push(entry);
    if (this.#log.length > limit) this.#log.splice(0, this.#log.length - limit);
  }
}

function handleOf(running: Running, name: string): PouchDatabase {
  let handle = running.handles.get(name);
  if (handle === undefined) {
    handle = new running.Pouch(name);
    running.handles.set(name, handle);
  }
  return handle;
}

async function listen(http: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(port, host, () => {
      http.removeListener('error', reject);
      resolve();
    });
  });
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([elapsed, aborted(signal)]);
  clearTimeout(timer);
}
