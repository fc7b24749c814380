/**
 * As much of the rivals' types as is used here. They are declared by hand, so that the sources are checked without the packages
 * being installed: `npm ci` at the root doesn't get them.
 */
declare module 'pg-boss' {
  interface Job {
    readonly id: string;
    readonly data: unknown;
  }
  export default class PgBoss {
    constructor(options: object);
    on(event: 'error', listener: (error: unknown) => void): void;
    start(): Promise<void>;
    stop(options: object): Promise<void>;
    createQueue(name: string): Promise<void>;
    insert(jobs: readonly { name: string; data: object }[]): Promise<void>;
    fetch(name: string, options: { batchSize: number; priority?: boolean }): Promise<Job[]>;
    complete(name: string, ids: readonly string[]): Promise<void>;
  }
}

declare module 'graphile-worker' {
  interface Runner {
    stop(): Promise<void>;
  }
  export function run(options: object): Promise<Runner>;
  export function runMigrations(options: object): Promise<void>;
  export class Logger {
    constructor(factory: () => () => void);
  }
}

declare module 'bullmq' {
  export class Queue {
    constructor(name: string, options: object);
    addBulk(jobs: readonly { name: string; data: object; opts?: object }[]): Promise<unknown>;
    obliterate(options: { force: boolean }): Promise<void>;
    close(): Promise<void>;
  }
  export class Worker {
    constructor(name: string, handler: (job: { data: unknown }) => Promise<void>, options: object);
    on(event: 'completed' | 'error', listener: (value: unknown) => void): void;
    waitUntilReady(): Promise<unknown>;
    run(): Promise<void>;
    close(force?: boolean): Promise<void>;
  }
}

declare module 'undici' {
  export class Pool {
    constructor(origin: string, options: { connections: number; pipelining?: number });
    request(options: {
      path: string;
      method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
      headers?: Record<string, string>;
      body?: string;
    }): Promise<{
      statusCode: number;
      headers: Record<string, string | string[] | undefined>;
      body: { json(): Promise<unknown>; text(): Promise<string>; dump(): Promise<void> };
    }>;
    close(): Promise<void>;
    destroy(): Promise<void>;
  }
}

declare module '@supabase/stripe-sync-engine' {
  export class StripeSync {
    constructor(options: object);
    readonly stripe: object;
    readonly postgresClient: {
      readonly pool: { on(event: 'error', listener: () => void): void };
      close(): Promise<void>;
    };
    processWebhook(payload: Buffer | string, signature: string): Promise<void>;
    syncBackfill(options: { object: 'customer' }): Promise<unknown>;
    syncCustomers(options?: object): Promise<{ synced: number }>;
  }
  export function runMigrations(options: object): Promise<void>;
}

declare module 'fastify' {
  interface Request {
    readonly body: unknown;
    readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  }
  interface Reply {
    send(payload: object): Reply;
  }
  interface App {
    addContentTypeParser(
      type: string,
      options: { parseAs: 'buffer' },
      parser: (request: Request, body: Buffer, done: (error: Error | null, body?: unknown) => void) => void,
    ): void;
    post(path: string, handler: (request: Request, reply: Reply) => Promise<unknown>): void;
    listen(options: { port: number; host: string }): Promise<string>;
    close(): Promise<void>;
  }
  export default function fastify(): App;
}
