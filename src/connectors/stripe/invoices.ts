/** Stripe's invoices with their lines. */
import type Stripe from 'stripe';
import type { CatalogClass } from '../../catalog/catalog.js';
import type { CreateOperation, DeleteOperation, Lane, UpdateOperation } from '../../subscriber/base.js';
import { SyncflowError } from '../../errors.js';
import type { RemoteSchema } from '../../subscriber/remote-schema.js';
import { done, exists, rejected, type Outcome } from '../../subscriber/outcome.js';
import { invoiceEvents } from './event-types.js';
import { lineBatches, type LineBatch } from './invoice-lines.js';
import { isInvoiceStatus, statusAfter, transitions, type InvoiceStatus, type Transition } from './invoice-status.js';
import type { PageRequest, RemotePage } from './listing.js';
import { StripeObject, type SeenInEvent } from './object.js';
import type { Params, Writable } from './params.js';
import { asObject, asText, plain, type JsonObject, type Plain } from './plain.js';
import { stripeSchema } from './schema.js';
import { StepRun } from './steps.js';

/** A line of an invoice. */
export type StripeInvoiceLine = Plain<Stripe.InvoiceLineItem>;
/** An invoice with all of its lines in `lines.data`, however many they are. */
export type StripeInvoice = Omit<Stripe.Invoice, 'lines'> & {
  readonly lines: Omit<Stripe.ApiList<unknown>, 'data'> & { readonly data: StripeInvoiceLine[] };
};

const always = [
  'auto_advance',
  'default_payment_method',
  'default_source',
  'description',
  'footer',
  'custom_fields',
  'metadata',
  'payment_settings',
  'rendering',
];
/** What nobody can change once the invoice is finalized. */
const frozen = [
  'account_tax_ids',
  'application_fee_amount',
  'automatic_tax',
  'automatically_finalizes_at',
  'collection_method',
  'days_until_due',
  'default_tax_rates',
  'discounts',
  'due_date',
  'effective_at',
  'issuer',
  'number',
  'on_behalf_of',
  'shipping_cost',
  'shipping_details',
  'statement_descriptor',
  'transfer_data',
];

/** How an invoice gets to its status. */
interface Way {
  readonly target: InvoiceStatus;
  readonly path: readonly Transition[] | undefined;
  /** Whether Stripe collects it by itself once it is open. */
  readonly advance: boolean;
}

/**
 * Base of a subscriber for Stripe's invoices with their lines.
 *
 * - A new record becomes a draft, its lines are added in bulk, then it is taken to the record's status: `open` finalizes it,
 *   `paid` marks it as paid out of band, `void` and `uncollectible` do what they say. Stripe collects by itself only where
 *   `auto_advance` is mapped and true, and the invoice's status is `open`; else it is off.
 * - Lines and most fields can change while it is a draft. Afterwards such a change is rejected with the names of the fields;
 *   so is a way back to an earlier status.
 * - A deleted record deletes a draft. A finalized invoice can't be deleted: void it instead.
 * - An invoice with nothing to pay is paid as soon as it is finalized.
 *
 * @example
 * class StripeInvoices extends StripeInvoiceSubscriber<typeof Invoice> {
 *   override readonly mapping = this.map({
 *     customer_id: 'customer',
 *     currency: 'currency',
 *     status: 'status',
 *     note: 'description',
 *     lines: {
 *       remote: 'lines.data',
 *       id: 'id',
 *       marker: 'metadata.syncflow_line',
 *       units: {
 *         product_id: 'pricing.price_details.product',
 *         unit_price: { remote: 'pricing.unit_amount_decimal', via: minorUnitsDecimal(2) },
 *         quantity: 'quantity',
 *         text: 'description',
 *       },
 *     },
 *   });
 * }
 * Invoice.register(StripeInvoices);
 */
export abstract class StripeInvoiceSubscriber<C extends CatalogClass> extends StripeObject<C, StripeInvoice> {
  /** Currency of invoices where the mapping has none. */
  readonly currency: string | undefined = undefined;
  /** Sent with every new draft, under what is mapped: `{ collection_method: 'send_invoice', days_until_due: 30 }`. */
  readonly draftDefaults: Stripe.InvoiceCreateParams = {};

