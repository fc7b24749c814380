/** Each rule of `scripts/tidy.mjs` fires on what it forbids, and only there. */
import { expect, test } from 'vitest';
import { house as ours } from '../../scripts/tidy/house.mjs';
import { check, type House } from '../../scripts/tidy/rules.mjs';

/** Our rules, without the exceptions of today's tree; every file of a fixture is an entry unless a test says otherwise. */
function findings(files: Record<string, string>, house: Partial<House> = {}): string[] {
  const entries = Object.keys(files).filter((path) => path.startsWith('src/'));
  return check(new Map(Object.entries(files)), { ...ours, entries, exceptions: [], ...house }).map(
    ({ level, rule, file, line, message }) =>
      `${file}:${line} ${level === 'warning' ? 'warning ' : ''}${rule}: ${message}`,
  );
}

const lines = (count: number): string => Array.from({ length: count }, (_, index) => `// ${index}\n`).join('');

test('a tidy project has no findings', () => {
  const files = {
    'src/index.ts': "export { done } from './subscriber/outcome.js';\n",
    'src/subscriber/outcome.ts': 'export const done = 1;\n',
    'src/connectors/shop/index.ts':
      "import pg from 'pg';\nimport { done } from '../../subscriber/outcome.js';\nimport type { Row } from '../../catalog/catalog.js';\nexport const use = (row: Row) => [pg, done, row];\n",
    'src/catalog/catalog.ts': 'export type Row = object;\n',
  };
  expect(findings(files)).toEqual([]);
});

test('a connector imports neither the engine nor another connector, and of catalogs only types', () => {
  const files = {
    'src/connectors/shop/index.ts': [
      "import { plan } from '../../outward/plan.js';",
      "import { other } from '../other/index.js';",
      "import { Catalog, type Row } from '../../catalog/catalog.js';",
      "import { type Row as R } from '../../catalog/catalog.js';",
      "import { near } from './near.js';",
    ].join('\n'),
    'src/connectors/shop/near.ts': 'export const near = 1;',
    'src/connectors/other/index.ts': 'export const other = 1;',
  };
  expect(findings(files)).toEqual([
    'src/connectors/shop/index.ts:1 imports: imports src/outward/plan.ts',
    'src/connectors/shop/index.ts:2 imports: imports src/connectors/other/index.ts',
    'src/connectors/shop/index.ts:3 imports: imports values from src/catalog/catalog.ts, of which it may have only types',
  ]);
});

test('shared code imports no connector, no simulator and no command line, dynamically neither', () => {
  const files = {
    'src/engine/run.ts':
      "import '../connectors/shop/index.js';\nimport type { S } from '../testing/shop.js';\nconst place = '../cli/main.js';\nawait import('../demo/main.js');\n",
    'src/demo/main.ts': "import '../connectors/shop/index.js';\nimport '../testing/shop.js';\n",
  };
  expect(findings(files)).toEqual([
    'src/engine/run.ts:1 imports: imports src/connectors/shop/index.ts',
    'src/engine/run.ts:2 imports: imports src/testing/shop.ts',
    'src/engine/run.ts:3 imports: imports src/cli/main.ts',
    'src/engine/run.ts:4 imports: imports src/demo/main.ts',
  ]);
});

test('a pure file reaches no I/O, directly or through others; types are free', () => {
  const files = {
    'src/merge/merge.ts':
      "import { randomUUID } from 'node:crypto';\nimport type { Link } from '../store/links.js';\nimport { through } from '../catalog/values.js';\n",
    'src/catalog/values.ts': "import { helper } from '../helper.js';\nexport const through = helper;\n",
    'src/helper.ts': "import { query } from './store/links.js';\nexport const helper = query;\n",
    'src/store/links.ts': 'export const query = 1;\nexport type Link = object;\n',
    'src/outward/plan.ts': "import { merge } from '../merge/shadow.js';\n",
    'src/merge/shadow.ts': 'export const merge = 1;\n',
  };
  expect(findings(files)).toEqual([
    'src/merge/merge.ts:1 pure: a pure file reaches node:crypto',
    'src/merge/merge.ts:3 pure: a pure file reaches src/catalog/values.ts → src/helper.ts → src/store/links.ts',
  ]);
});

test('only the command line prints', () => {
  const files = {
    'src/engine/run.ts':
      "// console.log('in a comment')\nconsole.warn('x');\nprocess.stdout.write('x');\nprocess.stderr.write('console.log');\nprocess.exitCode = 1;\n",
    'src/cli/main.ts': "process.stdout.write('x');\n",
  };
  expect(findings(files)).toEqual([
    'src/engine/run.ts:2 printing: uses console.warn',
    'src/engine/run.ts:3 printing: uses process.stdout',
    'src/engine/run.ts:4 printing: uses process.stderr',
  ]);
});

