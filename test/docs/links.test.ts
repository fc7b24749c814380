/** Links inside of the documentation lead somewhere, in a clone and in the package. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parsePage, readPages, type Page } from '../../scripts/docs/read.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = readPages(root);
const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };

/** What is wrong with the links of a page; `known` are the pages that have anchors. */
function broken(page: Page, known: readonly Page[]): string[] {
  return page.links.flatMap(({ href, line }) => {
    if (/^[a-z]+:/.test(href)) return [];
    const [path = '', anchor] = href.split('#');
    const target = path === '' ? page.path : normalize(join(dirname(page.path), decodeURIComponent(path)));
    const where = `${page.path}:${line}: ${href}`;
    const there = known.find((one) => one.path === target);
    if (there === undefined && !existsSync(join(root, target))) return [`${where}: there is no ${target}`];
    if (!files.some((one) => target === one || target.startsWith(`${one}/`))) return [`${where}: not in the package`];
    return anchor === undefined || there?.anchors.has(anchor) === true ? [] : [`${where}: no such heading`];
  });
}

test.each(pages.map((page) => [page.path, page] as const))('%s', (_, page) => {
  expect(broken(page, pages)).toEqual([]);
});

test('each page of docs/ can be reached from README', () => {
  const reached = new Set(['README.md']);
  for (const path of reached) {
    const page = pages.find((one) => one.path === path);
    for (const { href } of page?.links ?? [])
      if (!/^[a-z]+:/.test(href)) reached.add(normalize(join(dirname(path), href.split('#')[0] ?? '')));
  }
  expect(pages.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
});

describe('the check itself', () => {
  const check = (text: string): string[] => {
    const page = parsePage('docs/x.md', text);
    return broken(page, [...pages.filter(({ path }) => path !== page.path), page]);
  };

  test('finds a file that is not there, a heading that is not there, and what is not packed', () => {
    const text =
      '# A `b` c\n\n[1](none.md) [2](#a-b-c) [3](#nowhere) [4](../SPEC.md#nowhere) [5](../SPEC.md#outcomes)\n';
    expect(check(`${text}\n[6](../eslint.config.js) [7](https://example.com)\n`)).toEqual([
      'docs/x.md:3: none.md: there is no docs/none.md',
      'docs/x.md:3: #nowhere: no such heading',
      'docs/x.md:3: ../SPEC.md#nowhere: no such heading',
      'docs/x.md:5: ../eslint.config.js: not in the package',
    ]);
  });

  test('a link in a block of code is none', () => {
    expect(check('```text\n[1](none.md)\n```\n')).toEqual([]);
  });
});
