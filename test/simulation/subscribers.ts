/** Subscribers for the remotes of a simulated world. */
import type { CatalogClass } from '../../src/catalog/catalog.js';
import { SyncflowError } from '../../src/errors.js';
import {
  SubscriberBase,
  type AnyOperation,
  type ChangePage,
  type CreateOperation,
  type DeleteOperation,
  type Delivery,
  type ListPage,
  type Query,
  type RemoteEvent,
  type SubscriberContext,
  type UpdateOperation,
} from '../../src/subscriber/base.js';
import type { Capabilities } from '../../src/subscriber/capabilities.js';
import {
  blocked,
  done,
  exists,
  found,
  gone,
  missing,
  rejected,
  retry,
  stale,
  unknown,
  type Outcome,
  type Sight,
} from '../../src/subscriber/outcome.js';
import type { Brake } from '../../src/subscriber/policy.js';
import { capabilitiesOf } from './character.js';
import type { Connection, Refusal } from './connection.js';
import type { Change, Kind, Line, Remote, Thing } from './remote.js';

/** What a remote of a simulated world shows. */
export interface Shown {
  readonly id: string;
  readonly version: string;
  readonly editedAt: string;
  readonly marker: string | undefined;
  readonly code: string;
  readonly name: string;
  readonly email: string | null;
  readonly city: string | null;
  readonly follower?: string | null;
  readonly customer: string | null;
  readonly note: string | null;
  readonly lines: readonly {
    readonly id: string;
    readonly marker?: string;
    readonly label: string;
    readonly text: string | null;
  }[];
}

const pageSize = 10;

export abstract class SimulatedSubscriber<C extends CatalogClass> extends SubscriberBase<C, Shown, Connection> {
  static readonly system: string = 'simulated';
  protected abstract readonly kind: Kind;
  override readonly capabilities: Capabilities;
  override readonly match: readonly string[];
  override readonly brake: Brake;

  constructor(context: SubscriberContext<Connection>) {
    super(context);
    const { character } = this.account.remote;
    this.capabilities = capabilitiesOf(character);
    this.brake = { ...character.brake, windowSeconds: 3_600 };
    this.match = character.searchable ? ['code'] : [];
  }

  override versionOf(remote: Shown): string | undefined {
    return this.account.remote.character.conditional ? remote.version : undefined;
  }
  override editedAt(remote: Shown): string {
    return remote.editedAt;
  }
  override keyOf(remote: Shown): string | undefined {
    return this.account.remote.character.markers ? remote.marker : undefined;
  }

  override create(operation: CreateOperation<Shown>): Promise<Outcome<Shown>> {
    return this.#one({ ...operation, kind: 'create' });
  }
  override update(operation: UpdateOperation<Shown>): Promise<Outcome<Shown>> {
    return this.#one({ ...operation, kind: 'update' });
  }
  override delete(operation: DeleteOperation<Shown>): Promise<Outcome<Shown>> {
    return this.#one({ ...operation, kind: 'delete' });
  }

