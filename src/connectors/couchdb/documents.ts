/** The base of every CouchDB subscriber: one kind of documents in one database stands for one catalog. */
import { createHash } from 'node:crypto';
import type { CatalogClass } from '../../catalog/catalog.js';
import type { RecordKey } from '../../catalog/key.js';
import {
  SubscriberBase,
  type AnyOperation,
  type ChangePage,
  type CreateOperation,
  type DeleteOperation,
  type Lane,
  type ListPage,
  type Query,
  type RemoteEvent,
  type UpdateOperation,
} from '../../subscriber/base.js';
import { leastCapabilities, type Capabilities } from '../../subscriber/capabilities.js';
import { found, gone, missing, unknown, type Outcome, type Sight } from '../../subscriber/outcome.js';
import type { CouchAccount } from './account.js';
import type { ChangeRow } from './answers.js';
import { shapeOf } from './content.js';
import type { CouchOperation, Terms } from './decide.js';
import { documentIdOf, markerOf, type CouchDocument, type CouchMeta, type StoredDocument } from './document.js';
import { outcomeOfCouchError } from './failure.js';
import { feedEnd, feedSince } from './feed.js';
import { pushBatch, readMany } from './push.js';
import { findMatches, listPage } from './query.js';

/**
 * What CouchDB can do: conditional writes by revision, ids that we choose (a second create of one is refused), our marker in
 * the document, batches, and a feed of changes to poll.
 *
 * @example
 * override readonly capabilities = { ...couchCapabilities, batchSize: 20 } // large documents
 */
export const couchCapabilities: Capabilities = {
  ...leastCapabilities,
  batchSize: 100,
  concurrency: 4,
  marker: true,
  chosenId: true,
  conditional: true,
  deletes: 'hard',
  polling: true,
  listing: true,
};

/**
 * Keeps the documents of a CouchDB database in agreement with a catalog. Fields that aren't mapped are never touched. A null of
 * the hub is written as null; an absent field is one that nobody has written yet.
 *
 * @typeParam C the main class, `typeof Customer` @typeParam Doc a document without `_id` and `_rev`
 *
 * @example
 * interface CustomerDoc { firstName: string; email: string | null }
 *
 * class CouchCustomer extends CouchSubscriber<typeof Customer, CustomerDoc> {
 *   override readonly database = 'customers';
 *   override readonly mapping = this.map({ first_name: 'firstName', email: 'email' });
 * }
 * Customer.register(CouchCustomer);
 */
export abstract class CouchSubscriber<
  C extends CatalogClass = CatalogClass,
  Doc extends object = CouchDocument,
