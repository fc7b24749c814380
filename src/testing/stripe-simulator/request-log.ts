/** One request as the simulator saw and answered it. */
export interface LoggedRequest {
  id: string;
  method: string;
  path: string;
  idempotencyKey: string | null;
  /** 0: no answer was given, the connection was dropped. */
  status: number;
  replayed: boolean;
  /** Milliseconds, by the simulator's clock. */
  at: number;
}

const LIMIT = 20_000;

/** The last requests; counts go on when the oldest are forgotten. */
export class RequestLog {
  private entries: LoggedRequest[] = [];
  private total = 0;
  private totalWrites = 0;

  add(entry: LoggedRequest): void {
    this.total += 1;
    if (entry.method !== 'GET') this.totalWrites += 1;
    this.entries.push(entry);
    if (this.entries.length > LIMIT * 2) this.entries = this.entries.slice(-LIMIT);
  }

  list(): readonly LoggedRequest[] {
    return this.entries.slice(-LIMIT);
  }

  get count(): number {
    return this.total;
  }

  /** Requests other than GET. */
  get writes(): number {
    return this.totalWrites;
  }

  clear(): void {
    this.entries = [];
    this.total = 0;
    this.totalWrites = 0;
  }
}
