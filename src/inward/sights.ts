/**
 * Sights of one pass, taken in as they come: what has come while others are being applied is applied together next. One that comes
 * alone waits for nobody.
 */
import { applyObservation, failure, type Observation } from '../apply/apply.js';
import { applyPage, type Sighting } from '../apply/page.js';
import type { RecordKey } from '../catalog/key.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { loadRecords } from '../engine/records.js';
import { loadReferences } from '../engine/references.js';
import type { Result } from '../engine/result.js';
import { Slots } from '../engine/slots.js';
import { SyncflowError } from '../errors.js';
import { sqlState } from '../store/database.js';
import type { Link } from '../store/links.js';
import { withLate } from './late.js';
import { withoutWriting, type Basis } from './observe.js';

/** Applied in one transaction at most: each holds the rows that it writes. */
const mostTogether = 250;
/** Transactions at once of those that must be applied one by one. */
const aloneAtOnce = 4;

interface Waiting extends Sighting {
  readonly resolve: (result: Result | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Of a record's remote. */
type Known = Waiting & { readonly key: RecordKey };

export class Sights {
  readonly #env: Environment;
  readonly #binding: Binding;
  readonly #alone = new Slots(aloneAtOnce);
  #waiting: Waiting[] = [];
  #busy = false;

  constructor(env: Environment, binding: Binding) {
    this.#env = env;
    this.#binding = binding;
  }

  /** Returns the result to commit; undefined where it was committed already. */
  take(link: Link, seen: Observation): Promise<Result | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ link, seen, resolve, reject });
      if (!this.#busy) void this.#drain();
    });
  }

  /** Runs what takes a transaction of its own, few at once. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#alone.run(work);
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      // answers that came in by the same read of a socket go along
      await (this.#env.clock.turn?.() ?? new Promise((resolve) => setImmediate(resolve)));
      const group = this.#waiting.splice(0, mostTogether);
      try {
        await this.#settle(group);
      } catch (error) {
        for (const one of group) one.reject(error);
      }
    }
    this.#busy = false;
  }

  async #settle(group: readonly Waiting[]): Promise<void> {
    const toApply = await this.#withoutWriting(group);
    const left = new Set<Sighting>(await applyPage(this.#env, this.#binding, toApply));
    for (const one of toApply) if (!left.has(one)) one.resolve(undefined);
    await Promise.all(
      toApply
        .filter((one) => left.has(one))
        .map(({ link, seen, resolve, reject }) =>
          this.alone(() => applyObservation(this.#env, this.#binding, link, seen)).then(resolve, reject),
        ),
    );
  }

  /** Resolves those for which nothing is to be written here, from one reading of their records; returns the others. */
  async #withoutWriting(group: readonly Waiting[]): Promise<Waiting[]> {
    const known: Known[] = [];
    const others: Waiting[] = [];
    for (const one of group) {
      const { key } = one.link;
      if (key === undefined) others.push(one);
      else await this.#attempt(one, async () => known.push({ ...one, key, seen: await this.#withLate(one) }));
    }
    const basisOf = await this.#bases(known);
    for (const one of known) {
      await this.#attempt(one, async () => {
        const result = withoutWriting(this.#binding, one.link, one.seen, basisOf(one.key));
        if (result === undefined) others.push(one);
        else one.resolve(result);
      });
    }
    return others;
  }

  /** What goes wrong with one is no matter of the others; what goes wrong with the database is. */
  async #attempt(one: Waiting, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (sqlState(error) !== undefined || (error instanceof SyncflowError && error.code === 'database')) throw error;
      one.resolve(failure(this.#env, this.#binding, one.link, one.seen, error));
    }
  }

  #withLate({ link, seen }: Sighting): Promise<Observation> {
    return withLate(this.#env.db, this.#binding, link, seen);
  }

  /** By key; where a row can't be read, or the user's `extract` throws, so does asking for it. */
  async #bases(known: readonly Known[]): Promise<(key: RecordKey) => Basis> {
    const records = await loadRecords(
      this.#env.db,
      this.#binding.catalog,
      known.map(({ key }) => key),
    );
    const resolver = await loadReferences(this.#env.db, this.#binding, {
      records: records.all,
      remotes: known.map(({ seen }) => seen.remote),
    });
    return (key) => ({ record: records.get(key).record, resolver });
  }
}
