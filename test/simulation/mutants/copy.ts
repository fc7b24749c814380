/** A copy of the sources in a folder of its own, with one place of them said in another way. */
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mutated, placesOf, type Mutant } from './mutant.js';

const copied = ['src', 'scripts', 'test/simulation', 'package.json', 'tsconfig.json'];
const linked = ['node_modules', 'data'];

/** Runs `work` in a copy, mutated or not, and removes it. */
export async function inCopy<T>(root: string, mutant: Mutant | undefined, work: (folder: string) => Promise<T>) {
  const folder = await mkdtemp(join(tmpdir(), 'syncflow-mutant-'));
  try {
    await mkdir(join(folder, 'test'));
    for (const name of copied) await cp(join(root, name), join(folder, name), { recursive: true });
    for (const name of linked) await symlink(join(root, name), join(folder, name));
    for (const place of mutant === undefined ? [] : placesOf(mutant)) {
      const path = join(folder, place.file);
      await writeFile(path, mutated(await readFile(path, 'utf8'), place));
    }
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
