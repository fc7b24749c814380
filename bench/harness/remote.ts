/** Remotes in processes of their own, so that what they do isn't done on the worker's thread. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Handed to the script as JSON. */
export type RemoteOptions = Readonly<Record<string, number | string | boolean>>;

export interface Remote {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts `remotes/<script>`; it prints its address as its first line, and ends when its standard input does, so that none outlives
 * a bench that was killed.
 */
export async function startRemote(script: string, options: RemoteOptions): Promise<Remote> {
  const file = fileURLToPath(new URL(`../remotes/${script}.js`, import.meta.url));
  const child = spawn(process.execPath, [file, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const [url] = (await Promise.race([
    once(lines, 'line'),
    ended.then(([code]) => Promise.reject(new Error(`the remote ${script} ended with ${String(code)}`))),
  ])) as [string];
  return {
    url,
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** What a remote's script does: say where it is, end with its parent. */
export function announce(url: string, close: () => Promise<void> = () => Promise.resolve()): void {
  process.stdout.write(`${url}\n`);
  process.stdin.resume().once('end', () => void close().finally(() => process.exit(0)));
}

/** The options that this process was started with. */
export function givenOptions<T extends RemoteOptions>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T;
}

/** Of a clock that the processes of a machine share, and that nobody sets. */
export function sharedClockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
