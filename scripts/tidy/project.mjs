/** Reads the project's text files, and finds out what each source file imports. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

const skippedFolders = new Set(['node_modules', 'dist', 'coverage', 'tmp', '.git', '.syncflow']);
const skippedFiles = /\.(tgz|log|br)$/;

/** Path from the root (with `/`) → text, of everything that is or would be committed. Binary files are left out. */
export function readProject(root) {
  const files = new Map();
  const walk = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!skippedFolders.has(entry.name)) walk(path);
      } else if (entry.isFile() && entry.name !== '.git' && !skippedFiles.test(entry.name)) {
        const text = readFileSync(join(root, path), 'utf8');
        if (!text.includes('\0')) files.set(path, text);
      }
    }
  };
  walk('');
  return files;
}

/** A source file with its syntax tree. */
export function parse(path, text) {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

export function lineOf(tree, node) {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

/** Calls back on every node below (and including) this one. */
export function visit(node, call) {
  call(node);
  ts.forEachChild(node, (child) => visit(child, call));
}

/**
 * What a file refers to: `{ to, line, typeOnly }`. `to` is a path in the project, or the name of a package (`node:fs`, `pg`).
 * A relative path in any other string (`import(place)`, `new URL('./worker.js', …)`) counts as a reference too.
 */
export function importsOf(tree) {
  const found = [];
  const add = (literal, typeOnly) =>
    found.push({ to: resolve(tree.fileName, literal.text), line: lineOf(tree, literal), typeOnly });
  visit(tree, (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnlyImport(node));
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined)
      add(node.moduleSpecifier, isTypeOnlyExport(node));
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    else if (isDynamicImport(node)) add(node.arguments[0], false);
    else if (ts.isStringLiteral(node) && isPathElsewhere(node)) add(node, false);
  });
  return found;
}

function isDynamicImport(node) {
  return (
    ts.isCallExpression(node) &&
    node.expression.kind === ts.SyntaxKind.ImportKeyword &&
    node.arguments[0] !== undefined &&
    ts.isStringLiteralLike(node.arguments[0])
  );
}

function isPathElsewhere(node) {
  if (!/^\.{1,2}\/.*\.m?[jt]s$/.test(node.text)) return false;
  const { parent } = node;
  return !(
    ts.isImportDeclaration(parent) ||
    ts.isExportDeclaration(parent) ||
    ts.isLiteralTypeNode(parent) ||
    isDynamicImport(parent)
  );
}

function isTypeOnlyImport({ importClause }) {
  if (importClause === undefined) return false;
  if (importClause.isTypeOnly) return true;
  const { name, namedBindings } = importClause;
  return (
    name === undefined &&
    namedBindings !== undefined &&
    ts.isNamedImports(namedBindings) &&
    namedBindings.elements.length > 0 &&
    namedBindings.elements.every((one) => one.isTypeOnly)
  );
}

function isTypeOnlyExport({ isTypeOnly, exportClause }) {
  if (isTypeOnly) return true;
  return (
    exportClause !== undefined &&
    ts.isNamedExports(exportClause) &&
    exportClause.elements.length > 0 &&
    exportClause.elements.every((one) => one.isTypeOnly)
  );
}

function resolve(from, specifier) {
  if (!specifier.startsWith('.')) return specifier;
  return posix.join(posix.dirname(from), specifier).replace(/\.(m?)js$/, '.$1ts');
}