  protected override readonly kind: string = 'invoice';
  protected override readonly eventTypes: readonly string[] = invoiceEvents;
  protected override readonly writable: Writable = {
    create: new Set([...always, ...frozen, 'currency', 'customer', 'status']),
    update: new Set([...always, ...frozen, 'currency', 'customer', 'status']),
    whole: {},
  };
  override readonly remoteSchema: RemoteSchema | undefined = stripeSchema('invoice', this.writable);

  override async create(operation: CreateOperation<StripeInvoice>): Promise<Outcome<StripeInvoice>> {
    const { status, ...fields } = this.createBody(operation);
    const target = status ?? 'draft';
    if (!isInvoiceStatus(target)) return rejected(`Stripe's invoices have no status "${textOf(target)}"`);
    const currency = asText(fields['currency']) ?? this.currency;
    // whatever the mapping has wrong is found before anything is sent
    const batches = lineBatches(operation.children, currency);
    const body: Params = {
      ...(this.draftDefaults as unknown as Params),
      auto_advance: false,
      pending_invoice_items_behavior: 'exclude',
      ...(currency === undefined ? {} : { currency: currency.toLowerCase() }),
      ...fields,
    };
    const run = new StepRun<StripeInvoice>(this.account, operation);
    const { id, existed } = await this.draft(operation, run, body);
    const asItIs = async (): Promise<Outcome<StripeInvoice>> => exists(id, await this.invoice(id, operation.lane));
    return run.settle(
      async () => {
        if (existed) return;
        await this.sendLines(run, id, batches);
        await this.move(run, id, {
          target,
          path: transitions('draft', target),
          advance: fields['auto_advance'] === true,
        });
      },
      existed ? asItIs : async () => done(id, await this.complete(run, id, operation.lane)),
      // the draft is there, and ours: link it, and let an update meet what stands in the way
      asItIs,
    );
  }

  private async draft(
    operation: CreateOperation<StripeInvoice>,
    run: StepRun<StripeInvoice>,
    body: Params,
  ): Promise<{ id: string; existed: boolean }> {
    const { lane, signal } = operation;
    const draft = await operation.step('draft', body, async (frozenBody, key) => {
      const params = frozenBody as unknown as Stripe.InvoiceCreateParams;
      const outcome = await this.createOnce(operation, key, async (idempotencyKey) =>
        plain(
          await this.account.call(lane, 'POST invoices', (stripe, options) => stripe.invoices.create(params, options), {
            idempotencyKey,
            signal,
          }),
        ),
      );
      if (outcome.kind !== 'done' && outcome.kind !== 'exists')
        throw new SyncflowError('subscriber', 'Stripe stores an error for this invoice');
      run.last = outcome.remote;
      return { id: outcome.remoteId, existed: outcome.kind === 'exists' };
    });
    run.begun = true;
    return draft;
  }

  override async update(operation: UpdateOperation<StripeInvoice>): Promise<Outcome<StripeInvoice>> {
    const { remoteId, lane, children } = operation;
    const changed = operation.changed as JsonObject;
    const run = new StepRun<StripeInvoice>(this.account, operation);
    const before = await run.read('before', async () => {
      const { status, currency, auto_advance } = await this.call('GET invoices/:id', lane, (stripe, options) =>
        stripe.invoices.retrieve(remoteId, {}, options),
      );
      return { status, currency, auto_advance: auto_advance === true };
    });
    const status: InvoiceStatus = isInvoiceStatus(before.status) ? before.status : 'draft';
    const { status: wanted, currency: _currency, customer: _customer, ...fields } = await this.updateBody(operation);
    const target = changed['status'] === undefined ? status : (changed['status'] ?? 'draft');
    if (!isInvoiceStatus(target)) return rejected(`Stripe's invoices have no status "${textOf(wanted)}"`);
    const batches = lineBatches(children, before.currency);
    const refusal = refusalOf(status, target, changed, batches);
    if (refusal !== undefined) return rejected(refusal);
    const sent = changed['auto_advance'];
    // where it isn't changed here, what stands there counts, not what we believe stands there
    const advance =
      this.mappedPaths().includes('auto_advance') && (sent === undefined ? before.auto_advance : sent === true);
    return run.settle(
      async () => {
        if (Object.keys(changed).some((name) => name !== 'status')) {
          await this.step(run, 'fields', 'POST invoices/:id', fields, (stripe, params, options) =>
            stripe.invoices.update(remoteId, params, options),
          );
        }
        await this.sendLines(run, remoteId, batches);
        await this.move(run, remoteId, { target, path: transitions(status, target), advance });
      },
      async () => done(remoteId, await this.complete(run, remoteId, lane)),
    );
  }

