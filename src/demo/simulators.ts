/**
 * Stripe and CouchDB as a process of their own, as they are in life: the work of the hub and theirs don't share a thread.
 * Run as the child of the demo; it ends with its parent.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SyncflowError } from '../errors.js';
import { CouchServer } from '../testing/couchdb-server/index.js';
import { StripeSimulator } from '../testing/stripe-simulator/index.js';

export interface Wanted {
  readonly stripe: boolean;
  readonly couchdb: boolean;
  /** Requests that the Stripe simulator takes a second. */
  readonly ratePerSecond: number;
}

/** Addresses of what was wanted. */
export interface Running {
  readonly stripe?: string;
  readonly couchdb?: string;
}

const startTimeoutMs = 60_000;

/** Starts the process and resolves with the addresses once both can be reached. */
export async function startSimulators(wanted: Wanted): Promise<Running & { stop(): Promise<void> }> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(wanted)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    await ended;
  };
  try {
    const running = await new Promise<Running>((resolve, reject) => {
      const fail = (why: string): void =>
        reject(new SyncflowError('subscriber', `the simulators didn't start: ${why}`));
      child.once('message', (message) => resolve(message as Running));
      child.once('error', (error) => fail(error.message));
      child.once('exit', (code) => fail(`exit code ${String(code)}`));
      setTimeout(() => fail('they took too long'), startTimeoutMs).unref();
    });
    return { ...running, stop };
  } catch (error) {
    child.kill();
    throw error;
  }
}

async function serve({ stripe, couchdb, ratePerSecond }: Wanted): Promise<void> {
  // Ctrl-C reaches the whole group: the parent still has something to finish, and then lets go
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => process.exit(0));
  const simulator = new StripeSimulator({
    rateLimit: { perSecond: ratePerSecond, perEndpointPerSecond: ratePerSecond },
  });
  const couch = new CouchServer();
  await Promise.all([stripe ? simulator.start() : undefined, couchdb ? couch.start() : undefined]);
  process.send?.({ ...(stripe ? { stripe: simulator.url } : {}), ...(couchdb ? { couchdb: couch.url } : {}) });
}

const [, script, wanted] = process.argv;
if (process.send !== undefined && script === fileURLToPath(import.meta.url) && wanted !== undefined)
  await serve(JSON.parse(wanted) as Wanted);
