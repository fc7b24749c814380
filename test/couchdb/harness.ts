import nano from 'nano';
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import {
  CouchAccount,
  CouchSubscriber,
  type CouchAccountOptions,
  type CouchMeta,
} from '../../src/connectors/couchdb/index.js';
import type { AnyOperation, CreateOperation, DeleteOperation, UpdateOperation } from '../../src/subscriber/base.js';
import type { Outcome } from '../../src/subscriber/outcome.js';
import { CouchServer } from '../../src/testing/couchdb-server/index.js';
import { startServer } from '../couchdb-server/support.js';

export class Customer extends Catalog({
  name: 'customer',
  key: 'id',
  fields: { id: z.int(), first_name: z.string(), email: z.string().nullable(), city: z.string().nullable() },
}) {}

export interface CustomerDoc {
  readonly firstName?: string | null;
  readonly email?: string | null;
  readonly address?: { readonly city?: string | null; readonly street?: string } | null;
  readonly note?: string;
  readonly updatedAt?: string | number;
}

export type Doc = CustomerDoc & CouchMeta;

export class CouchCustomer extends CouchSubscriber<typeof Customer, CustomerDoc> {
  override readonly database: string = 'customers';
  override readonly mapping = this.map({ first_name: 'firstName', email: 'email', city: 'address.city' });
}

export interface World {
  readonly server: CouchServer;
  readonly account: CouchAccount;
  readonly subscriber: CouchCustomer;
  readonly db: nano.DocumentScope<CustomerDoc & { readonly [field: string]: unknown }>;
}

export async function world(
  Subscriber: new (context: ConstructorParameters<typeof CouchCustomer>[0]) => CouchCustomer = CouchCustomer,
  options: Partial<CouchAccountOptions> = {},
): Promise<World> {
  const server = await startServer({ requestLog: 1000 });
  const account = new CouchAccount({ url: server.url, ...options });
  const scope = nano(server.url);
  await scope.db.create('customers');
  server.clearRequests();
  return { server, account, subscriber: new Subscriber(contextOf(account)), db: scope.use('customers') };
}

export function contextOf(account: CouchAccount, environment = 'production') {
  return { id: 'customer/couchdb', account, environment };
}

const shared = {
  children: {},
  idempotencyKey: 'key',
  lane: 'live' as const,
  resumed: false,
  step: <Body, Result>(
    _name: string,
    body: Body,
    send: (body: Body, key: string) => Promise<Result>,
  ): Promise<Result> => send(body, 'key'),
};

type Values = CreateOperation<Doc>['values'];

export function create(
  id: number,
  values: Values,
  more: Partial<CreateOperation<Doc>> = {},
): AnyOperation<Doc> & { kind: 'create' } {
  return { ...shared, kind: 'create', key: `["${id}"]`, values, signal: new AbortController().signal, ...more };
}

export function update(
  doc: { readonly _id: string; readonly _rev: string },
  changed: Values,
  more: Partial<UpdateOperation<Doc>> = {},
): AnyOperation<Doc> & { kind: 'update' } {
  return {
    ...shared,
    kind: 'update',
    key: `["${doc._id.split(':')[1] ?? '0'}"]`,
    remoteId: doc._id,
    values: changed,
    changed,
    known: {},
    version: doc._rev,
    signal: new AbortController().signal,
    ...more,
  };
}

export function remove(
  doc: { readonly _id: string; readonly _rev: string },
  more: Partial<DeleteOperation<Doc>> = {},
): AnyOperation<Doc> & { kind: 'delete' } {
  return {
    kind: 'delete',
    key: `["${doc._id.split(':')[1] ?? '0'}"]`,
    remoteId: doc._id,
    known: {},
    version: doc._rev,
    idempotencyKey: 'key',
    lane: 'live',
    signal: new AbortController().signal,
    ...more,
  };
}

/** The document of an outcome that must have one. */
export function docOf(outcome: Outcome<Doc> | undefined): Doc {
  const doc = outcome !== undefined && 'remote' in outcome ? outcome.remote : undefined;
  if (doc === undefined) throw new Error(`no document: ${JSON.stringify(outcome)}`);
  return doc;
}

export const kinds = (outcomes: readonly Outcome<Doc>[]): string[] => outcomes.map((outcome) => outcome.kind);

export const marker = (id: number, environment = 'production') => ({
  key: `["${id}"]`,
  environment,
  id: `customer:${id}`,
});
