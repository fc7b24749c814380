/** Invoices with lines, in a memory system whose objects hold an array of lines. */
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { decimal } from '../../src/catalog/fields.js';
import { leastCapabilities, type Capabilities } from '../../src/subscriber/capabilities.js';
import {
  SubscriberBase,
  type ChangePage,
  type ChildWrites,
  type CreateOperation,
  type DeleteOperation,
  type ListPage,
  type Query,
  type UpdateOperation,
} from '../../src/subscriber/base.js';
import type { SubscriberClass } from '../../src/subscriber/registration.js';
import { minorUnits } from '../../src/subscriber/lens.js';
import { done, found, gone, missing, type Outcome, type Sight } from '../../src/subscriber/outcome.js';
import type { MemoryObject, MemorySystem } from '../../src/testing/memory-system/index.js';

export interface RemoteLine {
  readonly id: string;
  readonly text: string | null;
  readonly amount: number | null;
  readonly marker?: string;
}

interface RemoteInvoice extends MemoryObject {
  readonly values: {
    readonly number?: string | null;
    readonly marker?: string;
    readonly lines?: readonly RemoteLine[];
  };
}

export function invoiceCatalog() {
  return class Invoice extends Catalog({
    name: 'invoice',
    key: 'id',
    fields: { id: z.int(), number: z.string().nullable() },
    children: {
      lines: {
        table: 'invoice_line',
        key: 'id',
        parent: 'invoice_id',
        fields: { id: z.int(), invoice_id: z.int(), text: z.string().nullable(), amount: decimal(10, 2).nullable() },
      },
    },
  }) {};
}

type InvoiceClass = ReturnType<typeof invoiceCatalog>;

export interface LinesOptions {
  readonly authority?: 'hub' | 'remote';
  readonly direction?: 'both' | 'inward' | 'outward';
  readonly marker?: boolean;
  /** Its events tell what a write overwrote; of its own keys, that is. */
  readonly history?: boolean;
}

export function linesSide({
  authority = 'hub',
  direction = 'both',
  marker = true,
  history = false,
}: LinesOptions = {}): SubscriberClass {
  return class LinesSide extends SubscriberBase<InvoiceClass, RemoteInvoice, MemorySystem> {
    static readonly system: string = 'memory';
    override readonly capabilities: Capabilities = {
      ...leastCapabilities,
      marker: true,
      polling: true,
      listing: true,
      history,
    };
    override readonly mapping = this.map({
      number: 'values.number',
      lines: {
        remote: 'values.lines',
        id: 'id',
        ...(marker ? { marker: 'marker' } : {}),
        authority,
        direction,
        units: { text: 'text', amount: { remote: 'amount', via: minorUnits(2) } },
      },
    });
    #nextLine = 0;

    override async create({ key, values, children }: CreateOperation<RemoteInvoice>): Promise<Outcome<RemoteInvoice>> {
      this.account.calls.push({ call: 'create', id: undefined });
      const lines = this.#written([], children['lines']);
      const object = this.account.put(`inv_${this.account.sequence}`, { ...values.values, marker: key, lines });
      await this.account.beforeAnswer?.();
      return done(object.id, object);
    }

    override async update({
      remoteId,
      changed,
      children,
    }: UpdateOperation<RemoteInvoice>): Promise<Outcome<RemoteInvoice>> {
      if (this.account.deleted.has(remoteId)) return gone();
      this.account.calls.push({ call: 'update', id: remoteId });
      const lines = this.#written(linesOf(this.account, remoteId), children['lines']);
      const object = this.account.edit(remoteId, { ...changed.values, lines });
      await this.account.beforeAnswer?.();
      return done(object.id, object);
    }

    override async delete({ remoteId }: DeleteOperation<RemoteInvoice>): Promise<Outcome<RemoteInvoice>> {
      this.account.calls.push({ call: 'delete', id: remoteId });
      this.account.remove(remoteId);
      return done(remoteId);
    }

    override async fetch(remoteId: string): Promise<Sight<RemoteInvoice>> {
      const object = this.account.objects.get(remoteId);
      if (object !== undefined) return found(object);
      return this.account.deleted.has(remoteId) ? gone() : missing('404');
    }

    override async find(query: Query<RemoteInvoice>): Promise<readonly RemoteInvoice[]> {
      const all = [...this.account.objects.values()] as RemoteInvoice[];
      return query.by === 'key' ? all.filter((one) => one.values.marker === query.key) : [];
    }

    override async list(): Promise<ListPage<RemoteInvoice>> {
      return { remotes: [...this.account.objects.values()] as RemoteInvoice[] };
    }

    override async changes(cursor: string | undefined): Promise<ChangePage<RemoteInvoice>> {
      const now = String(this.account.sequence);
      const since = cursor === undefined ? [] : this.account.changesSince(Number(cursor));
      const events = since.map(({ sequence, id, kind, at }) => ({ id: `${sequence}`, remoteId: id, kind, at }));
      return { events, cursor: now, more: false };
    }

    override keyOf(remote: RemoteInvoice): string | undefined {
      return remote.values.marker;
    }

    #written(lines: readonly RemoteLine[], writes: ChildWrites | undefined): RemoteLine[] {
      const { add = [], update = [], remove = [] } = writes ?? {};
      const kept = lines.filter((line) => !remove.some((one) => one.remoteId === line.id));
      const edited = kept.map((line) => ({ ...line, ...update.find((one) => one.remoteId === line.id)?.changed }));
      const added = add.map(({ values }) => ({ text: null, amount: null, ...values, id: `l${++this.#nextLine}` }));
      return [...edited, ...added];
    }
  };
}

export function linesOf(system: MemorySystem, id: string): readonly RemoteLine[] {
  return (system.objects.get(id) as RemoteInvoice | undefined)?.values.lines ?? [];
}

/** Text and amount of every line there, in their order. */
export function shown(system: MemorySystem, id: string): (readonly [string | null, number | null])[] {
  return linesOf(system, id).map(({ text, amount }) => [text, amount]);
}
