import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { childMarker, childShadowsAfterWrite, mergeChildren } from '../../src/merge/children.js';
import { pair, type ChildShadow } from '../../src/merge/shadow.js';
import type { AnyRecord } from '../../src/catalog/catalog.js';
import { formatKey } from '../../src/catalog/key.js';
import { mappingOf, nobody } from './merge-support.js';

interface Line {
  readonly id: number;
  readonly text: string | null;
}
interface RemoteLine {
  readonly id: string;
  readonly text: string | null;
  readonly marker?: string;
}
type Base = Readonly<Record<string, ChildShadow>>;

const key = (id: number): string => formatKey([String(id)]);
const agreed = (id: number, remote: string, text: string | null): Base => ({
  [key(id)]: { id: remote, units: { text: pair(text, text) } },
});

function run(
  sides: { base?: Base; hub: readonly Line[]; remote: readonly RemoteLine[]; sent?: readonly Line[] },
  options: { authority?: 'hub' | 'remote'; direction?: 'both' | 'inward' | 'outward' } = {},
) {
  const mapping = mappingOf({
    lines: { remote: 'lines', id: 'id', marker: 'marker', units: { text: 'text' }, ...options },
  });
  const [child] = mapping.children;
  if (child === undefined) throw new Error('lines are mapped');
  const hub: AnyRecord[] = sides.hub.map((line) => ({ ...line, thing_id: 1, n: null }));
  const sent = Object.fromEntries(
    (sides.sent ?? []).map((line) => [key(line.id), { text: pair(line.text, line.text) }]),
  );
  const merged = mergeChildren(child, {
    mapping,
    resolver: nobody,
    shadow: { units: {}, children: { lines: sides.base ?? {} } },
    record: { id: 1, lines: hub },
    remote: { lines: sides.remote },
    ...(sides.sent === undefined ? {} : { sent: { units: {}, children: { lines: sent }, firstHand: true } }),
  });
  return { merged, hub, texts: (merged.records ?? hub).map((row) => row['text']) };
}

describe('one line', () => {
  const base = agreed(1, 'r1', 'a');
  const table: {
    what: string;
    hub?: string;
    remote?: string;
    base?: Base;
    ends: string[];
    dirty: boolean;
    conflicts: number;
    owed?: boolean;
  }[] = [
    { what: 'unchanged', hub: 'a', remote: 'a', base, ends: ['a'], dirty: false, conflicts: 0 },
    { what: 'edited there', hub: 'a', remote: 'b', base, ends: ['b'], dirty: true, conflicts: 0 },
    { what: 'edited here', hub: 'b', remote: 'a', base, ends: ['b'], dirty: false, conflicts: 0 },
    { what: 'edited alike on both sides', hub: 'b', remote: 'b', base, ends: ['b'], dirty: false, conflicts: 0 },
    { what: 'edited on both sides', hub: 'b', remote: 'c', base, ends: ['b'], dirty: false, conflicts: 1 },
    { what: 'removed there', hub: 'a', base, ends: [], dirty: true, conflicts: 0 },
    { what: 'removed there, edited here', hub: 'b', base, ends: ['b'], dirty: false, conflicts: 1 },
    { what: 'removed here', remote: 'a', base, ends: [], dirty: false, conflicts: 0, owed: true },
    { what: 'removed here, edited there', remote: 'b', base, ends: [], dirty: false, conflicts: 1, owed: true },
    { what: 'removed on both sides', base, ends: [], dirty: false, conflicts: 0 },
    { what: 'new here', hub: 'a', ends: ['a'], dirty: false, conflicts: 0 },
    { what: 'new there', remote: 'a', ends: ['a'], dirty: true, conflicts: 0 },
  ];
  test.each(table)('$what', ({ hub, remote, base: before, ends, dirty, conflicts, owed }) => {
    const { merged, texts } = run({
      ...(before === undefined ? {} : { base: before }),
      hub: hub === undefined ? [] : [{ id: 1, text: hub }],
      remote: remote === undefined ? [] : [{ id: 'r1', text: remote }],
    });
    expect(texts).toEqual(ends);
    expect(merged.records !== undefined).toBe(dirty);
    expect(merged.conflicts).toHaveLength(conflicts);
    // what was removed here stays in the shadow, so that the plan finds it
    expect(Object.hasOwn(merged.shadows, key(1))).toBe(
      owed === true || (hub !== undefined && remote !== undefined && !dirty),
    );
  });

  test('edited here, removed there, authority remote: removed, and logged', () => {
    const { merged, texts } = run({ base, hub: [{ id: 1, text: 'b' }], remote: [] }, { authority: 'remote' });
    expect(texts).toEqual([]);
    expect(merged.conflicts).toMatchObject([{ winner: 'remote' }]);
  });
});

