/** What is made of a column's name stays inside of the text or the comment that it stands in. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { shapeOf } from '../../src/cli/scaffold/shape.js';
import { unknownSubscriber } from '../../src/cli/scaffold/unknown-system.js';
import { parsePath } from '../../src/subscriber/path.js';
import { couchSubscriber, stripeSubscriber } from '../../src/cli/scaffold/subscriber-source.js';

const place = { className: 'Side', mainFrom: './main.js' };

test.each([
  ['a newline', 'code\nprocess.exit(1);//', String.raw`'code\nprocess.exit(1);//'`],
  ['a line separator', 'code\u2028process.exit(1);//', String.raw`'code\u2028process.exit(1);//'`],
  ['quotes', `code's "\\" no`, String.raw`'code\'s "\\" no'`],
])('a name with %s ends no comment', (_what, name, literal) => {
  class Part extends Catalog({ name: 'part', key: 'id', fields: { id: z.int(), [name]: z.string() } }) {}
  const shape = shapeOf(Part, 'Part');
  for (const source of [couchSubscriber(shape, place), stripeSubscriber(shape, 'product', place)]) {
    expect(source).toContain(`  // override readonly match = [${literal}];\n`);
    expect(source).not.toMatch(/[\u2028\u2029]/);
    expect(source).not.toMatch(/^process/m);
  }
});

test('no remote key is made that a mapping refuses, or two alike', () => {
  const names = ['constructor', 'prototype', 'a_b', 'a b', 'external_id', '_constructor'];
  const fields = { id: z.int(), ...Object.fromEntries(names.map((name) => [name, z.string()])) };
  class Odd extends Catalog({ name: 'odd', key: 'id', fields }) {}
  const shape = shapeOf(Odd, 'Odd');
  const own = { ...place, system: 'crm', accountClass: 'CrmAccount', accountFrom: './crm-account.js' };
  for (const source of [
    couchSubscriber(shape, place),
    stripeSubscriber(shape, 'product', place),
    unknownSubscriber(shape, own),
  ]) {
    const mapping = /this\.map\(\{\n([\s\S]*?)\n {2}\}\);/.exec(source)?.[1] ?? '';
    const keys = [...mapping.matchAll(/: '([^']+)',$/gm)].map(([, key = '']) => key);
    expect(keys).toHaveLength(names.length);
    expect(new Set(keys).size).toBe(names.length);
    for (const key of keys) expect(() => parsePath('here', key)).not.toThrow();
    expect(source.match(/readonly externalId\b/g)?.length ?? 0).toBeLessThan(2);
  }
});
