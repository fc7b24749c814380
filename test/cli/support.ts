/** Command lines in this process: captured output, signals by hand, configs in folders of their own. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Io, SignalName } from '../../src/cli/io.js';
import { run } from '../../src/cli/program.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Text that comes in bit by bit; `until` waits for a line of it. */
export class Captured {
  text = '';
  readonly #waiting = new Set<() => void>();

  write(text: string): void {
    this.text += text;
    for (const wake of this.#waiting) wake();
  }

  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.text);
      if (found !== null) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
      this.#waiting.clear();
    }
  }
}

export interface Run {
  readonly out: Captured;
  readonly err: Captured;
  readonly code: Promise<number>;
  /** Codes with which it ended the process at once. */
  readonly exits: readonly number[];
  signal(name: SignalName): void;
}

export interface RunOptions {
  readonly cwd: string;
  readonly answer?: string;
  readonly tty?: boolean;
  readonly env?: Record<string, string>;
}

export function begin(args: readonly string[], { cwd, answer, tty = false, env = {} }: RunOptions): Run {
  const out = new Captured();
  const err = new Captured();
  const exits: number[] = [];
  const listeners = new Set<(name: SignalName) => void>();
  const stream = (captured: Captured) => ({ write: (text: string) => captured.write(text), isTTY: tty });
  const io: Io = {
    stdout: stream(out),
    stderr: stream(err),
    env,
    cwd,
    ask: () => (answer === undefined ? undefined : Promise.resolve(answer)),
    onSignal: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exit: (code) => exits.push(code),
  };
  const code = run(args, io);
  return { out, err, code, exits, signal: (name) => [...listeners].forEach((listener) => listener(name)) };
}

export async function finish(
  args: readonly string[],
  options: RunOptions,
): Promise<{ code: number; out: string; err: string }> {
  const started = begin(args, options);
  const code = await started.code;
  return { code, out: started.out.text, err: started.err.text };
}

export class Folders {
  readonly #made: string[] = [];

  /** A folder with a config file; without content it is empty. */
  make(config?: string, name = 'syncflow.config.ts'): string {
    const folder = mkdtempSync(join(tmpdir(), 'syncflow-cli-'));
    this.#made.push(folder);
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    if (config !== undefined) writeFileSync(join(folder, name), config);
    return folder;
  }

  remove(): void {
    for (const folder of this.#made) rmSync(folder, { recursive: true, force: true });
  }
}

/** A config with one catalog and a system in memory; `more` runs before the export. */
export function customerConfig({ more = '', database = `'hub'`, options = '' } = {}): string {
  return `
import { z } from 'zod';
import { Catalog } from 'syncflow';
import { MemorySubscriber, MemorySystem } from 'syncflow/testing';

class Customer extends Catalog({ name: 'customer', key: 'id', fields: { id: z.int(), name: z.string().min(1) } }) {}
class MemoryCustomer extends MemorySubscriber<typeof Customer> {
  override readonly mapping = this.map({ name: 'values.name' });
}
Customer.register(MemoryCustomer);
const system = new MemorySystem();
${more}
export default { database: ${database}, catalogs: [Customer], accounts: { memory: system }, wakeIntervalMs: 20, pollIntervalMs: 20, ${options} };
`;
}
