import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnyRecord } from '../../src/catalog/catalog.js';
import { formatKey } from '../../src/catalog/key.js';
import { childShadowsAfterWrite, mergeChildren } from '../../src/merge/children.js';
import type { Sent } from '../../src/merge/sent.js';
import { pair, type ChildShadow } from '../../src/merge/shadow.js';
import { mappingOf, nobody } from './merge-support.js';

interface Line {
  readonly id: number;
  readonly text: string;
  readonly n: string;
}
interface RemoteLine {
  readonly id: string;
  readonly text: string;
  readonly n: string;
}

const key = (id: number): string => formatKey([String(id)]);
const line = (id: number, text: string, n: string): Line => ({ id, text, n });
const there = (id: string, text: string, n: string): RemoteLine => ({ id, text, n });
const pairsOf = ({ text, n }: Line) => ({ text: pair(text, text), n: pair(n, n) });

interface Sides {
  readonly hub: readonly Line[];
  readonly remote: readonly RemoteLine[];
  readonly sent?: readonly Line[];
  readonly trust?: Pick<Sent, 'firstHand' | 'certain'>;
  readonly base?: Readonly<Record<string, ChildShadow>>;
  readonly marker?: boolean;
}

function run({ hub, remote, sent, trust = { firstHand: true }, base, marker = false }: Sides) {
  const mapping = mappingOf({
    lines: { remote: 'lines', id: 'id', ...(marker ? { marker: 'marker' } : {}), units: { text: 'text', n: 'n' } },
  });
  const [child] = mapping.children;
  if (child === undefined) throw new Error('lines are mapped');
  const rows: AnyRecord[] = hub.map((one) => ({ ...one, thing_id: 1 }));
  const pairs = Object.fromEntries((sent ?? []).map((one) => [key(one.id), pairsOf(one)]));
  const merged = mergeChildren(child, {
    mapping,
    resolver: nobody,
    shadow: { units: {}, ...(base === undefined ? {} : { children: { lines: base } }) },
    record: { id: 1, lines: rows },
    remote: { lines: remote },
    ...(sent === undefined ? {} : { sent: { units: {}, children: { lines: pairs }, ...trust } }),
  });
  const kept = Object.entries(merged.shadows).map(([of, shadow]) => [of, shadow.id]);
  const written = merged.written.map((one) => [one.key, one.id]);
  return { merged, rows, ids: Object.fromEntries([...kept, ...written]) as Record<string, string | undefined> };
}

const firstHand = { firstHand: true };
const replay = { firstHand: false, certain: true };
const lookUp = { firstHand: false };

describe('what was sent is found', () => {
  const a = line(1, 'a', '1');
  const b = line(2, 'b', '2');

  test.each([
    { name: 'the answer', trust: firstHand },
    { name: 'a repeated answer', trust: replay },
    { name: 'a look-up', trust: lookUp },
  ])('by equal values, in whatever order, in $name', ({ trust }) => {
    const remote = [there('rb', 'b', '2'), there('rx', 'x', '9'), there('ra', 'a', '1')];
    const { merged, ids } = run({ hub: [a, b], remote, sent: [a, b], trust });
    expect(ids).toMatchObject({ [key(1)]: 'ra', [key(2)]: 'rb' });
    expect(merged.written).toMatchObject([{ key: undefined, id: 'rx' }]);
    expect(merged).toMatchObject({ owed: false, conflicts: [] });
  });

  test('by the values that it shares, where the remote changed others', () => {
    const { merged, ids } = run({ hub: [a, b], remote: [there('rb', 'B', '2'), there('ra', 'A', '1')], sent: [a, b] });
    expect(ids).toEqual({ [key(1)]: 'ra', [key(2)]: 'rb' });
    expect(merged).toMatchObject({ records: undefined, owed: false, conflicts: [] });
    expect(merged.shadows[key(1)]?.units['text']).toEqual(pair('a', 'A'));
  });

  test('by order, where nothing is shared', () => {
    const { merged, ids } = run({
      hub: [a, b],
      remote: [there('r1', 'A', '01'), there('r2', 'B', '02')],
      sent: [a, b],
    });
    expect(ids).toEqual({ [key(1)]: 'r1', [key(2)]: 'r2' });
    expect(merged).toMatchObject({ records: undefined, owed: false, conflicts: [] });
  });

  test('among more than was sent: what is there is here, once', () => {
    const { merged } = run({ hub: [a], remote: [there('rx', 'X', '09'), there('ra', 'A', '01')], sent: [a] });
    expect((merged.records ?? []).map((row) => row['text']).sort()).toEqual(['A', 'X']);
    expect(merged.owed).toBe(false);
  });

  test('where the remote folds case and shows its children in another order, each is found by what it says', () => {
    const b = { ...a, id: 2, text: 'B ', n: '2' };
    const { merged } = run({ hub: [a, b], remote: [there('rb', 'b', '2.0'), there('ra', 'A', '1.0')], sent: [a, b] });
    expect(Object.entries(merged.shadows).map(([key, { id }]) => [key, id])).toEqual([
      ['["1"]', 'ra'],
      ['["2"]', 'rb'],
    ]);
  });

  test('in a repeated answer a difference is an edit made there', () => {
    const { merged } = run({ hub: [a], remote: [there('ra', 'a', '7')], sent: [a], trust: replay });
    expect(merged.records).toMatchObject([{ id: 1, text: 'a', n: '7' }]);
    expect(merged).toMatchObject({ owed: false, conflicts: [] });
  });

  test('in a look-up, what is merely alike is decided by authority, and logged', () => {
    const { merged } = run({ hub: [a], remote: [there('ra', 'A', '1')], sent: [a], trust: lookUp });
    expect(merged.records).toBeUndefined();
    expect(merged).toMatchObject({ owed: true, conflicts: [{ hub: 'a', remote: 'A', winner: 'hub' }] });
  });

  test('in a look-up, what has nothing in common is another line', () => {
    const { merged } = run({ hub: [a], remote: [there('rx', 'x', '9')], sent: [a], trust: lookUp });
    expect(merged.records).toMatchObject([{ text: 'a' }, { text: 'x' }]);
    expect(merged.owed).toBe(true);
  });

  test('though it was removed here meanwhile: the removal is owed', () => {
    const { merged } = run({ hub: [], remote: [there('ra', 'a', '1')], sent: [a] });
    expect(merged).toMatchObject({ records: undefined, owed: true, shadows: { [key(1)]: { id: 'ra' } } });
  });
});

