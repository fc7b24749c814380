/** Every block of code says what it is, and is that. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { program } from '../../scripts/docs/cli-page.js';
import { wrongCommands } from '../../scripts/docs/command-lines.js';
import { option, parsePage, readPages } from '../../scripts/docs/read.js';
import { typecheck } from '../../scripts/docs/typecheck.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = readPages(root).filter(({ path }) => path === 'README.md' || path.startsWith('docs/'));
const blocks = pages.flatMap((page) => page.blocks.map((block) => ({ ...block, at: `${page.path}:${block.line}` })));
const inLanguage = (language: string) => blocks.filter((block) => block.language === language);

test('each block says what it is: checked code, or output', () => {
  const unknown = blocks.filter(({ language }) => !['ts', 'sh', 'sql', 'json', 'text'].includes(language));
  expect(unknown.map(({ at, language }) => `${at}: "${language}"`)).toEqual([]);
});

test('what is not checked here stands in the generated reference alone', () => {
  const unchecked = inLanguage('ts').filter(({ words }) => words.includes('declaration') || words.includes('example'));
  expect(unchecked.filter(({ at }) => !at.startsWith('docs/reference/'))).toEqual([]);
});

test('TypeScript is type-checked', () => {
  expect(typecheck(root, pages)).toEqual([]);
}, 240_000);

test('what is quoted stands in the file', () => {
  const flush = (text: string): string => text.replaceAll(/^ +/gm, '').trim();
  const wrong = blocks.filter((block) => {
    const from = option(block, 'from');
    if (from === undefined) return false;
    // examples import the sources, so that they run from a clone
    const source = readFileSync(join(root, from), 'utf8')
      .replaceAll('../../src/index.js', 'syncflow')
      .replaceAll('../../src/connectors/stripe/index.js', 'syncflow/stripe');
    return !flush(source).includes(flush(block.code));
  });
  expect(wrong.map(({ at }) => at)).toEqual([]);
});

test('shell is valid, and the commands of syncflow in it exist with their options', () => {
  const wrong = inLanguage('sh').flatMap(({ at, code }) => {
    const { stderr } = spawnSync('bash', ['-n'], { input: code, encoding: 'utf8' });
    return [stderr.trim(), ...wrongCommands(program(), code)]
      .filter((line) => line !== '')
      .map((line) => `${at}: ${line}`);
  });
  expect(wrong).toEqual([]);
});

test('commands that the text names in passing exist, too', () => {
  const wrong = pages.flatMap((page) =>
    [...page.text.matchAll(/`((?:npx )?syncflow [^`]+)`/g)].flatMap(([, line = '']) =>
      wrongCommands(program(), line).map((problem) => `${page.path}: ${line}: ${problem}`),
    ),
  );
  expect(wrong).toEqual([]);
});

test('JSON is valid', () => {
  for (const { code, at } of inLanguage('json')) expect(() => JSON.parse(code) as unknown, at).not.toThrow();
});

describe('the checks themselves', () => {
  test('a type error is found, on its line', () => {
    const page = parsePage(
      'docs/x.md',
      "# X\n\n```ts file=a.ts\nexport const a: number = 'x';\n```\n\n```ts\nimport { a } from './a.js';\nexport const b: string = a;\n```\n",
    );
    expect(typecheck(root, [page])).toEqual([
      "docs/x.md:4: Type 'string' is not assignable to type 'number'.",
      "docs/x.md:9: Type 'number' is not assignable to type 'string'.",
    ]);
  }, 120_000);

  test('a command and an option that do not exist are found', () => {
    const lines =
      'npx syncflow start --prot 3\nnpm run syncflow -- statsu\nsyncflow parked retry 3 --create && syncflow parked nothing';
    expect(wrongCommands(program(), lines)).toEqual([
      'syncflow start has no option --prot',
      'there is no command statsu',
      'there is no command parked nothing',
    ]);
  });
});
