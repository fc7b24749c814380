/** All chance of a simulated world comes from one seed. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export class Chance {
  readonly #source: ReturnType<typeof xoroshiro128plus>;
  #ids = 0;

  constructor(seed: number) {
    this.#source = xoroshiro128plus(seed);
  }

  /** 0 ≤ x < 1 */
  readonly float = (): number => uniformFloat64(this.#source);

  /** A whole number from `from` to `to`, both included. */
  int(from: number, to: number): number {
    return uniformInt(this.#source, from, to);
  }

  /** A whole number of a span. */
  within({ from, to }: { readonly from: number; readonly to: number }): number {
    return this.int(from, to);
  }

  /** True with this probability. */
  hits(probability: number): boolean {
    return probability > 0 && this.float() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length - 1)] as T;
  }

  /** `count` different items, in random order. */
  some<T>(items: readonly T[], count: number): T[] {
    const left = [...items];
    const taken: T[] = [];
    while (taken.length < count && left.length > 0) taken.push(...left.splice(this.int(0, left.length - 1), 1));
    return taken;
  }

  /** An independent source, so that one part of the world can't shift the chance of another. */
  fork(): Chance {
    return new Chance(this.int(0, 0x7fffffff));
  }

  /** A unique id that reads like a UUID. */
  readonly id = (): string => {
    this.#ids += 1;
    const hex = (): string => this.int(0, 0xffffff).toString(16).padStart(6, '0');
    return `${hex()}${hex().slice(0, 2)}-${this.#ids.toString(16).padStart(4, '0')}-${hex()}`;
  };
}
