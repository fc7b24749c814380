import { closeSync, existsSync, ftruncateSync, fstatSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ChangeSet } from './store.js';

const FILE = 'stripe-journal.jsonl';

/**
 * The append-only journal: one line per request, written before the request is answered. So whatever a client was
 * told is on disk; a process killed between write and answer has applied the request, as Stripe may have too.
 */
export class Journal {
  private fd: number | undefined;
  private readonly path: string;

  constructor(private readonly folder: string) {
    this.path = join(folder, FILE);
  }

  /** Reads the lines back and cuts off a torn last one, so that the next line does not continue it. */
  open(onLine: (change: ChangeSet) => void): void {
    mkdirSync(this.folder, { recursive: true });
    const whole = existsSync(this.path) ? this.replayFile(onLine) : 0;
    this.fd = openSync(this.path, 'a');
    if (fstatSync(this.fd).size > whole) ftruncateSync(this.fd, whole);
  }

  append(change: ChangeSet): void {
    if (this.fd === undefined) throw new Error('The simulator’s journal is closed.');
    const line = Buffer.from(`${JSON.stringify(change)}\n`);
    for (let written = 0; written < line.length;) written += writeSync(this.fd, line, written);
  }

  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }

  /** Returns how many bytes hold whole lines. */
  private replayFile(onLine: (change: ChangeSet) => void): number {
    const content = readFileSync(this.path);
    let start = 0;
    for (let end = content.indexOf(10, start); end !== -1; end = content.indexOf(10, start)) {
      let change: ChangeSet;
      try {
        change = JSON.parse(content.toString('utf8', start, end)) as ChangeSet;
      } catch (error) {
        if (content.indexOf(10, end + 1) !== -1)
          throw new Error(`${this.path} is damaged at byte ${start}.`, { cause: error });
        return start;
      }
      onLine(change);
      start = end + 1;
    }
    return start;
  }
}
