/** A webhook endpoint as it stands on the internet: signed deliveries, logs that are kept, a hub that shows what took effect. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { SyncflowError } from '../../src/errors.js';
import { createHandler } from '../../src/server/handler.js';
import { listen, type Listening } from '../../src/server/listen.js';
import { createLogger, logEvents, logHttp } from '../../src/server/log.js';
import { EmbeddedDatabase } from '../../src/store/embedded.js';
import type { Delivery, RemoteEvent } from '../../src/subscriber/base.js';
import { leastCapabilities } from '../../src/subscriber/capabilities.js';
import { Syncflow } from '../../src/syncflow.js';
import { MemorySubscriber, MemorySystem, type MemoryObject } from '../../src/testing/memory-system/index.js';
import type { Answer } from '../server/support.js';

/** Stands in every hostile body, header and path that could be quoted: it must never be in a log or an answer. */
export const canary = 'CANARY-ada@example.com-4242424242424242';
const secret = 'signing-secret-CANARY';

export const sign = (body: string | Uint8Array): string => createHmac('sha256', secret).update(body).digest('hex');

class Customer extends Catalog({ name: 'customer', key: 'id', fields: { id: z.int(), name: z.string().min(1) } }) {}
class SignedCustomer extends MemorySubscriber<typeof Customer> {
  override readonly capabilities = { ...leastCapabilities, marker: true, listing: true, webhooks: true };
  override readonly mapping = this.map({ name: 'values.name' });

  override async receive({ headers, body }: Delivery): Promise<readonly RemoteEvent<MemoryObject>[]> {
    const given = Buffer.from(headers.get('x-signature') ?? '', 'hex');
    const wanted = Buffer.from(sign(body), 'hex');
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
      throw new SyncflowError('webhook', 'the signature is wrong', { context: { status: 400 } });
    const { id, remoteId, snapshot } = JSON.parse(new TextDecoder().decode(body)) as RemoteEvent<MemoryObject>;
    return [{ id, remoteId, kind: 'changed', ...(snapshot === undefined ? {} : { snapshot }) }];
  }
}
Customer.register(SignedCustomer);

export interface Endpoint {
  readonly flow: Syncflow;
  readonly database: EmbeddedDatabase;
  readonly server: Listening;
  readonly system: MemorySystem;
  /** Everything that was logged. */
  logged(): string;
  /** Everything that a delivery could have brought about. */
  effects(): Promise<object>;
  close(): Promise<void>;
}

export async function openEndpoint(): Promise<Endpoint> {
  const database = new EmbeddedDatabase();
  const system = new MemorySystem();
  const flow = new Syncflow({ database, catalogs: [Customer], accounts: { memory: system }, wakeIntervalMs: 20 });
  let log = '';
  const logger = createLogger({ level: 'debug', destination: { write: (line) => void (log += line) } });
  logEvents(flow, logger, { reasons: true });
  await flow.prepare();
  const handler = createHandler(flow, {
    maxWebhookBytes: 256 * 1024,
    bodyTimeoutMs: 300,
    apiToken: 'api-token-CANARY-0123456789',
    report: logHttp(logger),
  });
  const server = await listen(handler, { port: 0 });
  return {
    flow,
    database,
    server,
    system,
    logged: () => log,
    effects: async () => {
      const [row] = await database.query<{ inbox: number; links: number; rows: number; marks: number }>(
        `select (select count(*)::int from syncflow.inbox) as inbox, (select count(*)::int from syncflow.link) as links,
           (select count(*)::int from customer) as rows, (select count(*)::int from syncflow.mark) as marks`,
      );
      return { ...row, calls: system.calls.length };
    },
    close: async () => {
      await server.close();
      await flow.stop();
    },
  };
}

/** Sends whatever it is given; a connection that the server cuts is an answer too (status 0). */
export function deliver(
  url: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
  method = 'POST',
): Promise<Answer> {
  return new Promise((resolve) => {
    const request = httpRequest(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('close', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    request.on('error', () => resolve({ status: 0, headers: {}, body: '' }));
    request.end(body);
  });
}

/** Bytes on a socket, for what no HTTP client would send. Resolves with what came back until the server closed, or `ms` passed. */
export function raw(port: number, chunks: readonly (string | Uint8Array)[], ms = 1_500): Promise<string> {
  return new Promise((resolve) => {
    let back = '';
    const socket = connect(port, '127.0.0.1', () => {
      for (const chunk of chunks) socket.write(chunk);
    });
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(back);
    };
    const timer = setTimeout(done, ms);
    socket.setEncoding('latin1').on('data', (text: string) => (back += text));
    socket.on('error', done).on('close', done);
  });
}
