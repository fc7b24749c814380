/** The base of every subscriber: one external system's side of one catalog. */
import type { CatalogClass, Row } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import { messageOf } from '../errors.js';
import { leastCapabilities, type Capabilities } from './capabilities.js';
import type { CheckedMapping, MappingSpec } from './mapping.js';
import { blocked, retry, unknown, type Outcome, type Sight } from './outcome.js';
import type { RemoteSchema } from './remote-schema.js';
import { defaultBrake, defaultPolicies, type Brake, type Policies } from './policy.js';

/** Part of a remote object: what is written of it. */
export type PartialRemote<Remote> = Remote extends readonly unknown[]
  ? Remote
  : Remote extends object
    ? { [N in keyof Remote]?: PartialRemote<Remote[N]> | null }
    : Remote | null;

/** How urgent the work is; a rate limiter lets lower numbers go first. */
export type Lane = 'live' | 'repair' | 'backfill';

export interface SubscriberContext<Account> {
  /** `catalog/as`: unique in this Syncflow. */
  readonly id: string;
  /** The account given as `new Syncflow({ accounts: { name: account } })`. */
  readonly account: Account;
  /** Distinguishes this hub's environment (production, staging) in markers and idempotency keys. */
  readonly environment: string;
}

/** Child rows to write, by collection name. `values` are nested as the remote shows a child. */
export interface ChildWrites {
  readonly add: readonly { readonly key: string; readonly values: Record<string, Json> }[];
  readonly update: readonly {
    readonly key: string;
    readonly remoteId: string;
    readonly values: Record<string, Json>;
    readonly changed: Record<string, Json>;
  }[];
  readonly remove: readonly { readonly key: string; readonly remoteId: string }[];
}

interface Operation<Remote> {
  /** The record's key, as text: write it into the remote where it has room for a marker. */
  readonly key: RecordKey;
  /** Every mapped value of the record, nested as the remote holds it. null means "nothing there". */
  readonly values: PartialRemote<Remote>;
  /** Child rows to write; empty for a catalog without children. */
  readonly children: Readonly<Record<string, ChildWrites>>;
  /** Stays the same when this very operation is sent again. */
  readonly idempotencyKey: string;
  readonly lane: Lane;
  /** Aborted when the worker must stop. */
  readonly signal: AbortSignal;
  /** True when this operation was begun before (crash, time-out) and is now sent again: its answer may be a replay. */
  readonly resumed: boolean;
  /**
   * One remote call of an operation that needs several. The body and its idempotency key are durable before `send` is called,
   * the answer's gist before the next step begins; a resumed operation doesn't run a finished step again. (The last one of a
   * system with idempotency keys may be sent again, under its key.)
   * @param name unique within the operation @param body what is sent: frozen the first time
   * @param send makes the call and returns what later steps need of the answer (small JSON)
   */
  step<Body extends Json, Result extends Json>(
    name: string,
    body: Body,
    send: (body: Body, idempotencyKey: string) => Promise<Result>,
  ): Promise<Result>;
}

export type CreateOperation<Remote> = Operation<Remote>;

export interface UpdateOperation<Remote> extends Operation<Remote> {
  readonly remoteId: string;
  /** Only the values that differ from what both sides agreed on. */
  readonly changed: PartialRemote<Remote>;
  /** What the remote last showed of the mapped keys. */
  readonly known: PartialRemote<Remote>;
  /** The remote's version when last observed, for a conditional write. */
  readonly version: string | undefined;
}

export interface DeleteOperation<Remote> {
  readonly key: RecordKey;
  readonly remoteId: string;
  readonly known: PartialRemote<Remote>;
  readonly version: string | undefined;
  readonly idempotencyKey: string;
  readonly lane: Lane;
  readonly signal: AbortSignal;
}

export type AnyOperation<Remote> =
  | ({ readonly kind: 'create' } & CreateOperation<Remote>)
  | ({ readonly kind: 'update' } & UpdateOperation<Remote>)
  | ({ readonly kind: 'delete' } & DeleteOperation<Remote>);

