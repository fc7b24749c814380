/** Names and literals in generated code. */
import { isForbidden } from '../../subscriber/path.js';

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

/** What a class can't be called: words of the language, and names that the generated code uses itself. */
const taken = new Set(
  (
    'break case catch class const continue debugger default delete do else enum export extends false finally for function if import in ' +
    'instanceof new null return super switch this throw true try typeof var void while with yield let static implements interface package ' +
    'private protected public await async eval arguments undefined NaN Infinity Object Array String Number Boolean Symbol Date Map Set Promise ' +
    'Error Function RegExp Math JSON URL process Catalog CatalogBase CatalogClass Syncflow SubscriberBase Outcome Sight'
  ).split(' '),
);

/** The key of a property in an object literal. `__proto__: x` would set the prototype instead. */
export function propertyKey(name: string): string {
  if (name === '__proto__') return "['__proto__']";
  return identifier.test(name) ? name : quoted(name);
}

/** A text literal, as prettier writes it. It is one line, and so can stand in a comment, too. */
export function quoted(text: string): string {
  const json = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replaceAll('\u2028', String.raw`\u2028`)
    .replaceAll('\u2029', String.raw`\u2029`);
  const singles = text.split("'").length;
  const doubles = text.split('"').length;
  return singles > doubles ? `"${json.replaceAll('"', '\\"')}"` : `'${json.replaceAll("'", "\\'")}'`;
}

/** Text inside of a line comment. */
export function commented(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ');
}

/** `film_actor` → `FilmActor`: letters of other scripts stay. */
export function classNameOf(table: string): string {
  const words = table.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  const valid = identifier.test(name) ? name : `T${name.replaceAll(/[^\p{ID_Continue}]/gu, '')}`;
  return taken.has(valid) ? `${valid}Record` : valid;
}

/** A catalog's name: letters, digits, `_` and `-` of ASCII. */
export function catalogNameOf(table: string): string {
  const plain = table.normalize('NFKD').replaceAll(/\p{M}/gu, '').replaceAll('ß', 'ss');
  const name = plain.replaceAll(/[^A-Za-z0-9_-]+/g, '_').replaceAll(/^_+|_+$/g, '');
  return name === '' ? 'table' : name;
}

/** The first of `name`, `name2`, `name3` … that isn't used yet; it is used then. */
export function unique(name: string, used: Set<string>): string {
  let candidate = name;
  for (let n = 2; used.has(candidate); n++) candidate = `${name}${n}`;
  used.add(candidate);
  return candidate;
}

/** `film_actor` → `filmActor`. */
function camelCase(name: string): string {
  const pascal = name
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
    .map((word, index) => (index === 0 ? word.charAt(0).toLowerCase() : word.charAt(0).toUpperCase()) + word.slice(1))
    .join('');
  return pascal === '' ? 'field' : pascal;
}

/** A remote key for each field: camel case, no two alike, none that a mapping refuses. */
export function remoteKeys(names: readonly string[], reserved: readonly string[] = []): ReadonlyMap<string, string> {
  const used = new Set(reserved);
  return new Map(
    names.map((name) => {
      const key = camelCase(name);
      return [name, unique(isForbidden(key) ? `${key}Field` : key, used)];
    }),
  );
}

/** `film_actor` → `film-actor`. */
export function fileNameOf(name: string): string {
  return catalogNameOf(name.replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2'))
    .toLowerCase()
    .replaceAll('_', '-');
}

/** A list in brackets: on one line where it fits, else an item a line. */
export function bracketed(items: readonly string[], indent: string, room: number): string {
  const line = `[${items.join(', ')}]`;
  if (line.length <= room) return line;
  return `[\n${items.map((item) => `${indent}  ${item},\n`).join('')}${indent}]`;
}
