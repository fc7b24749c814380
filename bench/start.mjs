#!/usr/bin/env node
/**
 * Compiles the sources and the benchmarks into `bench/dist` and runs them there: what users run is compiled too (a loader that
 * compiles on the way, tsx, keeps the names of functions at a cost that shows). The rivals are installed the first time.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = dirname(here.replace(/[\\/]$/, ''));

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (error !== undefined) throw error;
  return status ?? 1;
}

if (!existsSync(join(here, 'node_modules'))) {
  console.error('bench: installing the rivals (bench/package.json)');
  // their output must not get into --json
  const status = run('npm', ['ci', '--prefix', here], { stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status);
}
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
const compiled = run(process.execPath, [tsc, '-p', join(here, 'tsconfig.json')], { stdio: ['ignore', 2, 2] });
if (compiled !== 0) process.exit(compiled);
cpSync(join(root, 'src'), join(here, 'dist/src'), {
  recursive: true,
  filter: (path) => !path.endsWith('.ts') || statSync(path).isDirectory(),
});
process.exitCode = run(process.execPath, [
  ...(process.env.BENCH_NODE_OPTIONS?.split(' ') ?? []),
  '--enable-source-maps',
  join(here, 'dist/bench/run.js'),
  ...process.argv.slice(2),
]);
