/** A small CRM over HTTP, in memory: companies and contacts, a list, a feed of changes, signed webhooks. It knows nothing of Syncflow. */
import { createHmac, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

type Stored = { id: string; version: number; updatedAt: string; deleted?: boolean } & Record<string, unknown>;

/** One line of the feed, and the body of a webhook. */
export interface CrmChange {
  readonly sequence: number;
  readonly collection: string;
  readonly id: string;
  readonly deleted: boolean;
  readonly at: string;
  /** The `Idempotency-Key` of the request that caused it, if it had one. */
  readonly cause?: string;
}

export class CrmServer {
  /** Where webhooks go; none are sent without it. */
  webhookUrl: string | undefined;
  readonly #objects = new Map<string, Stored>();
  readonly #changes: CrmChange[] = [];
  readonly #server = createServer((request, response) => {
    void this.#answer(request).then(([status, body]) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    );
  });

  constructor(readonly secret: string) {}

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage): Promise<[number, unknown]> {
    const url = new URL(request.url ?? '/', 'http://crm');
    const [collection = '', id] = url.pathname.slice(1).split('/');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, unknown>;
    const cause = request.headers['idempotency-key'] as string | undefined;
    if (collection === 'changes') return [200, this.#changes.filter(({ sequence }) => sequence > Number(id))];
    if (id === undefined && request.method === 'POST')
      return this.#store(collection, { id: randomUUID(), version: 0, updatedAt: '' }, body, cause);
    if (id === undefined) return [200, this.#list(collection, url.searchParams)];
    const object = this.#objects.get(`${collection}/${id}`);
    if (object === undefined) return [404, { error: 'there is no such object' }];
    if (object.deleted === true) return [410, { error: 'it was deleted' }];
    const expected = request.headers['if-match'];
    if (expected !== undefined && expected !== String(object.version)) return [412, { error: 'it has changed since' }];
    if (request.method === 'PATCH') return this.#store(collection, object, body, cause);
    if (request.method === 'DELETE') return this.#store(collection, object, { deleted: true }, cause);
    return [200, object];
  }

  #list(collection: string, wanted: URLSearchParams): Stored[] {
    const all = [...this.#objects].filter(
      ([path, object]) => path.startsWith(`${collection}/`) && object.deleted !== true,
    );
    const after = wanted.get('after');
    const filters = [...wanted].filter(([name]) => name !== 'after');
    const objects = all
      .map(([, object]) => object)
      .filter((object) => filters.every(([name, value]) => object[name] === value));
    return objects
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .filter(({ id }) => after === null || id > after)
      .slice(0, 50);
  }

  #store(
    collection: string,
    before: Stored,
    values: Record<string, unknown>,
    cause: string | undefined,
  ): [number, unknown] {
    if (values['name'] === '') return [422, { error: 'a name is needed' }];
    const object: Stored = {
      ...before,
      ...values,
      id: before.id,
      version: before.version + 1,
      updatedAt: new Date().toISOString(),
    };
    this.#objects.set(`${collection}/${object.id}`, object);
    const told = {
      sequence: this.#changes.length + 1,
      collection,
      id: object.id,
      deleted: object.deleted === true,
      at: object.updatedAt,
    };
    const change: CrmChange = cause === undefined ? told : { ...told, cause };
    this.#changes.push(change);
    if (this.webhookUrl !== undefined) void this.#deliver(this.webhookUrl, JSON.stringify(change));
    return [200, object];
  }

  /** Once, and never again: that is why polling goes with it. */
  async #deliver(url: string, body: string): Promise<void> {
    const signature = createHmac('sha256', this.secret).update(body).digest('hex');
    await fetch(url, { method: 'POST', body, headers: { 'x-crm-signature': signature } }).catch(() => undefined);
  }
}
