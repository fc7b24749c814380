#!/usr/bin/env node
/**
 * Tests what users install: builds, packs, installs the tarball into an empty project, and there imports every export, type-checks
 * a strict consumer, calls the command, runs the examples, and does what the pages of `docs/` say. `--no-build` packs `dist` as it is; `--keep` leaves the folder.
 *
 * Examples import the sources, as they can be run from a clone; here they get the package instead. Those that read other sources of the
 * repository are left out. `examples/<name>/main.ts` runs, and must end by itself with exit code 0.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = readJson(join(root, 'package.json'));
const work = mkdtempSync(join(tmpdir(), 'syncflow-package-'));
const consumer = join(work, 'consumer');
const installed = join(consumer, 'node_modules', manifest.name);
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const longestMs = 180_000;
const longestExampleMs = 60_000;
const longestPagesMs = 900_000;

const subpaths = Object.keys(manifest.exports).filter((one) => one !== './package.json');
const specifierOf = (subpath) => manifest.name + subpath.slice(1);
/** What the connectors need at run time; they can't be imported without. */
const peers = ['stripe', 'nano'];
/** What the pages of docs/ install beside. */
const beside = ['typescript', 'tsx', '@types/node', 'zod'];
/** What examples/traces registers. */
const sdk = ['@opentelemetry/api', '@opentelemetry/sdk-trace-base', '@opentelemetry/context-async-hooks'];

class Failure extends Error {}

try {
  if (!process.argv.includes('--no-build')) await step('build', () => run(npm, ['run', 'build'], root));
  const tarball = await step('pack', pack);
  await step('install', () => install([tarball]));
  await Promise.all([step('import without peers', importWithoutPeers), step('command', command)]);
  // the versions that are installed here: what was tested, and in npm's cache
  await step('install peers', () => install([...peers, ...beside, ...sdk].map((name) => `${name}@${versionOf(name)}`)));
  await Promise.all([step('import every export', importEvery), step('types', typecheck)]);
  await step('run', runExamples);
  await step('docs', runPages);
  documents();
  console.log(`package: ${manifest.name} ${manifest.version} works when installed`);
} catch (error) {
  console.error(error instanceof Failure ? `package: ${error.message}` : error);
  process.exitCode = 1;
} finally {
  if (process.argv.includes('--keep')) console.log(`kept: ${work}`);
  else rmSync(work, { recursive: true, force: true, maxRetries: 3 });
}

