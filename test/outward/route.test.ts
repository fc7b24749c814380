import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dueRows, keyMoves } from '../../src/outward/route.js';
import type { MarkRow } from '../../src/store/marks.js';

const mark = (op: MarkRow['op'], key: string | null, more: Partial<MarkRow> = {}): MarkRow => ({
  id: '1',
  bulk: false,
  catalog: 'thing',
  key,
  op,
  old_key: null,
  statement: null,
  at: '2026-01-01',
  origin: null,
  except_subscribers: null,
  ...more,
});
const subscribers = new Map([['thing', ['thing/a', 'thing/b']]]);

describe('marks become due rows', () => {
  test('one per subscriber and key; the last mark says whether it was deleted', () => {
    const marks = [mark('I', 'k'), mark('U', 'k'), mark('D', 'k'), mark('D', 'l'), mark('I', 'l')];
    expect(dueRows(marks, subscribers).map(({ subscriber, key, deleted }) => [subscriber, key, deleted])).toEqual([
      ['thing/a', 'k', true],
      ['thing/b', 'k', true],
      ['thing/a', 'l', false],
      ['thing/b', 'l', false],
    ]);
  });

  test('an update says nothing of deletion: that of a line which its order took along comes after the order’s own', () => {
    const marks = [mark('D', 'k'), mark('U', 'k'), mark('U', 'l'), mark('D', 'm'), mark('I', 'm'), mark('U', 'm')];
    expect(dueRows(marks, new Map([['thing', ['thing/a']]])).map(({ key, deleted }) => [key, deleted])).toEqual([
      ['k', true],
      ['l', undefined],
      ['m', false],
    ]);
  });

  test('a mass update waits behind others, and tells nothing over a later edit', () => {
    const bulk = { bulk: true, at: '2025-01-01', origin: '@restore' };
    const marks = [mark('U', 'k', { origin: '@ada' }), mark('D', 'l'), mark('U', 'k', bulk), mark('U', 'l', bulk)];
    expect(dueRows([...marks, mark('U', 'm', bulk)], new Map([['thing', ['thing/a']]]))).toMatchObject([
      { key: 'k', lane: 0, at: '2026-01-01', by: '@ada' },
      { key: 'l', lane: 0, deleted: true },
      { key: 'm', lane: 1, at: '2025-01-01', by: '@restore' },
    ]);
  });

  test('one write may leave a subscriber out; another of the same record takes it along', () => {
    const except = JSON.stringify(['thing/a']);
    expect(dueRows([mark('U', 'k', { except_subscribers: except })], subscribers).map((row) => row.subscriber)).toEqual(
      ['thing/b'],
    );
    const both = dueRows([mark('U', 'k'), mark('U', 'k', { except_subscribers: except })], subscribers);
    expect(both.map((row) => row.subscriber).sort()).toEqual(['thing/a', 'thing/b']);
  });

  test('the mark’s own origin is not left out', () => {
    expect(dueRows([mark('U', 'k', { origin: 'thing/a' })], subscribers)).toHaveLength(2);
  });

  test('marks of the whole table and of other catalogs make none', () => {
    expect(dueRows([mark('T', null), mark('U', 'k', { catalog: 'other' })], subscribers)).toEqual([]);
  });
});

