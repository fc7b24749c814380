/**
 * Sights of one pass, taken in as they come: what has come while others are being applied is applied together next. One that comes
 * alone waits for nobody.
 */
import { applyObservation, type Observation } from '../apply/apply.js';
import { applyPage, type Sighting } from '../apply/page.js';
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import { extractRecord, type Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { loadReferences } from '../engine/references.js';
import type { Result } from '../engine/result.js';
import { inParallel } from '../outward/push.js';
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

export class Sights {
  readonly #env: Environment;
  readonly #binding: Binding;
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
    await inParallel(
      toApply.filter((one) => left.has(one)),
      aloneAtOnce,
      ({ link, seen, resolve, reject }) => applyObservation(this.#env, this.#binding, link, seen).then(resolve, reject),
    );
  }

  /** Resolves those for which nothing is to be written here, from one reading of their records; returns the others. */
  async #withoutWriting(group: readonly Waiting[]): Promise<Waiting[]> {
    const known: (Waiting & { readonly key: RecordKey })[] = [];
    const others: Waiting[] = [];
    for (const one of group) {
      const { key } = one.link;
      if (key === undefined) others.push(one);
      else known.push({ ...one, key, seen: await withLate(this.#env.db, this.#binding, one.link, one.seen) });
    }
    const basisOf = await this.#bases(known);
    for (const one of known) {
      try {
        const result = withoutWriting(this.#binding, one.link, one.seen, basisOf(one.key));
        if (result === undefined) others.push(one);
        else one.resolve(result);
      } catch (error) {
        one.reject(error);
      }
    }
    return others;
  }

  /** By key; where the user's `extract` throws, so does asking for it. */
  async #bases(known: readonly (Sighting & { readonly key: RecordKey })[]): Promise<(key: RecordKey) => Basis> {
    const { catalog } = this.#binding;
    const rows = await catalog.rows.load(
      this.#env.db,
      known.map(({ key }) => key),
    );
    const records = new Map<RecordKey, AnyRecord>();
    const problems = new Map<RecordKey, unknown>();
    for (const [key, row] of rows) {
      try {
        const { record } = extractRecord(catalog, row);
        if (record !== undefined) records.set(key, record);
      } catch (error) {
        problems.set(key, error);
      }
    }
    const resolver = await loadReferences(this.#env.db, this.#binding, {
      records: [...records.values()],
      remotes: known.map(({ seen }) => seen.remote),
    });
    return (key) => {
      if (problems.has(key)) throw problems.get(key);
      return { record: records.get(key), resolver };
    };
  }
}
