/** Does what a page tells its reader to do: runs its shell blocks in one shell, writes its files, and compares what is printed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { option, type Block, type Page } from './read.js';

export interface PageRun {
  /** Empty; the reader's shell begins here. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** What stands in the page, and what it is here: addresses, ports, `npm install`. */
  readonly replace: readonly (readonly [RegExp | string, string])[];
  /** Made the same on both sides before outputs are compared: ids, times. */
  readonly blur: readonly (readonly [RegExp, string])[];
  readonly timeoutMs: number;
  /** Gets what each shell block prints. */
  readonly show?: (printed: string) => void;
}

/** Throws at the first block that fails, or prints something else than the page says. */
export async function runPage(page: Page, run: PageRun): Promise<void> {
  const shell = new Shell(run);
  try {
    let printed: string | undefined;
    if (page.setup !== '') await shell.run(replaced(page.setup, run));
    for (const block of page.blocks) {
      const name = option(block, 'file');
      if (name !== undefined && block.words.includes('shown')) contains(join(shell.cwd, name), block);
      else if (name !== undefined) writeFileSync(join(shell.cwd, name), `${replaced(block.code, run)}\n`);
      if (block.language === 'sh')
        printed = block.words.includes('background')
          ? await shell.background(replaced(block.code, run), option(block, 'until') ?? '')
          : await shell.run(replaced(block.code, run));
      if (block.language === 'sh') run.show?.(`${page.path}:${block.line}\n${printed ?? ''}`);
      else if (block.language === 'text' && printed !== undefined && !block.words.includes('terminal')) {
        compare(`${page.path}:${block.line}`, replaced(block.code, run), printed, run);
        printed = undefined;
      }
    }
  } catch (error) {
    throw new Error(`${page.path}: ${(error as Error).message}`, { cause: error });
  } finally {
    shell.end();
  }
}

function replaced(text: string, { replace }: PageRun): string {
  return replace.reduce((before, [from, to]) => before.replaceAll(from, to), text);
}

/** What the page shows of a file that is there already, line by line; `// …` is what it leaves out. */
function contains(path: string, { code }: Block): void {
  const there = new Set(readFileSync(path, 'utf8').split('\n'));
  const missing = code.split('\n').filter((line) => line.trim() !== '// …' && !there.has(line));
  if (missing.length > 0) throw new Error(`${path} has no such lines:\n${missing.join('\n')}`);
}

/** `…` stands for anything: in a line for the rest of it or a part, as a line for any lines. */
function compare(at: string, expected: string, printed: string, run: PageRun): void {
  const same = (text: string): string =>
    run.blur
      .reduce((before, [from, to]) => before.replaceAll(from, to), text)
      .split('\n')
      .map((line) => line.replaceAll(/[ \t]+/g, ' ').trim())
      .filter((line) => line !== '')
      .join('\n');
  const pattern = same(expected)
    .split('\n')
    .map((line) => (line === '…' ? '[^]*' : line.split('…').map(escaped).join('.*')))
    .join('\n')
    .replaceAll('\n[^]*\n', '\n(?:[^]*\n)?')
    .replace(/\n\[\^\]\*$/, '[^]*');
  if (new RegExp(`^${pattern}$`).test(same(printed))) return;
  throw new Error(`${at} says\n${expected}\n\nbut this was printed:\n${printed}`);
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** A bash that stays open from block to block, and what it left running. */
class Shell {
  cwd: string;
  readonly #run: PageRun;
  readonly #bash: ChildProcess;
  readonly #left: ChildProcess[] = [];
  #output = '';
  #wake = (): void => undefined;

  constructor(run: PageRun) {
    this.#run = run;
    this.cwd = run.folder;
    this.#bash = this.#spawn(['--noprofile', '--norc'], 'pipe');
    this.#bash.stdin?.write('exec 2>&1\nset -eo pipefail\n');
    this.#listen(this.#bash, (text) => (this.#output += text));
  }

  /** What a block prints. */
  async run(code: string): Promise<string> {
    const end = `--end-${Math.random().toString(36).slice(2)}--`;
    this.#output = '';
    this.#bash.stdin?.write(`${code}\necho "${end}$PWD"\n`);
    await this.#until(
      () => this.#output.includes(end) || this.#bash.exitCode !== null,
      () => this.#output,
    );
    const [printed = '', rest] = this.#output.split(end);
    if (rest === undefined) throw new Error(`this failed:\n${code}\n\n${printed}`);
    this.cwd = rest.trim();
    return printed;
  }

  /** Leaves a block running, once it has printed a word. */
  async background(code: string, word: string): Promise<string> {
    let output = '';
    const child = this.#spawn(['-c', code], 'ignore');
    this.#left.push(child);
    this.#listen(child, (text) => (output += text));
    await this.#until(
      () => output.includes(word) || child.exitCode !== null,
      () => output,
    );
    if (child.exitCode !== null) throw new Error(`this ended:\n${code}\n\n${output}`);
    return output;
  }

  end(): void {
    for (const { pid } of [...this.#left, this.#bash])
      try {
        if (pid !== undefined) process.kill(-pid, 'SIGKILL');
      } catch {
        // it has ended by itself
      }
  }

  #spawn(args: string[], stdin: 'pipe' | 'ignore'): ChildProcess {
    const { env } = this.#run;
    // a group of its own, so that npx's children end with it
    return spawn('bash', args, { cwd: this.cwd, env, stdio: [stdin, 'pipe', 'pipe'], detached: true });
  }

  #listen(child: ChildProcess, take: (text: string) => void): void {
    const heard = (chunk: Buffer): void => {
      take(chunk.toString());
      this.#wake();
    };
    child.stdout?.on('data', heard);
    child.stderr?.on('data', heard);
    child.on('exit', () => this.#wake());
  }

  async #until(done: () => boolean, printed: () => string): Promise<void> {
    const { timeoutMs } = this.#run;
    const late = AbortSignal.timeout(timeoutMs);
    late.addEventListener('abort', () => this.#wake());
    while (!done()) {
      if (late.aborted) throw new Error(`no end within ${timeoutMs} ms:\n${printed()}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