describe('changes of key', () => {
  const move = (from: string, to: string): MarkRow => mark('K', to, { old_key: from });
  test.each([
    { what: 'one', marks: [move('a', 'b')], moves: [{ from: 'a', to: 'b' }] },
    { what: 'twice', marks: [move('a', 'b'), move('b', 'c')], moves: [{ from: 'a', to: 'c' }] },
    { what: 'there and back', marks: [move('a', 'b'), move('b', 'a')], moves: [] },
    {
      what: 'a swap by way of a third key',
      marks: [move('a', 't'), move('b', 'a'), move('t', 'b')],
      moves: [
        { from: 'a', to: 'b' },
        { from: 'b', to: 'a' },
      ],
    },
  ])('$what', ({ marks, moves }) => {
    expect(keyMoves(marks).flat()).toEqual(moves);
  });

  const together = (...pairs: readonly (readonly [string, string])[]): MarkRow[] =>
    pairs.map(([from, to]) => ({ ...move(from, to), statement: 'one' }));
  test.each([
    { what: 'a swap', marks: together(['a', 'b'], ['b', 'a']), moves: [['a>b', 'b>a']] },
    { what: 'a shift', marks: together(['a', 'b'], ['b', 'c'], ['c', 'd']), moves: [['a>b', 'b>c', 'c>d']] },
    {
      what: 'a move before a swap',
      marks: [move('t', 'a'), ...together(['a', 'b'], ['b', 'a'])],
      moves: [['t>b', 'b>a']],
    },
    {
      what: 'a swap and back',
      marks: [...together(['a', 'b'], ['b', 'a']), move('a', 't'), move('b', 'a'), move('t', 'b')],
      moves: [],
    },
    {
      what: 'to a key whose record had moved there and was deleted',
      marks: [move('a', 'b'), mark('D', 'b'), move('c', 'b')],
      moves: [['a>b'], ['c>b']],
    },
    {
      what: 'of a record that was inserted where another had moved away',
      marks: [move('a', 'b'), mark('I', 'a'), move('a', 'c')],
      moves: [['a>b'], ['a>c']],
    },
  ])('of one statement: $what', ({ marks, moves }) => {
    expect(keyMoves(marks).map((round) => round.map(({ from, to }) => `${from}>${to}`))).toEqual(moves);
  });

  test('any sequence of statements, deletes and inserts ends where replaying it ends', () => {
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const key = fc.constantFrom(...keys);
    const step = fc.oneof(
      fc.record({ moves: fc.array(fc.tuple(key, key), { minLength: 1, maxLength: 4 }) }),
      fc.record({ remove: key }),
      fc.record({ add: key }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const start = new Map(['a', 'b', 'c'].map((name) => [name, `record ${name}`]));
        const table = new Map(start);
        const marks: MarkRow[] = [];
        for (const [index, one] of steps.entries()) {
          if ('remove' in one) {
            if (table.delete(one.remove)) marks.push(mark('D', one.remove));
          } else if ('add' in one) {
            if (!table.has(one.add)) marks.push(mark('I', one.add));
            table.set(one.add, table.get(one.add) ?? 'a later one');
          } else marks.push(...rekey(table, one.moves, index));
        }
        const links = new Map(start);
        for (const moves of keyMoves(marks)) replay(links, moves);
        // a record that was inserted since has no link; one that was deleted may have kept its
        for (const [at, record] of table) if (record !== 'a later one') expect(links.get(at)).toBe(record);
      }),
    );
  });
});

/** One UPDATE: all its keys change at once, and must be unique afterwards. */
function rekey(table: Map<string, string>, wanted: readonly (readonly [string, string])[], index: number): MarkRow[] {
  const moves = [...new Map(wanted)].filter(([from, to]) => table.has(from) && from !== to);
  const after = new Map(table);
  for (const [from] of moves) after.delete(from);
  if (moves.some(([, to], at) => after.has(to) || moves.findIndex((other) => other[1] === to) !== at)) return [];
  for (const [from, to] of moves) after.set(to, table.get(from) ?? 'nobody');
  table.clear();
  for (const [at, record] of after) table.set(at, record);
  return moves.map(([from, to]) => mark('K', to, { old_key: from, statement: `statement ${index}` }));
}

/** As `moveKeys` does it: moved aside first; what stands in the way gives way. */
function replay(links: Map<string, string>, moves: readonly { from: string; to: string }[]): void {
  const aside = moves.flatMap(({ from, to }) => {
    const record = links.get(from);
    return record === undefined ? [] : [[to, record] as const];
  });
  for (const { from } of moves) links.delete(from);
  for (const { to } of moves) links.delete(to);
  for (const [to, record] of aside) links.set(to, record);
}
