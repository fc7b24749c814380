/** The plain customers of a system that also tells what is edited there, by signed webhooks. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { SyncflowError } from '../../src/errors.js';
import type { Delivery, RemoteEvent, UpdateOperation } from '../../src/subscriber/base.js';
import type { Outcome } from '../../src/subscriber/outcome.js';
import { PlainAccount, plainCapabilities, PlainSubscriber, type PlainCustomer } from './plain-customer.js';

const secret = 'a secret of both sides';

/** The same table, with a subscriber of its own. */
export class HookedCustomer extends Catalog({
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

export class HookedAccount extends PlainAccount {
  /** Called at the moment at which a write of ours leaves. */
  onSend: () => void = () => undefined;
  /** Of the remote that was written last. */
  lastId = '';

  announceSend(): void {
    this.onSend();
  }

  /** Somebody edits it there. */
  editThere(id: string, values: Partial<PlainCustomer>): Promise<PlainCustomer> {
    return this.call<PlainCustomer>('PATCH', `/customers/${id}`, values);
  }

  deliveryOf(remote: PlainCustomer, event: number): Delivery {
    const body = Buffer.from(JSON.stringify({ id: `e${event}`, remoteId: remote.id, kind: 'changed' }));
    const headers = new Headers({ signature: createHmac('sha256', secret).update(body).digest('hex') });
    return { headers, body, url: new URL('http://127.0.0.1/webhooks/plain'), receivedAt: new Date() };
  }
}

export class HookedSubscriber extends PlainSubscriber {
  override readonly capabilities = { ...plainCapabilities, webhooks: true };

  override async update(operation: UpdateOperation<PlainCustomer>): Promise<Outcome<PlainCustomer>> {
    if (this.account instanceof HookedAccount) this.account.announceSend();
    return super.update(operation);
  }
  override async create(operation: Parameters<PlainSubscriber['create']>[0]): Promise<Outcome<PlainCustomer>> {
    const outcome = await super.create(operation);
    if (outcome.kind === 'done' && this.account instanceof HookedAccount) this.account.lastId = outcome.remoteId;
    return outcome;
  }
  override async receive({ body, headers }: Delivery): Promise<readonly RemoteEvent<PlainCustomer>[]> {
    const expected = createHmac('sha256', secret).update(body).digest();
    const given = Buffer.from(headers.get('signature') ?? '', 'hex');
    if (given.length !== expected.length || !timingSafeEqual(given, expected))
      throw new SyncflowError('webhook', 'the signature is wrong', { context: { status: 400 } });
    return [JSON.parse(Buffer.from(body).toString()) as RemoteEvent<PlainCustomer>];
  }
}

HookedCustomer.register(HookedSubscriber);