  override async delete({ remoteId, lane, signal }: DeleteOperation<StripeInvoice>): Promise<Outcome<StripeInvoice>> {
    const { status } = await this.call('GET invoices/:id', lane, (stripe, options) =>
      stripe.invoices.retrieve(remoteId, {}, options),
    );
    if (status !== 'draft')
      return rejected(
        `the invoice is ${textOf(status)}: Stripe deletes only drafts. Void it instead (set its status to "void")`,
      );
    await this.account.call(
      lane,
      'DELETE invoices/:id',
      (stripe, options) => stripe.invoices.del(remoteId, {}, options),
      { signal },
    );
    return done(remoteId);
  }

  private async sendLines(run: StepRun<StripeInvoice>, id: string, batches: readonly LineBatch[]): Promise<void> {
    for (const { name, endpoint, lines } of batches) {
      await this.step(run, name, `POST invoices/:id/${endpoint}`, { lines }, (stripe, params, options) => {
        switch (endpoint) {
          case 'add_lines':
            return stripe.invoices.addLines(id, params as unknown as Stripe.InvoiceAddLinesParams, options);
          case 'update_lines':
            return stripe.invoices.updateLines(id, params as unknown as Stripe.InvoiceUpdateLinesParams, options);
          case 'remove_lines':
            return stripe.invoices.removeLines(id, params as unknown as Stripe.InvoiceRemoveLinesParams, options);
        }
      });
    }
  }

  /** Takes the invoice to its status. With nothing to pay it is paid once finalized: that is as open as it gets. */
  private async move(run: StepRun<StripeInvoice>, id: string, { target, path = [], advance }: Way): Promise<void> {
    for (const transition of path) {
      // of what is paid already, or never to be, Stripe must not begin to collect on the way there
      const reached = await this.transition(run, id, transition, advance && target === 'open');
      if (reached === target || (reached === 'paid' && target === 'open')) return;
      if (reached !== statusAfter[transition])
        throw new SyncflowError('mapping', `the invoice became ${reached} on its way to ${target}`);
    }
  }

  private transition(
    run: StepRun<StripeInvoice>,
    id: string,
    transition: Transition,
    advance: boolean,
  ): Promise<string> {
    switch (transition) {
      case 'finalize':
        return this.step(
          run,
          'finalize',
          'POST invoices/:id/finalize',
          { auto_advance: advance },
          (stripe, params, options) => stripe.invoices.finalizeInvoice(id, params, options),
        );
      case 'pay':
        return this.step(run, 'pay', 'POST invoices/:id/pay', { paid_out_of_band: true }, (stripe, params, options) =>
          stripe.invoices.pay(id, params, options),
        );
      case 'void':
        return this.step(run, 'void', 'POST invoices/:id/void', {}, (stripe, params, options) =>
          stripe.invoices.voidInvoice(id, params, options),
        );
      case 'uncollectible':
        return this.step(run, 'uncollectible', 'POST invoices/:id/mark_uncollectible', {}, (stripe, params, options) =>
          stripe.invoices.markUncollectible(id, params, options),
        );
    }
  }

  /** A step that gives the invoice's status. */
  private step(
    run: StepRun<StripeInvoice>,
    name: string,
    endpoint: string,
    params: Params,
    request: (stripe: Stripe, params: Params, options: Stripe.RequestOptions) => Promise<Stripe.Invoice>,
  ): Promise<string> {
    return run.step(name, endpoint, params, async (stripe, body, options) => {
      const invoice = await request(stripe, body, options);
      run.last = plain(invoice);
      return invoice.status ?? 'draft';
    });
  }

