/** What a command line touches of its surroundings; tests give others. */
import { createInterface } from 'node:readline/promises';
import type { Prompter } from './prompter.js';

export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export type SignalName = 'SIGINT' | 'SIGTERM';

export interface Io {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Undefined where nobody can be asked. */
  ask(question: string): Promise<string> | undefined;
  /** Asks with choices; undefined where nobody can be asked. */
  readonly prompter?: () => Promise<Prompter> | undefined;
  /** Calls back on every SIGINT and SIGTERM; returns a function that ends it. */
  onSignal(listener: (name: SignalName) => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
}

export function nodeIo(): Io {
  // `syncflow parked list | head`: the reader is gone, and nobody is left to be told
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
    });
  }
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    ask: (question) => (process.stdin.isTTY && process.stdout.isTTY ? askOnTerminal(question) : undefined),
    prompter: () =>
      process.stdin.isTTY && process.stdout.isTTY
        ? import('./prompter.js').then(({ terminalPrompter }) => terminalPrompter)
        : undefined,
    onSignal: (listener) => {
      const names: readonly SignalName[] = ['SIGINT', 'SIGTERM'];
      const heard = names.map((name) => ({ name, call: () => listener(name) }));
      for (const { name, call } of heard) process.on(name, call);
      return () => {
        for (const { name, call } of heard) process.off(name, call);
      };
    },
    exit: (code) => process.exit(code),
  };
}

async function askOnTerminal(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}