async function pack() {
  const [packed] = JSON.parse(await run(npm, ['pack', '--json', '--ignore-scripts', '--pack-destination', work], root));
  const paths = packed.files.map((file) => file.path);
  const stray = paths.filter((path) => /^(src|test|scripts|tmp)\//.test(path) || /\.test\./.test(path));
  if (stray.length > 0) throw new Failure(`packs what isn't for users: ${stray.join(', ')}`);
  const lost = [...Object.values(manifest.exports), ...Object.values(manifest.bin)]
    .flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
    .filter((path) => !paths.includes(path.replace(/^\.\//, '')));
  if (!paths.includes('dist/dashboard/index.html')) throw new Failure("the dashboard's page isn't packed");
  if (lost.length > 0) throw new Failure(`exports or bin name files that aren't packed: ${lost.join(', ')}`);
  return join(work, packed.filename);
}

async function install(packages) {
  if (!existsSync(consumer)) {
    mkdirSync(consumer);
    writeFileSync(join(consumer, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  }
  await run(npm, ['install', '--prefer-offline', '--no-audit', '--no-fund', ...packages], consumer);
}

/** A connector whose peer isn't installed must not keep the rest from loading; its own error must name the peer. */
async function importWithoutPeers() {
  for (const subpath of subpaths) {
    const peer = { './stripe': 'stripe', './couchdb': 'nano' }[subpath];
    const error = await importIn(specifierOf(subpath));
    if (peer === undefined ? error !== '' : !error.includes(`'${peer}'`)) {
      throw new Failure(`import '${specifierOf(subpath)}' without ${peers.join(' and ')}: ${error || 'no error'}`);
    }
  }
  const pglite = readJson(join(consumer, 'node_modules/@electric-sql/pglite/package.json')).version;
  if (!existsSync(join(installed, 'data/embedded', `pglite-${pglite}.tar.br`))) {
    throw new Failure(
      `users get PGlite ${pglite}, for which data/embedded has no template: new hubs start slowly. Pin the version, or run scripts/make-template.mjs`,
    );
  }
}

/** The message of the error that an import ends with; empty when it succeeds. */
async function importIn(specifier) {
  const script = `const all = await import(${JSON.stringify(specifier)}).catch((error) => { process.stdout.write(String(error.message)); });
    if (all !== undefined && Object.keys(all).length === 0) process.stdout.write('it exports nothing');`;
  return run(process.execPath, ['--input-type=module', '--eval', script], consumer);
}

async function command() {
  const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx';
  const help = await run(npx, ['--no-install', 'syncflow', '--help'], consumer);
  for (const word of ['start', 'status', 'verify']) {
    if (!help.includes(word)) throw new Failure(`syncflow --help doesn't name the command ${word}:\n${help}`);
  }
  const version = await run(process.execPath, [join(installed, manifest.bin.syncflow), '--version'], consumer);
  if (version.trim() !== manifest.version) throw new Failure(`syncflow --version says ${version.trim()}`);
  // templates are the examples, as they are packed
  const cli = [join(installed, manifest.bin.syncflow), 'init', '--yes', '--template', 'shop-and-crm', '--dir'];
  await run(process.execPath, [...cli, join(work, 'template')], consumer);
}

async function importEvery() {
  const errors = await Promise.all(
    subpaths.map(async (subpath) => [specifierOf(subpath), await importIn(specifierOf(subpath))]),
  );
  for (const [specifier, error] of errors) if (error !== '') throw new Failure(`import '${specifier}': ${error}`);
}

/** Libraries are checked too, for the sake of our own declarations: what they say of other packages' isn't held against us. */
async function typecheck() {
  const names = subpaths.map((subpath, index) => `import * as e${index} from '${specifierOf(subpath)}';`);
  writeFileSync(
    join(consumer, 'exports.ts'),
    `${names.join('\n')}\nexport const all = [${subpaths.map((_, index) => `e${index}`).join(', ')}];\n`,
  );
  cpSync(join(root, 'scripts/package-consumer'), consumer, { recursive: true });
  copyExamples();
  const options = {
    ...readJson(join(root, 'tsconfig.json')).compilerOptions,
    ...{ noEmit: false, outDir: 'out', rootDir: '.', skipLibCheck: false },
  };
  writeFileSync(
    join(consumer, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, include: ['*.ts', 'examples'] }),
  );
  const { output } = await runAny(process.execPath, [tsc, '--pretty', 'false'], consumer);
  const ours = output
    .split('\n')
    .filter((line) => /^(node_modules\/syncflow\/|(?!node_modules\/)[^ ]).*error TS/.test(line));
  if (ours.length > 0) throw new Failure(`a strict consumer doesn't type-check:\n${ours.slice(0, 20).join('\n')}`);
}

function copyExamples() {
  const source = join(root, 'examples');
  const paths = existsSync(source) ? readdirSync(source, { recursive: true }).map(String) : [];
  for (const path of paths.filter((one) => one.endsWith('.ts') && !one.endsWith('.d.ts'))) {
    const text = subpaths.reduce(
      (before, subpath) => before.replaceAll(`'../../${sourceOf(subpath)}'`, `'${specifierOf(subpath)}'`),
      readFileSync(join(source, path), 'utf8'),
    );
    if (/'(\.\.\/)+src\//.test(text)) continue;
    mkdirSync(dirname(join(consumer, 'examples', path)), { recursive: true });
    writeFileSync(join(consumer, 'examples', path), text);
  }
}

/** From `./stripe` to `src/connectors/stripe/index.js`. */
function sourceOf(subpath) {
  return manifest.exports[subpath].default.replace(/^\.\/dist\//, 'src/');
}

async function runExamples() {
  const examples = join(consumer, 'examples');
  const mains = existsSync(examples) ? readdirSync(examples).map((name) => `examples/${name}/main`) : [];
  for (const name of ['shop', ...mains]) {
    const script = join(consumer, 'out', `${name}.js`);
    if (existsSync(script)) await run(process.execPath, [script], consumer, longestExampleMs);
  }
}

/** Pages of docs/ that say what to type: it is typed, here, with the package. */
async function runPages() {
  const tsx = join(root, 'node_modules/tsx/dist/cli.mjs');
  process.stdout.write(await run(process.execPath, [tsx, 'scripts/docs/main.ts', consumer], root, longestPagesMs));
}

/** npm passes over what "files" names and isn't there. */
function documents() {
  const missing = manifest.files.filter((path) => !existsSync(join(root, path)));
  if (missing.length > 0)
    throw new Failure(`package.json lists under "files" what doesn't exist: ${missing.join(', ')}`);
}

async function step(name, work) {
  const start = performance.now();
  const result = await work();
  console.log(`  ${name} ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

async function run(file, args, cwd, timeoutMs = longestMs) {
  const { code, stdout, output } = await runAny(file, args, cwd, timeoutMs);
  if (code !== 0) {
    const shown = [file, ...args].join(' ').replaceAll(work, '…').slice(0, 200);
    throw new Failure(`${shown} ended with ${code ?? `no answer within ${timeoutMs} ms`}:\n${output.slice(-4_000)}`);
  }
  return stdout;
}

function runAny(file, args, cwd, timeout = longestMs) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, timeout, stdio: ['ignore', 'pipe', 'pipe'], shell: file.endsWith('.cmd') });
    let [stdout, output] = ['', ''];
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      output += chunk;
    });
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, output }));
  });
}

function versionOf(name) {
  return readJson(join(root, 'node_modules', name, 'package.json')).version;
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
