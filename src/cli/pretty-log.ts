/** Log lines for people who look on. */
import type { Output } from './output.js';
import { visible } from './output.js';

interface Line {
  readonly level?: string;
  readonly time?: string;
  readonly msg?: string;
  readonly err?: { readonly message?: string; readonly hint?: string };
  readonly [field: string]: unknown;
}

const leftOut: ReadonlySet<string> = new Set(['level', 'time', 'pid', 'msg', 'event', 'err']);

/** A destination for pino: one line each, with colours. */
export function prettyLines(output: Output): { write(line: string): void } {
  return { write: (text) => output.line(pretty(output, JSON.parse(text) as Line)) };
}

function pretty(output: Output, line: Line): string {
  const { dim, green, red, yellow } = output.colors;
  const colour = line.level === 'error' ? red : line.level === 'warn' ? yellow : green;
  const fields = Object.entries(line).flatMap(([name, value]) =>
    leftOut.has(name) || value === undefined ? [] : [`${dim(`${name}=`)}${show(value)}`],
  );
  const error =
    line.err === undefined
      ? []
      : [red(visible([line.err.message, line.err.hint].filter((part) => part !== undefined).join(' · ')))];
  return [dim((line.time ?? '').slice(11, 19)), colour(visible(line.msg ?? '')), ...fields, ...error].join(' ');
}

function show(value: unknown): string {
  if (Array.isArray(value)) return visible(value.map(String).join(','));
  return visible(typeof value === 'string' ? value : JSON.stringify(value));
}
