/** Finds and loads the config file. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { createJiti } from 'jiti';
import { messageOf, SyncflowError } from '../errors.js';
import type { SyncflowOptions } from '../syncflow.js';
import { checkOptions } from './config-schema.js';

export interface LoadedConfig {
  readonly file: string;
  readonly options: SyncflowOptions;
  /** The folder of an embedded hub; undefined for any other. */
  readonly hubFolder: string | undefined;
}

const names = ['syncflow.config.ts', 'syncflow.config.mts', 'syncflow.config.js', 'syncflow.config.mjs'];

/** @param given a path from the command line; otherwise the file is looked for from `cwd` upward */
export async function loadConfig(given: string | undefined, cwd: string): Promise<LoadedConfig> {
  const file = given === undefined ? search(cwd) : existing(resolve(cwd, given));
  const name = basename(file);
  const options = placed(checkOptions(await evaluate(file, name), name), dirname(file));
  return { file, options, hubFolder: hubFolder(options) };
}

function existing(file: string): string {
  if (existsSync(file) && statSync(file).isFile()) return file;
  throw new SyncflowError('config', `there is no config file ${file}`, { hint: 'Check --config.' });
}

function search(cwd: string): string {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    for (const name of names) if (existsSync(join(folder, name))) return join(folder, name);
    if (dirname(folder) === folder) break;
  }
  throw new SyncflowError('config', `there is no syncflow.config.ts in ${cwd} or above it`, {
    hint: 'Make one (export default { database, catalogs, accounts }), or name it: --config path/to/syncflow.config.ts',
  });
}

/** Loads any module of a project, as a config is loaded. */
export async function importModule<T>(file: string): Promise<T> {
  return explained(file, basename(file), () => load<T>(file));
}

async function load<T>(file: string): Promise<T> {
  const jiti = createJiti(file, { virtualModules: await ownModules(), fsCache: false, interopDefault: false });
  return jiti.import<T>(file);
}

function evaluate(file: string, name: string): Promise<unknown> {
  return explained(file, name, async () => {
    const loaded = await load<{ default?: unknown }>(file);
    const exported = loaded.default;
    return typeof exported === 'function' ? await (exported as () => unknown)() : await exported;
  });
}

/** What is wrong with a module that can't be loaded, in words. */
async function explained<T>(file: string, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SyncflowError) {
      throw new SyncflowError(error.code, `${name}: ${error.message}`, {
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        cause: error,
      });
    }
    const missing = /Cannot find (?:module|package) '([^']+)'/.exec(messageOf(error))?.[1];
    if (missing !== undefined) {
      throw new SyncflowError('config', `${name} imports "${missing}", which can't be found`, {
        hint: /^[./]/.test(missing) ? 'Check the path.' : `Install it: npm install ${missing}`,
        cause: error,
      });
    }
    const [problem = ''] = messageOf(error).split('\n');
    const at = placeOf(error, dirname(file));
    throw new SyncflowError('config', `${at ?? name} can't be loaded: ${problem}`, {
      hint:
        at === undefined
          ? `It threw while it was evaluated (${file}); --debug shows where.`
          : `Look there. The whole way to it: --debug`,
      cause: error,
    });
  }
}

/** File and line of the project where it went wrong: a syntax error names them in its message, another in its stack. */
function placeOf(error: unknown, folder: string): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const text = `${error.message}\n${error.stack ?? ''}`;
  for (const [, file = '', line = ''] of text.matchAll(/((?:file:\/\/)?\/[^\s():]+\.[cm]?[jt]sx?):(\d+)(?::\d+)?/g)) {
    const path = file.replace(/^file:\/\//, '');
    if (path.startsWith(`${folder}/`) && !path.includes('/node_modules/')) return `${relative(folder, path)}:${line}`;
  }
  return undefined;
}

/**
 * This package's own modules for `import … from 'syncflow'` in a config. It must get the very classes that this process runs:
 * a second copy of them would know neither its catalogs nor its errors.
 */
async function ownModules(): Promise<Record<string, unknown>> {
  const optional = async (load: () => Promise<object>): Promise<object> =>
    load().catch((error: unknown) => broken(error));
  return {
    syncflow: await import('../index.js'),
    'syncflow/stripe': await optional(() => import('../connectors/stripe/index.js')),
    'syncflow/couchdb': await optional(() => import('../connectors/couchdb/index.js')),
    'syncflow/testing': await optional(() => import('../testing/index.js')),
  };
}

/** A module that couldn't be loaded (its peer dependency isn't installed): the error comes when it is used. */
function broken(error: unknown): object {
  return new Proxy(
    {},
    {
      get: (_, key) => {
        if (typeof key === 'symbol' || key === 'then' || key === '__esModule' || key === 'default') return undefined;
        throw error;
      },
    },
  );
}

/** Paths in a config are relative to it, so that a command means the same hub from any folder. */
function placed(options: SyncflowOptions, folder: string): SyncflowOptions {
  const { database } = options;
  if (typeof database !== 'string' || !isFolder(database) || isAbsolute(database)) return options;
  return { ...options, database: resolve(folder, database) };
}

function isFolder(database: string): boolean {
  return database !== 'memory:' && !/^[a-z][a-z0-9+.-]*:\/\//i.test(database);
}

function hubFolder({ database }: SyncflowOptions): string | undefined {
  if (typeof database === 'string') return isFolder(database) ? database : undefined;
  const { dataDir } = database as { dataDir?: unknown };
  return typeof dataDir === 'string' ? dataDir : undefined;
}
