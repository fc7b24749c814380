/** The files around the main classes: config, environment, package. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { importLine } from './catalog-source.js';
import { addLines, addScripts, packageOf, writeFiles, type NewFile, type Written } from './files.js';

/** Where `syncflow generate` adds a line by itself. */
export const importsMark = '// syncflow: subscribers';
export const accountsMark = '// syncflow: accounts';

export interface ProjectParts {
  /** Main classes, as `catalogs` lists them. */
  readonly classes: readonly string[];
  /** None where there is no class yet. */
  readonly catalogs?: string;
  readonly subscribers?: readonly { readonly name: string; readonly text: string }[];
  readonly accounts: readonly { readonly imports: string; readonly line: string }[];
  readonly env: readonly string[];
  readonly force: boolean;
}

/** `mts` where the package says that `.ts` is CommonJS. */
export function extensionOf(folder: string): 'ts' | 'mts' {
  const found = packageOf(folder);
  return found === undefined || found.value['type'] === 'module' ? 'ts' : 'mts';
}

export const importExtension = (extension: 'ts' | 'mts'): string => extension.replace('ts', 'js');

export function writeProject(folder: string, parts: ProjectParts): Written[] {
  const extension = extensionOf(folder);
  const files: NewFile[] = [
    ...(parts.catalogs === undefined ? [] : [{ path: `catalogs.${extension}`, text: parts.catalogs }]),
    ...(parts.subscribers ?? []).map(({ name, text }) => ({ path: `${name}.${extension}`, text })),
    { path: `syncflow.config.${extension}`, text: configFile(parts, importExtension(extension)) },
    { path: '.env.example', text: `${parts.env.join('\n')}\n`, optional: true },
  ];
  if (packageOf(folder) === undefined) files.push({ path: 'package.json', text: packageText(), optional: true });
  if (!hasAbove(folder, 'tsconfig.json')) files.push({ path: 'tsconfig.json', text: tsconfig, optional: true });
  const written = writeFiles(folder, files, parts.force);
  const ignored = addLines(folder, '.gitignore', ['node_modules/', '.env', '.syncflow/']);
  const scripts = addScripts(folder, {
    sync: 'syncflow start',
    'sync:check': 'syncflow check',
    'sync:status': 'syncflow status',
  });
  const fresh = written.some(({ path, what }) => path === 'package.json' && what === 'wrote');
  return [
    ...written,
    ...(ignored === undefined ? [] : [ignored]),
    ...(scripts === undefined || fresh ? [] : [scripts]),
  ];
}

function catalogsOption(classes: readonly string[]): string {
  const line = `  catalogs: [${classes.join(', ')}],`;
  return line.length <= 120 ? line : ['  catalogs: [', ...classes.map((name) => `    ${name},`), '  ],'].join('\n');
}

/** The text of a config that `init` made, with one more main class; undefined where it isn't one, or lists the class already. */
export function withCatalog(config: string, className: string, from: string): string | undefined {
  const option = /^ {2}catalogs: \[([\w\s,]*)\],$/m.exec(config);
  if (option === null || !config.includes(importsMark)) return undefined;
  const listed = (option[1] ?? '').split(',').map((name) => name.trim());
  if (listed.includes(className)) return undefined;
  const classes = [...listed.filter((name) => name !== ''), className];
  return config
    .replace(option[0], catalogsOption(classes))
    .replace(importsMark, `import { ${className} } from '${from}';\n${importsMark}`);
}

function configFile({ classes, subscribers, accounts }: ProjectParts, js: string): string {
  return `${[
    "import { existsSync } from 'node:fs';",
    "import { defineConfig } from 'syncflow';",
    ...accounts.map((account) => account.imports),
    ...(classes.length === 0 ? [] : [importLine(classes, `./catalogs.${js}`)]),
    ...(subscribers ?? []).map(({ name }) => `import './${name}.${js}';`),
    `${importsMark} (imported for their sake: each registers itself)`,
    '',
    '// keys and addresses come from the environment; .env is beside this file, and never committed',
    "const env = new URL('.env', import.meta.url);",
    'if (existsSync(env)) process.loadEnvFile(env);',
    '',
    'export default defineConfig({',
    "  database: process.env['DATABASE_URL'] ?? '.syncflow/hub', // postgres://…, or a folder for an embedded hub",
    "  environment: process.env['SYNCFLOW_ENVIRONMENT'] ?? 'development',",
    catalogsOption(classes),
    '  accounts: {',
    ...accounts.map((account) => `    ${account.line}`),
    `    ${accountsMark}`,
    '  },',
    '});',
  ].join('\n')}\n`;
}

function hasAbove(folder: string, name: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, name))) return true;
    if (dirname(at) === at) return false;
  }
}

function packageText(): string {
  const scripts = { sync: 'syncflow start', 'sync:check': 'syncflow check', 'sync:status': 'syncflow status' };
  return `${JSON.stringify({ private: true, type: 'module', scripts }, null, 2)}\n`;
}

const tsconfig = `{
  "compilerOptions": {
    "target": "es2023",
    "module": "nodenext",
    "types": ["node"],
    "strict": true,
    "skipLibCheck": true,
    "noEmit": true
  }
}
`;
