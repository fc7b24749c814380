#!/usr/bin/env node
/** Makes `data/embedded/pglite-<version>.tar.br`, the folder from which new embedded hubs start. Run it after each PGlite upgrade. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import { PGlite } from '@electric-sql/pglite';

const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
const { version } = JSON.parse(readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8'));
const folder = fileURLToPath(new URL('../data/embedded/', import.meta.url));

const db = new PGlite();
await db.waitReady;
await db.exec('checkpoint');
const dump = await db.dumpDataDir('none');
const tar = new Uint8Array(await dump.arrayBuffer());
await db.close();

const packed = brotliCompressSync(tar, {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: tar.length,
  },
});
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (/^pglite-.*\.tar\.br$/.test(name)) rmSync(join(folder, name));
const path = join(folder, `pglite-${version}.tar.br`);
writeFileSync(path, packed);
console.log(`${path}: ${(packed.length / 1e6).toFixed(2)} MB, from ${(tar.length / 1e6).toFixed(1)} MB`);
