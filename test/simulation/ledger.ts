/**
 * Who wrote what, having seen what. Every user edit writes a token that is unique in its world; whoever overwrites a value has
 * seen it. So at the end each token must stand where it was written, have been overwritten by someone who had seen it, or stand
 * in the conflict log.
 */
/** A token as it was written, whatever a remote has made of it. Its mark stays: `t7!` is refused by the hub, `t7?` by the remotes. */
export const tokenOf = (value: string): string => value.trim().toLowerCase();

export interface Write {
  readonly token: string;
  readonly side: string;
  /** In ms. */
  readonly at: number;
  /** What stood there, on the side where it was written. */
  readonly over: string | undefined;
}

export interface Entry {
  readonly at: number;
  readonly side: string;
  readonly code: string;
  readonly unit: string;
  readonly over: string | null | undefined;
  readonly token: string;
}

export interface Deletion {
  readonly side: string;
  readonly at: number;
  /** What stood in each unit when it was deleted. */
  readonly over: readonly string[];
}

export class Entity {
  /** By unit, in the order of writing. */
  readonly writes = new Map<string, Write[]>();
  readonly deletions: Deletion[] = [];
  /** Tokens of child rows that were removed by someone who saw them, by unit. */
  readonly removed = new Map<string, (string | undefined)[]>();
  /** What is costly to put into words is told when it is asked for. */
  readonly #timeline: (string | (() => string))[] = [];
  /** The code of the record that had its key before it, in the same transaction: to Syncflow they are one. */
  formerly: string | undefined;
  /** How many rows of the hub were made of it by inward sync. */
  madeInward = 0;
  /** When inward sync last brought something of a remote, by remote, in ms. */
  readonly appliedAt = new Map<string, number[]>();
  /** When it was first paired with a remote that people had made, by remote, in ms. */
  readonly pairedAt = new Map<string, number>();
  /** When somebody last changed it, in ms. */
  editedAt = 0;

  note(line: string | (() => string)): void {
    this.#timeline.push(line);
  }
  get timeline(): string[] {
    return this.#timeline.map((line) => (typeof line === 'string' ? line : line()));
  }
}

export class Ledger {
  readonly entities = new Map<string, Entity>();
  #tokens = 0;

  entity(code: string): Entity {
    let entity = this.entities.get(code);
    if (entity === undefined) this.entities.set(code, (entity = new Entity()));
    return entity;
  }

  /** A new token for a unit of an entity that is about to be written over `over`. */
  write(at: number, side: string, code: string, unit: string, over: string | null | undefined, flaw = ''): string {
    return this.enter({ at, side, code, unit, over, token: `t${++this.#tokens}${flaw}` });
  }

  /** The same, of a value that stands elsewhere, too. */
  enter({ at, side, code, unit, over, token }: Entry): string {
    const entity = this.entity(code);
    entity.editedAt = at;
    const writes = entity.writes.get(unit) ?? [];
    writes.push({ token, side, at, over: typeof over === 'string' ? tokenOf(over) : undefined });
    entity.writes.set(unit, writes);
    entity.note(`${at} ${side}: ${unit} ${over ?? '∅'} → ${token}`);
    return token;
  }

  delete(at: number, side: string, code: string, over: readonly (string | null | undefined)[]): void {
    const entity = this.entity(code);
    entity.editedAt = at;
    entity.deletions.push({ side, at, over: over.flatMap((one) => (typeof one === 'string' ? tokenOf(one) : [])) });
    entity.note(`${at} ${side}: deleted`);
  }

  remove(at: number, code: string, unit: string, over: string | null | undefined): void {
    const entity = this.entity(code);
    entity.editedAt = at;
    const { removed } = entity;
    removed.set(unit, [...(removed.get(unit) ?? []), typeof over === 'string' ? tokenOf(over) : undefined]);
  }

  /** Somebody changed it in a way that no token tells (its reference, its key). */
  touch(at: number, code: string, what: string): void {
    this.entity(code).editedAt = at;
    this.note(at, code, what);
  }

  note(at: number, code: string, what: string): void {
    this.entity(code).note(`${at} ${what}`);
  }

  /** `tell` is asked when somebody wants to read it. */
  noteLater(code: string, tell: () => string): void {
    this.entity(code).note(tell);
  }

  /** Tokens that were overwritten by someone who had seen them, on the way to `token`; itself included. */
  ancestors(code: string, unit: string, token: string): Set<string> {
    const writes = this.entity(code).writes.get(unit) ?? [];
    const over = new Map(writes.map((write) => [write.token, write.over]));
    const seen = new Set<string>();
    for (let one: string | undefined = token; one !== undefined && !seen.has(one); one = over.get(one)) seen.add(one);
    return seen;
  }
}
