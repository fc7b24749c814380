/** What the checks work with: a subscriber, and operations as the engine would hand them to it. */
import { randomUUID } from 'node:crypto';
import type { AnyRecord, CatalogClass, RowInput } from '../../catalog/catalog.js';
import { keyOfRecord, type RecordKey } from '../../catalog/key.js';
import type { Json } from '../../catalog/values.js';
import { requireClaims } from '../../engine/bind.js';
import { messageOf, SyncflowError } from '../../errors.js';
import { childShadowsAfterWrite } from '../../merge/children.js';
import { merge } from '../../merge/merge.js';
import type { Resolver } from '../../merge/project.js';
import { emptyShadow, type Shadow } from '../../merge/shadow.js';
import { plan, type Draft } from '../../outward/plan.js';
import type { AnyOperation, SubscriberBase } from '../../subscriber/base.js';
import { compileMapping, type Mapping } from '../../subscriber/compile.js';
import type { Outcome, Sight } from '../../subscriber/outcome.js';
import { defaultPolicies } from '../../subscriber/policy.js';
import type { SubscriberClass } from '../../subscriber/registration.js';
import { writePath } from '../../subscriber/path.js';
import { outcomeProblem, sightProblem } from './closed-set.js';
import { fail } from './failure.js';
import { sampleRecord } from './sample.js';

export interface ConformanceOptions<C extends CatalogClass = CatalogClass> {
  readonly catalog: C;
  readonly subscriber: SubscriberClass;
  /** The account of a simulator or of a sandbox, never of production: remotes are made and deleted. */
  readonly account: unknown;
  /** A valid record, another one for each number; `sampleRecord(catalog, n)` unless given. */
  readonly record?: (n: number) => RowInput<C>;
  /** For each catalog that is referred to, the remote id of one that is there: `{ customer: 'cus_1' }`. */
  readonly references?: Readonly<Record<string, string>>;
  /** Units that the system changes as it stores them (lower-cases, rounds): their values needn't come back as they were. */
  readonly normalises?: readonly string[];
  /** How long a change may take to show in `changes`, in ms; 10,000 unless given. */
  readonly patienceMs?: number;
  /** Pages of the listing that are read at most; 100 unless given. */
  readonly maxPages?: number;
}

/** A remote that was made from a record. */
export interface Made {
  readonly key: RecordKey;
  readonly record: AnyRecord;
  readonly remoteId: string;
  /** As `fetch` shows it. */
  readonly remote: unknown;
  readonly shadow: Shadow;
  /** The answer to the write. */
  readonly outcome: Outcome;
}

type Create = Extract<AnyOperation<unknown>, { kind: 'create' }>;
type Update = Extract<AnyOperation<unknown>, { kind: 'update' }>;
type Delete = Extract<AnyOperation<unknown>, { kind: 'delete' }>;

export class Bench {
  readonly subscriber: SubscriberBase;
  readonly mapping: Mapping;
  readonly resolver: Resolver;
  readonly #options: ConformanceOptions;
  readonly #made = new Map<string, RecordKey>();
  #next = Math.floor(Math.random() * 1_000_000) * 100;
  #thrown: unknown;

  /** @throws SyncflowError `config` where the mapping can't work, or a capability has no method */
  constructor(options: ConformanceOptions) {
    this.#options = options;
    const { catalog, subscriber: Subscriber, account } = options;
    const id = `${catalog.definition.name}/${Subscriber.system}`;
    const environment = `conformance-${randomUUID().slice(0, 8)}`;
    this.subscriber = new Subscriber({ id, account: account as never, environment });
    this.mapping = compileMapping(id, catalog.definition, this.subscriber.mapping);
    requireClaims(id, this.subscriber, this.mapping);
    this.resolver = this.#makeResolver();
    for (const name of ['create', 'update', 'delete', 'fetch'] as const) this.#listen(name);
  }

  get options(): ConformanceOptions {
    return this.#options;
  }

  /** What the last call threw. */
  get lastThrown(): unknown {
    return this.#thrown;
  }

  /** A record that no other check has. */
  record(): AnyRecord {
    const { catalog, record } = this.#options;
    this.#next += 1;
    if (record !== undefined) return record(this.#next);
    return this.#withoutStrangers(sampleRecord(catalog, this.#next));
  }

