/** Writes a project's files without ever overwriting one that wasn't to be. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { messageOf, SyncflowError } from '../../errors.js';

export interface NewFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly text: string;
  /** One that is there already is left as it is, instead of being refused. */
  readonly optional?: boolean;
}

export interface Written {
  readonly path: string;
  readonly what: 'wrote' | 'overwrote' | 'kept' | 'added to';
}

/** @throws SyncflowError `usage` before anything is written, where a file is there already and `force` isn't given */
export function writeFiles(folder: string, files: readonly NewFile[], force: boolean): Written[] {
  const present = files.filter((file) => file.optional !== true && existsSync(join(folder, file.path)));
  if (present.length > 0 && !force) {
    throw new SyncflowError(
      'usage',
      `${present.map((file) => file.path).join(' and ')} ${present.length === 1 ? 'is' : 'are'} there already in ${folder}; nothing was written`,
      { hint: 'Move it away, write elsewhere with --dir, or overwrite it with --force.' },
    );
  }
  return files.map((file): Written => {
    const path = join(folder, file.path);
    const exists = existsSync(path);
    if (exists && file.optional === true) return { path: file.path, what: 'kept' };
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.text);
    return { path: file.path, what: exists ? 'overwrote' : 'wrote' };
  });
}

/** Adds lines that a file lacks, at its end. */
export function addLines(folder: string, path: string, lines: readonly string[]): Written | undefined {
  const file = join(folder, path);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const known = new Set(before.split(/\r?\n/).map((line) => line.trim()));
  const missing = lines.filter((line) => !known.has(line));
  if (missing.length === 0) return undefined;
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${missing.join('\n')}\n`);
  return { path, what: before === '' ? 'wrote' : 'added to' };
}

/** What is known of the package that a folder belongs to. */
export interface PackageFile {
  readonly path: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** The package.json of a folder, or the nearest above it. */
export function packageOf(folder: string): PackageFile | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const path = join(at, 'package.json');
    if (existsSync(path)) return readPackage(path);
    if (dirname(at) === at) return undefined;
  }
}

function readPackage(path: string): PackageFile {
  const text = readFileSync(path, 'utf8');
  try {
    return { path, text, value: JSON.parse(text) as Record<string, unknown> };
  } catch (error) {
    throw new SyncflowError('usage', `${path} is no JSON: ${messageOf(error)}`, { hint: 'Correct it first.' });
  }
}

/** Adds scripts that a package lacks, in the file's own indentation. */
export function addScripts(folder: string, scripts: Readonly<Record<string, string>>): Written | undefined {
  const found = packageOf(folder);
  if (found === undefined) return undefined;
  const present = (found.value['scripts'] ?? {}) as Record<string, string>;
  const missing = Object.entries(scripts).filter(([name]) => !Object.hasOwn(present, name));
  if (missing.length === 0) return undefined;
  const indent = /^([ \t]+)"/m.exec(found.text)?.[1] ?? '  ';
  const value = { ...found.value, scripts: { ...present, ...Object.fromEntries(missing) } };
  writeFileSync(found.path, `${JSON.stringify(value, null, indent)}\n`);
  return { path: relative(folder, found.path) || 'package.json', what: 'added to' };
}
