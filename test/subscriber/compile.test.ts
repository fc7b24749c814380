import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { mappingOf, Thing } from '../merge/merge-support.js';
import { Catalog } from '../../src/catalog/catalog.js';
import { references } from '../../src/catalog/fields.js';
import { compileMapping } from '../../src/subscriber/compile.js';
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
    {
      what: 'a misspelt option',
      spec: { a: { remote: 'x', authorty: 'latest' } as never },
      says: /a: unknown option "authorty"/,
      hint: /Did you mean "authority"/,
    },
    {
      what: 'an option that no children have',
      spec: { lines: { remote: 'l', id: 'id', markr: 'm', units: { text: 't' } } as never },
      says: /lines: unknown option "markr"/,
      hint: /Did you mean "marker"/,
    },
    {
      what: 'a misspelt option of a child’s unit',
      spec: { lines: { remote: 'l', id: 'id', units: { text: { remote: 't', lense: twoNames } as never } } },
      says: /lines\.text: unknown option "lense"/,
      hint: /There are: remote, hub, via/,
    },
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
  const misvalued: { what: string; spec: unknown; says: RegExp; hint: RegExp }[] = [
    {
      what: 'an authority',
      spec: { a: { remote: 'x', authority: 'newest' } },
      says: /a: authority can't be "newest"/,
      hint: /It is one of: hub, remote, latest/,
    },
    {
      what: 'an authority that is no text',
      spec: { a: { remote: 'x', authority: null } },
      says: /authority can't be null/,
      hint: /one of: hub/,
    },
    {
      what: 'a direction',
      spec: { a: { remote: 'x', direction: 'outwrd' } },
      says: /direction can't be "outwrd"/,
      hint: /Did you mean "outward"/,
    },
    {
      what: 'a tie',
      spec: { a: { remote: 'x', tie: 'remot' } },
      says: /tie can't be "remot"/,
      hint: /Did you mean "remote"/,
    },
    { what: 'a group', spec: { a: { remote: 'x', group: 1 } }, says: /group can't be 1/, hint: /a text/ },
    {
      what: 'hub fields',
      spec: { a: { remote: 'x', hub: 'a' } },
      says: /hub can't be "a"/,
      hint: /a list of hub fields/,
    },
    { what: 'a lens', spec: { a: { remote: 'x', via: String } }, says: /via can't be a function/, hint: /put, get/ },
    {
      what: 'no remote key',
      spec: { a: { authority: 'hub' } },
      says: /a: the option "remote" is missing/,
      hint: /remote/,
    },
    { what: 'a number as a unit', spec: { a: 5 }, says: /a can't be 5/, hint: /as a text/ },
    {
      what: 'children',
      spec: { lines: { remote: 'l', id: 'id', direction: 'in', units: { text: 't' } } },
      says: /lines: direction can't be "in"/,
      hint: /one of: both, outward, inward/,
    },
    {
      what: 'children by both',
      spec: { lines: { remote: 'l', id: 'id', authority: 'latest', units: { text: 't' } } },
      says: /lines: authority can't be "latest"/,
      hint: /hub, remote/,
    },
    {
      what: 'a unit of children',
      spec: { lines: { remote: 'l', id: 'id', units: { text: { remote: 't', tie: 'x' } } } },
      says: /lines\.text: tie can't be "x"/,
      hint: /hub, remote/,
    },
  ];
  test.each(misvalued)('a value that no such option has: $what', ({ spec, says, hint }) => {
    expect(() => mappingOf(spec as MappingSpec)).toThrow(
      expect.objectContaining({
        code: 'config',
        message: expect.stringMatching(says) as string,
        hint: expect.stringMatching(hint) as string,
      }) as Error,
    );
  });

  test('a reference among several hub fields: the lens would be given the hub’s key', () => {
    class Child extends Catalog({
      name: 'child',
      key: 'id',
      fields: { id: z.int(), thing_id: references(Thing), text: z.string() },
    }) {}
    const spec = { both: { remote: 'x', hub: ['thing_id', 'text'], via: twoNames } };
    expect(() => compileMapping('child/test', Child.definition, spec)).toThrow(/"thing_id" can't share a remote key/);
  });
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

  test('a remote key inside of another', () => {
    for (const spec of [
      { a: 'address', b: 'address.city' },
      { a: 'address.city', b: 'address' },
    ])
      expect(() => mappingOf(spec)).toThrow(expect.objectContaining({ code: 'config' }) as Error);
    // only begins alike; is only read
    expect(mappingOf({ a: 'address', b: 'address2.city' }).units).toHaveLength(2);
    expect(mappingOf({ a: { remote: 'address', direction: 'inward' }, b: 'address.city' }).units).toHaveLength(2);
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