  keyOf(record: AnyRecord): RecordKey {
    return keyOfRecord(this.#options.catalog.definition, record);
  }

  problems(record: AnyRecord): readonly string[] {
    return new this.#options.catalog().validate(record).map(({ field, problem }) => `${field}: ${problem}`);
  }

  createOf(record: AnyRecord): Create {
    return { kind: 'create', ...this.#common(this.keyOf(record)), ...this.#createDraft(record) };
  }

  /** The update that the engine would send for this record; undefined where there is nothing to send. */
  updateOf(made: Made, record: AnyRecord): Update | undefined {
    const planned = plan({ ...this.#planInput(record), link: { ...this.#link(made.key, made.shadow), ...made } });
    if (planned.kind !== 'update') return undefined;
    const { values, changed, children } = planned.draft;
    return { kind: 'update', ...this.#common(made.key), ...this.#remoteOf(made), values, changed, children };
  }

  deleteOf(made: Made): Delete {
    const { idempotencyKey, lane, signal } = this.#common(made.key);
    return { kind: 'delete', key: made.key, idempotencyKey, lane, signal, ...this.#remoteOf(made) };
  }

  /** Sends operations as the engine does; an answer outside of the closed set is a failure. */
  async pushMany(operations: readonly AnyOperation<unknown>[]): Promise<readonly Outcome[]> {
    this.#thrown = undefined;
    const outcomes = await this.subscriber.pushMany(operations).catch((error: unknown) => {
      fail(`pushMany threw: ${messageOf(error)}`, 'Let outcomeOf give an outcome for whatever is thrown.');
    });
    if (!Array.isArray(outcomes) || outcomes.length !== operations.length)
      fail(`pushMany was given ${operations.length} operations and didn't answer with as many outcomes`);
    for (const [index, outcome] of (outcomes as readonly Outcome[]).entries()) {
      const operation = operations[index];
      const problem = outcomeProblem(outcome, (remote) => this.subscriber.identify(remote));
      if (problem !== undefined) fail(`${operation?.kind ?? 'a write'} answered ${problem}`);
      const made = outcome.kind === 'done' || outcome.kind === 'exists';
      if (made && operation?.kind === 'create') this.#made.set(outcome.remoteId, operation.key);
    }
    return outcomes as readonly Outcome[];
  }

  async push(operation: AnyOperation<unknown>): Promise<Outcome> {
    const [outcome] = await this.pushMany([operation]);
    return outcome as Outcome;
  }

  async look(remoteId: string): Promise<Sight> {
    this.#thrown = undefined;
    const sight = await this.subscriber.look(remoteId, 'live').catch((error: unknown) => {
      fail(`fetch threw, and outcomeOf too: ${messageOf(error)}`);
    });
    const problem = sightProblem(sight);
    if (problem !== undefined) fail(`fetch answered ${problem}`);
    return sight;
  }

  /** Creates a record's remote and reads it back. */
  async make(record: AnyRecord = this.record()): Promise<Made> {
    const draft = this.#createDraft(record);
    const operation: Create = { kind: 'create', ...this.#common(this.keyOf(record)), ...draft };
    const outcome = await this.push(operation);
    if (outcome.kind !== 'done') fail(`create answered ${this.described(outcome)}, not done`, curesOf.create);
    return this.#seen(operation.key, record, outcome, draft, emptyShadow);
  }

  /** Sends the update of a record and reads the remote back. */
  async edit(made: Made, record: AnyRecord): Promise<Made> {
    const update = this.updateOf(made, record);
    if (update === undefined) fail('the edited record makes no difference to the remote', 'Give other samples.');
    const outcome = await this.push(update);
    if (outcome.kind !== 'done') fail(`update answered ${this.described(outcome)}, not done`, curesOf.update);
    const planned = plan({ ...this.#planInput(record), link: { ...this.#link(made.key, made.shadow), ...made } });
    const draft = planned.kind === 'update' ? planned.draft : undefined;
    return this.#seen(made.key, record, { ...outcome, remoteId: made.remoteId }, draft, made.shadow);
  }

  /** An outcome in words, with what was thrown. */
  described(outcome: Outcome | Sight): string {
    const reason = 'reason' in outcome ? `: ${outcome.reason}` : '';
    const { hint } = this.#thrown instanceof SyncflowError ? this.#thrown : {};
    return `${outcome.kind}${reason}${hint === undefined ? '' : ` (${hint})`}`;
  }

  /** Whether a remote counts as there for this catalog. */
  isThere(sight: Sight): boolean {
    return sight.kind === 'found' && this.subscriber.accepts(sight.remote);
  }

  /** Takes away what a check has made, as far as the system lets it. */
  async clean(): Promise<void> {
    const made = [...this.#made];
    this.#made.clear();
    for (const [remoteId, key] of made) {
      const sight = await this.subscriber.look(remoteId, 'repair').catch(() => undefined);
      if (sight?.kind !== 'found') continue;
      const version = this.subscriber.versionOf(sight.remote);
      const { idempotencyKey, lane, signal } = this.#common(key);
      const operation = {
        kind: 'delete',
        key,
        remoteId,
        known: {} as never,
        version,
        idempotencyKey,
        lane,
        signal,
      } as const;
      await this.subscriber.pushMany([operation]).catch(() => undefined);
    }
  }

  async #seen(
    key: RecordKey,
    record: AnyRecord,
    outcome: Extract<Outcome, { kind: 'done' }>,
    draft: Draft | undefined,
    before: Shadow,
  ): Promise<Made> {
    const sight = await this.look(outcome.remoteId);
    if (sight.kind !== 'found')
      fail(`fetch of "${outcome.remoteId}", which was just written, answered ${this.described(sight)}`, curesOf.fetch);
    return this.#paired(key, record, outcome, draft, before, sight.remote);
  }

  /** A remote that was made from a record, as it was seen afterwards. */
  remember(record: AnyRecord, outcome: Extract<Outcome, { kind: 'done' }>, remote: unknown): Made {
    return this.#paired(this.keyOf(record), record, outcome, this.#createDraft(record), emptyShadow, remote);
  }

  #paired(
    key: RecordKey,
    record: AnyRecord,
    outcome: Extract<Outcome, { kind: 'done' }>,
    draft: Draft | undefined,
    before: Shadow,
    remote: unknown,
  ): Made {
    const { remoteId } = outcome;
    const sent = { units: draft?.sent ?? {}, children: draft?.sentChildren ?? {}, firstHand: true, certain: true };
    const { mapping, resolver } = this;
    const times = { hubEditedAt: undefined, remoteEditedAt: undefined };
    const merged = merge({ mapping, shadow: before, record, remote, resolver, sent, ...times });
    const children = Object.fromEntries(
      merged.children.map((child) => [child.mapping.name, childShadowsAfterWrite(child, record)]),
    );
    return { key, record, remoteId, remote, shadow: { units: merged.pairs, children }, outcome };
  }

  #common(key: RecordKey) {
    const idempotencyKey = `conformance-${randomUUID()}`;
    return {
      key,
      idempotencyKey,
      lane: 'live' as const,
      signal: new AbortController().signal,
      resumed: false,
      step: async <Body extends Json, Result extends Json>(
        name: string,
        body: Body,
        send: (body: Body, key: string) => Promise<Result>,
      ): Promise<Result> => send(body, `${idempotencyKey}:${name}`),
    };
  }

  #createDraft(record: AnyRecord): Draft {
    const planned = plan({ ...this.#planInput(record), link: this.#link(this.keyOf(record), emptyShadow) });
    if (planned.kind === 'create') return planned.draft;
    const wanted = planned.kind === 'wait' ? planned.reference.catalog : undefined;
    if (wanted === undefined) fail(`no create is planned for a new record, but "${planned.kind}"`);
    return fail(
      `the mapping refers to the catalog "${wanted}", and no remote of it is known`,
      `Give the remote id of one that is there: references: { ${wanted}: '…' }.`,
    );
  }

  #link(key: RecordKey, shadow: Shadow) {
    return { state: 'linked' as const, key, remoteId: undefined, deleted: false, shadow };
  }

  #planInput(record: AnyRecord) {
    const { mapping, resolver } = this;
    return { record, softDeleted: false, inScope: true, policies: defaultPolicies, mapping, resolver };
  }

  #remoteOf({ remoteId, remote, shadow }: Made) {
    const known: Record<string, Json> = {};
    for (const unit of this.mapping.units) {
      const r = shadow.units[unit.name]?.r;
      if (r !== undefined) writePath(known, unit.path, r);
    }
    return { remoteId, known: known as never, version: this.subscriber.versionOf(remote) };
  }

  /** References that nobody said a remote for are left empty where they may be. */
  #withoutStrangers(record: AnyRecord): AnyRecord {
    const known = this.#options.references ?? {};
    const strangers = this.#options.catalog.definition.columns.filter(
      ({ nullable, references }) => nullable && references !== undefined && !(references().definition.name in known),
    );
    return { ...record, ...Object.fromEntries(strangers.map(({ name }) => [name, null])) };
  }

  #makeResolver(): Resolver {
    const known = this.#options.references ?? {};
    const keys = new Map<string, RecordKey>();
    return {
      remoteId: (catalog, key) => {
        keys.set(catalog, key);
        return known[catalog];
      },
      key: (catalog, remoteId) => (known[catalog] === remoteId ? keys.get(catalog) : undefined),
      knows: (catalog, remoteId) => known[catalog] === remoteId,
    };
  }

  /** Remembers what a method throws: its hint says more than the outcome that is made of it. */
  #listen(name: 'create' | 'update' | 'delete' | 'fetch'): void {
    const { subscriber } = this;
    const method = subscriber[name].bind(subscriber) as (...args: unknown[]) => Promise<unknown>;
    const heard = async (...args: unknown[]): Promise<unknown> => {
      try {
        return await method(...args);
      } catch (error) {
        this.#thrown = error;
        throw error;
      }
    };
    Object.defineProperty(subscriber, name, { value: heard });
  }
}

const curesOf = {
  create: 'A create of a valid record must take effect and give done(id, remote).',
  update: 'An update of a remote that is there must take effect and give done(id, remote).',
  fetch: 'Read from a source that sees our own writes at once.',
} as const;
