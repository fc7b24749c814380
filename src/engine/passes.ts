/** The passes over one subscriber's links that are under way, and who needn't wait until they end. */
import type { Link } from '../store/links.js';

/**
 * Passes over one subscriber at once, where a backlog fills them: one waits for the system while the other is at the hub. The leases
 * keep them apart, as they do workers. And as many of what is urgent, beside a backlog that isn't.
 */
export const passesAtOnce = 2;

export const isUrgent = ({ lane }: Pick<Link, 'lane'>): boolean => lane === 0;

/**
 * Live edits and events don't wait behind a mass UPDATE or a first load: they are claimed while the passes of those are under way, and
 * have passes of their own. Where everything is urgent, nothing is.
 */
export class Passes {
  readonly #run: (links: readonly Link[]) => Promise<void>;
  readonly #usual = new Map<Promise<void>, readonly Link[]>();
  readonly #urgent = new Map<Promise<void>, readonly Link[]>();
  readonly #failures: unknown[] = [];

  constructor(run: (links: readonly Link[]) => Promise<void>) {
    this.#run = run;
  }

  /** So many passes over what was claimed in its turn are under way. */
  get count(): number {
    return this.#usual.size;
  }

  get failed(): boolean {
    return this.#failures.length > 0;
  }

  /** Those under way have nothing urgent; what is may be claimed beside them. */
  get letsPass(): boolean {
    return this.#urgent.size < passesAtOnce && [...this.#usual.values()].every((links) => !links.some(isUrgent));
  }

  /** What is urgent of them goes apart: in one pass it would wait for the calls of all the others. */
  begin(links: readonly Link[]): void {
    const urgent = links.filter(isUrgent);
    if (urgent.length === links.length) {
      this.#start(this.#usual, links);
      return;
    }
    this.beginUrgent(urgent);
    this.#start(
      this.#usual,
      links.filter((link) => !isUrgent(link)),
    );
  }

  beginUrgent(links: readonly Link[]): void {
    this.#start(this.#urgent, links);
  }

  /** Resolves when one ends. */
  async anyEnds(): Promise<void> {
    await Promise.race([...this.#usual.keys(), ...this.#urgent.keys()]);
  }

  /** @throws the first failure */
  async end(): Promise<void> {
    await Promise.all([...this.#usual.keys(), ...this.#urgent.keys()]);
    if (this.failed) throw this.#failures[0];
  }

  #start(passes: Map<Promise<void>, readonly Link[]>, links: readonly Link[]): void {
    if (links.length === 0) return;
    const pass: Promise<void> = this.#run(links)
      .catch((error: unknown) => void this.#failures.push(error))
      .finally(() => passes.delete(pass));
    passes.set(pass, links);
  }
}
