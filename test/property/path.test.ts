/** Paths into remote objects: what is written is read, and nothing else moves. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json } from '../../src/catalog/values.js';
import { SyncflowError } from '../../src/errors.js';
import { parsePath, readPath, writePath } from '../../src/subscriber/path.js';
import { runs } from './runs.js';

const forbidden = ['__proto__', 'constructor', 'prototype'];
const step = fc.oneof(
  fc.constantFrom('a', 'b', 'c', '0', '1', 'length', 'toString', 'hasOwnProperty', 'valueOf', ' ', '"'),
  fc.string({ minLength: 1, maxLength: 6 }).filter((text) => !text.includes('.') && !forbidden.includes(text)),
);
const path = fc.array(step, { minLength: 1, maxLength: 4 });
const target = fc.dictionary(step, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }) as fc.Arbitrary<Record<string, Json>>;
const value = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>;

const startsWith = (long: readonly string[], short: readonly string[]): boolean =>
  short.every((one, index) => long[index] === one);

test('what is written is read; writing it again changes nothing', () => {
  fc.assert(
    fc.property(target, path, value, (object, at, written) => {
      writePath(object, at, written);
      expect(readPath(object, at)).toEqual(written);
      const before = structuredClone(object);
      writePath(object, at, written);
      expect(object).toEqual(before);
      writePath(object, at, readPath(object, at) ?? null);
      expect(object).toEqual(before);
    }),
    runs(500),
  );
});

test('paths apart from each other don’t disturb one another, in whatever order they are written', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(path, value), { minLength: 2, maxLength: 4 }), (writes) => {
      const overlap = writes.some(([one], i) => writes.some(([other], j) => i !== j && startsWith(other, one)));
      fc.pre(!overlap);
      const [forth, back]: Record<string, Json>[] = [{}, {}];
      for (const [at, written] of writes) writePath(forth as Record<string, Json>, at, structuredClone(written));
      for (const [at, written] of [...writes].reverse())
        writePath(back as Record<string, Json>, at, structuredClone(written));
      for (const [at, written] of writes) expect(readPath(forth, at)).toEqual(written);
      expect(forth).toEqual(back);
    }),
    runs(250),
  );
});

test('a prototype is never reached: such a key is refused, and none is read through', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(step, fc.constantFrom(...forbidden)), { minLength: 1, maxLength: 4 }), (steps) => {
      const isForbidden = steps.some((one) => forbidden.includes(one));
      let parsed: readonly string[] | undefined;
      try {
        parsed = parsePath('here', steps.join('.'));
      } catch (error) {
        expect(error).toBeInstanceOf(SyncflowError);
        expect(error).toMatchObject({ code: 'config' });
      }
      expect(parsed === undefined).toBe(isForbidden);
      if (parsed === undefined) return;
      expect(parsed).toEqual(steps);
      expect(readPath({}, parsed)).toBeUndefined();
      expect(
        readPath(
          [],
          parsed.filter((one) => one !== 'length'),
        ),
      ).toSatisfy((found: unknown) => found === undefined || Array.isArray(found));
      writePath({}, parsed, 'polluted');
      expect(Object.values(Object.prototype)).toEqual([]);
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    }),
    runs(250),
  );
});

test('any text is a path or a config error, and a path is its text', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        path.map((steps) => steps.join('.')),
      ),
      (text) => {
        try {
          expect(parsePath('here', text).join('.')).toBe(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'config' });
        }
      },
    ),
  );
});

test('anything may be read of, without a throw', () => {
  fc.assert(
    fc.property(fc.anything(), path, (object, at) => {
      expect(() => readPath(object, at)).not.toThrow();
    }),
  );
});
