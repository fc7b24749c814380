/** The account of one CouchDB server: its client, its credentials, its time-out. */
import nano from 'nano';
import { SyncflowError } from '../../errors.js';
import { CouchFailure, isDatabaseAbsent } from './failure.js';

export interface CouchAccountOptions {
  /** `https://user:password@couch.example:6984`, with a path where the server stands behind a proxy. Never logged. */
  readonly url: string;
  /** An answer that takes longer is given up, and its outcome is unknown. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** Creates a database when it is first found absent. Default false: a misspelt name should be noticed. */
  readonly createDatabases?: boolean;
  /** Further options of nano: headers, a cookie, `agentOptions` (an undici dispatcher). */
  readonly nano?: Omit<nano.Configuration, 'url' | 'log'>;
}

/** One request to one database. */
export interface CouchCall {
  readonly database: string;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the database: `_all_docs`. It must not be made of a document's id, for `..` would lead elsewhere. */
  readonly path?: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: object;
  readonly signal?: AbortSignal;
}

const defaultTimeoutMs = 30_000;
const databaseName = /^[a-z][a-z0-9_$()+/-]*$/;

/**
 * A CouchDB server and how to reach it; one is shared by all subscribers of that server.
 *
 * @example
 * const flow = new Syncflow({ accounts: { couchdb: new CouchAccount({ url: process.env.COUCHDB_URL }) }, … })
 */
export class CouchAccount {
  // private, so that neither the url nor nano's copies of it show in a log of this object
  readonly #server: nano.ServerScope;
  readonly #timeoutMs: number;
  readonly #createDatabases: boolean;

  /** @throws SyncflowError `config` when the url is none, or the time-out isn't positive. */
  constructor(options: CouchAccountOptions) {
    if (!isHttpUrl(options.url)) {
      throw new SyncflowError('config', "CouchAccount: the url isn't an http or https url", {
        hint: 'Give one like https://user:password@couch.example:6984 (characters such as "@" in a password are percent-encoded).',
      });
    }
    this.#timeoutMs = options.requestTimeoutMs ?? defaultTimeoutMs;
    if (!(this.#timeoutMs > 0)) {
      throw new SyncflowError('config', 'CouchAccount: requestTimeoutMs must be positive', {
        hint: `Leave it out for ${defaultTimeoutMs} ms.`,
      });
    }
    this.#createDatabases = options.createDatabases ?? false;
    // without parseUrl: false, nano takes the last step of a proxy's path for a database
    const config: nano.Configuration & { parseUrl: boolean } = { ...options.nano, url: options.url, parseUrl: false };
    this.#server = nano(config);
  }

  /**
   * Makes a request and gives the answer's body as it came: it must be checked, for an answer that was cut off comes as `''`.
   * @throws CouchFailure without anything of the request's body
   */
  async request(call: CouchCall): Promise<unknown> {
    if (!databaseName.test(call.database)) {
      throw new SyncflowError('config', `"${call.database}" can't be the name of a CouchDB database`, {
        hint: 'Use lower-case letters, digits and any of _ $ ( ) + - /, beginning with a letter.',
      });
    }
    try {
      return await this.#send(call);
    } catch (error) {
      if (!this.#createDatabases || !(error instanceof CouchFailure) || !isDatabaseAbsent(error)) throw error;
    }
    await this.#create(call);
    return await this.#send(call);
  }

  async #create({ database, signal }: CouchCall): Promise<void> {
    try {
      await this.#send({ database, method: 'PUT', ...(signal === undefined ? {} : { signal }) });
    } catch (error) {
      // 412: somebody else has just created it
      if (!(error instanceof CouchFailure) || error.status !== 412) throw error;
    }
  }

  async #send(call: CouchCall): Promise<unknown> {
    const method = call.method ?? 'GET';
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const signal = call.signal === undefined ? timeout : AbortSignal.any([timeout, call.signal]);
    const request: nano.RequestOptions & { signal: AbortSignal } = {
      db: call.database,
      method,
      signal,
      ...(call.path === undefined ? {} : { path: call.path }),
      ...(call.query === undefined ? {} : { qs: call.query }),
      ...(call.body === undefined ? {} : { body: call.body }),
    };
    try {
      return await untilAborted(this.#server.request(request), signal);
    } catch (error) {
      throw CouchFailure.of(`${method} ${[call.database, call.path].filter(Boolean).join('/')}`, error);
    }
  }
}

function isHttpUrl(text: unknown): boolean {
  return typeof text === 'string' && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** nano never settles when an answer that isn't JSON breaks off: the time-out must hold without its help. */
async function untilAborted(answer: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  const { promise, reject } = withRejection();
  const abort = (): void => reject(new Error(signal.reason === undefined ? 'aborted' : String(signal.reason)));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([answer, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function withRejection(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<never>((_resolve, refuse) => {
    reject = refuse;
  });
  return { promise, reject };
}
