/** Arithmetic that explains a total: which columns of its lines, multiplied and added up, come to a field of the record. Pure. */
import type { LinesView } from '../../../src/server/dashboard/contract.js';

export interface Sum {
  /** One column, or two that are multiplied in each line. */
  readonly columns: readonly string[];
  /** The field that is just that. */
  readonly field: string;
  readonly value: string;
}

interface Exact {
  readonly digits: bigint;
  readonly scale: number;
}

const none: Exact = { digits: 0n, scale: 0 };

/** Undefined where nothing of the record is that (a tax or a discount is no column of a line), or more than one thing could be meant. */
export function sumOf(
  { columns, key, rows }: LinesView,
  fields: Readonly<Record<string, string | null>>,
): Sum | undefined {
  const numeric = columns.flatMap((name): Column[] => {
    if (key.includes(name)) return [];
    const values = rows.flatMap(({ cells }) => {
      const cell = cells[name];
      return (cell?.reference === undefined ? exact(cell?.value) : undefined) ?? [];
    });
    return rows.length > 0 && values.length === rows.length ? [{ name, values }] : [];
  });
  const totals = Object.entries(fields).flatMap(([field, text]) => {
    // a whole number is perhaps a key
    const value = text?.includes('.') === true ? exact(text) : undefined;
    return value === undefined || value.digits === 0n ? [] : [{ field, text: text ?? '', value }];
  });
  const found = (candidates: readonly (readonly Column[])[]): Sum[] =>
    candidates.flatMap((factors) => {
      const sum = added(factors);
      const total = totals.find(({ value }) => same(value, sum));
      return total === undefined
        ? []
        : [{ columns: factors.map(({ name }) => name), field: total.field, value: total.text }];
    });
  // two factors say more than one column does
  const products = found(numeric.flatMap((a, index) => numeric.slice(index + 1).map((b) => [a, b])));
  const sums = products.length > 0 ? products : found(numeric.map((one) => [one]));
  return sums.length === 1 ? sums[0] : undefined;
}

interface Column {
  readonly name: string;
  /** Of each line. */
  readonly values: readonly Exact[];
}

function added([first, second]: readonly Column[]): Exact {
  const values = first?.values ?? [];
  return values.reduce((sum, value, index) => {
    const factor = second?.values[index];
    return plus(sum, factor === undefined ? value : times(value, factor));
  }, none);
}

function exact(text: string | null | undefined): Exact | undefined {
  const [, sign = '', whole = '', part = ''] = /^(-?)(\d{1,30})(?:\.(\d{1,20}))?$/.exec(text ?? '') ?? [];
  return whole === '' ? undefined : { digits: BigInt(`${sign}${whole}${part}`), scale: part.length };
}

const at = ({ digits, scale }: Exact, wanted: number): bigint => digits * 10n ** BigInt(wanted - scale);

function plus(a: Exact, b: Exact): Exact {
  const scale = Math.max(a.scale, b.scale);
  return { digits: at(a, scale) + at(b, scale), scale };
}

const times = (a: Exact, b: Exact): Exact => ({ digits: a.digits * b.digits, scale: a.scale + b.scale });

function same(a: Exact, b: Exact): boolean {
  const scale = Math.max(a.scale, b.scale);
  return at(a, scale) === at(b, scale);
}
