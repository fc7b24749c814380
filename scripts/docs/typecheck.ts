/** Type-checks the TypeScript of pages, as strictly as the project's own, with `syncflow` being what stands in `src/`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { option, type Block, type Page } from './read.js';

const entries = {
  syncflow: 'src/index.ts',
  'syncflow/stripe': 'src/connectors/stripe/index.ts',
  'syncflow/couchdb': 'src/connectors/couchdb/index.ts',
  'syncflow/testing': 'src/testing/index.ts',
};

/** Words by which a block of TypeScript says that it isn't a module of its page. */
const notModules = ['declaration', 'example'];

/**
 * Each page is a folder of modules: a block `ts file=catalogs.ts` is that file, any other one of its own.
 * Returns problems as `docs/how-to/x.md:12: …`.
 */
export function typecheck(root: string, pages: readonly Page[]): string[] {
  const modules = new Map<string, { readonly page: Page; readonly block: Block }>();
  for (const page of pages)
    for (const block of page.blocks) {
      if (block.language !== 'ts' || block.words.some((word) => notModules.includes(word) || word.startsWith('from=')))
        continue;
      const name = option(block, 'file') ?? `block-${block.line}.ts`;
      modules.set(join(root, 'docs', '.blocks', page.path, name), { page, block });
    }
  const problems = diagnostics(root, new Map([...modules].map(([path, { block }]) => [path, block.code])));
  return problems.map(({ file, line, message }) => {
    const from = modules.get(file);
    return from === undefined ? message : `${from.page.path}:${from.block.line + line}: ${message}`;
  });
}

interface Problem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

function diagnostics(root: string, files: ReadonlyMap<string, string>): Problem[] {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => readFileSync(path, 'utf8'));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const paths = Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, [join(root, path)]]));
  const host = ts.createCompilerHost(options);
  const disk = ts.createCompilerHost(options);
  const folders = new Set([...files.keys()].flatMap(foldersOf));
  host.fileExists = (path) => files.has(path) || disk.fileExists(path);
  host.readFile = (path) => files.get(path) ?? disk.readFile(path);
  host.directoryExists = (path) => folders.has(path) || existsSync(path);
  host.getSourceFile = (path, ...rest) => {
    const text = files.get(path);
    return text === undefined ? disk.getSourceFile(path, ...rest) : ts.createSourceFile(path, text, rest[0], true);
  };
  const program = ts.createProgram([...files.keys()], { ...options, paths }, host);
  return [...files.keys()].flatMap((path) => {
    const source = program.getSourceFile(path);
    if (source === undefined) return [{ file: path, line: 0, message: 'it was not compiled' }];
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ start = 0, messageText }) => ({
      file: path,
      line: source.getLineAndCharacterOfPosition(start).line + 1,
      message: ts.flattenDiagnosticMessageText(messageText, '\n'),
    }));
  });
}

function foldersOf(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index).join('/'));
}
