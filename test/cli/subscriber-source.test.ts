/** What is made of a column's name stays inside of the text or the comment that it stands in. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { shapeOf } from '../../src/cli/scaffold/shape.js';
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
