/** Webhooks: a delivery is acknowledged once its events are durable. */
import type { Binding } from '../engine/binding.js';
import { SyncflowError } from '../errors.js';
import type { Database } from '../store/database.js';
import { insertEvents } from '../store/inbox.js';
import type { Delivery } from '../subscriber/base.js';

export interface Received {
  /** Events that are new to us; a repeated delivery has none. */
  readonly fresh: number;
}

/**
 * Hands a delivery to every subscriber of the account and stores what they make of it.
 * @throws SyncflowError `webhook` where it is refused; `context.status` is the HTTP status
 */
export async function receiveWebhook(db: Database, bindings: readonly Binding[], account: string, delivery: Delivery): Promise<Received> {
  const receivers = bindings.filter((binding) => binding.account === account && binding.subscriber.capabilities.webhooks);
  if (receivers.length === 0) {
    throw new SyncflowError('webhook', `no subscriber of an account "${account}" receives webhooks`, { context: { status: 404 } });
  }
  const received: { subscriber: string; events: Awaited<ReturnType<Binding['subscriber']['receive']>> }[] = [];
  for (const binding of receivers) received.push({ subscriber: binding.id, events: await binding.subscriber.receive(delivery) });
  const fresh = await db.transaction(async (tx) => {
    let count = 0;
    for (const { subscriber, events } of received) count += await insertEvents(tx, subscriber, events);
    return count;
  });
  return { fresh };
}
