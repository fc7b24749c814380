/** The rules. Each takes the project and returns its findings; `check` runs them all and applies the exceptions. */
import ts from 'typescript';
import { importsOf, lineOf, parse, visit } from './project.mjs';

/** Everything that breaks a rule of the house, by file and line. */
export function check(files, house) {
  const project = open(files);
  const findings = rules.flatMap((rule) => rule(project, house));
  const used = new Set();
  const kept = findings.filter(({ file, rule }) => {
    const excepted = house.exceptions.filter((one) => one.rule === rule && isIn(file, one.place));
    for (const one of excepted) used.add(one);
    return excepted.length === 0;
  });
  for (const one of house.exceptions.filter((exception) => !used.has(exception))) {
    kept.push(
      error(
        'exception',
        one.place,
        1,
        `${one.place} keeps the rule "${one.rule}" now`,
        'Take the exception out of scripts/tidy/house.mjs.',
      ),
    );
  }
  return kept.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
}

function open(files) {
  const sources = new Map();
  for (const [path, text] of files) {
    if (!/^(src|test|examples|bench)\/.*\.ts$/.test(path)) continue;
    const tree = parse(path, text);
    sources.set(path, {
      path,
      tree,
      inSrc: path.startsWith('src/') && !path.endsWith('.test.ts'),
      imports: importsOf(tree),
    });
  }
  return { files, sources, src: [...sources.values()].filter((one) => one.inSrc) };
}

const rules = [boundaries, visibility, purity, printing, sql, lengths, deadFiles, machinePaths, exportStar];

function boundaries({ src }, house) {
  const found = [];
  for (const { path, imports } of src) {
    for (const boundary of house.boundaries) {
      const own = ownPlace(path, boundary.from);
      if (own === undefined) continue;
      for (const { to, line, typeOnly } of imports) {
        if (!to.startsWith('src/') || isIn(to, own)) continue;
        if (boundary.values.some((place) => isIn(to, place))) continue;
        const asType = boundary.types.some((place) => isIn(to, place));
        if (asType && typeOnly) continue;
        const what = asType ? `imports values from ${to}, of which it may have only types` : `imports ${to}`;
        found.push(error('imports', path, line, what, `${boundary.why}.`));
      }
    }
  }
  return found;
}

function visibility({ src }, house) {
  const found = [];
  for (const { path, imports } of src) {
    for (const { to, line } of imports) {
      for (const place of house.visibility) {
        if (!isIn(to, place.to) || isIn(path, place.to) || place.only.some((one) => isIn(path, one))) continue;
        found.push(error('imports', path, line, `imports ${to}`, `${place.why}.`));
      }
    }
  }
  return found;
}

/** Follows run-time imports from each pure file, and names the road to the first that isn't pure. */
function purity({ src, sources }, house) {
  const isImpure = (to) => house.impure.some((place) => (place.endsWith(':') ? to.startsWith(place) : isIn(to, place)));
  const roadFrom = (path, seen) => {
    for (const { to, typeOnly } of sources.get(path)?.imports ?? []) {
      if (typeOnly || seen.has(to)) continue;
      seen.add(to);
      if (isImpure(to)) return [to];
      const further = roadFrom(to, seen);
      if (further !== undefined) return [to, ...further];
    }
    return undefined;
  };
  const found = [];
  for (const { path, imports } of src) {
    if (!house.pure.some((place) => isIn(path, place))) continue;
    for (const { to, line, typeOnly } of imports) {
      if (typeOnly) continue;
      const road = isImpure(to) ? [to] : roadFrom(to, new Set([path, to]));
      if (road === undefined) continue;
      const through = isImpure(to) ? to : [to, ...road].join(' → ');
      found.push(
        error(
          'pure',
          path,
          line,
          `a pure file reaches ${through}`,
          'Pass what it needs as an argument, or import only the type (`import type`).',
        ),
      );
    }
  }
  return found;
}