  async #one(operation: AnyOperation<Shown>): Promise<Outcome<Shown>> {
    const [outcome] = await this.#send([operation]);
    return outcome ?? unknown('no answer');
  }

  override async pushMany(operations: readonly AnyOperation<Shown>[]): Promise<readonly Outcome<Shown>[]> {
    return this.capabilities.batchSize > 1 ? this.#send(operations) : super.pushMany(operations);
  }

  /** One request: each operation of it is carried out for itself, in whatever order. */
  async #send(operations: readonly AnyOperation<Shown>[]): Promise<Outcome<Shown>[]> {
    const { account } = this;
    const { remote, faults, witness } = account;
    const ended = operations.map((operation) =>
      witness.begins(`${remote.name} ${this.kind} ${targetOf(operation)}`, operation.idempotencyKey, account.process),
    );
    await account.depart();
    const refusal = account.refusal();
    const outcomes = new Map<AnyOperation<Shown>, Outcome<Shown>>();
    const stopsAt =
      operations.length > 1 && faults.hits('partialBatch', `${remote.name}: of ${operations.length}`)
        ? faults.chance('partialBatch').int(0, operations.length - 1)
        : operations.length;
    for (const [index, operation] of remote.chance.some(operations, operations.length).entries()) {
      if (refusal !== undefined) outcomes.set(operation, outcomeOf(refusal));
      else if (index >= stopsAt) outcomes.set(operation, retry('the batch was broken off before it', 100));
      else outcomes.set(operation, this.#carryOut(operation));
    }
    const lost = refusal === undefined && faults.hits('answerLost', `${remote.name}: ${operations.length}`);
    await account.arrive();
    for (const end of ended) end();
    return operations.map((operation) =>
      lost ? unknown('the connection was cut') : (outcomes.get(operation) ?? unknown('no answer')),
    );
  }

  #carryOut(operation: AnyOperation<Shown>): Outcome<Shown> {
    const { remote, faults, isForbidden, witness } = this.account;
    witness.sends(
      remote.name,
      `${operation.kind} of ${this.kind} ${operation.key}`,
      operation.idempotencyKey,
      bodyOf(operation),
    );
    if (faults.hits('rejects', `${remote.name}: ${operation.kind} of ${operation.key}`))
      return rejected('it does not like it');
    const known = remote.answerTo(operation.idempotencyKey) as Outcome<Shown> | undefined;
    if (known !== undefined) return known;
    if (remote.hasForgotten(operation.idempotencyKey))
      faults.struck('keyExpires', `${remote.name}: ${operation.kind} of ${operation.key}`);
    const outcome = isForbidden && operation.kind !== 'create' ? missing('404') : this.#write(remote, operation);
    if (outcome.kind === 'done') {
      const isAgain = operation.kind === 'update' && remote.hasForgotten(operation.idempotencyKey);
      remote.remember(operation.idempotencyKey, outcome);
      const code = outcome.remote?.code ?? this.#codeOf(operation);
      if (isAgain) remote.updatedAgain.add(code);
      const { kind: call, idempotencyKey } = operation;
      const besideMs = call === 'create' ? remote.besideMs(this.kind, code, outcome.remoteId) : undefined;
      remote.writes.push({ at: remote.time.ms, call, code, id: outcome.remoteId, idempotencyKey, besideMs });
      if (call !== 'delete') remote.onWritten(this.kind, outcome.remoteId);
    }
    return outcome;
  }

  #codeOf(operation: AnyOperation<Shown>): string {
    const { known } = operation as DeleteOperation<Shown>;
    return known.code ?? operation.key;
  }

  #write(remote: Remote, operation: AnyOperation<Shown>): Outcome<Shown> {
    const { character } = remote;
    if (operation.kind === 'create') {
      const id = character.chosenId ? `${remote.name}:${this.kind}:${operation.key}` : remote.newId();
      const there = remote.things[this.kind].get(id);
      if (there !== undefined) return exists(id, shown(there));
      const { lines: _lines, ...values } = operation.values as Record<string, unknown>;
      const unwelcome = unwelcomeIn(values);
      if (unwelcome !== undefined) return rejected(unwelcome);
      const lines = (operation.children['lines']?.add ?? []).map((child) => lineOf(remote.newId(), child.values));
      const marker = character.markers ? operation.key : undefined;
      return done(id, shown(remote.put(this.kind, id, { values, lines, marker }, operation.idempotencyKey)));
    }
    const before = remote.things[this.kind].get(operation.remoteId);
    if (before === undefined) return this.#absent(operation.remoteId);
    if (character.conditional && operation.version !== undefined && operation.version !== before.version)
      return stale();
    if (operation.kind === 'delete') {
      remote.remove(this.kind, before.id, operation.idempotencyKey);
      return done(before.id);
    }
    const { lines: _lines, ...changed } = operation.changed as Record<string, unknown>;
    const unwelcome = unwelcomeIn(changed);
    if (unwelcome !== undefined) return rejected(unwelcome);
    const draft = {
      values: { ...before.values, ...changed },
      lines: linesAfter(before.lines, operation, () => remote.newId()),
      marker: before.marker,
    };
    return done(before.id, shown(remote.put(this.kind, before.id, draft, operation.idempotencyKey)));
  }

  #absent(id: string): Extract<Outcome, { kind: 'gone' | 'missing' }> {
    const { remote } = this.account;
    return remote.character.remembersDeleted && remote.deleted.has(id) ? gone() : missing('404');
  }

  override async fetch(remoteId: string): Promise<Sight<Shown>> {
    const { account } = this;
    const { remote, faults } = account;
    await account.depart();
    const refusal = account.refusal();
    const sight = ((): Sight<Shown> => {
      if (refusal !== undefined) return refusal.kind === 'unknown' ? retry(refusal.reason, 500) : sightOf(refusal);
      if (account.isForbidden) return missing('404');
      const thing = remote.things[this.kind].get(remoteId);
      if (thing === undefined) return this.#absent(remoteId);
      return faults.hits('missing', `${remote.name}: ${remoteId}`) ? missing('404') : found(shown(thing));
    })();
    await account.arrive();
    return sight;
  }

  override async find(query: Query<Shown>): Promise<readonly Shown[]> {
    const { account } = this;
    await account.depart();
    const refusal = account.refusal();
    const hits: Shown[] = [];
    if (refusal === undefined && !account.isForbidden) {
      for (const thing of account.remote.things[this.kind].values()) {
        const isHit = query.by === 'key' ? thing.marker === query.key : thing.values['code'] === query.values.code;
        if (isHit) hits.push(shown(thing));
      }
    }
    await account.arrive();
    if (refusal !== undefined) throw new Refused(refusal);
    return hits;
  }

  /** Pages by id; where they shift, by position in a list that begins with the newest. */
  override async list(cursor: string | undefined): Promise<ListPage<Shown>> {
    const { account } = this;
    await account.depart();
    const refusal = account.refusal();
    const things = account.isForbidden ? new Map<string, Thing>() : account.remote.listed(this.kind);
    const page = account.faults.hits('pagesShift', account.remote.name)
      ? byPosition(things, Number(cursor ?? 0))
      : byId(things, cursor);
    await account.arrive();
    if (refusal !== undefined) throw new Refused(refusal);
    return page;
  }

  override async changes(cursor: string | undefined): Promise<ChangePage<Shown>> {
    const { account, kind } = this;
    const { remote, faults } = account;
    await account.depart();
    const refusal = account.refusal();
    const now = String(remote.newest);
    const since = Number(cursor ?? now);
    if (cursor === undefined) remote.feedBegun.set(this.id, Math.max(since, remote.feedBegun.get(this.id) ?? 0));
    const isExpired = since < remote.oldest;
    const all = remote.changesAfter(since).filter((change) => change.kind === kind);
    const page = all.slice(0, 20);
    await account.arrive();
    if (refusal !== undefined) throw new Refused(refusal);
    if (isExpired) {
      faults.met('expire', remote.name);
      throw new SyncflowError('cursor-expired', 'too old');
    }
    const more = all.length > page.length;
    return { events: page.map(eventOf), cursor: more ? String(page.at(-1)?.sequence) : now, more };
  }

  override async receive(delivery: Delivery): Promise<readonly RemoteEvent<Shown>[]> {
    const change = JSON.parse(new TextDecoder().decode(delivery.body)) as Change;
    if (delivery.headers.get('x-signature') !== signatureOf(this.account.remote.name, change.id))
      throw new SyncflowError('webhook', 'the signature is wrong', { context: { status: 400 } });
    return change.kind === this.kind ? [eventOf(change)] : [];
  }

  override outcomeOf(error: unknown): Outcome<Shown> {
    return error instanceof Refused ? outcomeOf(error.refusal) : super.outcomeOf(error);
  }
}

