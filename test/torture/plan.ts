/** What a round does, decided by its seed alone. */
import type { Shop } from '../../src/demo/chinook.js';
import { FAULT_KINDS, type FaultKind } from '../../src/testing/stripe-simulator/faults.js';

/** When `syncflow start` is killed. */
export type Moment =
  /** So long after it was started: while it opens, migrates, begins. */
  | { readonly kind: 'time'; readonly afterMs: number }
  /** Once this share of the remotes is there, and so much later. */
  | { readonly kind: 'progress'; readonly share: number; readonly delayMs: number };

/** What happens at a moment, and to which of the workers. */
export type Blow = { readonly moment: Moment } & (
  | { readonly kind: 'kill'; readonly worker: number }
  /** The database server crashes and is there again a moment later. */
  | { readonly kind: 'crash' }
);

/** Rates of the faults of the Stripe simulator, by kind. */
export type FaultRates = Readonly<Partial<Record<FaultKind, number>>>;

/** What may go wrong beside the kills. */
export interface Harshness {
  /** Workers on one hub; only where it can be shared. */
  readonly workers: number;
  readonly faults: boolean;
  /** Crashes of the database; only where it is a server of our own. */
  readonly crashes: boolean;
}

export interface Plan {
  readonly seed: number;
  readonly blows: readonly Blow[];
  readonly workers: number;
  readonly faults: FaultRates;
  /** Webhooks and polling, or polling alone. */
  readonly webhooks: boolean;
  /** Whether half of the invoices come into the hub while `syncflow start` works. Only where the hub can be shared. */
  readonly loadMeanwhile: boolean;
}

/** Those that end by themselves, and that an account with a pinned version can meet. */
const faultKinds = FAULT_KINDS.filter((kind) => kind !== 'webhook_hold' && kind !== 'webhook_old_version');

export function planOf(seed: number, shared: boolean, { workers, faults, crashes }: Harshness): Plan {
  const random = mulberry(seed);
  const count = [1, 1, 1, 2, 2, 3][Math.floor(random() * 6)] ?? 1;
  let share = 0;
  const kills = Array.from({ length: count }, (): Moment => {
    if (random() < 0.2) return { kind: 'time', afterMs: Math.round(random() * 4_000) };
    // each kill later than the one before, up to the very end
    share += (1 - share) * random();
    return { kind: 'progress', share, delayMs: Math.round(random() * 150) };
  });
  const webhooks = random() < 0.5;
  const loadMeanwhile = random() < 0.5 && shared;
  const workerCount = shared ? workers : 1;
  const blows: Blow[] = kills.map((moment) => ({ kind: 'kill', moment, worker: Math.floor(random() * workerCount) }));
  if (crashes && shared)
    blows.splice(Math.floor(random() * (blows.length + 1)), 0, {
      kind: 'crash',
      moment: { kind: 'time', afterMs: 500 + Math.round(random() * 4_000) },
    });
  return { seed, blows, workers: workerCount, faults: faults ? ratesOf(random) : {}, webhooks, loadMeanwhile };
}

/** Some of the faults, each at a rate of its own. */
function ratesOf(random: () => number): FaultRates {
  return Object.fromEntries(
    faultKinds.flatMap((kind) => (random() < 0.4 ? [[kind, Math.round(random() * 50) / 1_000]] : [])),
  );
}

/** A small generator of random numbers: the same from the same seed, everywhere. */
function mulberry(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Size {
  readonly customers: number;
  readonly products: number;
  readonly invoices: number;
}

export const smallSize: Size = { customers: 59, products: 100, invoices: 60 };
export const fullSize: Size = { customers: 59, products: 1_984, invoices: 412 };

/** A part of the shop in which every reference leads somewhere: as many invoices, and at least what stands on them. */
export function partOf(shop: Shop, size: Size): Shop {
  const customers = shop.customers.slice(0, size.customers);
  const known = new Set(customers.map((row) => row['id']));
  const affordable = shop.invoices.filter((row) => known.has(row['customer_id']));
  const lineCount = new Map<unknown, number>();
  for (const line of shop.lines) lineCount.set(line['invoice_id'], (lineCount.get(line['invoice_id']) ?? 0) + 1);
  const length = (row: Readonly<Record<string, unknown>>): number => lineCount.get(row['id']) ?? 0;
  // the last two are drafts, one of them long; of the others the short ones, which bring few products with them
  const drafts = affordable.slice(-Math.min(2, size.invoices));
  const others = affordable.filter((row) => !drafts.includes(row)).sort((a, b) => length(a) - length(b));
  const invoices = [...others.slice(0, size.invoices - drafts.length), ...drafts];
  const bills = new Set(invoices.map((row) => row['id']));
  const lines = shop.lines.filter((row) => bills.has(row['invoice_id']));
  const sold = new Set(lines.map((row) => row['product_id']));
  const products = shop.products.filter((row) => sold.has(row['id']));
  const more = shop.products
    .filter((row) => !sold.has(row['id']))
    .slice(0, Math.max(0, size.products - products.length));
  return { customers, products: [...products, ...more], invoices, lines };
}

/** The shop in two parts: the second has every other invoice, with its lines. */
export function halves(shop: Shop): [Shop, Shop] {
  const later = new Set(shop.invoices.filter((_, index) => index % 2 === 1).map((row) => row['id']));
  const split = (first: boolean): Shop => ({
    ...shop,
    invoices: shop.invoices.filter((row) => later.has(row['id']) !== first),
    lines: shop.lines.filter((row) => later.has(row['invoice_id']) !== first),
  });
  return [split(true), split(false)];
}
