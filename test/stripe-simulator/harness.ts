import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { onTestFinished } from 'vitest';
import { StripeSimulator, type StripeSimulatorOptions } from '../../src/testing/stripe-simulator/index.js';

export class TestClock {
  ms = Date.parse('2026-11-01T12:00:00Z');
  now(): Date {
    return new Date(this.ms);
  }
  advance(seconds: number): void {
    this.ms += seconds * 1000;
  }
}

export interface Rig {
  sim: StripeSimulator;
  stripe: Stripe;
  clock: TestClock;
}

export function client(sim: StripeSimulator, key = 'sk_test_simulator'): Stripe {
  return new Stripe(key, {
    host: '127.0.0.1',
    port: sim.port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
  });
}

/** A running simulator without limits, stopped when the test ends. */
export async function rig(options: StripeSimulatorOptions = {}, clock = new TestClock()): Promise<Rig> {
  const sim = new StripeSimulator({
    rateLimit: undefined,
    clock,
    webhooks: { retryBaseMs: 1, maxAttempts: 3 },
    ...options,
  });
  await sim.start();
  onTestFinished(() => sim.stop());
  return { sim, stripe: client(sim), clock };
}

export interface Received {
  body: string;
  signature: string;
}

export interface Receiver {
  url: string;
  received: Received[];
  /** Statuses to answer with, one by one; then 200. */
  answers: number[];
  events(): Stripe.Event[];
  types(): string[];
}

export async function receiver(): Promise<Receiver> {
  const received: Received[] = [];
  const answers: number[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      received.push({ body, signature: String(request.headers['stripe-signature']) });
      response.writeHead(answers.shift() ?? 200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const events = (): Stripe.Event[] => received.map(({ body }) => JSON.parse(body) as Stripe.Event);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    answers,
    events,
    types: () => events().map(({ type }) => type),
  };
}

/** What Stripe refused a call with. */
export interface Refusal {
  status: number | undefined;
  code: string | undefined;
  param: string | undefined;
  type: string;
  message: string;
  headers: Record<string, string>;
}

export async function refusal(promise: Promise<unknown>): Promise<Refusal> {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    const { statusCode: status, code, param, type, message } = error;
    return { status, code, param, type, message, headers: error.headers ?? {} };
  }
  throw new Error('The call was expected to be refused, but it went through.');
}

interface RawJson {
  [key: string]: unknown;
  error?: Record<string, unknown>;
}

/** A request the SDK would not send. */
export async function raw(
  sim: StripeSimulator,
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; json: RawJson }> {
  const response = await fetch(sim.url + path, {
    method,
    headers: { Authorization: 'Bearer sk_test_simulator', ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, headers: response.headers, json: (await response.json()) as RawJson };
}
