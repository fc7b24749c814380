/** Operations through the control API of the process that holds the hub. */
import type { Discarded } from '../apply/discard.js';
import type { Resolved, ResolveRequest } from '../apply/resolution.js';
import { errorCodes, SyncflowError, type ErrorCode } from '../errors.js';
import type { DoctorReport } from '../doctor/finding.js';
import type { ParkedCause } from '../explain/causes.js';
import type { Explanation } from '../explain/explanation.js';
import type { VerifyReport } from '../maintenance/verify.js';
import type { HeldReport } from '../maintenance/retry.js';
import type { ApplyReport, PlanReport } from '../first-load/first-load.js';
import type { LinkRequest, Unlinked, UnlinkRequest } from '../first-load/by-hand.js';
import type { DescribedItem } from '../first-load/sides.js';
import type { ConflictRow, ParkedRecord } from '../store/overview.js';
import type {
  ApplyRequest,
  PlanItemsRequest,
  PlanRequest,
  CauseFilter,
  ConflictFilter,
  DecisionRequest,
  ExplainQuery,
  LongOptions,
  Operations,
  ParkedFilter,
  ReleaseRequest,
  RetryRequest,
  Progress,
  StatusReport,
  VerifyRequest,
} from './operations.js';

export interface ControlAddress {
  readonly url: string;
  readonly token: string;
  readonly pid: number;
}

interface Failure {
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

interface Line extends Failure {
  readonly progress?: Progress;
  readonly result?: unknown;
}

const shortCallMs = 60_000;

/** Codes as the API sends them; whatever it says beyond `ErrorCode` is an error of the other process. */
const codes: ReadonlySet<string> = new Set(Object.keys(errorCodes));

export class RemoteOperations implements Operations {
  readonly #address: ControlAddress;

  constructor(address: ControlAddress) {
    this.#address = address;
  }

  status(): Promise<StatusReport> {
    return this.#get<StatusReport>('status');
  }