/** A call that can't give an answer. */
class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.reason);
    this.refusal = refusal;
  }
}

function outcomeOf(refusal: Refusal): Outcome<Shown> {
  return refusal.kind === 'unknown' ? unknown(refusal.reason) : sightOf(refusal);
}
function sightOf(refusal: Exclude<Refusal, { kind: 'unknown' }>) {
  return refusal.kind === 'blocked' ? blocked(refusal.reason, refusal.afterMs) : retry(refusal.reason, refusal.afterMs);
}

export const signatureOf = (account: string, eventId: string): string => `signed by ${account}: ${eventId}`;

/** No remote takes a question mark. */
function unwelcomeIn(values: Readonly<Record<string, unknown>>): string | undefined {
  const bad = Object.entries(values).find(([, value]) => typeof value === 'string' && value.includes('?'));
  return bad === undefined ? undefined : `${bad[0]} can't be ${String(bad[1])}`;
}

function byId(things: ReadonlyMap<string, Thing>, cursor: string | undefined): ListPage<Shown> {
  const ids = [...things.keys()].sort();
  const rest = cursor === undefined ? ids : ids.filter((id) => id > cursor);
  const page = rest.slice(0, pageSize);
  const remotes = page.map((id) => shown(things.get(id) as Thing));
  const last = page.at(-1);
  return rest.length > pageSize && last !== undefined ? { remotes, cursor: last } : { remotes };
}

