/** A Syncflow in memory whose system sends webhooks, and plain HTTP to it. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { SyncflowError } from '../../src/errors.js';
import { EmbeddedDatabase } from '../../src/store/embedded.js';
import type { Queryable, TransactionOptions } from '../../src/store/database.js';
import type { Delivery, RemoteEvent } from '../../src/subscriber/base.js';
import { leastCapabilities } from '../../src/subscriber/capabilities.js';
import { Syncflow, type SyncflowOptions } from '../../src/syncflow.js';
import { MemorySubscriber, MemorySystem, type MemoryObject } from '../../src/testing/memory-system/index.js';

/** A hub that can be taken away. */
export class FlakyDatabase extends EmbeddedDatabase {
  down = false;

  override async query<R extends object>(...args: Parameters<EmbeddedDatabase['query']>): Promise<R[]> {
    this.#check();
    return super.query<R>(...args);
  }

  override async transaction<T>(work: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T> {
    this.#check();
    return super.transaction(work, options);
  }

  #check(): void {
    if (this.down) throw new SyncflowError('database', 'postgres://secret-host/hub: connect ECONNREFUSED');
  }
}

export function webhookCatalog() {
  class Customer extends Catalog({
    name: 'customer',
    key: 'id',
    fields: { id: z.int(), name: z.string().min(1), email: z.string().nullable() },
  }) {}
  class HookedCustomer extends MemorySubscriber<typeof Customer> {
    override readonly capabilities = { ...leastCapabilities, marker: true, listing: true, webhooks: true };
    override readonly mapping = this.map({ name: 'values.name', email: 'values.email' });

    override async receive({ headers, body }: Delivery): Promise<readonly RemoteEvent<MemoryObject>[]> {
      const signature = headers.get('x-signature');
      if (signature === 'bug') throw new TypeError('cannot read properties of undefined');
      if (signature !== 'good') {
        throw new SyncflowError('webhook', `the signature is ${signature === 'old' ? 'too old' : 'wrong'}`, {
          context: { status: 400 },
        });
      }
      const { id, remoteId } = JSON.parse(new TextDecoder().decode(body)) as { id: string; remoteId: string };
      return [{ id, remoteId, kind: 'changed' }];
    }
  }
  Customer.register(HookedCustomer);
  return { Customer };
}

export function makeFlow(options: Partial<SyncflowOptions> = {}) {
  const { Customer } = webhookCatalog();
  const database = new FlakyDatabase();
  const system = new MemorySystem();
  const flow = new Syncflow({
    database,
    catalogs: [Customer],
    accounts: { memory: system },
    wakeIntervalMs: 20,
    pollIntervalMs: 20,
    retry: { baseMs: 1, maxMs: 5 },
    ...options,
  });
  return { flow, database, system, Customer };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Send {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** Chunks; `end: false` leaves the body unfinished. */
  readonly chunks?: readonly (string | Uint8Array)[];
  readonly end?: boolean;
}

/** One request, byte by byte as it is given: fetch would add headers and couldn't be slow. */
export function send(
  url: string,
  { method = 'POST', headers = {}, chunks = [], end = true }: Send = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => {
        request.destroy();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
    request.on('error', reject);
    for (const chunk of chunks) request.write(chunk);
    if (end) request.end();
    else request.flushHeaders();
  });
}