test('SQL lives in the store; prose and session settings are none', () => {
  const statements = [
    'select id from customer',
    '  select count(*)::int',
    'insert into ${table} values ($1)',
    "update customer set name = 'x'",
    'delete from syncflow.mark where id = $1',
    'delete from ${table}',
    'with due as (select 1) select 2',
    'create unique index on customer (id)',
    'truncate syncflow.mark',
  ];
  const prose = [
    'select a customer',
    'update what you want to set',
    'delete from the remote',
    'with the name as given',
    'create a table',
    'insert',
    "select set_config('syncflow.origin', $1, true)",
  ];
  const source = (texts: readonly string[]): string =>
    texts.map((text, index) => `export const a${index} = \`${text}\`;\n`).join('');
  const found = findings({
    'src/engine/run.ts': source(statements),
    'src/engine/prose.ts': source(prose),
    'src/store/rows.ts': source(statements),
  });
  expect(found.map((one) => one.slice(0, one.indexOf(' sql:')))).toEqual(
    statements.map((_, index) => `src/engine/run.ts:${index + 1}`),
  );
});

test('files and functions have an end', () => {
  const body = (count: number): string => lines(count - 2);
  const files = {
    'src/short.ts': lines(400),
    'src/longer.ts': lines(401),
    'src/long.ts': lines(451),
    'src/functions.ts': `export function fits() {\n${body(80)}}\nexport function tooLong() {\n${body(81)}}\nexport class A {\n  method() {\n${body(81)}  }\n}\n`,
    'src/one.test.ts': lines(600),
  };
  expect(findings(files)).toEqual([
    'src/functions.ts:81 function-length: tooLong has 81 lines, allowed are 80',
    'src/functions.ts:163 function-length: method has 81 lines, allowed are 80',
    'src/long.ts:1 file-length: 451 lines, allowed are 450',
    'src/longer.ts:1 warning file-length: 401 lines, the end is at 450',
  ]);
});

test('a file that no entry of the package reaches is dead, and an entry must exist', () => {
  const files = {
    'package.json': JSON.stringify({
      exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './package.json': './package.json' },
      bin: { tool: 'dist/cli/main.js' },
    }),
    'src/index.ts': "export { a } from './a.js';\n",
    'src/a.ts': "export const a = () => import('./lazy.js');\n",
    'src/lazy.ts': '',
    'src/ring-1.ts': "import './ring-2.js';\n",
    'src/ring-2.ts': "import './ring-1.js';\n",
    'test/a.test.ts': "import '../src/only-in-tests.js';\n",
    'src/only-in-tests.ts': '',
  };
  expect(findings(files, { entries: [] })).toEqual([
    "package.json:1 dead-file: names src/cli/main.ts, which doesn't exist",
    'src/only-in-tests.ts:1 dead-file: no entry of the package reaches it',
    'src/ring-1.ts:1 dead-file: no entry of the package reaches it',
    'src/ring-2.ts:1 dead-file: no entry of the package reaches it',
  ]);
});

test('no path of a machine and no address of a registry, in any kind of file', () => {
  const [folder, host] = [['', 'root', 'x'].join('/'), ['registry', 'npmjs', 'org'].join('.')];
  const files = {
    'README.md': `See https://example.com${folder} and ./src${folder}.\nOpen ${folder}.\n`,
    'package-lock.json': `{\n  "resolved": "https://${host}/a.tgz" }\n`,
  };
  expect(findings(files)).toEqual([
    `package-lock.json:2 machine: the address of a package registry: ${host}`,
    `README.md:2 machine: a path of one machine: ${folder.slice(0, -1)}`,
  ]);
});

test('public names are listed by hand', () => {
  const files = {
    'src/index.ts':
      "export * from './a.js';\nexport * as b from './b.js';\nexport { c } from './c.js';\nexport const d = 1;\n",
  };
  expect(findings(files)).toEqual(['src/index.ts:1 export-star: `export *`', 'src/index.ts:2 export-star: `export *`']);
});

test('an exception silences its rule at its place, and is reported when it is no longer needed', () => {
  const files = { 'src/engine/run.ts': "console.log('x');\n" };
  const exceptions = [{ rule: 'printing', place: 'src/engine/', reason: 'a test' }];
  expect(findings(files, { exceptions })).toEqual([]);
  expect(findings({ 'src/engine/run.ts': '' }, { exceptions })).toEqual([
    'src/engine/:1 exception: src/engine/ keeps the rule "printing" now',
  ]);
});
