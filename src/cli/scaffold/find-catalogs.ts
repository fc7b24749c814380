/** Finds the main classes of a project in its files. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { CatalogClass } from '../../catalog/catalog.js';
import { didYouMean, SyncflowError } from '../../errors.js';
import { importModule } from '../config.js';

export interface FoundCatalog {
  readonly className: string;
  readonly name: string;
  /** Relative to the folder. */
  readonly path: string;
}

const passedOver = new Set(['node_modules', 'dist', 'build', 'out', 'coverage']);
const mostFiles = 5_000;

/** Main classes by what their text says: `export class Customer extends Catalog({ name: 'customer', …`. */
export function findCatalogs(folder: string): FoundCatalog[] {
  return sources(folder, folder, []).flatMap((path) => {
    const text = readFileSync(join(folder, path), 'utf8');
    const pattern = /export class ([\p{ID_Continue}$]+) extends Catalog\(\{\s*name: ['"]([\w-]+)['"]/gu;
    return [...text.matchAll(pattern)].map(([, className = '', name = '']) => ({ className, name, path }));
  });
}

function sources(root: string, folder: string, found: string[]): string[] {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (found.length >= mostFiles) break;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!entry.name.startsWith('.') && !passedOver.has(entry.name)) sources(root, path, found);
    } else if (/\.m?ts$/.test(entry.name) && !/\.(test|d)\.m?ts$/.test(entry.name)) found.push(relative(root, path));
  }
  return found;
}

/** Loads the main class of a catalog. @throws SyncflowError `usage` where there is none, or it can't be loaded */
export async function loadCatalog(
  folder: string,
  name: string,
): Promise<FoundCatalog & { readonly main: CatalogClass }> {
  const all = findCatalogs(folder);
  const found = all.find((one) => one.name === name) ?? all.find((one) => one.className === name);
  if (found === undefined) {
    const names = all.map((one) => one.name);
    const guess = didYouMean(name, names);
    const there =
      names.length === 0 ? `None is there: syncflow generate catalog ${name}.` : `There are: ${names.join(', ')}.`;
    throw new SyncflowError('usage', `there is no main class of a catalog "${name}" in ${folder} or below it`, {
      hint: guess === undefined ? there : `Did you mean "${guess}"?`,
    });
  }
  const loaded = await importModule<Record<string, unknown>>(join(folder, found.path));
  const main = loaded[found.className] as CatalogClass | undefined;
  if (main?.definition.name === found.name) return { ...found, main };
  throw new SyncflowError('usage', `${found.path} doesn't export the main class ${found.className}`);
}
