#!/usr/bin/env node
/**
 * After tsc: puts what the sources read at run time beside their compiled form, takes out of `dist` what no longer has a source,
 * and makes the command executable. `data/` stays where it is: seen from `src/x/` and from `dist/x/` it is `../../data/`.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const src = join(root, 'src');
const dist = join(root, 'dist');

/** Not read by the program. */
const unneeded = new Set(['store/schema.snapshot.txt']);

const filesIn = (folder) =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    );

/** Sources of which something in dist may have come. */
const sourcesOf = (path) => {
  const compiled = /^(.*)(\.js|\.d\.ts)(\.map)?$/.exec(path);
  return compiled === null ? [path] : [`${compiled[1]}.ts`, path];
};

const assets = filesIn(src).filter((path) => !path.endsWith('.ts') && !unneeded.has(path));
for (const path of assets) {
  mkdirSync(dirname(join(dist, path)), { recursive: true });
  cpSync(join(src, path), join(dist, path));
}

const stale = filesIn(dist).filter(
  // the dashboard's page is put there by its own build
  (path) =>
    !path.startsWith('dashboard/') &&
    (unneeded.has(path) || !sourcesOf(path).some((one) => existsSync(join(src, one)))),
);
for (const path of stale) rmSync(join(dist, path));

chmodSync(join(dist, 'cli/main.js'), 0o755);
console.log(`dist: ${assets.length} assets copied${stale.length > 0 ? `, ${stale.length} stale files removed` : ''}`);
