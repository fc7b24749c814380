/** The one place through which the command line writes. */
import Table from 'cli-table3';
import { createColors } from 'picocolors';
import { maskSecrets } from '../server/redact.js';
import type { Io } from './io.js';

export type Cell = string | number;

export interface TableOptions {
  readonly head: readonly string[];
  /** Columns with numbers, which stand on the right. */
  readonly right?: readonly number[];
}

const plainBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

export class Output {
  readonly #io: Io;
  #progressShown = false;
  readonly colors: ReturnType<typeof createColors>;
  readonly errorColors: ReturnType<typeof createColors>;

  constructor(io: Io) {
    this.#io = io;
    this.colors = createColors(isColoured(io, io.stdout.isTTY === true));
    this.errorColors = createColors(isColoured(io, io.stderr.isTTY === true));
  }

  get isTTY(): boolean {
    return this.#io.stdout.isTTY === true;
  }

  /** Nothing is cut where no terminal is: whoever searches it needs all of it. */
  get width(): number {
    return this.isTTY ? (this.#io.stdout.columns ?? 120) : Number.POSITIVE_INFINITY;
  }

  line(text = ''): void {
    this.clearProgress();
    this.#io.stdout.write(`${maskSecrets(text)}\n`);
  }

  json(value: unknown): void {
    this.#io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  }

  /** For text that is already as it should be: log lines, help. */
  raw(text: string): void {
    this.#io.stdout.write(text);
  }

  rawError(text: string): void {
    this.clearProgress();
    this.#io.stderr.write(text);
  }

  table(rows: readonly (readonly Cell[])[], { head, right = [] }: TableOptions): void {
    const table = new Table({
      head: head.map((title) => this.colors.dim(title)),
      chars: plainBorders,
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
      colAligns: head.map((_, index) => (right.includes(index) ? 'right' : 'left')),
    });
    for (const row of rows) table.push([...row]);
    for (const line of table.toString().split('\n')) this.line(line.trimEnd());
  }

  /** Something for people beside the result: to stderr, so that pipes get the result alone. */
  note(text: string): void {
    this.clearProgress();
    this.#io.stderr.write(`${this.errorColors.dim(maskSecrets(text))}\n`);
  }

  error(message: string, hint?: string, detail?: string): void {
    this.clearProgress();
    const { bold, dim, red } = this.errorColors;
    this.#io.stderr.write(`${bold(red('error:'))} ${maskSecrets(visible(message))}\n`);
    if (hint !== undefined)
      this.#io.stderr.write(`${dim(`       ${maskSecrets(visible(hint)).replaceAll('\n', '\n       ')}`)}\n`);
    if (detail !== undefined) this.#io.stderr.write(`${dim(maskSecrets(detail))}\n`);
  }

  /** One line that is overwritten by the next; only where somebody looks on. */
  progress(text: string): void {
    if (this.#io.stderr.isTTY !== true) return;
    this.#io.stderr.write(`\r\u001b[K${this.errorColors.dim(text)}`);
    this.#progressShown = true;
  }

  clearProgress(): void {
    if (!this.#progressShown) return;
    this.#io.stderr.write('\r\u001b[K');
    this.#progressShown = false;
  }
}

function isColoured({ env }: Io, isTTY: boolean): boolean {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  if (env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0') return true;
  return isTTY && env['TERM'] !== 'dumb';
}

/** Other systems' text must not steer the terminal: control characters become visible ones. */
export function visible(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, (char) => (char === '\t' ? ' ' : '\ufffd'));
}

/** On one line, cut to a width. */
export function short(text: string, width: number): string {
  const line = visible(text.replace(/\s+/g, ' ')).trim();
  return line.length <= width ? line : `${line.slice(0, Math.max(1, width - 1))}…`;
}

/** `3 s`, `4 min`, `2 h`. */
export function showDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} days`;
}
