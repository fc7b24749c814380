import { invalidRequest } from './errors.js';
import { asNumber, asObject, asString, isObject, type JsonObject, type StripeObject } from './json.js';
import { pageLimit } from './listing.js';
import type { Session } from './session.js';
import type { Kind } from './store.js';

interface Clause {
  field: string;
  key: string | undefined;
  operator: string;
  value: string | null;
  negated: boolean;
}

const CLAUSE =
  /^\s*(-?)([a-z_.]+)(?:\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*\])?\s*(:|~|>=|<=|>|<)\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(null|true|false|-?\d+(?:\.\d+)?))/i;
const CONJUNCTION = /^\s+(and|or)(?=\s)/i;

const unescape = (text: string): string => text.replace(/\\(.)/g, '$1');

function malformed(query: string): Error {
  return invalidRequest(
    `We were unable to parse your search query: ${query}. For more information, see https://stripe.com/docs/search#search-query-language.`,
    undefined,
    'query',
  );
}

/** Stripe's query language: clauses joined by AND or by OR, never by both; a blank between clauses means AND. */
function parseQuery(query: string, fields: readonly string[]): { clauses: Clause[]; any: boolean } {
  const clauses: Clause[] = [];
  const joins = new Set<string>();
  let rest = query;
  while (rest.trim() !== '') {
    if (clauses.length > 0) {
      const join = CONJUNCTION.exec(rest);
      joins.add(join?.[1]?.toLowerCase() ?? 'and');
      rest = rest.slice(join?.[0].length ?? 0);
    }
    const match = CLAUSE.exec(rest);
    if (match === null) throw malformed(query);
    const [whole, minus, field = '', single, double, operator = ':', quoted, otherQuoted, bare] = match;
    if (!fields.includes(field)) {
      throw invalidRequest(`Field \`${field}\` is an unsupported search field for this resource.`, undefined, 'query');
    }
    const key = single ?? double;
    const text = quoted ?? otherQuoted;
    clauses.push({
      field,
      key: key === undefined ? undefined : unescape(key),
      operator,
      value: text === undefined ? (bare === 'null' ? null : (bare ?? null)) : unescape(text),
      negated: minus === '-',
    });
    rest = rest.slice(whole.length);
  }
  if (clauses.length === 0 || joins.size > 1) throw malformed(query);
  if (clauses.length > 10) throw invalidRequest('Search queries may have up to 10 clauses.', undefined, 'query');
  return { clauses, any: joins.has('or') };
}

function matches(clause: Clause, object: StripeObject): boolean {
  const raw = clause.key === undefined ? object[clause.field] : asObject(object[clause.field])[clause.key];
  if (clause.value === null) return raw === undefined || raw === null;
  if (raw === undefined || raw === null || isObject(raw) || Array.isArray(raw)) return false;
  const number = Number(clause.value);
  switch (clause.operator) {
    case '>':
      return asNumber(raw) > number;
    case '>=':
      return asNumber(raw) >= number;
    case '<':
      return asNumber(raw) < number;
    case '<=':
      return asNumber(raw) <= number;
    case '~':
      return String(raw).toLowerCase().includes(clause.value.toLowerCase());
    default:
      // Exact matches are case-insensitive in Stripe's search.
      return String(raw).toLowerCase() === clause.value.toLowerCase();
  }
}

/** Search reads the lagging index, so a fresh write is not found: nobody may use it to look for their own. */
export function searchObjects(session: Session, kind: Kind, url: string, fields: readonly string[]): JsonObject {
  const { clauses, any } = parseQuery(asString(session.params.query) ?? '', fields);
  const limit = pageLimit(session.params);
  const test =
    (object: StripeObject) =>
    (clause: Clause): boolean =>
      matches(clause, object) !== clause.negated;
  const found = session
    .searchable(kind)
    .filter((object) => (any ? clauses.some(test(object)) : clauses.every(test(object))))
    .reverse();
  const page = asString(session.params.page);
  const start = page === null ? 0 : found.findIndex((object) => object.id === decodePage(page)) + 1;
  if (page !== null && start === 0) throw invalidRequest(`Invalid page: ${page}`, undefined, 'page');
  const data = found.slice(start, start + limit);
  const hasMore = start + limit < found.length;
  const last = data.at(-1);
  const next = hasMore && last !== undefined ? Buffer.from(last.id).toString('base64url') : null;
  return { object: 'search_result', data, has_more: hasMore, next_page: next, url };
}

function decodePage(page: string): string {
  return Buffer.from(page, 'base64url').toString();
}
