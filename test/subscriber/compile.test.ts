import { describe, expect, test } from 'vitest';
import { mappingOf } from '../merge/merge-support.js';
import { twoNames } from '../../src/subscriber/lens.js';
import type { MappingSpec } from '../../src/subscriber/mapping.js';

describe('a mapping that can’t work is refused with its place', () => {
  const wrong: { what: string; spec: MappingSpec; says: RegExp; hint?: RegExp }[] = [
    {
      what: 'a field that isn’t there',
      spec: { monney: 'x' },
      says: /no field "monney"/,
      hint: /Did you mean "money"/,
    },
    { what: 'a remote key twice', spec: { a: 'x', b: 'x' }, says: /"x" is mapped twice/ },
    { what: 'a hub field twice', spec: { a: 'x', other: { remote: 'y', hub: ['a'] } }, says: /"a" is mapped twice/ },
    { what: 'several fields without a lens', spec: { name: { remote: 'x', hub: ['a', 'b'] } }, says: /need a lens/ },
    { what: 'a path into a prototype', spec: { a: 'x.__proto__.y' }, says: /can't be a remote key/ },
    { what: 'children as one key', spec: { lines: 'lines' }, says: /child rows are mapped with/ },
    {
      what: 'a field of a child that isn’t there',
      spec: { lines: { remote: 'l', id: 'id', units: { txt: 't' } } },
      says: /no field "txt"/,
    },
    {
      what: 'a key of a child twice',
      spec: { lines: { remote: 'l', id: 'id', units: { text: 't', n: 't' } } },
      says: /mapped twice/,
    },
  ];
  test.each(wrong)('$what', ({ spec, says, hint }) => {
    let thrown: unknown;
    try {
      mappingOf(spec);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'config', message: expect.stringMatching(says) as string });
    if (hint !== undefined) expect(thrown).toMatchObject({ hint: expect.stringMatching(hint) as string });
  });

  test.each([
    { a: 'address', b: 'address.city' },
    { a: 'address.city', b: 'address' },
  ])('a remote key inside of another: %j', (spec) => {
    expect(() => mappingOf(spec)).toThrow(/"address.city" is mapped twice, by "a" and "b"/);
  });
  test('keys that only begin alike are two', () => {
    expect(mappingOf({ a: 'address.city', b: 'address.city_code', c: 'addres' }).units).toHaveLength(3);
  });
});

test('defaults', () => {
  const [unit] = mappingOf({ a: 'x.y' }).units;
  expect(unit).toMatchObject({
    name: 'a',
    path: ['x', 'y'],
    direction: 'both',
    authority: 'hub',
    tie: 'hub',
    group: undefined,
  });
});

test('several hub fields are one unit', () => {
  const [unit] = mappingOf({ name: { remote: 'name', hub: ['a', 'b'], via: twoNames } }).units;
  expect(unit?.fields.map((field) => field.name)).toEqual(['a', 'b']);
});
