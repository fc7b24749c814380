/**
 * Runs pages of `docs/` as their reader would, with an installed package: `tsx scripts/docs/main.ts <folder with node_modules> [page …]`.
 * `--show` prints what each block prints.
 * They need a Postgres (`SYNCFLOW_TEST_POSTGRES_URL`), psql and curl; without them they are skipped, and that is said.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readPages, type Page } from './read.js';
import { runPage } from './run-page.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const server = process.env['SYNCFLOW_TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const [installed = '', ...more] = process.argv.slice(2);
const chosen = more.filter((one) => one !== '--show');
const show = more.includes('--show') ? { show: (printed: string) => process.stdout.write(`${printed}\n`) } : {};
const pages = readPages(root).filter(({ path, text }) =>
  chosen.length > 0 ? chosen.includes(path) : path.startsWith('docs/') && /^<!-- run -->$/m.test(text),
);

const lacking = missing();
if (lacking === undefined) for (const page of pages) await inDatabase(page);
else process.stdout.write(`  docs: skipped, ${lacking}\n`);

function missing(): string | undefined {
  for (const tool of ['psql', 'curl', 'bash'])
    if (spawnSync(tool, ['--version']).status !== 0) return `there is no ${tool}`;
  return spawnSync('psql', [server, '-c', 'select 1']).status === 0 ? undefined : 'no Postgres answers';
}

async function inDatabase(page: Page): Promise<void> {
  const start = performance.now();
  const name = `syncflow_docs_${process.pid}_${Date.now()}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  // away from the installed package, whose folder has a tsconfig.json that a reader's hasn't
  const folder = mkdtempSync(join(tmpdir(), 'syncflow-page-'));
  sql(`create database ${name}`);
  try {
    await run(page, folder, url.href);
  } finally {
    sql(`drop database ${name} with (force)`);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
  process.stdout.write(`  ${page.path} ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}

async function run(page: Page, folder: string, database: string): Promise<void> {
  const [simulator, web] = [await freePort(), await freePort()];
  const { HOME, PATH, npm_config_registry: registry } = process.env;
  await runPage(page, {
    folder,
    env: {
      HOME,
      PATH,
      NO_COLOR: '1',
      COLUMNS: '120',
      PSQLRC: '/dev/null',
      PAGER: 'cat',
      npm_config_registry: registry,
    },
    ...show,
    timeoutMs: 180_000,
    replace: [
      ['postgres://postgres@127.0.0.1:5432/shop', database],
      ['127.0.0.1:12111', `127.0.0.1:${simulator}`],
      ['127.0.0.1:4400', `127.0.0.1:${web}`],
      ['npx syncflow simulator stripe', `npx syncflow simulator stripe --port ${simulator}`],
      ['npx syncflow start', `npx syncflow start --port ${web}`],
      // what the page installs is there, the package as it was packed
      [/^npm install .*$/gm, `ln -sfn ${resolve(installed, 'node_modules')} node_modules`],
    ],
    blur: [
      [/postgres:\/\/[^\s"]*/g, '<database>'],
      [/\d{4}-\d\d-\d\d/g, '<day>'],
      [/\d\d:\d\d:\d\d(\.\d+)?/g, '<time>'],
      [/(cus|evt)_\w+/g, '$1_<id>'],
      [/-{2,}/g, '--'],
    ],
  });
}

function sql(statement: string): void {
  const { status, stderr } = spawnSync('psql', [server, '-qc', statement], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${statement}: ${stderr}`);
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer().on('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
