/** The dashboard's page in a clone: built when it isn't there yet, or is older than its sources. The package brings it along. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtFolder } from '../server/dashboard/files.js';

const sources = fileURLToPath(new URL('../../dashboard/', import.meta.url));

/** Resolves with what was wrong; undefined: it is there. */
export async function buildPage(say: (text: string) => void): Promise<string | undefined> {
  if (!existsSync(sources) || newest(sources) <= newest(builtFolder)) return undefined;
  say('Building the dashboard (a few seconds; again only when its sources have changed).');
  let vite: string;
  try {
    vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');
  } catch {
    return 'the dashboard can’t be built: vite isn’t installed (npm ci)';
  }
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [vite, 'build', sources, '--logLevel', 'error'], { stdio: 'ignore' });
    child.once('error', (error) => resolve(`the dashboard can’t be built: ${error.message}`));
    child.once('exit', (code) =>
      resolve(code === 0 ? undefined : 'the dashboard can’t be built: npm run build says why'),
    );
  });
}

function newest(folder: string): number {
  if (!existsSync(folder)) return 0;
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.max(0, ...files.map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs));
}
