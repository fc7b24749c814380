/** The plain customers of a system that costs nothing: it tells by the hundred, and shows its objects from memory. */
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { SubscriberBase, type Delivery, type RemoteEvent } from '../../src/subscriber/base.js';
import { leastCapabilities } from '../../src/subscriber/capabilities.js';
import { found, rejected, type Outcome, type Sight } from '../../src/subscriber/outcome.js';
import { inFlight, type PlainCustomer } from './plain-customer.js';
import { rowOf } from './rows.js';

/** The same table, with a subscriber of its own. */
export class ToldCustomer extends Catalog({
  name: 'customer',
  key: 'id',
  fields: {
    id: z.int(),
    email: z.string(),
    name: z.string().min(1),
    phone: z.string().nullable(),
    city: z.string().nullable(),
  },
}) {}

/** Events of the remotes `from` to `to`, verified already. */
export interface Told {
  readonly from: number;
  readonly to: number;
  /** Which edit of each they tell of; 1 is its creation. */
  readonly version: number;
}

export class ToldAccount {
  #version = 1;

  /** What they show from now on. */
  editAll(version: number): void {
    this.#version = version;
  }

  show(remoteId: string): PlainCustomer {
    return remoteOf(Number(remoteId.slice(1)), this.#version);
  }
}

export function remoteOf(n: number, version: number): PlainCustomer {
  const row = rowOf(n);
  return { ...row, id: `g${n}`, version, city: version === 1 ? row.city : `City ${version}` };
}

export function eventsOf({ from, to, version }: Told): RemoteEvent<PlainCustomer>[] {
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    id: `e${from + index}-${version}`,
    remoteId: `g${from + index}`,
    kind: 'changed',
  }));
}

/** A delivery as the engine takes it; its body is what `receive` below makes events of. */
export function deliveryOf(told: Told): Delivery {
  return {
    headers: new Headers(),
    body: Buffer.from(JSON.stringify(told)),
    url: new URL('http://127.0.0.1/webhooks/told'),
    receivedAt: new Date(),
  };
}

export class ToldSubscriber extends SubscriberBase<typeof ToldCustomer, PlainCustomer, ToldAccount> {
  static readonly system = 'told';
  override readonly capabilities = { ...leastCapabilities, concurrency: inFlight, conditional: true, webhooks: true };
  override readonly mapping = this.map({ email: 'email', name: 'name', phone: 'phone', city: 'city' });

  override versionOf(remote: PlainCustomer): string {
    return String(remote.version);
  }
  override async receive({ body }: Delivery): Promise<readonly RemoteEvent<PlainCustomer>[]> {
    return eventsOf(JSON.parse(Buffer.from(body).toString()) as Told);
  }
  override async fetch(remoteId: string): Promise<Sight<PlainCustomer>> {
    return found(this.account.show(remoteId));
  }
  override async create(): Promise<Outcome<PlainCustomer>> {
    return rejected('nothing is written there');
  }
  override async update(): Promise<Outcome<PlainCustomer>> {
    return rejected('nothing is written there');
  }
  override async delete(): Promise<Outcome<PlainCustomer>> {
    return rejected('nothing is written there');
  }
}

ToldCustomer.register(ToldSubscriber);