describe('what was sent, and was never seen', () => {
  const a = line(1, 'a', '1');
  const base = { [key(1)]: { units: pairsOf(a) } };

  test('is found later, however it looks then', () => {
    expect(run({ hub: [a], remote: [there('ra', 'a', '1')], base }).ids).toEqual({ [key(1)]: 'ra' });
    const changed = run({ hub: [a], remote: [there('ra', 'A', '01')], base });
    expect(changed.merged.records).toMatchObject([{ id: 1, text: 'A', n: '01' }]);
    expect(changed.merged.owed).toBe(false);
  });

  test('isn’t deleted here because it is not there', () => {
    expect(run({ hub: [a], remote: [], base }).merged).toMatchObject({ records: undefined, owed: true });
  });
});

describe('equal lines on both sides', () => {
  const hub = [line(1, 'a', '1'), line(2, 'a', '1'), line(3, 'b', '2')];
  const remote = [there('r1', 'a', '1'), there('r2', 'a', '1'), there('r3', 'a', '1'), there('r4', 'c', '3')];

  test('are one, one to one, when the collection is first seen', () => {
    for (const marker of [false, true]) {
      const { merged, ids } = run({ hub, remote, marker });
      expect(ids).toMatchObject({ [key(1)]: 'r1', [key(2)]: 'r2' });
      expect(merged.records?.map((row) => row['text'])).toEqual(['a', 'a', 'b', 'a', 'c']);
      expect(merged.owed).toBe(true);
    }
  });

  test('later, only where there is no marker to tell them apart', () => {
    const sides = { hub: [line(1, 'a', '1')], remote: [there('r1', 'a', '1')], base: {} };
    expect(run(sides).merged.records).toBeUndefined();
    expect(run({ ...sides, marker: true }).merged.records).toHaveLength(2);
  });

  test('one that differs in what only one side says is equal', () => {
    const mapping = mappingOf({
      lines: { remote: 'lines', id: 'id', units: { text: 'text', n: { remote: 'n', direction: 'inward' } } },
    });
    const [child] = mapping.children;
    if (child === undefined) throw new Error('lines are mapped');
    const merged = mergeChildren(child, {
      mapping,
      resolver: nobody,
      shadow: { units: {} },
      record: { id: 1, lines: [{ id: 1, thing_id: 1, text: 'a', n: null }] },
      remote: { lines: [there('r1', 'a', '7')] },
    });
    expect(merged.written).toMatchObject([{ key: key(1), id: 'r1', record: { n: '7' } }]);
  });
});

test('whatever a remote makes of the lines that it was sent, an answer neither doubles nor loses one', () => {
  const text = fc.constantFrom('a', 'b', 'c');
  const sentLines = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 5 });
  const makes = fc.constantFrom(
    (value: string) => value,
    (value: string) => value.toUpperCase(),
    () => 'x',
  );
  fc.assert(
    fc.property(sentLines, makes, makes, fc.boolean(), fc.nat({ max: 2 }), (values, ofText, ofN, reversed, others) => {
      const hub = values.map(([one, n], index) => line(index, one, n));
      const shows = hub.map((one) => there(`r${one.id}`, ofText(one.text), ofN(one.n)));
      const remote = [
        ...Array.from({ length: others }, (_, index) => there(`o${index}`, 'other', `${index}`)),
        ...(reversed ? shows.reverse() : shows),
      ];
      const { merged, rows } = run({ hub, remote, sent: hub });
      const after = (merged.records ?? rows).map((row, index) => ({ id: 100 + index, ...row }));
      expect(after).toHaveLength(remote.length);
      expect(merged.owed).toBe(false);
      const shadows = childShadowsAfterWrite(merged, { id: 1, lines: after });
      expect(new Set(Object.values(shadows).map((one) => one.id))).toEqual(new Set(remote.map((one) => one.id)));
      const again = run({ hub: after as never, remote, base: shadows });
      expect(again.merged).toMatchObject({ records: undefined, owed: false });
    }),
    { numRuns: 500 },
  );
});
