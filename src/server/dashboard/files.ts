/** The dashboard's page: static files that `npm run build` made, with headers that let them do no more than they need. */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.md': 'text/plain; charset=utf-8',
};

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const guarding = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const compress = promisify(gzip);

interface StaticFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly packed: Uint8Array<ArrayBuffer> | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where the build puts them, seen from the sources and from `dist`. */
export const builtFolder = fileURLToPath(new URL('../../../dist/dashboard/', import.meta.url));

/** Serves what lies in one folder, by the names that were there when it was first asked: no path leads out of it. */
export class StaticFiles {
  readonly #folder: string;
  #files: Promise<ReadonlyMap<string, StaticFile>> | undefined;

  constructor(folder: string = builtFolder) {
    this.#folder = folder;
  }

  /** @param path below the dashboard's own; empty: its page */
  async answer(path: string, acceptsGzip: boolean): Promise<Response> {
    const files = await (this.#files ??= load(this.#folder));
    // a clone may be built while it runs
    if (files.size === 0) this.#files = undefined;
    const file = files.get(path === '' ? 'index.html' : path);
    if (file === undefined) return path === '' ? unbuilt() : notThere();
    const isPacked = acceptsGzip && file.packed !== undefined;
    return new Response(isPacked ? file.packed : file.bytes, {
      headers: {
        ...guarding,
        ...file.headers,
        vary: 'accept-encoding',
        ...(isPacked ? { 'content-encoding': 'gzip' } : {}),
      },
    });
  }
}

async function load(folder: string): Promise<ReadonlyMap<string, StaticFile>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const loaded = files.map(async (file): Promise<[string, StaticFile]> => {
    const path = file.slice(join(folder, '/').length).replaceAll('\\', '/');
    const bytes = new Uint8Array(await readFile(file));
    const extension = extname(path);
    const packed = extension === '.woff2' ? undefined : new Uint8Array(await compress(bytes));
    const isHashed = path.startsWith('assets/');
    const headers = {
      'content-type': types[extension] ?? 'application/octet-stream',
      // a name with a hash never means anything else; the page itself names the newest
      'cache-control': isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    };
    return [path, { bytes, packed, headers }];
  });
  return new Map(await Promise.all(loaded));
}

function notThere(): Response {
  return new Response('There is no such file.\n', {
    status: 404,
    headers: { ...guarding, 'content-type': 'text/plain' },
  });
}

/** Only in a clone: the package brings them. */
function unbuilt(): Response {
  return new Response('The dashboard has not been built yet. In the clone, run: npm run build\n', {
    status: 503,
    headers: { ...guarding, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  });
}