  /** The invoice after the last step, with all of its lines. */
  private async complete(run: StepRun<StripeInvoice>, id: string, lane: Lane): Promise<StripeInvoice> {
    return run.last === undefined ? this.invoice(id, lane) : this.withAllLines(run.last, lane);
  }

  private async invoice(id: string, lane: Lane): Promise<StripeInvoice> {
    return this.withAllLines(
      plain(await this.call('GET invoices/:id', lane, (stripe, options) => stripe.invoices.retrieve(id, {}, options))),
      lane,
    );
  }

  /** Stripe embeds the first lines only; merged like that, the others would look deleted. */
  private async withAllLines(invoice: StripeInvoice, lane: Lane): Promise<StripeInvoice> {
    if (!invoice.lines.has_more) return invoice;
    const lines: StripeInvoiceLine[] = [];
    let more = true;
    while (more) {
      const after = lines.at(-1);
      const params = { limit: 100, ...(after === undefined ? {} : { starting_after: after.id }) };
      const page = await this.call('GET invoices/:id/lines', lane, (stripe, options) =>
        stripe.invoices.listLineItems(invoice.id, params, options),
      );
      lines.push(...plain<StripeInvoiceLine[]>(page.data));
      more = page.has_more && page.data.length > 0;
    }
    return { ...invoice, lines: { ...invoice.lines, data: lines, has_more: false } };
  }

  private call<T>(
    endpoint: string,
    lane: Lane,
    request: (stripe: Stripe, options: Stripe.RequestOptions) => Promise<T>,
  ): Promise<T> {
    return this.account.call(lane, endpoint, request);
  }

  /** A deleted draft answers 404 like one that never was; the proof of its deletion is the event. */
  protected override retrieve(remoteId: string, lane: Lane): Promise<StripeInvoice> {
    return this.invoice(remoteId, lane);
  }

  protected override async page(
    request: PageRequest & { readonly customer?: string },
    lane: Lane,
  ): Promise<RemotePage<StripeInvoice>> {
    const page = await this.call('GET invoices', lane, (stripe, options) =>
      stripe.invoices.list({ limit: 100, ...request }, options),
    );
    const data: StripeInvoice[] = [];
    for (const invoice of plain<StripeInvoice[]>(page.data)) data.push(await this.withAllLines(invoice, lane));
    return { data, has_more: page.has_more };
  }

  /** An item that is added to the invoice in the dashboard concerns the invoice. */
  protected override seenIn(type: string, data: JsonObject, current: boolean): SeenInEvent<StripeInvoice> | undefined {
    if (!type.startsWith('invoiceitem.')) return super.seenIn(type, data, current);
    const remoteId = asText(asObject(data['object'])['invoice']);
    return remoteId === undefined ? undefined : { remoteId, deleted: false };
  }

  protected override snapshotOf(object: JsonObject): StripeInvoice | undefined {
    return asObject(object['lines'])['has_more'] === false ? super.snapshotOf(object) : undefined;
  }
}

/** Why Stripe would refuse an update; undefined where it wouldn't. Said here because Stripe doesn't name the fields. */
function refusalOf(
  status: InvoiceStatus,
  target: InvoiceStatus,
  changed: JsonObject,
  batches: readonly LineBatch[],
): string | undefined {
  const fixed = ['customer', 'currency'].filter((name) => changed[name] !== undefined);
  if (fixed.length > 0)
    return `Stripe doesn't let ${fixed.join(' and ')} of an invoice be changed: void it and make a new one`;
  const names = [...frozen.filter((name) => changed[name] !== undefined), ...(batches.length > 0 ? ['lines'] : [])];
  if (status !== 'draft' && names.length > 0)
    return `the invoice is ${status}, so Stripe doesn't let ${names.join(', ')} be changed: void it and make a new one`;
  return transitions(status, target) === undefined ? `an invoice that is ${status} can't become ${target}` : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
