/** Processes of one round: the program as it is shipped (compiled), its output, and an end that is certain. */
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The sources compiled to a folder of its own: quicker to start, and untouched by whoever edits or builds meanwhile. */
export class Build {
  readonly folder: string;
  readonly main: string;

  constructor() {
    mkdirSync(join(root, 'tmp'), { recursive: true });
    // inside the project, so that packages are found
    this.folder = mkdtempSync(join(root, 'tmp', 'torture-'));
    this.main = join(this.folder, 'dist', 'cli', 'main.js');
    for (const name of ['data', 'package.json']) symlinkSync(join(root, name), join(this.folder, name));
    const src = join(root, 'src');
    for (const entry of readdirSync(src, { withFileTypes: true, recursive: true })) {
      if (!entry.isFile()) continue;
      const from = join(entry.parentPath, entry.name);
      const to = join(this.folder, 'dist', from.slice(src.length));
      mkdirSync(dirname(to), { recursive: true });
      if (from.endsWith('.ts')) writeFileSync(to.replace(/\.ts$/, '.js'), transpiled(from));
      else cpSync(from, to);
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function transpiled(file: string): string {
  const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), {
    fileName: file,
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
    },
  });
  return outputText;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Program {
  readonly ended: Promise<Ended>;
  out = '';
  err = '';
  running = true;
  readonly #child: ChildProcess;
  readonly #heard = new Set<() => void>();

  constructor(build: Build, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [build.main, ...args], {
      cwd: build.folder,
      env: { ...process.env, NODE_COMPILE_CACHE: join(build.folder, 'cache'), NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C ends the torture after its round, not the processes of the round
      detached: true,
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#hear((this.out += text)));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#hear((this.err += text)));
    const killNow = (): void => void this.#child.kill('SIGKILL');
    process.once('exit', killNow);
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        process.removeListener('exit', killNow);
        this.running = false;
        this.#hear('');
        resolve({ code, signal });
      });
    });
  }

  /** Resolves with what the pattern found in the output; a process that keeps silent is killed after a while. */
  async says(pattern: RegExp, withinMs = 60_000): Promise<RegExpExecArray> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), withinMs);
    try {
      return await this.#said(pattern);
    } finally {
      clearTimeout(timer);
    }
  }

  async #said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.out);
      if (found !== null) return found;
      if (!this.running)
        throw new Error(`a process ended before it said ${String(pattern)}: ${tail(this.out + this.err)}`);
      await new Promise<void>((resolve) => this.#heard.add(resolve));
    }
  }

  /** `kill -9`. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /** Asks it to end, and kills it when it doesn't in time. True when it ended by itself. */
  async stop(graceMs = 10_000): Promise<boolean> {
    if (!this.running) return true;
    this.#child.kill('SIGTERM');
    let killed = false;
    const timer = setTimeout(() => {
      killed = true;
      this.#child.kill('SIGKILL');
    }, graceMs);
    await this.ended;
    clearTimeout(timer);
    return !killed;
  }

  #hear(_text: string): void {
    for (const heard of this.#heard) heard();
    this.#heard.clear();
  }
}

/** Runs a command to its end; its exit code and output. */
export async function run(
  build: Build,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | null; out: string; err: string }> {
  const program = new Program(build, args, env);
  const { code } = await program.ended;
  return { code, out: program.out, err: program.err };
}

export function tail(text: string, length = 1_500): string {
  return text.length <= length ? text : `…${text.slice(-length)}`;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