  async parked(filter: ParkedFilter = {}): Promise<readonly ParkedRecord[]> {
    return (await this.#get<{ parked: ParkedRecord[] }>('parked', filter)).parked;
  }

  async parkedCauses(filter: CauseFilter = {}): Promise<readonly ParkedCause[]> {
    return (await this.#get<{ causes: ParkedCause[] }>('parked/causes', filter)).causes;
  }

  async retry(filter: RetryRequest = {}): Promise<number> {
    return (await this.#post<{ retried: number }>('parked/retry', filter)).retried;
  }

  held(target?: string): Promise<HeldReport> {
    return this.#get<HeldReport>('held', { target });
  }

  async release(request: ReleaseRequest): Promise<number> {
    return (await this.#post<{ released: number }>('release', request)).released;
  }

  discard(request: DecisionRequest): Promise<Discarded> {
    return this.#post<Discarded>('discard', request);
  }

  async sync(options: LongOptions = {}): Promise<StatusReport> {
    return (await this.#long<{ status: StatusReport }>('sync', {}, options)).status;
  }

  async verify(subscriber?: string, { repair, ...options }: VerifyRequest = {}): Promise<readonly VerifyReport[]> {
    return (await this.#long<{ reports: VerifyReport[] }>('verify', { subscriber, repair }, options)).reports;
  }

  async resolve(request: ResolveRequest): Promise<Resolved> {
    return (await this.#post<{ resolved: Resolved }>('conflicts/resolve', request)).resolved;
  }

  async plan({ onProgress, signal, ...request }: PlanRequest = {}): Promise<readonly PlanReport[]> {
    const following = longOptions(onProgress, signal);
    return (await this.#long<{ reports: PlanReport[] }>('plan', request, following)).reports;
  }

  async planItems({ limit, ...request }: PlanItemsRequest): Promise<readonly DescribedItem[]> {
    const query = { ...request, ...(limit === undefined ? {} : { limit: String(limit) }) };
    return (await this.#get<{ items: DescribedItem[] }>('plan/items', query)).items;
  }

  async discardPlan(target?: string): Promise<number> {
    return (await this.#post<{ discarded: number }>('plan/discard', { target })).discarded;
  }

  async apply({ onProgress, signal, ...request }: ApplyRequest = {}): Promise<readonly ApplyReport[]> {
    const following = longOptions(onProgress, signal);
    return (await this.#long<{ reports: ApplyReport[] }>('apply', request, following)).reports;
  }

  async link(request: LinkRequest): Promise<void> {
    await this.#post('link', request);
  }

  unlink(request: UnlinkRequest): Promise<Unlinked> {
    return this.#post<Unlinked>('unlink', request);
  }

  async doctor(): Promise<DoctorReport> {
    return this.#get<DoctorReport>('doctor');
  }

  async explain({ fetch, ...query }: ExplainQuery): Promise<Explanation> {
    return this.#get<Explanation>('explain', { ...query, ...(fetch === true ? { fetch: 'true' } : {}) });
  }

  async conflicts(filter: ConflictFilter = {}): Promise<readonly ConflictRow[]> {
    return (await this.#get<{ conflicts: ConflictRow[] }>('conflicts', filter)).conflicts;
  }

  async pause(target: string, key?: string): Promise<readonly string[]> {
    return (await this.#post<{ paused: string[] }>('pause', { target, key })).paused;
  }

  async resume(target: string, key?: string): Promise<readonly string[]> {
    return (await this.#post<{ resumed: string[] }>('resume', { target, key })).resumed;
  }

  #get<T>(path: string, query: object = {}): Promise<T> {
    const search = new URLSearchParams(
      Object.entries(query).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
    return this.#short<T>(`${path}?${search.toString()}`, { method: 'GET' });
  }

  #post<T>(path: string, body: object): Promise<T> {
    return this.#short<T>(path, { method: 'POST', body: JSON.stringify(body) });
  }

  async #short<T>(path: string, init: RequestInit): Promise<T> {
    const response = await this.#fetch(path, init, AbortSignal.timeout(shortCallMs));
    const answer = await readAnswer<T>(response);
    if (!response.ok) throw errorOf(answer, response.status);
    return answer;
  }

  async #long<T>(path: string, body: object, { onProgress, signal }: LongOptions): Promise<T> {
    const request = { method: 'POST', body: JSON.stringify(body), headers: { accept: 'application/x-ndjson' } };
    const response = await this.#fetch(path, request, signal);
    if (!response.ok) throw errorOf(await readAnswer<Failure>(response), response.status);
    try {
      for await (const line of linesOf(response)) {
        if (line.error !== undefined) throw errorOf(line, response.status);
        if (line.progress !== undefined) onProgress?.(line.progress);
        if (line.result !== undefined) return line.result as T;
      }
    } catch (error) {
      if (error instanceof SyncflowError || signal?.aborted === true) throw error;
      throw this.#unreachable('it ended before the answer was complete', error);
    }
    throw this.#unreachable('it ended before the answer was complete');
  }

  async #fetch(path: string, init: RequestInit, signal: AbortSignal | undefined): Promise<Response> {
    const headers = {
      authorization: `Bearer ${this.#address.token}`,
      'content-type': 'application/json',
      ...(init.headers as Record<string, string> | undefined),
    };
    try {
      return await fetch(`${this.#address.url}/api/${path}`, {
        ...init,
        headers,
        redirect: 'error',
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      // the caller's own reason; a time-out of ours says that nobody answers
      if (signal?.aborted === true && !(error instanceof Error && error.name === 'TimeoutError')) throw error;
      throw this.#unreachable('it did not answer', error);
    }
  }

  #unreachable(why: string, cause?: unknown): SyncflowError {
    return new SyncflowError('locked', `process ${this.#address.pid} holds the embedded hub, but ${why}`, {
      hint: 'It may be stopping: try again. If it hangs, end it; what is committed stays.',
      context: { pid: this.#address.pid },
      cause,
    });
  }
}

function longOptions(onProgress: LongOptions['onProgress'], signal: AbortSignal | undefined): LongOptions {
  return { ...(onProgress === undefined ? {} : { onProgress }), ...(signal === undefined ? {} : { signal }) };
}

async function readAnswer<T>(response: Response): Promise<T & Failure> {
  try {
    return (await response.json()) as T & Failure;
  } catch (error) {
    throw new SyncflowError(
      'subscriber',
      `the control API answered ${response.status} with something that isn't JSON`,
      { cause: error },
    );
  }
}

function errorOf({ error }: Failure, status: number): SyncflowError {
  if (error === undefined) return new SyncflowError('database', `the control API answered ${status}`);
  const code = codes.has(error.code) ? (error.code as ErrorCode) : 'database';
  return new SyncflowError(code, error.message, error.hint === undefined ? {} : { hint: error.hint });
}

async function* linesOf(response: Response): AsyncGenerator<Line> {
  if (response.body === null) return;
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body) {
    rest += decoder.decode(chunk as Uint8Array, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line) as Line;
  }
}
