import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideConflict } from '../../src/merge/authority.js';
import { pair } from '../../src/merge/shadow.js';
import type { Authority, ConflictSides } from '../../src/subscriber/mapping.js';
import { applied, mappingOf, mergeOf } from './merge-support.js';

describe('latest', () => {
  const decide = (
    hubEditedAt: string | undefined,
    remoteEditedAt: string | undefined,
    tie: 'hub' | 'remote' = 'hub',
  ) => {
    const unit = mappingOf({ a: { remote: 'a', authority: 'latest', tie } }).units[0];
    if (unit === undefined) throw new Error('one unit is mapped');
    return decideConflict({ unit, base: undefined, h: 'h', r: 'r' }, { hubEditedAt, remoteEditedAt }).winner;
  };

  test.each([
    ['2026-01-01T00:00:01Z', '2026-01-01T00:00:00Z', 'hub'],
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z', 'remote'],
    ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00Z', 'tie'],
    ['2026-01-01T01:00:00+01:00', '2026-01-01T00:00:00Z', 'tie'],
    [undefined, '2026-01-01T00:00:00Z', 'tie'],
    ['2026-01-01T00:00:00Z', undefined, 'tie'],
    [undefined, undefined, 'tie'],
    ['never', '2026-01-01T00:00:00Z', 'tie'],
  ] as const)('%s here, %s there: %s', (hub, remote, winner) => {
    for (const tie of ['hub', 'remote'] as const)
      expect(decide(hub, remote, tie)).toBe(winner === 'tie' ? tie : winner);
  });

  test('is antisymmetric', () => {
    const time = fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') })
      .map((date) => date.toISOString());
    fc.assert(
      fc.property(time, time, (one, other) => {
        const opposite = { hub: 'remote', remote: 'hub', merged: 'merged' } as const;
        expect(decide(other, one, 'remote')).toBe(opposite[decide(one, other, 'hub')]);
      }),
    );
  });
});

describe('a function', () => {
  const run = (authority: Authority) => {
    const mapping = mappingOf({ a: { remote: 'a', authority } });
    return mergeOf(mapping, {
      shadow: { units: { a: pair('base', 'base') } },
      record: { id: 1, a: 'hub' },
      remote: { a: 'remote' },
      hubEditedAt: '2026-01-01T00:00:00Z',
    });
  };

  test('is told the sides as the hub would hold them, and the times that are known', () => {
    let told: ConflictSides | undefined;
    run((sides) => {
      told = sides;
      return 'hub';
    });
    expect(told).toEqual({
      unit: 'a',
      base: 'base',
      hub: 'hub',
      remote: 'remote',
      hubEditedAt: '2026-01-01T00:00:00Z',
      remoteEditedAt: undefined,
    });
  });

  test('may give a merged value: both values are in the log, and the remote is owed it', () => {
    const merged = run(({ hub, remote }) => ({ value: `${String(hub)}+${String(remote)}` }));
    expect(merged.patch).toEqual({ a: 'hub+remote' });
    expect(merged.conflicts).toMatchObject([{ hub: 'hub', remote: 'remote', base: 'base', winner: 'merged' }]);
    expect(merged.pairs['a']).toEqual(pair(undefined, 'remote'));
  });

  test('may not give a value that doesn’t fit the field', () => {
    expect(() => run(() => ({ value: 7 }))).toThrow(expect.objectContaining({ code: 'mapping' }) as Error);
  });

  test('isn’t asked where only one side changed', () => {
    const mapping = mappingOf({
      a: {
        remote: 'a',
        authority: () => {
          throw new Error('asked');
        },
      },
    });
    const shadow = { units: { a: pair('base', 'base') } };
    mergeOf(mapping, { shadow, record: { id: 1, a: 'hub' }, remote: { a: 'base' } });
    mergeOf(mapping, { shadow, record: { id: 1, a: 'base' }, remote: { a: 'remote' } });
    mergeOf(mapping, { shadow, record: { id: 1, a: 'equal' }, remote: { a: 'equal' } });
  });

  test('a lens that throws on its way to the function is a mapping error', () => {
    const via = {
      put: (hub: string | null) => hub,
      get: (): string => {
        throw new Error('the lens refuses');
      },
    };
    const mapping = mappingOf({ a: { remote: 'a', via, authority: () => 'hub' } });
    const shadow = { units: { a: pair('base', 'base') } };
    const sides = { shadow, record: { id: 1, a: 'hub' }, remote: { a: 'remote' } };
    // the comparison already meets the lens, so that it must be the one that is reached first
    expect(() => mergeOf(mapping, sides)).toThrow(expect.objectContaining({ code: 'mapping' }) as Error);
    expect(() => decideConflict({ unit: mapping.units[0] as never, base: pair('b', 'b'), h: 'h', r: 'r' }, {})).toThrow(
      expect.objectContaining({ code: 'mapping' }) as Error,
    );
  });
});

