/**
 * The prepared data folder from which a new embedded hub starts. initdb inside PGlite takes several seconds; unpacking a
 * finished folder takes a fraction of one. It is shipped (made by `scripts/make-template.mjs`), because a cache in the
 * system's temp folder would make just the first impression slow, and other users of the machine could write there.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';

/** Large, because the template is some 40 MB and the default of 16 KiB makes thousands of pieces. */
const chunkBytes = 4 * 1024 * 1024;

/** The version of the PGlite that is installed: a data folder belongs to the build that made it. */
export async function pgliteVersion(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const manifest = JSON.parse(await readFile(join(dirname(entry), '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}

/** Where the template of a PGlite version is kept. */
export function templatePath(version: string): string {
  return fileURLToPath(new URL(`../../data/embedded/pglite-${version}.tar.br`, import.meta.url));
}

/** The template as an uncompressed tar; undefined when none is shipped for the installed PGlite: then a new hub starts slowly. */
export async function loadTemplate(): Promise<Blob | undefined> {
  try {
    const packed = await readFile(templatePath(await pgliteVersion()));
    const tar = await promisify(brotliDecompress)(packed, { chunkSize: chunkBytes });
    return new Blob([new Uint8Array(tar.buffer, tar.byteOffset, tar.byteLength)], {
      type: 'application/x-tar',
    });
  } catch {
    return undefined;
  }
}
