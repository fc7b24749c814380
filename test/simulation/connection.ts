/** A worker's connection to a remote, over a network that loses, delays and refuses. It ends with the worker. */
import type { Faults } from './faults.js';
import type { SimulatedConnection } from './hub.js';
import { pace } from './pace.js';
import type { Remote } from './remote.js';
import type { Caller, Witness } from './witness.js';

/** Why a call gets no proper answer. */
export type Refusal =
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs: number }
  | { readonly kind: 'blocked'; readonly reason: string; readonly afterMs: number }
  | { readonly kind: 'unknown'; readonly reason: string };

export class Connection {
  readonly remote: Remote;
  readonly faults: Faults;
  readonly witness: Witness;
  readonly #process: SimulatedConnection;

  constructor(remote: Remote, faults: Faults, process: SimulatedConnection, witness: Witness) {
    this.remote = remote;
    this.faults = faults;
    this.#process = process;
    this.witness = witness;
  }

  get process(): Caller {
    return this.#process;
  }

  /** The way there. What a paused worker was about to send goes out late. */
  async depart(): Promise<void> {
    const { remote, faults } = this;
    await this.#process.mishap('before', 'a call');
    await remote.time.sleep(this.#wayMs());
    if (faults.hits('slow', remote.name)) await remote.time.sleep(faults.chance('slow').within(pace.slow));
  }

  /** The way back; a dead worker hears nothing. */
  async arrive(): Promise<void> {
    const { remote } = this;
    await remote.time.sleep(this.#wayMs());
    await this.#process.mishap('after', 'a call');
  }

  #wayMs(): number {
    const { chance, character } = this.remote;
    return character.steady && character.wayMs === pace.near ? 8 : chance.within(character.wayMs);
  }

  /** What stands in the way of any call just now. */
  refusal(): Refusal | undefined {
    const { remote, faults } = this;
    const { until, time, name } = remote;
    if (until.outage > time.ms) {
      faults.met('outage', name);
      return { kind: 'unknown', reason: '503: an outage' };
    }
    if (until.blocked > time.ms) {
      faults.met('blocked', name);
      return { kind: 'blocked', reason: '401: credentials have expired', afterMs: pace.blockedForMs };
    }
    if (faults.hits('refuse', name))
      return {
        kind: 'retry',
        reason: '429: too many requests',
        afterMs: faults.chance('refuse').within(pace.refusedFor),
      };
    if (faults.hits('failBefore', name)) return { kind: 'unknown', reason: '500' };
    return undefined;
  }

  /** Nothing is to be seen, and nobody says why. */
  get isForbidden(): boolean {
    const { remote, faults } = this;
    if (remote.until.forbidden <= remote.time.ms) return false;
    faults.met('forbidden', remote.name);
    return true;
  }
}
