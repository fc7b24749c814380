/** A system in memory with a subscriber for it: the smallest complete connector, for tests and as a model. */
import { randomUUID } from 'node:crypto';
import type { CatalogClass } from '../../catalog/catalog.js';
import { leastCapabilities, type Capabilities } from '../../subscriber/capabilities.js';
import {
  SubscriberBase,
  type ChangePage,
  type CreateOperation,
  type DeleteOperation,
  type ListPage,
  type Query,
  type UpdateOperation,
} from '../../subscriber/base.js';
import { done, found, gone, missing, retry, unknown, type Outcome, type Sight } from '../../subscriber/outcome.js';
import { SyncflowError } from '../../errors.js';

/** An object of the system: flat values beside its own bookkeeping. */
export interface MemoryObject {
  readonly id: string;
  readonly editedAt: string;
  readonly values: Readonly<Record<string, unknown>>;
}

interface Change {
  readonly sequence: number;
  readonly id: string;
  readonly kind: 'changed' | 'deleted';
  readonly at: string;
}

/** What the next call of a kind does instead of just succeeding. */
export interface MemoryFault {
  readonly call: 'create' | 'update' | 'delete' | 'fetch' | 'find';
  readonly kind: 'refused' | 'answer-lost' | 'rejected' | 'throws';
}

/** Holds the objects, and lets a test play the people who work in that system. */
export class MemorySystem {
  readonly objects = new Map<string, MemoryObject>();
  readonly deleted = new Set<string>();
  readonly calls: { readonly call: MemoryFault['call']; readonly id: string | undefined }[] = [];
  readonly faults: MemoryFault[] = [];
  /** What the system makes of values it is given (lower-casing, trimming). */
  normalise: (values: Record<string, unknown>) => Record<string, unknown> = (values) => values;
  /** Called after a write took effect and before its answer is given: the place for races. */
  beforeAnswer: (() => Promise<void>) | undefined;
  #changes: Change[] = [];
  #sequence = 0;
  #oldest = 0;

  get writes(): number {
    return this.calls.filter((one) => one.call === 'create' || one.call === 'update' || one.call === 'delete').length;
  }

  put(id: string, values: Record<string, unknown>): MemoryObject {
    const object: MemoryObject = { id, editedAt: new Date().toISOString(), values: this.normalise({ ...values }) };
    this.objects.set(id, object);
    this.deleted.delete(id);
    this.#note(id, 'changed');
    return object;
  }

  /** Somebody edits an object there. */
  edit(id: string, values: Record<string, unknown>): MemoryObject {
    return this.put(id, { ...this.objects.get(id)?.values, ...values });
  }

  remove(id: string): void {
    this.objects.delete(id);
    this.deleted.add(id);
    this.#note(id, 'deleted');
  }

  changesSince(sequence: number): readonly Change[] {
    if (sequence < this.#oldest) throw new SyncflowError('cursor-expired', 'the changes since then are no longer kept');
    return this.#changes.filter((change) => change.sequence > sequence);
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Forgets changes, as systems do after their retention. */
  forgetChanges(): void {
    this.#changes = [];
    this.#oldest = ++this.#sequence;
  }

  fault(call: MemoryFault['call']): MemoryFault['kind'] | undefined {
    const index = this.faults.findIndex((fault) => fault.call === call);
    return index === -1 ? undefined : this.faults.splice(index, 1)[0]?.kind;
  }

  #note(id: string, kind: Change['kind']): void {
    this.#sequence += 1;
    this.#changes.push({ sequence: this.#sequence, id, kind, at: new Date().toISOString() });
  }
}

/**
 * A subscriber for a `MemorySystem`. Map fields to `values.<name>`.
 *
 * @example
 * class MemoryCustomer extends MemorySubscriber<typeof Customer> {
 *   override readonly mapping = this.map({ email: 'values.email' });
 * }
 */
export abstract class MemorySubscriber<C extends CatalogClass> extends SubscriberBase<C, MemoryObject, MemorySystem> {
  static readonly system: string = 'memory';

  override readonly capabilities: Capabilities = { ...leastCapabilities, marker: true, polling: true, listing: true };

  override async create(operation: CreateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
    return this.#write('create', undefined, () =>
      this.account.put(randomUUID(), { ...valuesOf(operation.values), marker: operation.key }),
    );
  }

  override async update(operation: UpdateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
    const { remoteId } = operation;
    if (this.account.deleted.has(remoteId)) return gone();
    return this.#write('update', remoteId, () => this.account.edit(remoteId, valuesOf(operation.changed)));
  }

  override async delete({ remoteId }: DeleteOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
    if (this.account.deleted.has(remoteId)) return gone();
    return this.#write('delete', remoteId, () => {
      const object = this.account.objects.get(remoteId);
      this.account.remove(remoteId);
      return object ?? { id: remoteId, editedAt: '', values: {} };
    });
  }

  override async fetch(remoteId: string): Promise<Sight<MemoryObject>> {
    this.account.calls.push({ call: 'fetch', id: remoteId });
    if (this.account.fault('fetch') !== undefined) return retry('refused');
    const object = this.account.objects.get(remoteId);
    if (object !== undefined) return found(object);
    return this.account.deleted.has(remoteId) ? gone() : missing('404');
  }

  override async find(query: Query<MemoryObject>): Promise<readonly MemoryObject[]> {
    this.account.calls.push({ call: 'find', id: undefined });
    if (this.account.fault('find') !== undefined) throw new Error('find failed');
    const wanted = query.by === 'key' ? { marker: query.key } : valuesOf(query.values);
    return [...this.account.objects.values()].filter((object) =>
      Object.entries(wanted).every(([name, value]) => object.values[name] === value),
    );
  }

  override async list(): Promise<ListPage<MemoryObject>> {
    return { remotes: [...this.account.objects.values()] };
  }

  override async changes(cursor: string | undefined): Promise<ChangePage<MemoryObject>> {
    const now = String(this.account.sequence);
    if (cursor === undefined) return { events: [], cursor: now, more: false };
    const events = this.account
      .changesSince(Number(cursor))
      .map((change) => ({ id: `${change.sequence}`, remoteId: change.id, kind: change.kind, at: change.at }));
    return { events, cursor: now, more: false };
  }

  override keyOf(remote: MemoryObject): string | undefined {
    const { marker } = remote.values;
    return typeof marker === 'string' ? marker : undefined;
  }

  override editedAt(remote: MemoryObject): string {
    return remote.editedAt;
  }

  async #write(
    call: 'create' | 'update' | 'delete',
    id: string | undefined,
    work: () => MemoryObject,
  ): Promise<Outcome<MemoryObject>> {
    this.account.calls.push({ call, id });
    const fault = this.account.fault(call);
    if (fault === 'refused') return retry('refused');
    if (fault === 'rejected') return { kind: 'rejected', reason: 'the system refuses it' };
    if (fault === 'throws') throw new Error('the connector threw');
    const object = work();
    await this.account.beforeAnswer?.();
    return fault === 'answer-lost' ? unknown('the answer was lost') : done(object.id, object);
  }
}

function valuesOf(nested: unknown): Record<string, unknown> {
  return { ...(nested as { values?: Record<string, unknown> }).values };
}
