/** `docs/reference/` is made from the sources, and says what stands there now. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { program } from '../../scripts/docs/cli-page.js';
import { referencePages } from '../../scripts/docs/pages.js';
import * as core from '../../src/index.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
let pages: Map<string, string>;
beforeAll(() => {
  pages = referencePages(root);
}, 240_000);

test('the committed pages are up to date', () => {
  const stale = [...pages].filter(
    ([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text,
  );
  expect(stale.map(([path]) => `${path} is stale: npm run docs`)).toEqual([]);
});

test('no page is left of what is no longer made', () => {
  const there = readdirSync(join(root, 'docs/reference')).map((name) => `docs/reference/${name}`);
  expect(there.sort()).toEqual([...pages.keys()].sort());
});

describe('the pages name everything', () => {
  const text = (path: string): string => pages.get(path) ?? '';

  test('each value that the core exports', () => {
    const missing = Object.keys(core).filter((name) => !text('docs/reference/api.md').includes(`\n### ${name}\n`));
    expect(missing).toEqual([]);
  });

  test('each command', () => {
    const names = program().commands.map((command) => command.name());
    expect(names.filter((name) => !text('docs/reference/cli.md').includes(`\n## syncflow ${name}`))).toEqual([]);
  });

  test('each code of errors', () => {
    const codes = Object.keys(core.errorCodes);
    expect(codes.filter((code) => !text('docs/reference/codes.md').includes(`| \`${code}\` |`))).toEqual([]);
  });

  test('nothing private, nothing internal', () => {
    expect(text('docs/reference/api.md')).not.toMatch(/#private|\bprivate |@internal/);
  });
});
