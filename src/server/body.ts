/** Reads a request's body within limits, before anything of it is kept. */
import { HttpError } from './respond.js';

export interface BodyLimits {
  readonly maxBytes: number;
  /** For the whole body, in ms. */
  readonly timeoutMs: number;
}

/** The peer may still be sending: nothing else can follow on this connection. */
const close = { headers: { connection: 'close' } };

/** @throws HttpError 413 too large · 408 too slow · 415 compressed · 400 cut off */
export async function readBody(request: Request, { maxBytes, timeoutMs }: BodyLimits): Promise<Uint8Array> {
  const encoding = request.headers.get('content-encoding');
  if (encoding !== null && encoding.trim().toLowerCase() !== 'identity') {
    throw new HttpError(415, 'encoding', `a body with the encoding "${encoding.slice(0, 40)}" isn't taken`, close);
  }
  const announced = request.headers.get('content-length');
  if (announced !== null && Number(announced) > maxBytes) throw tooLarge(maxBytes);
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new HttpError(408, 'timeout', `the body didn't arrive within ${timeoutMs} ms`, close)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([collect(reader, maxBytes), late]);
  } catch (error) {
    reader.cancel().catch(() => undefined);
    if (error instanceof HttpError) throw error;
    throw new HttpError(400, 'body', 'the body was cut off', close);
  } finally {
    clearTimeout(timer);
  }
}

async function collect(reader: ReadableStreamDefaultReader<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(value);
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, 'too-large', `the body is larger than ${maxBytes} bytes`, close);
}
