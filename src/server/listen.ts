/** Serves a handler with Node's HTTP server, with limits that a public endpoint needs. */
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { messageOf, SyncflowError } from '../errors.js';
import type { Handler } from './handler.js';

export interface ListenOptions {
  /** 0: any free port. */
  readonly port: number;
  /** `127.0.0.1` unless given: nobody but this machine. */
  readonly host?: string;
}

export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Takes no new requests, lets those under way finish, then cuts what is left. Safe when doubled. */
  close(): Promise<void>;
}

const headersTimeoutMs = 10_000;
/** Beyond the handler's own limit for bodies, so that a slow one gets its 408 from there. */
const requestTimeoutMs = 60_000;
const keepAliveTimeoutMs = 10_000;
const checkIntervalMs = 2_000;
const maxHeaderBytes = 16 * 1024;
const maxConnections = 1_000;
const graceMs = 5_000;

/** @throws SyncflowError `config` when the address can't be had */
export async function listen(handler: Handler, { port, host = '127.0.0.1' }: ListenOptions): Promise<Listening> {
  const stopping = new AbortController();
  const server = createAdaptorServer({
    fetch: (request, env) =>
      handler(request, {
        address: 'incoming' in env ? env.incoming.socket.remoteAddress : undefined,
        closing: stopping.signal,
      }),
    // the library's own Request and Response classes must not replace those of the user's process
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: checkIntervalMs,
      maxHeaderSize: maxHeaderBytes,
    },
  }) as Server;
  server.maxConnections = maxConnections;
  await bind(server, port, host);
  const bound = (server.address() as AddressInfo).port;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    port: bound,
    close: () => {
      // streams have no end of their own
      stopping.abort();
      return (closing ??= close(server));
    },
  };
}

function bind(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => reject(explain(error, port, host));
    server.once('error', refuse);
    server.listen({ port, host }, () => {
      server.off('error', refuse);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function explain(error: NodeJS.ErrnoException, port: number, host: string): SyncflowError {
  const place = `${host}:${port}`;
  const hints: Record<string, string> = {
    EADDRINUSE: 'Another process listens there: end it, or take another port (--port).',
    EACCES: 'Ports below 1024 need rights: take another port (--port).',
    EADDRNOTAVAIL: "This machine doesn't have that address: check --host.",
    ENOTFOUND: "That host name can't be resolved: check --host.",
  };
  const hint = hints[error.code ?? ''];
  return new SyncflowError('config', `can't listen on ${place}: ${messageOf(error)}`, {
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  });
}
