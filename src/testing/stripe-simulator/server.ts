import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { failure, type Api, type ApiOutcome } from './api.js';
import { control, type ControlTools } from './control.js';
import type { Engine } from './engine.js';
import { invalidRequest } from './errors.js';
import type { RequestLog } from './request-log.js';
import type { Delivery } from './store.js';
import { STRIPE_API_VERSION } from './templates.js';

const MAX_BODY_BYTES = 2 * 1024 * 1024;

export interface ServerTools {
  api: Api;
  engine: Engine;
  log: RequestLog;
  control: ControlTools;
  deliver: (deliveries: readonly Delivery[]) => void;
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    });
    request.on('end', () => {
      if (size > MAX_BODY_BYTES) reject(invalidRequest('Request entity too large.', undefined, undefined, 413));
      else resolve(Buffer.concat(chunks).toString('utf8'));
    });
    request.on('error', reject);
  });
}

/** Plain node:http: faults have to destroy sockets, and there is nothing a framework would add. */
export class SimulatorServer {
  private readonly server: Server;

  constructor(private readonly tools: ServerTools) {
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  listen(port: number, host: string): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.off('error', reject);
        resolve(this.server.address() as AddressInfo);
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const path = mark === -1 ? url : url.slice(0, mark);
    const method = request.method ?? 'GET';
    try {
      const body = await readBody(request);
      if (path.startsWith('/_simulator')) {
        const answer = await control(this.tools.control, method, path, body);
        send(response, answer.status, `${JSON.stringify(answer.body, null, 2)}\n`, {});
        return;
      }
      await this.serveApi(request, response, { method, path, query: mark === -1 ? '' : url.slice(mark + 1), body });
    } catch (error) {
      const outcome = failure(error, '');
      if (outcome.kind === 'answer' && !response.headersSent) send(response, outcome.status, outcome.body, {});
      else response.destroy();
    }
  }

  private async serveApi(
    request: IncomingMessage,
    response: ServerResponse,
    parts: { method: string; path: string; query: string; body: string },
  ): Promise<void> {
    const { api, engine, log } = this.tools;
    const id = engine.ids.id('req');
    const key = one(request.headers['idempotency-key']);
    const version = one(request.headers['stripe-version']);
    const at = engine.now();
    const outcome = await api.handle({
      id,
      ...parts,
      authorization: request.headers.authorization,
      version,
      idempotencyKey: key,
    });
    const answered = outcome.kind === 'answer';
    log.add({
      id,
      method: parts.method,
      path: parts.path,
      idempotencyKey: key ?? null,
      status: answered ? outcome.status : 0,
      replayed: answered && outcome.replayed,
      at,
    });
    this.answer(response, outcome, {
      'Request-Id': id,
      'Stripe-Version': version ?? STRIPE_API_VERSION,
      ...(key === undefined ? {} : { 'Idempotency-Key': key }),
    });
    // Only now: the caller normally hears the answer before it hears the webhook.
    if (outcome.deliveries.length > 0) setImmediate(() => this.tools.deliver(outcome.deliveries));
  }

  private answer(response: ServerResponse, outcome: ApiOutcome, headers: Record<string, string>): void {
    if (outcome.kind === 'drop') response.socket?.destroy();
    else send(response, outcome.status, outcome.body, { ...headers, ...outcome.headers });
  }
}

function send(response: ServerResponse, status: number, body: string, headers: Readonly<Record<string, string>>): void {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}