/** A hint that a remote changed, from a webhook or a poll. It is never taken as the remote's state when that can be read. */
export interface RemoteEvent<Remote = unknown> {
  /** The system's own event id, or whatever makes a repeated delivery recognisable. */
  readonly id: string;
  readonly remoteId: string;
  /** `deleted`: the remote is read all the same. That it is `gone` or `missing` then is proof of its deletion. */
  readonly kind: 'changed' | 'deleted';
  /** The object as the event shows it, only if it has exactly the shape that `fetch` gives. */
  readonly snapshot?: Remote;
  /** Earlier values of what this event changed, nested like the remote (capability `history`). */
  readonly previous?: PartialRemote<Remote>;
  /** The idempotency key of the request that caused it, where the system tells. */
  readonly cause?: string;
  /** When it happened, ISO. */
  readonly at?: string;
}

/** A webhook delivery as it came in; `body` is the raw bytes that a signature covers. */
export interface Delivery {
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly url: URL;
  readonly receivedAt: Date;
}

export interface ChangePage<Remote> {
  readonly events: readonly RemoteEvent<Remote>[];
  /** Where to go on. It must not pass a change that isn't among `events`. */
  readonly cursor: string;
  /** Ask again at once. */
  readonly more: boolean;
}

export interface ListPage<Remote> {
  readonly remotes: readonly Remote[];
  /** Absent on the last page. */
  readonly cursor?: string;
}

/** What to look for: our marker, or the values of the declared match units. */
export type Query<Remote> =
  { readonly by: 'key'; readonly key: RecordKey } | { readonly by: 'match'; readonly values: PartialRemote<Remote> };

/**
 * A subscriber class: mapping, capabilities and the calls of one system for one catalog.
 * Override `create`, `update`, `delete`, `fetch`; `find`, `list`, `changes` and `receive` where the system has them, and say so in
 * `capabilities`: one whose method isn't there is refused at start. Whatever is thrown is turned into an outcome by `outcomeOf`.
 *
 * @typeParam C the main class, `typeof Customer` @typeParam Remote the object as the system shows it
 * @typeParam Account whatever holds the client and its credentials
 *
 * @example
 * class CrmContact extends SubscriberBase<typeof Customer, Contact, CrmAccount> {
 *   static readonly system = 'crm';
 *   readonly mapping = this.map({ email: 'email', name: { remote: 'fullName', authority: 'latest' } });
 *   async create(op) { const contact = await this.account.post('/contacts', op.values); return done(contact.id, contact) }
 *   …
 * }
 */
export abstract class SubscriberBase<C extends CatalogClass = CatalogClass, Remote = unknown, Account = unknown> {
  readonly id: string;
  protected readonly account: Account;
  protected readonly environment: string;

  constructor(context: SubscriberContext<Account>) {
    this.id = context.id;
    this.account = context.account;
    this.environment = context.environment;
  }

  /** The mapping, declared with `this.map({…})`. */
  abstract readonly mapping: MappingSpec;
  /** What the system can do; spread `leastCapabilities` or the connector's and override. */
  readonly capabilities: Capabilities = leastCapabilities;
  readonly policies: Policies = defaultPolicies;
  readonly brake: Brake = defaultBrake;
  /**
   * For how long the system keeps the events that `changes` reads, in ms. Before what wasn't read is lost an alarm is given (event
   * `retention`); after it everything is listed again. Unless given a cursor that is too old must be told by the system itself.
   */
  readonly eventRetentionMs: number | undefined = undefined;
  /**
   * Units whose equal values mean "the same thing": `['email']`. Compared exactly, at first load and before every create, by `find`.
   * An ambiguous match is parked, never guessed.
   */
  readonly match: readonly string[] = [];

  /**
   * What it takes of its account: a kind of object, the name of a database. Of two that take the same, each must say by `accepts`
   * which are its; who doesn't is warned of by `syncflow check`, `plan` and `start`.
   */
  get takes(): string | undefined {
    return undefined;
  }

  /** What the system publishes of its objects: `syncflow check` and `start` compare the mapping with it. */
  readonly remoteSchema: RemoteSchema | undefined = undefined;

  /** Whether this subscriber takes part for a record. */
  where(_record: Row<C>): boolean {
    return true;
  }

  /** Declares the mapping; a wrong key or type is a compile error that says what is wrong. */
  protected map<const M extends MappingSpec>(mapping: M & CheckedMapping<C, Remote, M>): M {
    return mapping;
  }

  // What a remote says of itself ------------------------------------------------------------------------------------

