/** Webhooks: a delivery is acknowledged once its events are durable. */
import type { Binding } from '../engine/binding.js';
import { SyncflowError } from '../errors.js';
import type { Clock } from '../engine/environment.js';
import type { Database } from '../store/database.js';
import { incomingId, insertEvents, type Incoming } from '../store/inbox.js';
import type { Tracing } from '../tracing/tracing.js';
import type { Delivery } from '../subscriber/base.js';

/** Deliveries written together at most. */
const maxGroup = 200;

export interface Received {
  /** Events that are new to us; a repeated delivery has none. */
  readonly fresh: number;
}

/**
 * Hands a delivery to every subscriber of the account and stores what they make of it.
 * @throws SyncflowError `webhook` where it is refused; `context.status` is the HTTP status
 */
export function receiveWebhook(
  { intake, tracing }: { readonly intake: Intake; readonly tracing: Tracing },
  bindings: readonly Binding[],
  account: string,
  delivery: Delivery,
): Promise<Received> {
  return tracing.during('receive', { kind: 'consumer' }, async (span) => {
    const incoming = await readDelivery(bindings, account, delivery);
    span?.set({ account, batch_size: incoming.length });
    const trace = tracing.here();
    const fresh = await intake.store(
      trace === undefined ? incoming : incoming.map((one) => ({ ...one, trace: { traceparent: trace } })),
    );
    span?.set({ fresh });
    return { fresh };
  });
}

async function readDelivery(
  bindings: readonly Binding[],
  account: string,
  delivery: Delivery,
): Promise<readonly Incoming[]> {
  const receivers = bindings.filter(
    (binding) => binding.account === account && binding.subscriber.capabilities.webhooks,
  );
  if (receivers.length === 0) {
    // the name is a stranger's: it is neither logged nor sent back
    throw new SyncflowError('webhook', 'no subscriber of such an account receives webhooks', {
      context: { status: 404, account },
    });
  }
  const incoming: Incoming[] = [];
  for (const binding of receivers) {
    for (const event of await binding.subscriber.receive(delivery)) incoming.push({ subscriber: binding.id, event });
  }
  return incoming;
}

interface Waiting {
  readonly incoming: readonly Incoming[];
  readonly resolve: (fresh: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Group commit: what comes in while a write is under way is written together, by one statement. */
export class Intake {
  readonly #db: Database;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #writing = false;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Resolves with the number of new events once they are durable. */
  store(incoming: readonly Incoming[]): Promise<number> {
    if (incoming.length === 0) return Promise.resolve(0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ incoming, resolve, reject });
      if (!this.#writing) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) {
      // whatever has arrived at this socket by now goes along
      await (this.#clock.turn?.() ?? new Promise((resolve) => setImmediate(resolve)));
      const group = this.#waiting.splice(0, maxGroup);
      try {
        await this.#write(group);
      } catch (error) {
        // one bad delivery must not fail its neighbours
        if (group.length === 1) group[0]?.reject(error);
        else for (const one of group) await this.#write([one]).catch((reason: unknown) => one.reject(reason));
      }
    }
    this.#writing = false;
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    const inserted = await insertEvents(
      this.#db,
      group.flatMap((one) => one.incoming),
    );
    for (const one of group) {
      // a delivery that is in the group twice is new once
      one.resolve(
        one.incoming.filter(({ subscriber, event }) => inserted.delete(incomingId(subscriber, event.id))).length,
      );
    }
  }
}
