/** The CRM's side: an account, one base for all of its collections, and a subscriber class per catalog. */
import { createHmac, timingSafeEqual } from 'node:crypto';
// In a project of yours: from 'syncflow'
import {
  done,
  found,
  leastCapabilities,
  oneOf,
  outcomeOfStatus,
  retry,
  SubscriberBase,
  SyncflowError,
  twoNames,
  unknown,
  wasNeverSent,
  type Capabilities,
  type CatalogClass,
  type ChangePage,
  type CreateOperation,
  type DeleteOperation,
  type Delivery,
  type ListPage,
  type Outcome,
  type Query,
  type RecordKey,
  type RemoteEvent,
  type Sight,
  type UpdateOperation,
} from '../../src/index.js';
import { Company, Contact } from './catalogs.js';
import type { CrmChange } from './server.js';

/** What every object of the CRM has. */
export interface CrmObject {
  readonly id: string;
  readonly version: number;
  readonly updatedAt: string;
  /** A field of the CRM that is free for our marker. */
  readonly externalId?: string | null;
}
export interface CrmCompany extends CrmObject {
  readonly name: string;
}
export interface CrmContact extends CrmObject {
  readonly name: string;
  readonly email?: string | null;
  readonly phone?: string | null;
  readonly stage: 'L' | 'C';
  readonly company?: string | null;
}

class CrmError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** The client, with its address and secret: one object for all subscribers of the account. */
export class CrmAccount {
  constructor(
    readonly url: string,
    readonly webhookSecret: string,
  ) {}

  async call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const init = {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      signal: AbortSignal.timeout(10_000),
    };
    const response = await fetch(
      `${this.url}/${path}`,
      body === undefined ? init : { ...init, body: JSON.stringify(body) },
    );
    const answer = (await response.json()) as T & { error?: string };
    if (!response.ok) throw new CrmError(response.status, answer.error ?? response.statusText);
    return answer;
  }
}

abstract class CrmSubscriber<C extends CatalogClass, R extends CrmObject> extends SubscriberBase<C, R, CrmAccount> {
  static readonly system = 'crm';
  /** `contacts`: where the objects of this catalog are. */
  protected abstract readonly collection: string;

  override readonly capabilities: Capabilities = {
    ...leastCapabilities,
    marker: true,
    conditional: true,
    webhooks: true,
    polling: true,
    listing: true,
  };

  override async create({ values, key, idempotencyKey }: CreateOperation<R>): Promise<Outcome<R>> {
    const body = { ...(values as object), externalId: this.markerOf(key) };
    const remote = await this.account.call<R>('POST', this.collection, body, { 'idempotency-key': idempotencyKey });
    return done(remote.id, remote);
  }

  override async update({ remoteId, changed, version, idempotencyKey }: UpdateOperation<R>): Promise<Outcome<R>> {
    const headers = { 'idempotency-key': idempotencyKey, ...(version === undefined ? {} : { 'if-match': version }) };
    const remote = await this.account.call<R>('PATCH', `${this.collection}/${remoteId}`, changed, headers);
    return done(remoteId, remote);
  }

  override async delete({ remoteId, version, idempotencyKey }: DeleteOperation<R>): Promise<Outcome<R>> {
    const headers = { 'idempotency-key': idempotencyKey, ...(version === undefined ? {} : { 'if-match': version }) };
    await this.account.call('DELETE', `${this.collection}/${remoteId}`, undefined, headers);
    return done(remoteId);
  }

  override async fetch(remoteId: string): Promise<Sight<R>> {
    return found(await this.account.call<R>('GET', `${this.collection}/${remoteId}`));
  }

  /** Every error of the account ends here. */
  override outcomeOf(error: unknown): Outcome<R> {
    if (error instanceof CrmError)
      return outcomeOfStatus(error.status, `the CRM answered ${error.status}: ${error.message}`);
    if (wasNeverSent(error)) return retry('the CRM is not there');
    return unknown(String(error)); // a time-out, a 500, a dropped connection
  }

  override async find(query: Query<R>): Promise<readonly R[]> {
    const wanted =
      query.by === 'key' ? { externalId: this.markerOf(query.key) } : (query.values as Record<string, string>);
    return this.account.call<R[]>('GET', `${this.collection}?${new URLSearchParams(wanted).toString()}`);
  }

  override async list(cursor: string | undefined): Promise<ListPage<R>> {
    const remotes = await this.account.call<R[]>(
      'GET',
      `${this.collection}${cursor === undefined ? '' : `?after=${cursor}`}`,
    );
    const last = remotes.at(-1);
    return last === undefined ? { remotes } : { remotes, cursor: last.id };
  }

  override async changes(cursor: string | undefined): Promise<ChangePage<R>> {
    const changes = await this.account.call<CrmChange[]>('GET', `changes/${cursor ?? '0'}`);
    const next = String(changes.at(-1)?.sequence ?? cursor ?? 0);
    return { events: cursor === undefined ? [] : this.#events(changes), cursor: next, more: false };
  }

  override async receive({ body, headers }: Delivery): Promise<readonly RemoteEvent<R>[]> {
    const expected = createHmac('sha256', this.account.webhookSecret).update(body).digest();
    const signature = Buffer.from(headers.get('x-crm-signature') ?? '', 'hex');
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      throw new SyncflowError('webhook', 'the signature is wrong', { context: { status: 400 } });
    }
    return this.#events([JSON.parse(Buffer.from(body).toString()) as CrmChange]);
  }

  override versionOf(remote: R): string {
    return String(remote.version);
  }
  override editedAt(remote: R): string {
    return remote.updatedAt;
  }
  override keyOf({ externalId }: R): RecordKey | undefined {
    return this.keyFromMarker(externalId);
  }

  /** A webhook and the feed tell the same change under the same id: it is taken once. */
  #events(changes: readonly CrmChange[]): RemoteEvent<R>[] {
    const own = changes.filter(({ collection }) => collection === this.collection);
    return own.map(({ sequence, id, deleted, at, cause }) => ({
      id: String(sequence),
      remoteId: id,
      kind: deleted ? 'deleted' : 'changed',
      at,
      ...(cause === undefined ? {} : { cause }),
    }));
  }
}

export class CrmCompanySubscriber extends CrmSubscriber<typeof Company, CrmCompany> {
  protected override readonly collection = 'companies';
  override readonly match = ['name'];
  override readonly mapping = this.map({ name: 'name' });
}

export class CrmContactSubscriber extends CrmSubscriber<typeof Contact, CrmContact> {
  protected override readonly collection = 'contacts';
  override readonly match = ['email'];
  override readonly mapping = this.map({
    name: { hub: ['first_name', 'last_name'], remote: 'name', via: twoNames, authority: 'latest' },
    email: 'email',
    phone: { remote: 'phone', authority: 'remote' },
    stage: { remote: 'stage', via: oneOf({ lead: 'L', customer: 'C' }) },
    company_id: 'company',
  });
}

Company.register(CrmCompanySubscriber);
Contact.register(CrmContactSubscriber);
