/** Projects as a user has them: `syncflow` in them is what stands in src. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Folders, root } from './support.js';

/** An empty project in which `syncflow` is what stands in src. */
export function project(folders: Folders): string {
  const folder = folders.make();
  const paths = {
    syncflow: 'index.ts',
    'syncflow/stripe': 'connectors/stripe/index.ts',
    'syncflow/couchdb': 'connectors/couchdb/index.ts',
    'syncflow/testing': 'testing/index.ts',
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        rootDir: '/',
        typeRoots: [join(root, 'node_modules/@types')],
        paths: Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, [join(root, 'src', path)]])),
      },
      include: ['*.ts'],
    }),
  );
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  return folder;
}

export function typecheck(folder: string): string {
  const { stdout } = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], {
    encoding: 'utf8',
  });
  return stdout;
}

/** How this repository formats, which is how generated code is formatted. */
export const style = {
  parser: 'typescript',
  printWidth: 120,
  singleQuote: true,
  semi: true,
  trailingComma: 'all',
} as const;
