/**
 * The lock of an embedded hub. PGlite lets two processes open one folder and then loses data, so we hold a lock of our own:
 * a file beside the folder that names its holder. It also tells other commands where the holder can be reached.
 */
import { randomUUID } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { SyncflowError } from '../errors.js';

/** Where the process that holds an embedded hub takes commands. */
export interface Control {
  readonly url: string;
  readonly token: string;
}

export interface LockHolder {
  readonly pid: number;
  readonly control?: Control;
}

interface LockContent extends LockHolder {
  readonly nonce: string;
  readonly host: string;
  readonly startedAt: string;
  /** Boot and start time of the process as the kernel counts it: tells a reused pid apart. Absent where there is no /proc. */
  readonly process?: string;
}

/** A file that can't be read counts as abandoned after this time (its writer died between creating and filling it). */
const unreadableAfterMs = 5_000;
const takeoverAttempts = 200;

export class EmbeddedLock {
  readonly path: string;
  #content: LockContent | undefined;

  private constructor(path: string, content: LockContent) {
    this.path = path;
    this.#content = content;
  }

  /** Takes the lock of a folder, from a dead holder if need be. Throws `locked` when its holder lives. */
  static acquire(dataDir: string): EmbeddedLock {
    const path = lockPath(dataDir);
    mkdirSync(dirname(path), { recursive: true });
    const started = processStart(process.pid);
    const content: LockContent = {
      pid: process.pid,
      nonce: randomUUID(),
      host: hostname(),
      startedAt: new Date().toISOString(),
      ...(started === undefined ? {} : { process: started }),
    };
    for (let attempt = 0; attempt < takeoverAttempts; attempt++) {
      if (create(path, content)) return new EmbeddedLock(path, content);
      const holder = read(path);
      if (holder === 'absent') continue;
      if (!isStale(path, holder)) throw refusal(dataDir, path, holder);
      removeStale(path);
    }
    throw new SyncflowError('locked', `the embedded hub ${dataDir} can't be locked`, {
      hint: `Delete ${path} if no process uses the hub.`,
    });
  }

  /** Publishes (or withdraws) the address where this process takes commands. The file is readable by its owner only. */
  setControl(control: Control | undefined): void {
    if (this.#content === undefined) return;
    const { control: _former, ...rest } = this.#content;
    this.#content = control === undefined ? rest : { ...rest, control };
    const fresh = freshPath(this.path);
    writeFileSync(fresh, JSON.stringify(this.#content), { mode: 0o600 });
    renameSync(fresh, this.path);
  }

  /** Safe when doubled; never removes a lock that has become another's. */
  release(): void {
    const mine = this.#content;
    this.#content = undefined;
    if (mine === undefined) return;
    const current = read(this.path);
    if (typeof current === 'object' && current.nonce === mine.nonce) rmSync(this.path, { force: true });
  }
}

/** Who holds an embedded hub, and where that process takes commands; undefined when nobody (alive) does. */
export function readLock(dataDir: string): LockHolder | undefined {
  const path = lockPath(dataDir);
  const holder = read(path);
  if (typeof holder !== 'object' || isStale(path, holder)) return undefined;
  return { pid: holder.pid, ...(holder.control === undefined ? {} : { control: holder.control }) };
}

/** Beside the folder, under its real name: two symbolic links to one folder are one hub. */
function lockPath(dataDir: string): string {
  let real = resolve(dataDir);
  try {
    real = realpathSync(real);
  } catch {
    try {
      real = join(realpathSync(dirname(real)), basename(real));
    } catch {
      // Neither it nor its parent exists yet.
    }
  }
  return `${real}.lock`;
}

/** Filled first, then linked to its name: a process that is killed in between leaves no empty lock behind. */
function create(path: string, content: LockContent): boolean {
  const fresh = freshPath(path);
  try {
    writeFileSync(fresh, JSON.stringify(content), { mode: 0o600 });
    linkSync(fresh, path);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (withoutLinks.has(code)) return createInPlace(path, content);
    throw new SyncflowError('database', `${path} can't be written`, {
      hint: "The folder beside the embedded hub's must be writable.",
      cause: error,
    });
  } finally {
    rmSync(fresh, { force: true });
  }
}

/** What a file system answers that knows no hard links. */
const withoutLinks = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK']);

function createInPlace(path: string, content: LockContent): boolean {
  try {
    writeFileSync(path, JSON.stringify(content), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

const freshPath = (path: string): string => `${path}.${process.pid}.tmp`;

function read(path: string): LockContent | 'absent' | 'unreadable' {
  try {
    const content = JSON.parse(readFileSync(path, 'utf8')) as Partial<LockContent> | null;
    if (typeof content?.pid !== 'number' || typeof content.nonce !== 'string' || typeof content.host !== 'string')
      return 'unreadable';
    return content as LockContent;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'absent' : 'unreadable';
  }
}

function isStale(path: string, holder: LockContent | 'unreadable'): boolean {
  if (holder === 'unreadable') return ageMs(path) > unreadableAfterMs;
  if (holder.host !== hostname()) return false; // another machine or container on a shared volume: its pids mean nothing here
  if (!isAlive(holder.pid)) return true;
  const started = processStart(holder.pid);
  return started !== undefined && holder.process !== undefined && started !== holder.process;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${ticks}`;
  } catch {
    return undefined;
  }
}

/**
 * Removes a stale lock. Without the guard, of two processes that saw the same dead holder the slower could remove the fresh
 * lock of the faster; inside it the file is judged again.
 */
function removeStale(path: string): void {
  const guard = `${path}.takeover`;
  try {
    mkdirSync(guard);
  } catch {
    if (ageMs(guard) > unreadableAfterMs) rmSync(guard, { recursive: true, force: true });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); // another process is at it, for microseconds
    return;
  }
  try {
    const holder = read(path);
    if (holder !== 'absent' && isStale(path, holder)) rmSync(path, { force: true });
  } finally {
    rmdirSync(guard);
  }
}

function ageMs(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

function refusal(dataDir: string, path: string, holder: LockContent | 'unreadable'): SyncflowError {
  const what = `the embedded hub ${dataDir} is held`;
  if (holder === 'unreadable') {
    return new SyncflowError('locked', `${what} by a process that is just starting`, {
      hint: `Try again; if that goes on, delete ${path}.`,
    });
  }
  const context = { pid: holder.pid, lockFile: path };
  if (holder.host !== hostname()) {
    return new SyncflowError(
      'locked',
      `${what} by process ${holder.pid} on ${holder.host}, since ${holder.startedAt}`,
      {
        hint: `Stop it there. If that machine or container is gone, delete ${path}.`,
        context,
      },
    );
  }
  const self = holder.pid === process.pid;
  return new SyncflowError(
    'locked',
    `${what} by ${self ? 'this same process' : `process ${holder.pid}`}, since ${holder.startedAt}`,
    {
      hint: self
        ? 'Open an embedded hub once per process and share that object.'
        : `Stop it (kill ${holder.pid}), or work through it; an embedded hub has one process at a time. For many, use a Postgres server.`,
      context,
    },
  );
}
