/** `syncflow init` on a database as people have them: what it writes compiles, and `start` works on it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/program.js';
import type { Prompter } from '../../src/cli/prompter.js';
import { hasPostgres, TestPostgres } from '../setup/hub.js';
import { project, style, typecheck } from './project.js';
import { begin, Captured, finish, Folders } from './support.js';

const folders = new Folders();
let db: TestPostgres;
beforeAll(async () => {
  if (!hasPostgres) return;
  db = await TestPostgres.create();
  await db.execute(readFileSync(new URL('./pagila-like.sql', import.meta.url), 'utf8'));
});
afterAll(async () => {
  folders.remove();
  if (hasPostgres) await db.close();
});

describe.runIf(hasPostgres)('a Pagila-like database', () => {
  test('becomes a project that compiles, is formatted, and starts', { timeout: 240_000 }, async () => {
    const cwd = project(folders);
    const { code, out, err } = await finish(['init', '--yes', '--database', db.url], { cwd });
    expect(err).toBe(
      [
        "log can't be a catalog: it has neither a primary key nor a unique index over columns that are NOT NULL",
        'crm.actor: "geo" is NOT NULL without a default and can\'t be a field: Syncflow can\'t insert there',
        '',
      ].join('\n'),
    );
    expect(code).toBe(0);
    expect(out).toMatch(/wrote catalogs\.ts\n.*wrote syncflow\.config\.ts\n[\s\S]*Next:\n {2}1\. npm install/);
    const source = readFileSync(join(cwd, 'catalogs.ts'), 'utf8');
    expect(source).toBe(await format(source, style));
    for (const path of ['catalogs.ts', 'syncflow.config.ts', '.env.example'])
      expect(readFileSync(join(cwd, path), 'utf8')).not.toContain('127.0.0.1');
    expect(typecheck(cwd)).toBe('');
    writeFileSync(join(cwd, '.env'), `DATABASE_URL=${db.url}\n`);
    const started = begin(['start', '--port', '0'], { cwd });
    await Promise.race([started.out.until(/"event":"listening"/), started.code]);
    started.signal('SIGTERM');
    expect(await started.code, started.err.text).toBe(0);
    delete process.env['DATABASE_URL'];
  });

  test('types, keys, references, circles and child rows are taken over', async () => {
    const cwd = project(folders);
    await finish(['init', '--yes', '--database', db.url], { cwd });
    const source = readFileSync(join(cwd, 'catalogs.ts'), 'utf8');
    for (const line of [
      `first_name: z.string().max(45),`,
      `rental_rate: decimal(4, 2).default('4.99'),`,
      `amount: decimal(4, 4),`,
      `größe: decimal().nullable(),`,
      `rating: z.enum(['G', 'PG', 'R', 'NC-17', "it's"]).nullable(),`,
      `last_update: timestamp().optional(),`,
      `meta: json(z.json()).optional(),`,
      `ext: z.guid().optional(),`,
      `Id: z.bigint(),`,
      `done: z.boolean().default(false),`,
      `"customer's name": z.string().max(60).nullable(),`,
      `'order date': z.iso.date(),`,
      `key: ['actor_id', 'film_id'],`,
      `actor_id: references(Actor),`,
      `original_language_id: references(Language).nullable(),`,
      `manager_staff_id: referencesLater((): CatalogClass => Staff, z.int32()),`,
      `boss_id: referencesLater((): CatalogClass => Staff, z.int32()).nullable(),`,
      `leftOut: ['fulltext'],`,
      `// softDelete: 'deleted_at', // rows that have it set count as deleted`,
      `table: 'Order_line',`,
      `schema: 'crm',`,
    ])
      expect(source).toContain(`${line}\n`);
    expect(source).toMatch(/left out: __proto__, for JavaScript keeps that name to itself\. Safe/);
    expect(source).toMatch(/left out: special_features, .*Safe/);
    expect(source).toMatch(/left out: geo, .*\n.*NOT SAFE for new rows/);
    expect(source.indexOf('class Language')).toBeLessThan(source.indexOf('class Film '));
  });

  test('nothing is overwritten unless forced', async () => {
    const cwd = project(folders);
    writeFileSync(join(cwd, 'catalogs.ts'), 'mine');
    writeFileSync(join(cwd, '.gitignore'), '.env\n');
    const args = ['init', '--yes', '--database', db.url, '--tables', 'actor'];
    const refused = await finish(args, { cwd });
    expect(refused).toMatchObject({ code: 2, out: '' });
    expect(refused.err).toMatch(/catalogs\.ts is there already in .*; nothing was written\n.*--force/);
    expect(existsSync(join(cwd, 'syncflow.config.ts'))).toBe(false);
    const forced = await finish([...args, '--force'], { cwd });
    expect(forced.out).toMatch(/overwrote catalogs\.ts/);
    expect(readFileSync(join(cwd, '.gitignore'), 'utf8')).toBe('.env\nnode_modules/\n.syncflow/\n');
  });

  test(
    'in a CommonJS package it writes .mts, and adds only scripts that are missing',
    { timeout: 120_000 },
    async () => {
      const cwd = folders.make();
      writeFileSync(
        join(cwd, 'package.json'),
        '{\n    "name": "shop",\n    "scripts": {\n        "sync": "mine"\n    }\n}\n',
      );
      expect(
        (await finish(['init', '--yes', '--database', db.url, '--tables', 'actor,film', '--dir', 'sync'], { cwd }))
          .code,
      ).toBe(0);
      expect(readFileSync(join(cwd, 'sync/syncflow.config.mts'), 'utf8')).toContain(`from './catalogs.mjs'`);
      const scripts = (JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8')) as { scripts: object }).scripts;
      expect(scripts).toEqual({ sync: 'mine', 'sync:check': 'syncflow check', 'sync:status': 'syncflow status' });
      mkdirSync(join(cwd, 'elsewhere'));
      writeFileSync(join(cwd, 'sync/.env'), `DATABASE_URL=${db.url}\n`);
      expect(await finish(['migrate', '--config', 'sync/syncflow.config.mts'], { cwd })).toMatchObject({
        code: 0,
        err: '',
      });
      delete process.env['DATABASE_URL'];
    },
  );

  test.each([
    [['--tables', 'acotr'], /there is no table "acotr"\n.*Did you mean "actor"\?/],
    [['--tables', 'log'], /log can't be a catalog: it has neither a primary key/],
    [['--tables', 'film,actor', '--children', 'actor'], /the rows of "actor" can't be child rows\n.*one parent/],
  ])('%j is refused, and nothing written', async (args, message) => {
    const cwd = project(folders);
    const { code, err } = await finish(['init', '--yes', '--database', db.url, ...args], { cwd });
    expect(err).toMatch(message);
    expect(code).toBe(2);
    expect(existsSync(join(cwd, 'catalogs.ts'))).toBe(false);
  });

  test('whoever is asked chooses tables and child rows', async () => {
    const cwd = project(folders);
    const asked: string[] = [];
    const prompter: Prompter = {
      one: async (question, choices) => (asked.push(question), choices[0]?.value),
      text: async (question) => (asked.push(question), db.url),
      some: async (question, choices, chosen) => {
        asked.push(`${question} ${choices.map(({ value }) => value).join(', ')}`);
        return chosen.filter((one) => /^(Order|Order_line of Order|film|language)$/.test(one) || one === 'Order_line');
      },
    };
    const out = new Captured();
    const code = await run(['init'], {
      stdout: out,
      stderr: new Captured(),
      env: {},
      cwd,
      ask: () => undefined,
      prompter: () => Promise.resolve(prompter),
      onSignal: () => () => undefined,
      exit: () => undefined,
    });
    expect(code).toBe(0);
    expect(asked.slice(0, 2)).toEqual(['What do you begin with?', 'Its address']);
    expect(asked[3]).toContain('Order_line of Order');
    const source = readFileSync(join(cwd, 'catalogs.ts'), 'utf8');
    expect([...source.matchAll(/export class (\w+)/g)].map(([, name]) => name)).toEqual(['Language', 'Film', 'Order']);
    expect(source).toContain('children: {\n    line: {');
  });
});

test('where nobody can be asked, it says what to give; a wrong address shows no password', async () => {
  const cwd = project(folders);
  expect(await finish(['init'], { cwd })).toMatchObject({ code: 2, err: expect.stringContaining('--yes') as string });
  expect(await finish(['init', '--yes'], { cwd })).toMatchObject({
    code: 2,
    err: expect.stringContaining('--template shop') as string,
  });
  const wrong = await finish(['init', '--yes', '--database', 'mysql://u:CANARY@h/d'], { cwd });
  expect(wrong).toMatchObject({ code: 2 });
  const away = await finish(['init', '--yes', '--database', 'postgres://u:CANARY@127.0.0.1:1/d'], { cwd });
  expect(away).toMatchObject({ code: 1 });
  expect(wrong.err + away.err).not.toContain('CANARY');
});
