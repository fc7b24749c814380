#!/usr/bin/env tsx
/** `npm run docs` writes `docs/reference/` from the sources. A test fails while it isn't up to date. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { referencePages } from './docs/pages.js';

const root = fileURLToPath(new URL('..', import.meta.url));
for (const [path, text] of referencePages(root)) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
