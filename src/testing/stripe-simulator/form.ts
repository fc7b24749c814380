import { invalidRequest } from './errors.js';

/** Undecoded parameters: every leaf is still a string, for the schema decides what it means. */
export type RawValue = string | RawList | RawMap;
export type RawList = RawValue[];
/** Made without a prototype, so that a parameter's name can never reach `Object.prototype`. */
export interface RawMap {
  [key: string]: RawValue;
}

const MAX_DEPTH = 10;
const MAX_PAIRS = 20_000;
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

export function emptyMap(): RawMap {
  return Object.create(null) as RawMap;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw invalidRequest('Invalid request: the parameters are not valid percent-encoded UTF-8.');
  }
}

/** `lines[0][price]` → ['lines', '0', 'price']; `expand[]` → ['expand', '']. */
function splitName(name: string): string[] {
  const open = name.indexOf('[');
  if (open <= 0) return [name];
  const segments = [name.slice(0, open)];
  for (const match of name.slice(open).matchAll(/\[([^\][]*)\]/g)) segments.push(match[1] ?? '');
  return segments;
}

function insert(root: RawMap, segments: readonly string[], value: string, name: string): void {
  let node: RawMap | RawList = root;
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (FORBIDDEN.has(segment)) throw invalidRequest(`Received unknown parameter: ${name}`, 'parameter_unknown', name);
    const nextIsList = segments[index + 1] === '';
    if (Array.isArray(node)) {
      const child: RawValue = last ? value : nextIsList ? [] : emptyMap();
      node.push(child);
      if (typeof child !== 'string') node = child;
      continue;
    }
    const existing: RawValue | undefined = node[segment];
    if (last) {
      if (existing !== undefined && typeof existing !== 'string')
        throw invalidRequest('Invalid object', undefined, name);
      node[segment] = value;
      return;
    }
    if (typeof existing === 'string') throw invalidRequest('Invalid object', undefined, name);
    const child: RawMap | RawList = existing ?? (nextIsList ? [] : emptyMap());
    node[segment] = child;
    node = child;
  }
}

/** Reads `a[b][0]=c&…`, as the official SDK writes it and as hand-written clients do. */
export function parseForm(text: string): RawMap {
  const root = emptyMap();
  if (text === '') return root;
  const pairs = text.split('&');
  if (pairs.length > MAX_PAIRS) throw invalidRequest('Invalid request: too many parameters.');
  for (const pair of pairs) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1));
    const segments = splitName(name);
    if (segments.length > MAX_DEPTH) throw invalidRequest('Invalid request: parameters are nested too deeply.');
    insert(root, segments, value, name);
  }
  return root;
}