function byPosition(things: ReadonlyMap<string, Thing>, position: number): ListPage<Shown> {
  const all = [...things.values()].reverse();
  const remotes = all.slice(position, position + pageSize).map(shown);
  const next = position + pageSize;
  return next < all.length ? { remotes, cursor: String(next) } : { remotes };
}

function eventOf(change: Change): RemoteEvent<Shown> {
  return {
    id: change.id,
    remoteId: change.remoteId,
    kind: change.what,
    at: change.at,
    ...(change.snapshot === undefined ? {} : { snapshot: shown(change.snapshot) }),
    ...(change.previous === undefined ? {} : { previous: change.previous }),
    ...(change.cause === undefined ? {} : { cause: change.cause }),
  };
}

function shown(thing: Thing): Shown {
  const { id, version, editedAt, marker, values, lines } = thing;
  return {
    ...(values as unknown as Shown),
    id,
    version,
    editedAt,
    marker,
    lines: lines.map((line) => ({
      ...(line.values as { label: string; text: string | null }),
      id: line.id,
      ...(line.marker === undefined ? {} : { marker: line.marker }),
    })),
  };
}

/** Who is written: a record that has no remote yet goes by its key. */
const targetOf = (operation: AnyOperation<Shown>): string =>
  operation.kind === 'create' ? `with the key ${operation.key}` : operation.remoteId;

function bodyOf(operation: AnyOperation<Shown>): unknown {
  if (operation.kind === 'delete') return operation.remoteId;
  return operation.kind === 'create'
    ? [operation.values, operation.children]
    : [operation.remoteId, operation.changed, operation.children];
}

function lineOf(id: string, values: Readonly<Record<string, unknown>>): Line {
  const { marker, ...rest } = values;
  return { id, marker: typeof marker === 'string' ? marker : undefined, values: rest };
}

function linesAfter(before: readonly Line[], operation: UpdateOperation<Shown>, newId: () => string): Line[] {
  const writes = operation.children['lines'];
  if (writes === undefined) return [...before];
  const removed = new Set(writes.remove.map((line) => line.remoteId));
  const changed = new Map(writes.update.map((line) => [line.remoteId, line]));
  return [
    ...before
      .filter((line) => !removed.has(line.id))
      .map((line) => {
        const change = changed.get(line.id);
        return change === undefined ? line : { ...line, values: { ...line.values, ...change.changed } };
      }),
    ...writes.add.map((line) => lineOf(newId(), line.values)),
  ];
}
