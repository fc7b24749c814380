import { expect, test } from 'vitest';
import { sumOf } from '../../dashboard/src/data/sums.js';
import type { LinesView } from '../../src/server/dashboard/contract.js';

function linesOf(rows: readonly Record<string, string | null>[], named: readonly string[] = []): LinesView {
  return {
    name: 'lines',
    columns: Object.keys(rows[0] ?? {}),
    key: ['id'],
    rows: rows.map((row, index) => ({
      key: `["${index}"]`,
      cells: Object.fromEntries(
        Object.entries(row).map(([column, value]) => [
          column,
          { value, ...(named.includes(column) ? { reference: { catalog: 'product', label: null, link: null } } : {}) },
        ]),
      ),
    })),
  };
}

test('price times quantity, added up to the last digit', () => {
  const lines = linesOf([
    { id: '1', price: '0.10', quantity: '3' },
    { id: '2', price: '0.2', quantity: '1' },
  ]);
  expect(sumOf(lines, { id: '7', number: '0.5', total: '0.50' })).toEqual({
    columns: ['price', 'quantity'],
    field: 'number',
    value: '0.5',
  });
  expect(sumOf(lines, { total: '0.51' })).toBeUndefined();
});

test('one column, where the lines have amounts', () => {
  expect(
    sumOf(
      linesOf([
        { id: '1', amount: '12.30' },
        { id: '2', amount: '-2.30' },
      ]),
      { total: '10.00' },
    ),
  ).toEqual({
    columns: ['amount'],
    field: 'total',
    value: '10.00',
  });
});

test.each([
  ['no line', linesOf([]), { total: '0.00' }],
  ['nothing of the record is that (a tax)', linesOf([{ id: '1', amount: '10.00' }]), { total: '11.90' }],
  ['a column that is no number in every line', linesOf([{ amount: '5.00' }, { amount: null }]), { total: '5.00' }],
  ['what names another record is no amount', linesOf([{ product_id: '5' }], ['product_id']), { total: '5.00' }],
  ['a whole number is perhaps a key', linesOf([{ id: '5' }]), { customer_id: '5' }],
  ['more than one thing could be meant', linesOf([{ price: '5.00', quantity: '1', position: '1' }]), { total: '5.00' }],
  ['nothing at all', linesOf([{ amount: '0.00' }]), { total: '0.00' }],
])('%s: nothing is claimed', (_, lines, fields) => {
  expect(sumOf(lines, fields)).toBeUndefined();
});
