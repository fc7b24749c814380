/** Which fault struck in which step of the road, over many worlds. */
import { faultKinds, faultNames, type FaultKind } from './faults.js';
import { steps, type Step } from './steps.js';

export class Coverage {
  readonly #hits = new Map<string, number>();

  add(cells: Readonly<Record<string, number>>): void {
    for (const [cell, count] of Object.entries(cells)) this.#hits.set(cell, (this.#hits.get(cell) ?? 0) + count);
  }

  hits(kind: FaultKind, step: Step): number {
    return this.#hits.get(`${kind} ${step}`) ?? 0;
  }

  /** Where a fault can strike, and hasn't yet. */
  empty(): string[] {
    return faultNames.flatMap((kind) =>
      faultKinds[kind].steps.filter((step) => this.hits(kind, step) === 0).map((step) => `${kind} ${step}`),
    );
  }

  cells(): { readonly hit: number; readonly of: number } {
    const of = faultNames.reduce((sum, kind) => sum + faultKinds[kind].steps.length, 0);
    return { hit: of - this.empty().length, of };
  }

  toJSON(): Record<string, Record<string, number>> {
    return Object.fromEntries(
      faultNames.map((kind) => [
        kind,
        Object.fromEntries(
          steps.flatMap((step): [string, number][] => {
            const hits = this.hits(kind, step);
            return hits > 0 || isPossible(kind, step) ? [[step, hits]] : [];
          }),
        ),
      ]),
    );
  }

  /** Faults downwards, steps across; `0` is a cell that should be hit and isn't, `·` one that can't be. */
  table(): string {
    const width = Math.max(...faultNames.map((kind) => kind.length));
    const cell = (kind: FaultKind, step: Step): string => {
      const hits = this.hits(kind, step);
      return hits === 0 && !isPossible(kind, step) ? '·' : short(hits);
    };
    const rows = faultNames.map((kind) =>
      [kind.padEnd(width), ...steps.map((step) => cell(kind, step).padStart(columnWidth(step)))].join(' '),
    );
    return [[' '.repeat(width), ...steps.map((step) => step.padStart(columnWidth(step)))].join(' '), ...rows].join(
      '\n',
    );
  }
}

const columnWidth = (step: Step): number => Math.max(4, step.length);
const isPossible = (kind: FaultKind, step: Step): boolean => {
  const possible: readonly Step[] = faultKinds[kind].steps;
  return possible.includes(step);
};
const short = (count: number): string => (count < 10_000 ? String(count) : `${Math.round(count / 1000)}k`);
