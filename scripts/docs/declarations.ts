/** What a module exports, as its declaration files say it: text without bodies and private members. */
import ts from 'typescript';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export interface Declaration {
  /** As it is exported. */
  readonly name: string;
  /** The source file, from the root. */
  readonly path: string;
  /** Doc comment without its tags; empty where there is none. */
  readonly about: string;
  readonly examples: readonly string[];
  /** `@typeParam` and `@param`: name and text. */
  readonly parameters: readonly (readonly [string, string])[];
  readonly throws: readonly string[];
  /** The declaration, with the doc comments of its members; the small types that it needs and that nobody exports follow. */
  readonly code: string;
}

export interface Member {
  readonly name: string;
  readonly about: string;
  readonly type: string;
}

type Declared =
  | ts.ClassDeclaration
  | ts.InterfaceDeclaration
  | ts.TypeAliasDeclaration
  | ts.FunctionDeclaration
  | ts.VariableStatement;

export class Declarations {
  readonly #root: string;
  readonly #program: ts.Program;
  readonly #emitted = new Map<string, ts.SourceFile>();
  /** Whatever any entry exports. */
  readonly #public: Set<string>;

  constructor(root: string, entries: readonly string[]) {
    this.#root = root;
    const config = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => readFileSync(path, 'utf8'));
    const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
    this.#program = ts.createProgram(
      entries.map((path) => join(root, path)),
      { ...options, noEmit: false, declaration: true, emitDeclarationOnly: true, outDir: root, rootDir: root },
    );
    this.#program.emit(undefined, (path, text) => {
      const source = relative(root, path)
        .replaceAll('\\', '/')
        .replace(/\.d\.ts$/, '.ts');
      this.#emitted.set(source, ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
    });
    this.#public = new Set(entries.flatMap((entry) => this.#exports(entry).map(({ home }) => home)));
  }

  /** In the order in which the entry lists them. */
  of(entry: string): Declaration[] {
    const exported = this.#exports(entry);
    const known = new Set(exported.map(({ home }) => home));
    return exported.map(({ name, home }) => this.#declaration(name, home, known));
  }

  /** The members of an exported interface, in their order. */
  members(path: string, name: string): Member[] {
    const [found] = this.#statements(path, name);
    if (found === undefined || !ts.isInterfaceDeclaration(found)) throw new Error(`${path} has no interface ${name}`);
    return found.members.filter(ts.isPropertySignature).map((member) => {
      const docs = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
      return {
        name: member.name.getText(),
        about: docs.map((doc) => commentOf(doc.comment)).join(' '),
        type: (member.type?.getText() ?? '').replaceAll(/\s+/g, ' '),
      };
    });
  }

  #exports(entry: string): { name: string; home: string }[] {
    const checker = this.#program.getTypeChecker();
    const source = this.#program.getSourceFile(join(this.#root, entry));
    const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`${entry} exports nothing`);
    return checker
      .getExportsOfModule(module)
      .map((symbol) => ({ name: symbol.name, home: this.#homeOf(checker, symbol) }));
  }

  /** `path#name` of the declaration behind an export. */
  #homeOf(checker: ts.TypeChecker, symbol: ts.Symbol): string {
    const real = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const file = real.declarations?.[0]?.getSourceFile().fileName ?? '';
    return `${relative(this.#root, file).replaceAll('\\', '/')}#${real.name}`;
  }

  #declaration(name: string, home: string, known: Set<string>): Declaration {
    const [path = '', real = ''] = home.split('#');
    const statements = this.#statements(path, real);
    const [first] = statements;
    if (first === undefined) throw new Error(`no declaration of ${name} in ${path}`);
    const helpers = statements.flatMap((one) => [
      ...this.#helpers(path, one, known),
      ...this.#bases(path, one).flatMap((base) => this.#helpers(base.path, base.node, known)),
    ]);
    const wholes = statements.map((one) => withBases(one, this.#bases(path, one)));
    const code = [...wholes, ...helpers.map(textOf)].join('\n\n');
    return { name, path, ...docOf(first), code };
  }

  #statements(path: string, name: string): Declared[] {
    const statements = [...(this.#emitted.get(path)?.statements ?? [])];
    return statements.filter((one): one is Declared => namesOf(one).includes(name));
  }

  /** The classes, nearest first, that a class is made of and that nobody exports: to a reader their members are its own. */
  #bases(path: string, node: Declared): { path: string; node: ts.ClassDeclaration }[] {
    const name = baseOf(node)?.expression.getText();
    const home = name === undefined ? undefined : this.#resolve(path, name);
    if (home === undefined || this.#public.has(home)) return [];
    const [from = '', real = ''] = home.split('#');
    const base = this.#statements(from, real).find(ts.isClassDeclaration);
    return base === undefined ? [] : [{ path: from, node: base }, ...this.#bases(from, base)];
  }

  /** Interfaces and short types that a statement names, that are not exported by the entry; each is shown once. */
  #helpers(path: string, statement: Declared, known: Set<string>): Declared[] {
    const found: Declared[] = [];
    // what is shown, without hidden members
    for (const word of identifiersOf(textOf(statement))) {
      const home = this.#resolve(path, word);
      if (home === undefined || known.has(home)) continue;
      const [from = '', name = ''] = home.split('#');
      const [helper] = this.#statements(from, name);
      if (helper === undefined || !isPlain(helper)) continue;
      known.add(home);
      found.push(helper, ...this.#helpers(from, helper, known));
    }
    return found;
  }

  /** Where a name that stands in a declaration file is declared: there, or where it is imported from. */
  #resolve(path: string, name: string): string | undefined {
    const file = this.#emitted.get(path);
    if (file === undefined) return undefined;
    if (file.statements.some((one) => namesOf(one).includes(name))) return `${path}#${name}`;
    for (const statement of file.statements) {
      if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
      const bindings = statement.importClause?.namedBindings;
      if (bindings === undefined || !ts.isNamedImports(bindings)) continue;
      const imported = bindings.elements.find((one) => one.name.text === name);
      const from = statement.moduleSpecifier.text;
      if (imported === undefined || !from.startsWith('.')) continue;
      const target = join(dirname(path), from).replaceAll('\\', '/').replace(/js$/, 'ts');
      return `${target}#${(imported.propertyName ?? imported.name).text}`;
    }
    return undefined;
  }
}

function namesOf(node: ts.Statement): string[] {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations.map((one) => one.name.getText());
  const declared =
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isFunctionDeclaration(node);
  return declared && node.name !== undefined ? [node.name.text] : [];
}

/** Types of types say nothing to a reader: they are for the compiler. */
function isPlain(node: Declared): boolean {
  if (ts.isInterfaceDeclaration(node)) return true;
  if (!ts.isTypeAliasDeclaration(node) || node.getText().length > 200) return false;
  return !/\bextends\b|\binfer\b|\[N in/.test(node.type.getText());
}

/** Without its own doc comment, and without what only the class itself or the library sees. */
function textOf(node: Declared): string {
  const file = node.getSourceFile();
  const start = node.getStart(file);
  let text = file.text.slice(start, node.end);
  const hidden =
    ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node) ? [...node.members].filter(isHidden) : [];
  for (const member of hidden.reverse())
    text = text.slice(0, member.getFullStart() - start) + text.slice(member.end - start);
  return text
    .replace(/^export /, '')
    .replace(/^declare /, '')
    .replaceAll(/^( {4})+/gm, (indent) => '  '.repeat(indent.length / 4));
}

function baseOf(node: Declared): ts.ExpressionWithTypeArguments | undefined {
  if (!ts.isClassDeclaration(node)) return undefined;
  return node.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0];
}

function withBases(node: Declared, bases: readonly { node: ts.ClassDeclaration }[]): string {
  const farthest = bases.at(-1)?.node;
  if (farthest === undefined) return textOf(node);
  const body = (text: string): string => text.slice(text.indexOf('{\n') + 2, text.lastIndexOf('}'));
  const own = textOf(node);
  const heir = baseOf(farthest);
  const head = own.slice(0, own.indexOf(' extends ')) + (heir === undefined ? '' : ` extends ${heir.getText()}`);
  return `${head} {\n${[own, ...bases.map((base) => textOf(base.node))].map(body).join('')}}`;
}

function isHidden(member: ts.ClassElement | ts.TypeElement): boolean {
  if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) return true;
  const modifiers = ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : [];
  if (modifiers.some((one) => one.kind === ts.SyntaxKind.PrivateKeyword)) return true;
  return ts.getJSDocTags(member).some((tag) => tag.tagName.text === 'internal');
}

function docOf(node: Declared): Pick<Declaration, 'about' | 'examples' | 'parameters' | 'throws'> {
  const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const tags = docs.flatMap((doc) => [...(doc.tags ?? [])]);
  const named = (name: string): string[] =>
    tags.filter((tag) => tag.tagName.text === name).map((tag) => commentOf(tag.comment));
  const parameters = tags
    .filter((tag) => ts.isJSDocParameterTag(tag) || tag.tagName.text === 'typeParam')
    .map((tag): [string, string] => {
      if (ts.isJSDocParameterTag(tag)) return [tag.name.getText(), commentOf(tag.comment)];
      const [, name = '', text = ''] = /^(\S+)\s*(.*)$/s.exec(commentOf(tag.comment)) ?? [];
      return [name, text];
    });
  return {
    about: docs.map((doc) => commentOf(doc.comment)).join('\n\n'),
    examples: named('example'),
    parameters,
    throws: named('throws'),
  };
}

function commentOf(comment: string | ts.NodeArray<ts.JSDocComment> | undefined): string {
  return (ts.getTextOfJSDocComment(comment) ?? '').trim();
}

function identifiersOf(code: string): Set<string> {
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) found.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('shown.d.ts', code, ts.ScriptTarget.Latest));
  return found;
}
