/** How an invoice gets from one status to another. Pure. */

export type InvoiceStatus = 'draft' | 'open' | 'paid' | 'void' | 'uncollectible';
/** Requests that change an invoice's status. */
export type Transition = 'finalize' | 'pay' | 'void' | 'uncollectible';

const table: Readonly<Record<InvoiceStatus, Partial<Readonly<Record<InvoiceStatus, readonly Transition[]>>>>> = {
  draft: {
    draft: [],
    open: ['finalize'],
    paid: ['finalize', 'pay'],
    void: ['finalize', 'void'],
    uncollectible: ['finalize', 'uncollectible'],
  },
  open: { open: [], paid: ['pay'], void: ['void'], uncollectible: ['uncollectible'] },
  uncollectible: { uncollectible: [], paid: ['pay'], void: ['void'] },
  paid: { paid: [] },
  void: { void: [] },
};

export const statusAfter: Readonly<Record<Transition, InvoiceStatus>> = {
  finalize: 'open',
  pay: 'paid',
  void: 'void',
  uncollectible: 'uncollectible',
};

export function isInvoiceStatus(value: unknown): value is InvoiceStatus {
  return typeof value === 'string' && Object.hasOwn(table, value);
}

/** The requests that lead there; undefined where Stripe knows no way (back to draft, out of paid or void). */
export function transitions(from: InvoiceStatus, to: InvoiceStatus): readonly Transition[] | undefined {
  return table[from][to];
}