function printing({ src }, house) {
  const found = [];
  for (const { path, tree } of src) {
    if (house.printing.some((place) => isIn(path, place))) continue;
    visit(tree, (node) => {
      if (!ts.isPropertyAccessExpression(node) || !ts.isIdentifier(node.expression)) return;
      const [object, member] = [node.expression.text, node.name.text];
      const prints = object === 'console' || (object === 'process' && (member === 'stdout' || member === 'stderr'));
      if (prints)
        found.push(
          error(
            'printing',
            path,
            lineOf(tree, node),
            `uses ${object}.${member}`,
            'Log through the logger or emit an event; only the command line prints.',
          ),
        );
    });
  }
  return found;
}

const sqlStarts = [
  /^\s*select\s[\s\S]*\sfrom\s+[\w."$(]/i,
  // set_config only says who writes: it touches no data
  /^\s*select\s+(?!set_config)[\w.]+\(/i,
  /^\s*insert\s+into\s+[\w."$]/i,
  /^\s*update\s+[\w."$]+\s+(as\s+\w+\s+)?set\s/i,
  /^\s*delete\s+from\s+[\w."$]+(\s+(where|using|returning|as)\b|\s*;?\s*$)/i,
  /^\s*with\s+(recursive\s+)?\w+\s*(\([^)]*\)\s*)?as\s*(materialized\s*)?\(/i,
  /^\s*(create|alter|drop)\s+(or\s+replace\s+|constraint\s+|unique\s+)*(table|index|schema|function|trigger|type|sequence|view)\b/i,
  /^\s*(truncate\s+(table\s+)?[\w."]+|lock\s+table\s|grant\s+\w+.*\son\s|revoke\s+\w+.*\son\s|do\s+\$)/i,
];

function sql({ src }, house) {
  const found = [];
  for (const { path, tree } of src) {
    if (house.sql.some((place) => isIn(path, place))) continue;
    visit(tree, (node) => {
      const text = textOf(node);
      if (text === undefined || !sqlStarts.some((start) => start.test(text))) return;
      const shown = text.trim().replace(/\s+/g, ' ').slice(0, 40);
      found.push(
        error(
          'sql',
          path,
          lineOf(tree, node),
          `SQL outside ${house.sql.join(', ')}: ${shown}…`,
          'Move the statement into a function of src/store/ and call that.',
        ),
      );
    });
  }
  return found;
}

/** The text of a string, with `$` for what is put into it. */
function textOf(node) {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return node.head.text + node.templateSpans.map((span) => `$${span.literal.text}`).join('');
}

function lengths({ src, files }, { limits }) {
  const found = [];
  for (const { path, tree } of src) {
    const lines = files.get(path).replace(/\n$/, '').split('\n').length;
    if (lines > limits.fileLines) {
      found.push(
        error('file-length', path, 1, `${lines} lines, allowed are ${limits.fileLines}`, 'Split it by what it does.'),
      );
    } else if (lines > limits.fileLinesWarning) {
      found.push({
        ...error('file-length', path, 1, `${lines} lines, the end is at ${limits.fileLines}`, 'Split it soon.'),
        level: 'warning',
      });
    }
    visit(tree, (node) => {
      if (!ts.isFunctionLike(node) || node.body === undefined) return;
      const first = lineOf(tree, node);
      const length = tree.getLineAndCharacterOfPosition(node.end).line + 2 - first;
      if (length <= limits.functionLines) return;
      const name = node.name?.getText(tree) ?? (ts.isConstructorDeclaration(node) ? 'the constructor' : 'a function');
      found.push(
        error(
          'function-length',
          path,
          first,
          `${name} has ${length} lines, allowed are ${limits.functionLines}`,
          'Give its steps names: smaller functions.',
        ),
      );
    });
  }
  return found;
}

/** Whoever isn't reached from an entry by imports. Tests don't count: what only they use isn't part of the product. */
function deadFiles({ src, sources, files }, house) {
  const entries = [...house.entries, ...packageEntries(files.get('package.json'))];
  const reached = new Set();
  const reach = (path) => {
    if (reached.has(path) || !sources.has(path)) return;
    reached.add(path);
    for (const { to } of sources.get(path).imports) reach(to);
  };
  entries.forEach(reach);
  const missing = entries
    .filter((path) => !sources.has(path))
    .map((path) =>
      error(
        'dead-file',
        'package.json',
        1,
        `names ${path}, which doesn't exist`,
        'Correct exports or bin, or write the file.',
      ),
    );
  const dead = src
    .filter(({ path }) => !reached.has(path))
    .map(({ path }) =>
      error('dead-file', path, 1, 'no entry of the package reaches it', 'Import it, delete it, or move it to test/.'),
    );
  return [...missing, ...dead];
}

/** The sources of what package.json exports and installs. */
function packageEntries(manifest) {
  if (manifest === undefined) return [];
  const { exports = {}, bin = {} } = JSON.parse(manifest);
  const targets = [
    ...Object.values(exports).map((one) => (typeof one === 'string' ? one : one.default)),
    ...Object.values(bin),
  ];
  return targets
    .map((path) => path.replace(/^\.\//, ''))
    .filter((path) => path.startsWith('dist/'))
    .map((path) => path.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts'));
}

/** Written in pieces, so that this file passes. */
const machinePath = new RegExp(`(?<![\\w.~-])/(${['work', 'root', 'home/[\\w-]+', 'Users/[\\w-]+'].join('|')})/`);

function machinePaths({ files }) {
  const hosts = registryHosts();
  const found = [];
  for (const [path, text] of files) {
    const tell = (index, what, todo) =>
      found.push(error('machine', path, text.slice(0, index).split('\n').length, what, todo));
    const match = machinePath.exec(text);
    if (match !== null)
      tell(
        match.index,
        `a path of one machine: ${match[0]}`,
        'Make it relative (import.meta.url), or take it from an option.',
      );
    for (const host of hosts) {
      const index = text.indexOf(host);
      if (index !== -1)
        tell(
          index,
          `the address of a package registry: ${host}`,
          "Leave it to npm's configuration; lock files: `npm install --package-lock-only` with this .npmrc.",
        );
    }
  }
  return found;
}

/** The public ones, and the one that npm uses here. */
function registryHosts() {
  const hosts = new Set(['npmjs.org', 'yarnpkg.com'].map((domain) => `registry.${domain}`));
  const configured = process.env['npm_config_registry'];
  if (configured !== undefined && URL.canParse(configured)) {
    const { host, hostname } = new URL(configured);
    if (hostname.includes('.') && hostname !== '127.0.0.1') hosts.add(host);
  }
  return hosts;
}

function exportStar({ sources }) {
  const found = [];
  for (const { path, tree } of sources.values()) {
    for (const node of tree.statements) {
      if (!ts.isExportDeclaration(node)) continue;
      if (node.exportClause !== undefined && ts.isNamedExports(node.exportClause)) continue;
      found.push(
        error(
          'export-star',
          path,
          lineOf(tree, node),
          '`export *`',
          'List the names by hand: what is public is decided, not inherited.',
        ),
      );
    }
  }
  return found;
}

function error(rule, file, line, message, todo) {
  return { level: 'error', rule, file, line, message, todo };
}

function isIn(path, place) {
  return place.endsWith('/') ? path.startsWith(place) : path === place;
}

/** The place that `from` means for this file: where it ends in a star, the file's own folder below. */
function ownPlace(path, from) {
  if (!from.endsWith('/*/')) return isIn(path, from) ? from : undefined;
  const parent = from.slice(0, -2);
  if (!path.startsWith(parent)) return undefined;
  const [name, ...more] = path.slice(parent.length).split('/');
  return more.length === 0 ? path : `${parent}${name}/`;
}
