/** What the tests of the Stripe connector share: a simulator, an account, and operations made by hand. */
import { createHmac, randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Json } from '../../src/catalog/values.js';
import { StripeAccount, type StripeAccountOptions } from '../../src/connectors/stripe/index.js';
import type {
  AnyOperation,
  ChildWrites,
  Delivery,
  PartialRemote,
  SubscriberContext,
} from '../../src/subscriber/base.js';
import { StripeSimulator, type StripeSimulatorOptions } from '../../src/testing/stripe-simulator/index.js';

export class TestClock {
  ms = Date.parse('2026-11-01T12:00:00Z');
  now(): Date {
    return new Date(this.ms);
  }
  get seconds(): number {
    return Math.floor(this.ms / 1000);
  }
  advance(seconds: number): void {
    this.ms += seconds * 1000;
  }
}

export interface World {
  readonly sim: StripeSimulator;
  readonly account: StripeAccount;
  readonly clock: TestClock;
  readonly context: (id: string, environment?: string) => SubscriberContext<StripeAccount>;
}

/** A running simulator without limits and an account for it; both are closed when the test ends. */
export async function world(
  options: { simulator?: StripeSimulatorOptions; account?: Partial<StripeAccountOptions> } = {},
): Promise<World> {
  const clock = new TestClock();
  const sim = new StripeSimulator({ rateLimit: undefined, clock, ...options.simulator });
  await sim.start();
  const account = new StripeAccount({
    apiKey: 'sk_test_simulator',
    baseUrl: sim.url,
    clock,
    ratePerSecond: Infinity,
    endpointRatePerSecond: Infinity,
    ...options.account,
  });
  onTestFinished(async () => {
    account.close();
    await sim.stop();
  });
  return { sim, account, clock, context: (id, environment = 'test') => ({ id, account, environment }) };
}

interface Steps {
  /** Finished steps by name: pass it on to a second operation to resume the first. */
  readonly done: Map<string, Json>;
  /** Bodies, frozen when first begun. */
  readonly bodies: Map<string, Json>;
  /** Steps that were sent, in order. */
  readonly sent: string[];
  /** Throws (like a killed process) before or after the step takes effect. */
  crash?: { readonly name: string; readonly when: 'before' | 'after' };
}

export function newSteps(): Steps {
  return { done: new Map(), bodies: new Map(), sent: [] };
}

export class Crash extends Error {}

interface Common {
  key?: string;
  idempotencyKey?: string;
  resumed?: boolean;
  steps?: Steps;
  signal?: AbortSignal;
  children?: Record<string, Partial<ChildWrites>>;
}

function common({
  key = '["1"]',
  idempotencyKey = `key-${randomUUID()}`,
  resumed = false,
  steps = newSteps(),
  signal,
  children = {},
}: Common) {
  return {
    key,
    idempotencyKey,
    resumed,
    lane: 'live' as const,
    signal: signal ?? new AbortController().signal,
    children: Object.fromEntries(
      Object.entries(children).map(([name, writes]) => [name, { add: [], update: [], remove: [], ...writes }]),
    ),
    step: async <Body extends Json, Result extends Json>(
      name: string,
      body: Body,
      send: (body: Body, idempotencyKey: string) => Promise<Result>,
    ): Promise<Result> => {
      if (steps.done.has(name)) return steps.done.get(name) as Result;
      if (!steps.bodies.has(name)) steps.bodies.set(name, body);
      if (steps.crash?.name === name && steps.crash.when === 'before') throw new Crash(name);
      const result = await send(steps.bodies.get(name) as Body, `${idempotencyKey}:${name}`);
      steps.sent.push(name);
      if (steps.crash?.name === name) throw new Crash(name);
      steps.done.set(name, JSON.parse(JSON.stringify(result)) as Result);
      return result;
    },
  };
}

type Create<R> = Extract<AnyOperation<R>, { kind: 'create' }>;
type Update<R> = Extract<AnyOperation<R>, { kind: 'update' }>;
type Delete<R> = Extract<AnyOperation<R>, { kind: 'delete' }>;

export function createOf<R>(values: object, options: Common = {}): Create<R> {
  return { kind: 'create', values: values as PartialRemote<R>, ...common(options) };
}

interface Known extends Common {
  values?: object;
  /** What the remote last showed of the mapped keys. */
  known?: object;
}

export function updateOf<R>(remoteId: string, changed: object, options: Known = {}): Update<R> {
  const { values = changed, known = {}, ...rest } = options;
  return {
    kind: 'update',
    remoteId,
    changed: changed as PartialRemote<R>,
    values: values as PartialRemote<R>,
    known: known as PartialRemote<R>,
    version: undefined,
    ...common(rest),
  };
}

export function deleteOf<R>(remoteId: string, key = '["1"]'): Delete<R> {
  const { idempotencyKey, lane, signal } = common({ key });
  return {
    kind: 'delete',
    key,
    remoteId,
    known: {} as PartialRemote<R>,
    version: undefined,
    idempotencyKey,
    lane,
    signal,
  };
}

/** A webhook delivery, signed as Stripe does. */
export function delivery(event: object, secret: string, seconds: number): Delivery {
  const body = JSON.stringify(event);
  const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return {
    headers: new Headers({ 'stripe-signature': `t=${seconds},v1=${signature}` }),
    body: new TextEncoder().encode(body),
    url: new URL('http://localhost/webhooks/stripe'),
    receivedAt: new Date(seconds * 1000),
  };
}

/** The id of a simulated object. */
export function idOf(object: { readonly id?: unknown } | undefined): string {
  return typeof object?.id === 'string' ? object.id : '';
}