describe('markers', () => {
  test('pair a line that was just sent with the one in the answer', () => {
    const { merged } = run({
      hub: [{ id: 7, text: 'a' }],
      remote: [{ id: 'r1', text: 'A', marker: '7' }],
      sent: [{ id: 7, text: 'a' }],
    });
    expect(merged.records).toBeUndefined();
    expect(merged.shadows).toEqual({ [key(7)]: { id: 'r1', units: { text: pair('a', 'A') } } });
  });

  test('a copied one doesn’t take the place of its original', () => {
    const { merged, texts } = run({
      base: agreed(1, 'r1', 'a'),
      hub: [{ id: 1, text: 'a' }],
      remote: [
        { id: 'copy', text: 'x', marker: '1' },
        { id: 'r1', text: 'a', marker: '1' },
      ],
    });
    expect(texts).toEqual(['a', 'x']);
    expect(merged.shadows[key(1)]?.id).toBe('r1');
    expect(merged.written).toMatchObject([{ key: undefined, id: 'copy' }]);
  });

  test('one of a record that isn’t here makes a new line', () => {
    const { merged, texts } = run({ hub: [], remote: [{ id: 'r1', text: 'x', marker: '99' }] });
    expect(texts).toEqual(['x']);
    expect(merged.written[0]?.record).not.toHaveProperty('id');
  });

  test('any key text comes back from its marker', () => {
    const mapping = mappingOf({ lines: { remote: 'lines', id: 'id', marker: 'marker', units: { text: 'text' } } });
    expect(mapping.children).toHaveLength(1);
    fc.assert(
      fc.property(fc.string(), (text) => {
        const marker = childMarker(formatKey([text]));
        const back = marker.startsWith('["') ? marker : formatKey([marker]);
        expect(JSON.parse(back)).toEqual([text]);
      }),
    );
  });
});

describe('properties', () => {
  const texts = fc.constantFrom('a', 'b', 'c', null);
  const world = fc.array(
    fc.record({
      base: fc.option(texts, { nil: undefined }),
      hub: fc.option(texts, { nil: undefined }),
      remote: fc.option(texts, { nil: undefined }),
    }),
    { maxLength: 6 },
  );

  test('no line is invented or doubled, and the hub’s own new lines are always kept', () => {
    fc.assert(
      fc.property(world, fc.constantFrom('hub' as const, 'remote' as const), (lines, authority) => {
        const base = Object.assign(
          {},
          ...lines.map((line, n) => (line.base === undefined ? {} : agreed(n, `r${n}`, line.base))),
        ) as Base;
        const hub = lines.flatMap(({ hub: text }, id) => (text === undefined ? [] : [{ id, text }]));
        const remote = lines.flatMap(({ remote: text }, n) => (text === undefined ? [] : [{ id: `r${n}`, text }]));
        const { merged, hub: rows } = run({ base, hub, remote }, { authority });
        const records = merged.records ?? rows;
        const ids = records.flatMap((row) => (typeof row['id'] === 'number' ? [row['id']] : []));
        expect(new Set(ids).size).toBe(ids.length);
        for (const [n, line] of lines.entries()) {
          const isNewHere = line.base === undefined && line.hub !== undefined;
          if (isNewHere) expect(records).toContainEqual(expect.objectContaining({ id: n, text: line.hub }));
        }
        const newThere = lines.filter((line, n) => line.remote !== undefined && base[key(n)] === undefined).length;
        expect(records.filter((row) => row['id'] === undefined)).toHaveLength(newThere);
        for (const row of records)
          expect([...hub.map((one) => one.text), ...remote.map((one) => one.text)]).toContain(row['text']);
      }),
      { numRuns: 500 },
    );
  });

  test('a second merge with the same remote changes nothing', () => {
    fc.assert(
      fc.property(world, (lines) => {
        const base = Object.assign(
          {},
          ...lines.map((line, n) => (line.base === undefined ? {} : agreed(n, `r${n}`, line.base))),
        ) as Base;
        const hub = lines.flatMap(({ hub: text }, id) => (text === undefined ? [] : [{ id, text }]));
        const remote = lines.flatMap(({ remote: text }, n) => (text === undefined ? [] : [{ id: `r${n}`, text }]));
        const { merged, hub: rows } = run({ base, hub, remote });
        const written = (merged.records ?? rows).map((row, index) => ({ id: 100 + index, ...row }));
        const shadows = childShadowsAfterWrite(merged, { id: 1, lines: written });
        const again = run({ base: shadows, hub: written as never, remote });
        // lines that the hub keeps against the remote are sent in between; nothing else may move
        expect(again.merged.records).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});

test('a new line there isn’t paired with an unsent line of the hub', () => {
  const { merged } = run({ hub: [{ id: 1, text: 'ours' }], remote: [{ id: 'r9', text: 'theirs' }] });
  const stored = [
    { id: 1, thing_id: 1, text: 'ours', n: null },
    { id: 2, thing_id: 1, text: 'THEIRS', n: null }, // a trigger of the table
  ];
  const shadows = childShadowsAfterWrite(merged, { id: 1, lines: stored });
  expect(shadows).toEqual({ [key(2)]: { id: 'r9', units: { text: pair('THEIRS', 'theirs') } } });
});
