/** Simulated remote systems: their objects, what happens to them, and what they showed. */
import type { Character } from './character.js';
import type { Chance } from './chance.js';
import { tokenOf } from './ledger.js';
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
  readonly madeMs: number;
}

export type Kind = 'customer' | 'order';

export interface Change {
  readonly id: string;
  readonly sequence: number;
  readonly kind: Kind;
  readonly remoteId: string;
  readonly what: 'changed' | 'deleted';
  readonly at: string;
  readonly atMs: number;
  readonly snapshot: Thing | undefined;
  readonly previous: Readonly<Record<string, unknown>> | undefined;
  readonly cause: string | undefined;
}

export interface Written {
  readonly at: number;
  readonly call: 'create' | 'update' | 'delete';
  readonly code: string;
  readonly id: string;
  readonly idempotencyKey: string;
  /** Since when people had one of the same code there when ours was made, in ms. */
  readonly besideMs?: number | undefined;
}

/** An object as it is to become. */
export interface Draft {
  readonly values: Readonly<Record<string, unknown>>;
  readonly lines: readonly Line[];
  readonly marker: string | undefined;
}

export class Remote {
  readonly name: string;
  readonly character: Character;
  readonly things = { customer: new Map<string, Thing>(), order: new Map<string, Thing>() };
  readonly deleted = new Map<string, number>();
  /** How many there ever were at once. */
  readonly most = { customer: 0, order: 0 };
  /** What our engine wrote. */
  readonly writes: Written[] = [];
  /** Codes of what it has updated once more by a request whose key it had forgotten. */
  readonly updatedAgain = new Set<string>();
  /** Until when something lasts, in virtual ms. */
  readonly until = { outage: 0, blocked: 0, forbidden: 0 };
  /** Where our reading of the feed began anew last, by subscriber. */
  readonly feedBegun = new Map<string, number>();
  /** Told of every write of ours. */
  onWritten: (kind: Kind, id: string) => void = () => undefined;
  /** What a rule of its own makes of a customer's city, by code. */
  readonly rules = new Map<string, string>();
  /** Told of every change: deliveries are the world's business. */
  onChange: (change: Change) => void = () => undefined;
  /** What its feed still has. */
  readonly changes: Change[] = [];
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly #answers = new Map<string, { readonly at: number; readonly answer: unknown }>();
  /** Every value that a unit ever showed, by object and unit. */
  readonly #shown = new Map<string, Map<string, Set<unknown>>>();
  /** What lists show: everything as it was a while ago. */
  readonly #view = { customer: new Map<string, Thing>(), order: new Map<string, Thing>() };
  readonly #coming: {
    readonly atMs: number;
    readonly kind: Kind;
    readonly id: string;
    readonly thing: Thing | undefined;
  }[] = [];
  #passed = 0;
  #sequence = 0;
  #oldest = 0;

  constructor(name: string, character: Character, time: VirtualTime, chance: Chance) {
    this.name = name;
    this.character = character;
    this.time = time;
    this.chance = chance;
  }

  /** The newest change that the feed shows by now. */
  get newest(): number {
    const { lagMs } = this.character;
    if (lagMs === 0) return this.#sequence;
    for (let index = this.changes.length - 1; index >= 0; index--) {
      const change = this.changes[index] as Change;
      if (change.atMs + lagMs <= this.time.ms) return change.sequence;
    }
    return this.#oldest;
  }
  /** Up to which change the feed has forgotten. */
  get oldest(): number {
    return this.#oldest;
  }

  /** The feed forgets everything that it shows by now. */
  forgetChanges(): void {
    this.#oldest = this.newest;
    this.changes.splice(0, this.changes.findLastIndex((change) => change.sequence <= this.#oldest) + 1);
  }

  changesAfter(sequence: number): readonly Change[] {
    return this.changes.slice(Math.max(0, sequence - this.#oldest), Math.max(0, this.newest - this.#oldest));
  }

  /** What a list shows now. */
  listed(kind: Kind): ReadonlyMap<string, Thing> {
    const { lagMs } = this.character;
    if (lagMs === 0) return this.things[kind];
    for (let one = this.#coming[this.#passed]; one !== undefined && one.atMs + lagMs <= this.time.ms;) {
      if (one.thing === undefined) this.#view[one.kind].delete(one.id);
      else this.#view[one.kind].set(one.id, one.thing);
      one = this.#coming[++this.#passed];
    }
    return this.#view[kind];
  }

  find(kind: Kind, code: string): Thing | undefined {
    for (const thing of this.things[kind].values()) if (thing.values['code'] === code) return thing;
    return undefined;
  }

  /** Since when there is another of this code, which people have made. */
  besideMs(kind: Kind, code: string, id: string): number | undefined {
    for (const thing of this.things[kind].values()) {
      if (thing.values['code'] !== code || thing.id === id) continue;
      if (!this.writes.some((write) => write.call === 'create' && write.id === thing.id)) return thing.madeMs;
    }
    return undefined;
  }

  newId(): string {
    return `${this.name}${this.chance.int(0, 0x7fffffff).toString(36)}`;
  }

  /** The first answer to a request, where it is still remembered. */
  answerTo(idempotencyKey: string): unknown {
    const { idempotencyMs } = this.character;
    const known = this.#answers.get(idempotencyKey);
    return known === undefined || idempotencyMs === undefined || this.time.ms - known.at > idempotencyMs
      ? undefined
      : known.answer;
  }
  /** It carried out this request already, and no longer knows. */
  hasForgotten(idempotencyKey: string): boolean {
    return this.#answers.has(idempotencyKey) && this.answerTo(idempotencyKey) === undefined;
  }
  remember(idempotencyKey: string, answer: unknown): void {
    if (this.character.idempotencyMs !== undefined) this.#answers.set(idempotencyKey, { at: this.time.ms, answer });
  }

  put(kind: Kind, id: string, draft: Draft, cause?: string): Thing {
    const before = this.things[kind].get(id);
    const thing: Thing = {
      id,
      version: String(Number(before?.version ?? 0) + 1),
      editedAt: this.#stamp(),
      marker: draft.marker,
      values: this.#normalised(draft.values),
      lines: draft.lines.map((line) => ({ ...line, values: this.#normalised(line.values) })),
      madeMs: before?.madeMs ?? this.time.ms,
    };
    this.#set(kind, id, thing);
    this.deleted.delete(id);
    this.#note(thing);
    const previous =
      before === undefined
        ? undefined
        : Object.fromEntries(Object.entries(before.values).filter(([name, value]) => thing.values[name] !== value));
    this.#tell(kind, id, 'changed', thing, previous, cause);
    return thing;
  }

  /** Some values change, the rest stays. */
  edit(kind: Kind, thing: Thing, values: Readonly<Record<string, unknown>>, lines = thing.lines): Thing {
    return this.put(kind, thing.id, { values: { ...thing.values, ...values }, lines, marker: thing.marker });
  }

  remove(kind: Kind, id: string, cause?: string): void {
    this.#set(kind, id, undefined);
    this.deleted.set(id, this.time.ms);
    if (this.character.tellsDeletions) this.#tell(kind, id, 'deleted', undefined, undefined, cause);
  }

  #set(kind: Kind, id: string, thing: Thing | undefined): void {
    if (thing === undefined) this.things[kind].delete(id);
    else this.things[kind].set(id, thing);
    this.most[kind] = Math.max(this.most[kind], this.things[kind].size);
    if (this.character.lagMs > 0) this.#coming.push({ atMs: this.time.ms, kind, id, thing });
  }

  /** Whether an object ever showed this value in a unit (`name`), or in one of a line (`line id/text`). */
  /** The same, whatever it has made of the value. */
  hasShownLike(id: string, unit: string, value: unknown): boolean {
    return [...(this.#shown.get(id)?.get(unit) ?? [])].some(
      (shown) => typeof shown === 'string' && typeof value === 'string' && tokenOf(shown) === tokenOf(value),
    );
  }

  hasShown(id: string, unit: string, value: unknown): boolean {
    return (
      this.#shown
        .get(id)
        ?.get(unit)
        ?.has(value ?? null) === true
    );
  }

  #note(thing: Thing): void {
    let units = this.#shown.get(thing.id);
    if (units === undefined) this.#shown.set(thing.id, (units = new Map<string, Set<unknown>>()));
    const add = (unit: string, value: unknown): void => {
      const values = units.get(unit);
      if (values === undefined) units.set(unit, new Set([value ?? null]));
      else values.add(value ?? null);
    };
    for (const [name, value] of Object.entries(thing.values)) add(name, value);
    for (const line of thing.lines)
      for (const [name, value] of Object.entries(line.values)) add(`${line.id}/${name}`, value);
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
      atMs: this.time.ms,
      snapshot: this.character.snapshots ? snapshot : undefined,
      previous: this.character.history ? previous : undefined,
      cause: this.character.history ? cause : undefined,
    };
    this.changes.push(change);
    this.onChange(change);
  }

  #stamp(): string {
    const { stampMs } = this.character;
    return new Date(Math.floor(this.time.ms / stampMs) * stampMs).toISOString();
  }

  #normalised(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const { normalises } = this.character;
    if (normalises === undefined) return { ...values };
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        typeof value === 'string' && !names.has(name) ? normal[normalises](value) : value,
      ]),
    );
  }
}

/** What isn't text for people: left as it is. */
const names: ReadonlySet<string> = new Set(['code', 'customer', 'label']);
const normal = {
  lower: (text: string) => text.trim().toLowerCase(),
  upper: (text: string) => text.trim().toUpperCase(),
  padded: (text: string) => `${text.trim()} `,
};
