/**
 * As little of HTTP/1.1 as a remote needs: it must not be what bounds a benchmark, and on a small machine it mustn't take the
 * processor from those that are measured. `node:http` costs about three times as much per request.
 */
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  /** In lower case, as it came. */
  readonly head: string;
}

/** The body of a 200; undefined is a 404. Headers, where given, are whole lines with their ends. */
export type Answer = (request: Request) => string | undefined;

export interface ThinServerOptions {
  /** How long each answer takes. */
  readonly delayMs: number;
  readonly headers?: string;
  readonly answer: Answer;
}

export async function serveThinly(options: ThinServerOptions): Promise<string> {
  const server = createServer({ noDelay: true }, (socket) => serve(socket, options));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 1_024, resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function serve(socket: Socket, { delayMs, headers = '', answer }: ThinServerOptions): void {
  let waiting = '';
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  const reply = (body: string | undefined): void => {
    const text =
      body ?? '{"error":{"message":"no such object","type":"invalid_request_error","code":"resource_missing"}}';
    const status = body === undefined ? '404 Not Found' : '200 OK';
    socket.write(
      `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\n${headers}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  };
  socket.on('data', (chunk: string) => {
    waiting += chunk;
    for (let next = take(waiting); next !== undefined; next = take(waiting)) {
      waiting = waiting.slice(next.length);
      const { request } = next;
      if (delayMs === 0) reply(answer(request));
      else setTimeout(() => reply(answer(request)), delayMs);
    }
  });
}

/** The first request, if it is there as a whole. Bodies are ASCII or percent-encoded here, so that a character is a byte. */
function take(text: string): { readonly request: Request; readonly length: number } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const head = text.slice(0, headEnd).toLowerCase();
  const at = head.indexOf('content-length:');
  const size = at === -1 ? 0 : Number.parseInt(head.slice(at + 15, at + 30), 10);
  const length = headEnd + 4 + size;
  if (text.length < length) return undefined;
  const [method = '', path = ''] = text.slice(0, text.indexOf('\r\n')).split(' ');
  return { request: { method, path, head, body: text.slice(headEnd + 4, length) }, length };
}
