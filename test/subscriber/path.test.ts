import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/catalog/values.js';
import { parsePath, readPath, writePath } from '../../src/subscriber/path.js';

describe('paths', () => {
  test.each(['__proto__', 'a.__proto__.b', 'constructor', 'a.constructor', 'prototype', '', '.', 'a..b', 'a.', '.a'])(
    '%j is refused',
    (text) => {
      expect(() => parsePath('here', text)).toThrow(
        expect.objectContaining({ code: 'config', hint: expect.any(String) as string }) as Error,
      );
    },
  );

  test('what is written is read', () => {
    const step = fc
      .stringMatching(/^[\w $"'-]{1,8}$/)
      .filter((one) => !['__proto__', 'constructor', 'prototype'].includes(one));
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), fc.jsonValue(), (steps, value) => {
        const path = parsePath('here', steps.join('.'));
        const target: Record<string, Json> = {};
        writePath(target, path, value);
        expect(readPath(target, path)).toEqual(value);
        expect(readPath({}, path)).toBeUndefined();
      }),
    );
  });

  test('only own properties are read', () => {
    expect(readPath({}, ['toString'])).toBeUndefined();
    expect(readPath(Object.create({ a: 1 }), ['a'])).toBeUndefined();
    expect(readPath('text', ['length'])).toBeUndefined();
    expect(readPath([1, 2], ['1'])).toBe(2);
    for (const value of [null, undefined, 7, 'x', true]) expect(readPath(value, ['a'])).toBeUndefined();
  });

  test('a body with "__proto__" of its own pollutes nothing', () => {
    const remote = JSON.parse('{"a":{"__proto__":{"polluted":"yes"},"b":1}}') as unknown;
    const target: Record<string, Json> = {};
    writePath(target, ['a'], readPath(remote, ['a']) as Json);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(readPath(target, ['a', 'polluted'])).toBeUndefined();
  });

  test('what stands in the way is replaced by an object, neighbours are kept', () => {
    const target: Record<string, Json> = { a: 'text', n: null, list: [1] };
    writePath(target, ['a', 'b'], 1);
    writePath(target, ['n', 'b'], 2);
    writePath(target, ['a', 'c'], 3);
    expect(target).toEqual({ a: { b: 1, c: 3 }, n: { b: 2 }, list: [1] });
  });
});
