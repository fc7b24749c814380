/** Plays seeds in several processes at once, and hands on what came of them in the order of the seeds. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { carryOut, type SeedOrder, type SeedPlayed } from './child.js';

/** Orders that a child has at once: it needn't wait for the next one. */
const ahead = 2;
/** A world makes much garbage, and hardly any of it lives on: the young generation is large, so that it is seldom cleared. */
const childOptions = ['--max-semi-space-size=32'];

export async function playInJobs(
  orders: readonly SeedOrder[],
  jobs: number,
  onPlayed: (played: SeedPlayed) => void,
): Promise<void> {
  if (jobs <= 1) {
    for (const order of orders) onPlayed(await carryOut(order));
    return;
  }
  const children = Array.from({ length: Math.min(jobs, orders.length) }, () =>
    fork(fileURLToPath(new URL('child.ts', import.meta.url)), ['--child'], {
      execArgv: [...process.execArgv, ...childOptions],
    }),
  );
  const end = (): void => {
    for (const child of children) child.kill('SIGKILL');
  };
  const interrupted = (): void => {
    end();
    process.exit(130);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    await deal(orders, children, onPlayed);
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    end();
  }
}

/** Whoever is through with an order gets the next one. */
function deal(
  orders: readonly SeedOrder[],
  children: readonly ChildProcess[],
  onPlayed: (played: SeedPlayed) => void,
): Promise<void> {
  const played = new Map<number, SeedPlayed>();
  let dealt = 0;
  let told = 0;
  const next = (child: ChildProcess): void => {
    const order = orders[dealt];
    if (order === undefined) return;
    dealt += 1;
    child.send(order);
  };
  const tell = (): void => {
    for (;;) {
      const seed = orders[told]?.seed;
      const one = seed === undefined ? undefined : played.get(seed);
      if (seed === undefined || one === undefined) return;
      played.delete(seed);
      told += 1;
      onPlayed(one);
    }
  };
  return new Promise((resolve, reject) => {
    for (const child of children) {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        if (told < orders.length) reject(new Error(`a process that plays worlds has ended: ${signal ?? code ?? ''}`));
      });
      child.on('message', (message) => {
        const one = message as SeedPlayed;
        played.set(one.result.seed, one);
        next(child);
        tell();
        if (told === orders.length) resolve();
      });
    }
    for (let count = 0; count < ahead; count++) for (const child of children) next(child);
    if (orders.length === 0) resolve();
  });
}
