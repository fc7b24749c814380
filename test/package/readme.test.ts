/** The README quotes examples that are type-checked: what it shows must be what stands there. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const read = (path: string): string => readFileSync(new URL(`../../examples/${path}`, import.meta.url), 'utf8');
const flush = (text: string): string => text.replaceAll(/^ +/gm, '').trim();
const blocks = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => flush(code));

test('thirty lines', () => {
  const [, ...code] = read('crm/thirty-lines.ts').split('\n');
  const text = code.join('\n').replace('../../src/index.js', 'syncflow');
  expect(blocks).toContain(flush(text.replace('../../src/connectors/stripe/index.js', 'syncflow/stripe')));
});

test('steps', () => {
  const [, steps = ''] = /\/\/ README: steps\n(.*?)\/\/ end\n/s.exec(read('desk/orders.ts')) ?? [];
  expect(blocks).toContain(flush(steps));
});
