/** Looks for planted bugs: each is played seed after seed until its world violates what it doesn't without the bug. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { inCopy } from './copy.js';
import type { Mutant } from './mutant.js';
import type { Played, PlayOrder } from './play.js';

export interface HuntOptions {
  readonly root: string;
  readonly mutants: readonly Mutant[];
  /** The worlds, in the order in which they are played. */
  readonly seeds: readonly number[];
  /** In each world; the usual number unless given. */
  readonly edits?: number;
  /** Children at once. */
  readonly jobs: number;
  readonly onBaseline?: (played: Played) => void;
  readonly onHunted?: (hunted: Hunted) => void;
}

export interface Hunted {
  readonly mutant: string;
  readonly breaks: readonly string[];
  /** What caught it; undefined where it survived. `crash` and `hang`: its process didn't get through the world. */
  readonly caughtBy: string | undefined;
  readonly what: string | undefined;
  readonly seed: number | undefined;
  /** Worlds that were played, the last one included. */
  readonly seedsPlayed: number;
  readonly ms: number;
}

export interface Hunt {
  /** Worlds that are violated without any planted bug: they say nothing, and are left out. */
  readonly dirty: readonly Played[];
  readonly hunted: readonly Hunted[];
}

/** A world takes no longer than this, and many times as long as the slowest without a planted bug, in ms. */
const leastPatienceMs = 60_000;
const patience = 20;

export async function hunt(options: HuntOptions): Promise<Hunt> {
  const { root, mutants, seeds, edits, jobs } = options;
  const order = (these: readonly number[], untilFound: boolean): PlayOrder => ({
    seeds: these,
    untilFound,
    ...(edits === undefined ? {} : { edits }),
  });
  const baseline = await inCopy(root, undefined, async (folder) => {
    const shares = Array.from({ length: jobs }, (_, job) => seeds.filter((_seed, index) => index % jobs === job));
    const played = await inTurn(shares, jobs, async (share) => {
      const run = await play(folder, order(share, false), Number.POSITIVE_INFINITY, options.onBaseline);
      if (run.broken !== undefined) throw new Error(`without any planted bug: ${run.broken.what}`);
      return run.played;
    });
    return played.flat();
  });
  const dirty = baseline.filter(({ violations }) => violations.length > 0);
  const clean = seeds.filter((seed) => !dirty.some((one) => one.seed === seed));
  const worldMs = Math.max(leastPatienceMs, patience * Math.max(0, ...baseline.map(({ ms }) => ms)));
  const hunted = await inTurn(mutants, jobs, async (mutant) => {
    const started = performance.now();
    const run = await inCopy(root, mutant, (folder) => play(folder, order(clean, true), worldMs));
    const one = judge(mutant, clean, run, Math.round(performance.now() - started));
    options.onHunted?.(one);
    return one;
  });
  return { dirty, hunted };
}

function judge({ name, breaks }: Mutant, seeds: readonly number[], { played, broken }: Run, ms: number): Hunted {
  const found = played.find(({ violations }) => violations.length > 0);
  const [violation] = found?.violations ?? [];
  const caught = violation ?? broken;
  return {
    mutant: name,
    breaks,
    caughtBy: caught?.invariant,
    what: caught?.what,
    seed: found?.seed ?? (broken === undefined ? undefined : seeds[played.length]),
    seedsPlayed: found === undefined && broken !== undefined ? played.length + 1 : played.length,
    ms,
  };
}

interface Run {
  readonly played: readonly Played[];
  /** The process ended, or was ended, in the midst of a world. */
  readonly broken: { readonly invariant: 'crash' | 'hang'; readonly what: string } | undefined;
}

/** Plays the worlds in a child process inside of a copy. */
async function play(
  folder: string,
  order: PlayOrder,
  worldMs: number,
  onPlayed?: (played: Played) => void,
): Promise<Run> {
  if (order.seeds.length === 0) return { played: [], broken: undefined };
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(folder, 'test/simulation/mutants/play.ts'), JSON.stringify(order)],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const state = { isHanging: false, complaint: '' };
  const waitLonger = (): NodeJS.Timeout | undefined =>
    Number.isFinite(worldMs)
      ? setTimeout(() => {
          state.isHanging = true;
          child.kill('SIGKILL');
        }, worldMs)
      : undefined;
  let timer = waitLonger();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    state.complaint = `${state.complaint}${text}`.slice(-2_000);
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const played: Played[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const one = JSON.parse(line) as Played;
    played.push(one);
    onPlayed?.(one);
    clearTimeout(timer);
    timer = waitLonger();
  }
  const code = await ended;
  clearTimeout(timer);
  if (state.isHanging) return { played, broken: { invariant: 'hang', what: `no end within ${worldMs / 1_000} s` } };
  const lines = state.complaint.trim().split('\n');
  const lastWords = lines.findLast((line) => /^\w*Error/.test(line)) ?? lines.at(-1) ?? '';
  return {
    played,
    broken: code === 0 ? undefined : { invariant: 'crash', what: `exit ${code ?? 'by signal'}: ${lastWords}` },
  };
}

/** Runs `work` over the items in their order, `limit` at once. */
async function inTurn<T, R>(items: readonly T[], limit: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const runner = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: limit }, runner));
  return results;
}