describe('a group', () => {
  const values = fc.constantFrom('1', '2', '3');
  const grouped = (authority: 'hub' | 'remote') =>
    mappingOf({
      a: { remote: 'a', group: 'g', authority },
      b: { remote: 'b', group: 'g', authority },
      c: { remote: 'c', authority },
    });

  test('ends as one side had it, for all members together, with what lost in the log', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('hub' as const, 'remote' as const),
        fc.tuple(values, values, values, values),
        (authority, [ha, hb, ra, rb]) => {
          const shadow = { units: { a: pair('1', '1'), b: pair('1', '1'), c: pair('1', '1') } };
          const record = { id: 1, a: ha, b: hb, c: '1' };
          const merged = mergeOf(grouped(authority), { shadow, record, remote: { a: ra, b: rb, c: '2' } });
          const after = applied(merged, record);
          const end = [after.record['a'], after.record['b']];
          const owed = (['a', 'b'] as const).map((name) => after.shadow.units[name]?.h !== after.record[name]);
          const remoteEnd = [owed[0] === true ? end[0] : ra, owed[1] === true ? end[1] : rb];
          expect(remoteEnd).toEqual(end);
          const hubChanged = ha !== '1' || hb !== '1';
          const remoteChanged = ra !== '1' || rb !== '1';
          const expected = !hubChanged
            ? [ra, rb]
            : !remoteChanged
              ? [ha, hb]
              : authority === 'hub'
                ? [ha, hb]
                : [ra, rb];
          expect(end).toEqual(expected);
          expect(after.record['c']).toBe('2');
          for (const name of ['a', 'b'] as const) {
            const [h, r] = name === 'a' ? [ha, ra] : [hb, rb];
            const lost = expected[name === 'a' ? 0 : 1] === h ? r : h;
            if (lost === '1' || lost === expected[name === 'a' ? 0 : 1]) continue;
            expect(merged.conflicts.some((one) => one.unit === name)).toBe(true);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('takes the merged value of an authority function', () => {
    const mapping = mappingOf({
      a: { remote: 'a', group: 'g', authority: () => ({ value: 'merged' }) },
      b: { remote: 'b', group: 'g', authority: () => ({ value: 'merged' }) },
    });
    const shadow = { units: { a: pair('1', '1'), b: pair('1', '1') } };
    const merged = mergeOf(mapping, { shadow, record: { id: 1, a: '2', b: '1' }, remote: { a: '3', b: '1' } });
    expect(merged.patch).toEqual({ a: 'merged' });
  });

  test('in which one function gives a value asks each differing member’s own', () => {
    const mapping = mappingOf({
      a: { remote: 'a', group: 'g', authority: () => ({ value: 'merged' }) },
      b: { remote: 'b', group: 'g', authority: () => 'remote' },
    });
    const shadow = { units: { a: pair('1', '1'), b: pair('1', '1') } };
    const record = { id: 1, a: '2', b: '2' };
    const merged = mergeOf(mapping, { shadow, record, remote: { a: '3', b: '3' } });
    expect(merged.patch).toEqual({ a: 'merged', b: '3' });
    expect(merged.pairs['a']).toEqual(pair(undefined, '3'));
    expect(merged.conflicts).toMatchObject([
      { unit: 'a', winner: 'merged' },
      { unit: 'b', winner: 'remote' },
    ]);
  });

  test.each([
    {
      what: 'both say something, the hub wins',
      authority: 'hub',
      hub: ['1', null],
      remote: ['2', 'x'],
      ends: ['1', null],
    },
    {
      what: 'both say something, the remote wins',
      authority: 'remote',
      hub: ['1', null],
      remote: ['2', 'x'],
      ends: ['2', 'x'],
    },
    { what: 'each says another half', authority: 'remote', hub: ['1', null], remote: [null, 'x'], ends: [null, 'x'] },
    { what: 'the hub has nothing', authority: 'hub', hub: [null, null], remote: ['2', 'x'], ends: ['2', 'x'] },
    { what: 'the remote has nothing', authority: 'remote', hub: ['1', 'y'], remote: [null, ''], ends: ['1', 'y'] },
    { what: 'one half is the same', authority: 'hub', hub: ['1', null], remote: ['1', 'x'], ends: ['1', 'x'] },
  ] as const)('at first load: $what', ({ authority, hub, remote, ends }) => {
    const record = { id: 1, a: hub[0], b: hub[1], c: null };
    const shadow = { units: {} };
    const merged = mergeOf(grouped(authority), { shadow, record, remote: { a: remote[0], b: remote[1], c: null } });
    const after = applied(merged, record);
    expect([after.record['a'], after.record['b']]).toEqual(ends);
    for (const [index, name] of (['a', 'b'] as const).entries()) {
      const [h, r] = [hub[index], remote[index]];
      const lost = ends[index] === h ? r : h;
      if (lost !== null && lost !== '' && lost !== ends[index])
        expect(merged.conflicts.map((one) => one.unit)).toContain(name);
    }
  });

  test('counts a member that is still owed to the remote', () => {
    const shadow = { units: { a: pair(undefined, '1'), b: pair('1', '1') } };
    const record = { id: 1, a: '2', b: '1' };
    const merged = mergeOf(grouped('hub'), { shadow, record, remote: { a: '1', b: '3', c: null } });
    expect(applied(merged, record).record).toMatchObject({ a: '2', b: '1' });
  });
});