  /** The remote's id; its `id` unless overridden. */
  identify(remote: Remote): string {
    return String((remote as { id?: unknown }).id);
  }
  /** A token that changes with every change (etag, revision), for conditional writes. Undefined: looked at before it is written. */
  versionOf(_remote: Remote): string | undefined {
    return undefined;
  }
  /** When the remote was last edited, ISO; used by the authority `latest`. */
  editedAt(_remote: Remote): string | undefined {
    return undefined;
  }
  /** The hub key that our marker on this remote names. */
  keyOf(_remote: Remote): RecordKey | undefined {
    return undefined;
  }
  /** Our marker for a record, for `create` and `find`: it names the environment, for staging must not take production's objects for its own. */
  protected markerOf(key: RecordKey): string {
    return `${this.environment}:${key}`;
  }
  /** The key in a marker that `markerOf` made, for `keyOf`; undefined where there is none, or another environment's. */
  protected keyFromMarker(marker: unknown): RecordKey | undefined {
    const prefix = this.markerOf('');
    return typeof marker === 'string' && marker.startsWith(prefix) ? marker.slice(prefix.length) : undefined;
  }
  /**
   * False for remotes that this catalog has nothing to do with (another kind in the same list). One that is linked stays so, whatever it
   * becomes: tell of it in `changes` all the same. With its `snapshot` a stranger of another kind costs nothing there.
   */
  accepts(_remote: Remote): boolean {
    return true;
  }

  // Outward -----------------------------------------------------------------------------------------------------------

  abstract create(operation: CreateOperation<Remote>): Promise<Outcome<Remote>>;
  abstract update(operation: UpdateOperation<Remote>): Promise<Outcome<Remote>>;
  abstract delete(operation: DeleteOperation<Remote>): Promise<Outcome<Remote>>;

  /** Writes a batch; answers in the order of the operations. Override where the system has a batch call. */
  async pushMany(operations: readonly AnyOperation<Remote>[]): Promise<readonly Outcome<Remote>[]> {
    return Promise.all(operations.map((operation) => this.push(operation)));
  }

  /** Writes one operation, turning whatever is thrown into an outcome. */
  async push(operation: AnyOperation<Remote>): Promise<Outcome<Remote>> {
    try {
      switch (operation.kind) {
        case 'create':
          return await this.create(operation);
        case 'update':
          return await this.update(operation);
        case 'delete':
          return await this.delete(operation);
      }
    } catch (error) {
      return this.outcomeOf(error);
    }
  }

  /** What an error means that any of the methods threw. The default is the careful one: it may have taken effect. */
  outcomeOf(error: unknown): Outcome<Remote> {
    return unknown(messageOf(error));
  }

  // Inward ------------------------------------------------------------------------------------------------------------

  /** Reads one remote as it is now. */
  abstract fetch(remoteId: string, lane: Lane): Promise<Sight<Remote>>;

  /** Reads one remote, turning whatever is thrown into a sight. */
  async look(remoteId: string, lane: Lane): Promise<Sight<Remote>> {
    try {
      return await this.fetch(remoteId, lane);
    } catch (error) {
      const outcome = this.outcomeOf(error);
      if (outcome.kind === 'gone' || outcome.kind === 'missing') return outcome;
      if (outcome.kind === 'rejected') return blocked(outcome.reason);
      return this.readFailure(error);
    }
  }

  /** What it means that `find`, `list` or `changes` threw: they can be called again, unless `outcomeOf` says that nothing works now. */
  readFailure(error: unknown): Extract<Outcome, { kind: 'retry' | 'blocked' }> {
    const outcome = this.outcomeOf(error);
    if (outcome.kind === 'blocked' || outcome.kind === 'retry') return outcome;
    return retry('reason' in outcome ? outcome.reason : messageOf(error));
  }

  /** Remotes that carry our marker, or that match exactly; strongly consistent. Capability `marker`, or `match` units. */
  async find(_query: Query<Remote>): Promise<readonly Remote[]> {
    return [];
  }
  /** A page of all remotes of this catalog. Capability `listing`. */
  async list(_cursor: string | undefined): Promise<ListPage<Remote>> {
    return { remotes: [] };
  }
  /** Changes since a cursor; without one, just a cursor that stands for "now". Capability `polling`. Throw `cursor-expired` when it is too old. */
  async changes(_cursor: string | undefined): Promise<ChangePage<Remote>> {
    return { events: [], cursor: '', more: false };
  }
  /** Events of this catalog in a verified webhook delivery. Capability `webhooks`. Throw a `webhook` error to refuse it. */
  async receive(_delivery: Delivery): Promise<readonly RemoteEvent<Remote>[]> {
    return [];
  }
}
