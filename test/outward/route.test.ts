import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dueRows, keyMoves } from '../../src/outward/route.js';
import type { MarkRow } from '../../src/store/marks.js';

const mark = (op: MarkRow['op'], key: string | null, more: Partial<MarkRow> = {}): MarkRow => ({
  catalog: 'thing',
  key,
  op,
  old_key: null,
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
    expect(keyMoves(marks)).toEqual(moves);
  });

  test('any sequence of moves ends where replaying it ends', () => {
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const steps = fc.array(fc.tuple(fc.constantFrom(...keys), fc.constantFrom(...keys)), { maxLength: 12 });
    fc.assert(
      fc.property(steps, (wanted) => {
        const at = new Map([
          ['a', 'record a'],
          ['b', 'record b'],
          ['c', 'record c'],
        ]);
        const marks: MarkRow[] = [];
        for (const [from, to] of wanted) {
          const record = at.get(from);
          if (record === undefined || at.has(to)) continue; // keys are unique
          at.delete(from);
          at.set(to, record);
          marks.push(move(from, to));
        }
        const moves = keyMoves(marks);
        const start = new Map(['a', 'b', 'c'].map((key) => [key, `record ${key}`]));
        const end = new Map(start);
        for (const { from } of moves) end.delete(from);
        for (const { from, to } of moves) end.set(to, start.get(from) ?? 'nobody');
        expect([...end].sort()).toEqual([...at].sort());
      }),
    );
  });
});
