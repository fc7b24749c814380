/** Simulated remote systems of different characters, reached over a network that loses, delays and doubles. */
import { leastCapabilities, type Capabilities } from '../../src/subscriber/capabilities.js';
import type { Chance } from './chance.js';
import type { VirtualTime } from './time.js';

export interface Line {
  readonly id: string;
  readonly marker: string | undefined;
  readonly values: Readonly<Record<string, unknown>>;
}

/** An object of a remote system. */
export interface Thing {
  readonly id: string;
  readonly version: string;
  readonly editedAt: string;
  readonly marker: string | undefined;
  readonly values: Readonly<Record<string, unknown>>;
  readonly lines: readonly Line[];
}

export type Kind = 'customer' | 'order';

export interface Change {
  readonly id: string;
  readonly sequence: number;
  readonly kind: Kind;
  readonly remoteId: string;
  readonly what: 'changed' | 'deleted';
  readonly at: string;
  readonly snapshot: Thing | undefined;
  readonly previous: Readonly<Record<string, unknown>> | undefined;
  readonly cause: string | undefined;
}

/** What kind of system it is; what it can't do, the engine must do without. */
export interface Character {
  readonly idempotent: boolean;
  readonly markers: boolean;
  readonly chosenId: boolean;
  readonly conditional: boolean;
  readonly history: boolean;
  readonly normalises: boolean;
  readonly batches: boolean;
  readonly webhooks: boolean;
  readonly polling: boolean;
  /** Deletions are told by an event; otherwise only a look shows them. */
  readonly tellsDeletions: boolean;
  /** A deleted object answers `gone`; otherwise like one that never was. */
  readonly remembersDeleted: boolean;
  readonly wholeSeconds: boolean;
  readonly snapshots: boolean;
}

/** Probabilities per call or delivery. */
export interface RemoteFaults {
  refuse: number;
  failBefore: number;
  answerLost: number;
  slow: number;
  missing: number;
  webhookLost: number;
  webhookTwice: number;
  webhookLate: number;
  webhookFirst: number;
  rejects: number;
  expire: number;
}

export const noFaults: RemoteFaults = {
  refuse: 0,
  failBefore: 0,
  answerLost: 0,
  slow: 0,
  missing: 0,
  webhookLost: 0,
  webhookTwice: 0,
  webhookLate: 0,
  webhookFirst: 0,
  rejects: 0,
  expire: 0,
};

export interface Written {
  readonly at: number;
  readonly call: 'create' | 'update' | 'delete';
  readonly code: string;
  readonly id: string;
}

export function capabilitiesOf(character: Character): Capabilities {
  return {
    ...leastCapabilities,
    batchSize: character.batches ? 5 : 1,
    concurrency: 3,
    idempotencyHours: character.idempotent ? 24 : undefined,
    marker: character.markers,
    chosenId: character.chosenId,
    conditional: character.conditional,
    history: character.history,
    webhooks: character.webhooks,
    polling: character.polling,
    listing: true,
  };
}

export class Remote {
  readonly name: string;
  readonly character: Character;
  readonly faults: RemoteFaults = { ...noFaults };
  readonly things = { customer: new Map<string, Thing>(), order: new Map<string, Thing>() };
  readonly deleted = new Set<string>();
  readonly writes: Written[] = [];
  readonly answers = new Map<string, { readonly id: string; readonly shown: unknown }>();
  /** Until when it refuses every call, in virtual ms. */
  outageUntil = 0;
  /** Told of every change: deliveries are the world's business. */
  onChange: (change: Change) => void = () => undefined;
  readonly changes: Change[] = [];
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  #sequence = 0;
  #oldest = 0;

  constructor(name: string, character: Character, time: VirtualTime, chance: Chance) {
    this.name = name;
    this.character = character;
    this.#time = time;
    this.#chance = chance;
  }

  get time(): VirtualTime {
    return this.#time;
  }
  get chance(): Chance {
    return this.#chance;
  }
  get sequence(): number {
    return this.#sequence;
  }
  get oldest(): number {
    return this.#oldest;
  }

  forgetChanges(): void {
    this.changes.length = 0;
    this.#oldest = this.#sequence;
  }

  newId(): string {
    return `${this.name}${this.#chance.int(0, 0x7fffffff).toString(36)}`;
  }

  find(kind: Kind, code: string): Thing | undefined {
    return [...this.things[kind].values()].find((thing) => thing.values['code'] === code);
  }

  put(
    kind: Kind,
    id: string,
    values: Readonly<Record<string, unknown>>,
    lines: readonly Line[],
    marker: string | undefined,
    cause?: string,
  ): Thing {
    const before = this.things[kind].get(id);
    const thing: Thing = {
      id,
      version: String(Number(before?.version ?? 0) + 1),
      editedAt: this.#stamp(),
      marker,
      values: this.#normalised(values),
      lines: lines.map((line) => ({ ...line, values: this.#normalised(line.values) })),
    };
    this.things[kind].set(id, thing);
    this.deleted.delete(id);
    const previous =
      before === undefined
        ? undefined
        : Object.fromEntries(Object.entries(before.values).filter(([name, value]) => thing.values[name] !== value));
    this.#tell(kind, id, 'changed', thing, previous, cause);
    return thing;
  }

  remove(kind: Kind, id: string, cause?: string): void {
    this.things[kind].delete(id);
    if (this.character.remembersDeleted) this.deleted.add(id);
    if (this.character.tellsDeletions) this.#tell(kind, id, 'deleted', undefined, undefined, cause);
  }

  #tell(
    kind: Kind,
    remoteId: string,
    what: Change['what'],
    snapshot: Thing | undefined,
    previous: Change['previous'],
    cause: string | undefined,
  ): void {
    this.#sequence += 1;
    const change: Change = {
      id: `${this.name}-${this.#sequence}`,
      sequence: this.#sequence,
      kind,
      remoteId,
      what,
      at: this.#stamp(),
      snapshot: this.character.snapshots ? snapshot : undefined,
      previous: this.character.history ? previous : undefined,
      cause: this.character.history ? cause : undefined,
    };
    this.changes.push(change);
    this.onChange(change);
  }

  #stamp(): string {
    const step = this.character.wholeSeconds ? 1000 : 1;
    return new Date(Math.floor(this.#time.ms / step) * step).toISOString();
  }

  #normalised(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
    if (!this.character.normalises) return { ...values };
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        typeof value === 'string' && name !== 'code' && name !== 'customer' ? value.trim().toLowerCase() : value,
      ]),
    );
  }
}

/** A worker's connection to a remote: it ends with the worker. */
export class Connection {
  readonly remote: Remote;
  readonly #isDead: () => boolean;
  readonly #pausedUntil: () => number;

  constructor(remote: Remote, isDead: () => boolean, pausedUntil: () => number) {
    this.remote = remote;
    this.#isDead = isDead;
    this.#pausedUntil = pausedUntil;
  }

  /** The way there, or the way back; a dead worker hears nothing. */
  async travel(): Promise<void> {
    const { time, chance, faults } = this.remote;
    await time.sleep(chance.int(1, 20));
    if (chance.hits(faults.slow)) await time.sleep(chance.int(1_000, 60_000));
  }

  async arrive(): Promise<void> {
    await this.travel();
    const { time } = this.remote;
    if (this.#pausedUntil() > time.ms) await time.sleep(this.#pausedUntil() - time.ms);
    if (this.#isDead()) await new Promise<never>(() => undefined);
  }
}
