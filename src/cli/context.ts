/** What every command gets: output, config, and operations on the hub wherever it is held. */
import { formatKey } from '../catalog/key.js';
import { SyncflowError } from '../errors.js';
import { RemoteOperations } from '../server/client.js';
import { LocalOperations, type Operations, type Progress } from '../server/operations.js';
import { readLock } from '../store/embedded.js';
import { Syncflow } from '../syncflow.js';
import { loadConfig, type LoadedConfig } from './config.js';
import type { Io, SignalName } from './io.js';
import { Output } from './output.js';

export const exitCodes = { ok: 0, failure: 1, usage: 2, drift: 3, interrupted: 130 } as const;

/** Thrown where a command was ended by a signal before its work was done. */
export class Interrupted extends Error {
  constructor(readonly signalName: SignalName) {
    super(`ended by ${signalName}`);
    this.name = 'AbortError';
  }
}

/** Items from which on a job is worth lines of progress in a log. */
const longJob = 500;

export interface GlobalOptions {
  readonly config?: string;
  readonly debug?: boolean;
  /** Of the command: a program reads what is printed. */
  readonly json?: boolean;
}

export class Cli {
  readonly io: Io;
  readonly output: Output;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  exitCode: number = exitCodes.ok;
  #globals: GlobalOptions = {};
  /** The last milestone of each job that was told. */
  readonly #told = new Map<string, string>();

  constructor(io: Io, signal: AbortSignal) {
    this.io = io;
    this.output = new Output(io);
    this.signal = signal;
  }

  setGlobals(globals: GlobalOptions): void {
    this.#globals = globals;
  }

  get json(): boolean {
    return this.#globals.json === true;
  }

  get debug(): boolean {
    return this.#globals.debug === true || (this.io.env['DEBUG'] ?? '') !== '';
  }

  config(): Promise<LoadedConfig> {
    return loadConfig(this.#globals.config, this.io.cwd);
  }

  /** Runs `work` with the hub: through the process that holds an embedded one, else by opening it here for as long as it takes. */
  async operate<T>(work: (operations: Operations) => Promise<T>): Promise<T> {
    const config = await this.config();
    const holder = config.hubFolder === undefined ? undefined : readLock(config.hubFolder);
    if (holder?.control !== undefined) return work(new RemoteOperations({ ...holder.control, pid: holder.pid }));
    const flow = new Syncflow(config.options);
    // what a command of a moment meets in its loops is its own result, not a warning of the process
    flow.on('error', ({ where, error }) => {
      if (this.debug) this.output.note(`${where}: ${String(error)}`);
    });
    try {
      return await work(new LocalOperations(flow, false));
    } finally {
      await flow.stop();
    }
  }

  showProgress(progress: Progress): void {
    const { kind, phase, subscriber, done, total, perSecond, etaMs, quotaRemaining } = progress;
    const what = {
      backfill: 'loading',
      verify: 'comparing',
      plan: `planning (${phase ?? ''})`,
      apply: `applying (${phase ?? ''})`,
    }[kind];
    const more = [
      ...(perSecond === undefined ? [] : [`${perSecond}/s`]),
      ...(etaMs === undefined ? [] : [`${Math.ceil(etaMs / 1_000)} s left`]),
      ...(quotaRemaining === undefined ? [] : [`quota ${quotaRemaining}`]),
    ];
    const of = total === undefined ? '' : ` of ${total}`;
    const line = `${what} ${subscriber}: ${done}${of}${more.length === 0 ? '' : ` (${more.join(', ')})`}`;
    if (this.io.stderr.isTTY === true) this.output.progress(line);
    else if (!this.json && this.#isMilestone(progress)) this.output.note(line);
  }

  /** Where nobody looks on, a long job says a line now and then: at each tenth, or each time twice as much is done. */
  #isMilestone({ kind, phase, subscriber, done, total }: Progress): boolean {
    if ((total ?? done) < longJob) return false;
    const step =
      total === undefined ? Math.floor(Math.log2(Math.max(1, done / longJob))) : Math.floor((done / total) * 10);
    const [job, mark] = [`${kind} ${phase ?? ''} ${subscriber}`, `${step}`];
    if (this.#told.get(job) === mark) return false;
    this.#told.set(job, mark);
    return true;
  }
}

/** `customer` and `stripe`, or `customer/stripe` alone. */
export function targetOf(catalog: string | undefined, subscriber: string | undefined): string | undefined {
  if (catalog === undefined || subscriber === undefined) return catalog;
  if (!subscriber.includes('/')) return `${catalog}/${subscriber}`;
  if (subscriber.startsWith(`${catalog}/`)) return subscriber;
  throw new SyncflowError('usage', `${subscriber} is no subscriber of ${catalog}`, {
    hint: `Give one of ${catalog}: ${catalog}/${subscriber.split('/')[1] ?? ''}. Or the other catalog: ${subscriber.split('/')[0] ?? ''}.`,
  });
}

/** A record's key as people write it: `42`, or `["acme", "7"]` for a key of several fields. */
export function recordKey(text: string): string {
  if (!text.startsWith('[')) return formatKey([text]);
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch {
    parts = undefined;
  }
  if (!Array.isArray(parts) || parts.length === 0) {
    throw new SyncflowError('usage', `${text} is not a record's key`, {
      hint: 'Write 42, or \'["acme", "7"]\' for a key of several fields.',
    });
  }
  return formatKey(parts.map(String));
}

/** A record's key for people. */
export function showRecordKey(key: string | null | undefined): string {
  if (key === null || key === undefined) return '-';
  try {
    const parts = JSON.parse(key) as unknown;
    return Array.isArray(parts) && parts.length === 1 ? String(parts[0]) : key;
  } catch {
    return key;
  }
}