> extends SubscriberBase<C, Doc & CouchMeta, CouchAccount> {
  static readonly system: string = 'couchdb';

  /** The database's name. */
  abstract readonly database: string;

  override get takes(): string {
    return this.database;
  }
  override readonly capabilities: Capabilities = couchCapabilities;
  /** The field that holds our marker: which record of which environment a document stands for. */
  readonly markerField: string = 'syncflow';
  /** The field that says when a document was last edited (ISO text or milliseconds), where the documents have one. */
  readonly editedAtField: (keyof Doc & string) | undefined = undefined;
  /** What a new document holds besides the mapped values: `{ type: 'customer' }` where several kinds share a database. */
  readonly defaults: Partial<Doc> = {};
  /** Documents per page of the feed. */
  readonly changesPageSize: number = 500;
  /** Documents per page of the list. */
  readonly listPageSize: number = 100;

  /**
   * The id of a record's document; by default `customer:42`. It must always be the same for a record, and never that of
   * another: a create that is sent twice is recognised by it.
   */
  documentId(key: RecordKey): string {
    const [catalog = ''] = this.id.split('/', 1);
    return documentIdOf(catalog, key);
  }

  // What a document says of itself ------------------------------------------------------------------------------------

  override identify(remote: Doc & CouchMeta): string {
    return remote._id;
  }

  override versionOf(remote: Doc & CouchMeta): string {
    return remote._rev;
  }

  override editedAt(remote: Doc & CouchMeta): string | undefined {
    return this.editedAtField === undefined ? undefined : isoTime(remote[this.editedAtField]);
  }

  /** A marker of another environment, or one that was copied along with a document, isn't ours. */
  override keyOf(remote: Doc & CouchMeta): RecordKey | undefined {
    const marker = markerOf(remote, this.markerField);
    return marker?.environment === this.environment ? marker.key : undefined;
  }

  // Outward -----------------------------------------------------------------------------------------------------------

  override async create(operation: CreateOperation<Doc & CouchMeta>): Promise<Outcome<Doc & CouchMeta>> {
    return this.#pushOne({ ...operation, kind: 'create' });
  }

  override async update(operation: UpdateOperation<Doc & CouchMeta>): Promise<Outcome<Doc & CouchMeta>> {
    return this.#pushOne({ ...operation, kind: 'update' });
  }

  override async delete(operation: DeleteOperation<Doc & CouchMeta>): Promise<Outcome<Doc & CouchMeta>> {
    return this.#pushOne({ ...operation, kind: 'delete' });
  }

  /** One read and one write for the whole batch. What `create`, `update` and `delete` do is this, with a batch of one. */
  override async pushMany(
    operations: readonly AnyOperation<Doc & CouchMeta>[],
  ): Promise<readonly Outcome<Doc & CouchMeta>[]> {
    const context = {
      account: this.account,
      database: this.database,
      terms: this.#terms(),
      documentId: (operation: CouchOperation) => this.documentId(operation.key),
    };
    // inside the connector a document is any JSON: Doc is what the user knows of it
    const outcomes = await pushBatch(context, operations);
    return outcomes as unknown as readonly Outcome<Doc & CouchMeta>[];
  }

  override outcomeOf(error: unknown): Outcome<Doc & CouchMeta> {
    return outcomeOfCouchError(error);
  }

  // Inward ------------------------------------------------------------------------------------------------------------

  override async fetch(remoteId: string, _lane: Lane): Promise<Sight<Doc & CouchMeta>> {
    const current = (await readMany(this.account, this.database, [remoteId])).get(remoteId);
    if (current?.kind === 'live') return found(this.#remote(current.doc));
    return current?.kind === 'tombstone'
      ? gone()
      : missing(`the document ${remoteId} is not there, and has no tombstone`);
  }

  /** By key: the document of the chosen id, if it bears our marker. By match: all that show the values. */
  override async find(query: Query<Doc & CouchMeta>): Promise<readonly (Doc & CouchMeta)[]> {
    if (query.by === 'match') {
      const docs = await findMatches(this.#range(this.listPageSize), this.#terms().shape.paths, query.values);
      return docs.map((doc) => this.#remote(doc));
    }
    const id = this.documentId(query.key);
    const current = (await readMany(this.account, this.database, [id])).get(id);
    if (current?.kind !== 'live') return [];
    const remote = this.#remote(current.doc);
    return this.keyOf(remote) === query.key ? [remote] : [];
  }

  override async list(cursor: string | undefined): Promise<ListPage<Doc & CouchMeta>> {
    const { remotes, ...rest } = await listPage(this.#range(this.listPageSize), cursor);
    return { remotes: remotes.map((doc) => this.#remote(doc)), ...rest };
  }

  override async changes(cursor: string | undefined): Promise<ChangePage<Doc & CouchMeta>> {
    const feed = { account: this.account, database: this.database, pageSize: this.changesPageSize };
    const page = cursor === undefined ? await feedEnd(feed) : await feedSince(feed, cursor);
    return { events: page.rows.flatMap((row) => this.#event(row)), cursor: page.cursor, more: page.more };
  }

  #event(row: ChangeRow): RemoteEvent<Doc & CouchMeta>[] {
    const base = { id: eventId(row), remoteId: row.id };
    // a tombstone says nothing of what it was: whoever has no link to it has nothing to do
    if (row.deleted) return [{ ...base, kind: 'deleted' }];
    if (row.doc?._rev !== row.rev) return [{ ...base, kind: 'changed' }];
    // of another kind or not: it may be linked, and have become one of another
    const snapshot = this.#remote(row.doc);
    const at = this.accepts(snapshot) ? this.editedAt(snapshot) : undefined;
    return [{ ...base, kind: 'changed', snapshot, ...(at === undefined ? {} : { at }) }];
  }

  #terms(): Terms {
    return {
      shape: shapeOf(this.mapping),
      environment: this.environment,
      markerField: this.markerField,
      defaults: this.defaults,
      accepts: (doc) => this.accepts(this.#remote(doc)),
    };
  }

  #range(pageSize: number) {
    const accepts = (doc: StoredDocument): boolean => this.accepts(this.#remote(doc));
    return { account: this.account, database: this.database, pageSize, accepts };
  }

  /** The document as the user's type has it. Nobody checks that: a lens meets what is really there. */
  #remote(doc: StoredDocument): Doc & CouchMeta {
    return doc as unknown as Doc & CouchMeta;
  }

  async #pushOne(operation: AnyOperation<Doc & CouchMeta>): Promise<Outcome<Doc & CouchMeta>> {
    const [outcome] = await this.pushMany([operation]);
    return outcome ?? unknown('no answer');
  }
}

/**
 * A revision alone doesn't name a change: one that had lost against another (replication) is told again when that is deleted. The sequences
 * of a cluster are long, some hundred characters; what is told under two of them is read once more, and that is all.
 */
function eventId({ id, rev, seq }: ChangeRow): string {
  const place =
    typeof seq === 'number'
      ? String(seq)
      : createHash('sha256').update(JSON.stringify(seq)).digest('base64url').slice(0, 22);
  return `${id}@${rev}@${place}`;
}

function isoTime(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
