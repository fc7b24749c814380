/** A world from one seed: a hub, workers, remotes of random characters, people who edit, and what goes wrong. */
import { createHash } from 'node:crypto';
import { Syncflow } from '../../src/syncflow.js';
import { makeCatalogs, type Trouble } from './catalogs.js';
import { Chance } from './chance.js';
import { randomCharacter } from './character.js';
import { Connection } from './connection.js';
import { Faults, type FaultKind } from './faults.js';
import { SimulatedHub, type Inner, type SimulatedConnection } from './hub.js';
import { Ledger } from './ledger.js';
import { pace } from './pace.js';
import { Remote, type Kind } from './remote.js';
import { randomShape, type Shape } from './shape.js';
import { VirtualTime } from './time.js';
import { User } from './user-session.js';
import { Webhooks } from './webhooks.js';
import { Witness } from './witness.js';

export interface Worker {
  readonly name: string;
  readonly flow: Syncflow;
  readonly connection: SimulatedConnection;
  /** By how much the clock of its machine is wrong, in ms. */
  skewMs: number;
  alive: boolean;
}

/** What a world is made of, beside its seed: a smaller one for the same seed shows what a failure needs. */
export interface Scope {
  readonly without?: readonly FaultKind[];
  /** At most so many. */
  readonly workers?: number;
  readonly remotes?: number;
  readonly edits?: number;
}

const events = ['pushed', 'applied', 'linked', 'parked', 'healed', 'conflict', 'retried'] as const;

export class World {
  readonly seed: number;
  readonly chance: Chance;
  readonly time = new VirtualTime(Date.UTC(2026, 0, 1));
  readonly ledger = new Ledger();
  readonly witness = new Witness(() => this.at);
  readonly faults: Faults;
  readonly remotes: Remote[];
  readonly workers: Worker[] = [];
  readonly hub: SimulatedHub;
  readonly shape: Shape;
  readonly user: User;
  readonly webhooks: Webhooks;
  readonly trouble: Trouble = { digit: undefined };
  readonly errors: string[] = [];
  /** Copies that were not refused. */
  readonly trespassers: string[] = [];
  /** Records that were taken for missing although their rows were there. */
  readonly mistaken: string[] = [];
  /** Events and errors that told a value of a record. */
  readonly leaks: string[] = [];
  /** `remote code` of records that somebody has had made again. */
  readonly decided = new Set<string>();
  readonly started: number;
  /** When the faults ended, in ms since the world began. */
  calmAt = 0;
  /** Codes of rows that were deleted with triggers off: nobody can know. */
  readonly unheard = new Set<string>();
  /** Codes that people entered here while the same came in from a remote: it may stand in two rows, and nobody can tell them apart. */
  readonly enteredHere = new Set<string>();
  /** Codes of records whose city two remotes undo each other. */
  readonly undone = new Set<string>();
  /** Inward sync has written a record of the hub. */
  onApplied: (kind: Kind, code: string) => void = () => undefined;
  /** Codes by kind and hub key. */
  readonly codes = new Map<string, string>();
  readonly #catalogs;
  readonly #trace: string[] = [];
  readonly #pollIntervalMs: number;
  #workers = 0;

  constructor(seed: number, hubIn: (time: VirtualTime) => Inner, scope: Scope = {}) {
    this.seed = seed;
    this.chance = new Chance(seed);
    this.started = this.time.ms;
    this.faults = new Faults(this.chance.fork(), new Set(scope.without), () => this.at);
    this.shape = randomShape(this.chance.fork());
    const { statementMs } = this.shape;
    this.hub = new SimulatedHub(hubIn(this.time), this.time, this.faults, this.chance.fork(), statementMs);
    this.hub.inner.onInwardCommit = (commit) => {
      // what such a `save` writes beside its own row is nobody's own
      if (!this.shape.savesMore || !commit.origin.startsWith('customer/')) this.witness.commits(commit);
    };
    this.#pollIntervalMs = this.chance.pick([1_000, 2_500]);
    const names = ['a', 'b', 'c', 'd'].slice(0, this.chance.pick([2, 2, 2, 3, 3, 4]));
    this.remotes = names
      .map((name) => {
        const character = randomCharacter(this.chance.fork(), this.faults.has('keyExpires'), statementMs > 3);
        return new Remote(name, character, this.time, this.chance.fork());
      })
      .slice(0, scope.remotes);
    this.#catalogs = makeCatalogs(
      this.remotes.map((remote) => remote.name),
      this.chance.fork(),
      this.faults,
      this.trouble,
      this.shape.savesMore ? (code) => this.ledger.touch(this.at, code, 'hub: it is told who follows it') : undefined,
    );
    this.user = new User(this.hub.connect(this.chance.fork()));
    this.webhooks = new Webhooks(this, this.chance.fork());
    for (const remote of this.remotes) {
      remote.onChange = (change) => {
        this.trace(`${remote.name} ${change.what} ${change.remoteId}`);
        const code = remote.things[change.kind].get(change.remoteId)?.values['code'];
        if (typeof code === 'string')
          this.ledger.note(this.at, code, `  ${remote.name} shows ${change.remoteId} changed`);
        this.webhooks.deliver(remote, change);
      };
    }
  }

  /** Ms since the world began: what a person wants to read. */
  get at(): number {
    return Math.round(this.time.ms - this.started);
  }

  trace(line: string): void {
    this.#trace.push(`${this.at} ${line}\n`);
  }
  traceHash(): string {
    return createHash('sha256').update(this.#trace.join('')).digest('hex').slice(0, 16);
  }

  /** The faults end; what lasts ends, too. */
  calmDown(): void {
    this.faults.calm = true;
    this.calmAt = this.at;
    this.trouble.digit = undefined;
    this.hub.awayUntil = 0;
    this.hub.hiddenUntil = 0;
    for (const remote of this.remotes) Object.assign(remote.until, { outage: 0, blocked: 0, forbidden: 0 });
    for (const worker of this.living()) worker.connection.pausedUntil = 0;
    if (this.living().length === 0) this.start(this.makeWorker());
  }

  makeWorker(): Worker {
    const name = `w${++this.#workers}`;
    const chance = this.chance.fork();
    const connection = this.hub.connect(chance.fork(), name);
    const worker: Worker = {
      name,
      flow: this.#flowOn(connection, chance, () => worker.skewMs),
      connection,
      skewMs: 0,
      alive: true,
    };
    const { flow } = worker;
    connection.onCrash = () => {
      if (this.kill(worker)) void this.background(this.#replace());
    };
    flow.on('error', ({ where, error }) => this.#failed(`${name} ${where}`, error));
    for (const event of events) {
      flow.on(event, (told) => {
        const { reason, ...own } = told as { readonly reason?: string };
        const text = `${name} ${event} ${JSON.stringify(told)}`;
        // a reason is in the remote's words
        this.#guard(reason === undefined ? text : `${name} ${event} ${JSON.stringify(own)}`);
        this.trace(text);
        this.#note(event, told);
        const { code, subscriber } = told as { readonly code?: string; readonly subscriber: string };
        if (code === 'row-missing' && subscriber.startsWith('customer/') && this.hub.hiddenUntil > this.time.ms)
          this.mistaken.push(`a row that a policy hides was taken for missing: ${text}`);
      });
    }
    this.workers.push(worker);
    return worker;
  }

  #flowOn(connection: SimulatedConnection, chance: Chance, skewMs: () => number, environment?: string): Syncflow {
    const accounts = Object.fromEntries(
      this.remotes.map((remote) => [remote.name, new Connection(remote, this.faults, connection, this.witness)]),
    );
    const now = (): Date => new Date(this.time.ms + skewMs());
    return new Syncflow({
      database: connection,
      catalogs: [...this.#catalogs],
      accounts,
      ...(environment === undefined ? {} : { environment }),
      clock: { now, sleep: (ms, signal) => this.time.sleep(ms, signal), turn: this.time.turn },
      random: chance.float,
      newId: chance.id,
      batchSize: chance.pick([1, 10, 50, 50]),
      wakeIntervalMs: this.hub.wakeIntervalMs,
      pollIntervalMs: this.#pollIntervalMs,
      leaseMs: pace.leaseMs,
      retry: pace.retry,
    });
  }

  /** A copy of production, for staging: it must refuse to start. */
  async tryClone(): Promise<void> {
    const chance = this.faults.chance('clone').fork();
    const connection = this.hub.connect(chance.fork(), 'staging');
    const flow = this.#flowOn(connection, chance, () => 0, 'staging');
    try {
      await flow.start();
      this.trespassers.push(`at ${this.at}`);
    } catch {
      // refused, or something else went wrong just now
    } finally {
      connection.kill();
      void flow.stop().catch(() => undefined);
    }
  }

  start(worker: Worker): void {
    void this.background(this.#start(worker));
  }

  async #start(worker: Worker): Promise<void> {
    try {
      await worker.flow.start();
    } catch (error) {
      this.#failed(`${worker.name} start`, error);
      if (this.kill(worker)) await this.#replace();
    }
  }

  /** A supervisor starts another. */
  async #replace(): Promise<void> {
    await this.time.sleep(this.chance.within(pace.replaced));
    this.start(this.makeWorker());
  }

  /** kill -9 */
  kill(worker: Worker): boolean {
    if (!worker.alive) return false;
    worker.alive = false;
    worker.connection.kill();
    void worker.flow.stop().catch(() => undefined);
    this.trace(`${worker.name} killed`);
    return true;
  }

  /** It is asked to stop, and does. */
  async retire(worker: Worker): Promise<void> {
    await worker.flow.stop();
    worker.alive = false;
  }

  living(): Worker[] {
    return this.workers.filter((worker) => worker.alive);
  }

  background(work: Promise<void>): Promise<void> {
    return work.catch((error: unknown) => {
      this.errors.push(`${this.at} background: ${String(error)}`);
    });
  }

  #failed(where: string, error: unknown): void {
    const line = `${this.at} ${where}: ${String(error)}`;
    this.#guard(line);
    this.errors.push(line);
  }

  /** No value of a record is ever told. */
  #guard(line: string): void {
    if (/\bt\d+\b/i.test(line)) this.leaks.push(line);
  }

  /** The subscriber's key or remote id, put down in the life of its entity. */
  #note(event: string, told: object): void {
    const { subscriber, key, remoteId } = told as { subscriber: string; key?: string; remoteId?: string };
    const kind = subscriber.startsWith('order') ? 'order' : 'customer';
    const remote = this.remotes.find((one) => subscriber.endsWith(`/${one.name}`));
    const code =
      (key === undefined ? undefined : this.codes.get(`${kind}${key}`)) ??
      (remoteId === undefined ? undefined : (remote?.things[kind].get(remoteId)?.values['code'] as string | undefined));
    if (code === undefined) return;
    const made = event === 'applied' && 'operation' in told && told.operation === 'create';
    if (event === 'applied' && remote !== undefined) {
      const { appliedAt } = this.ledger.entity(code);
      appliedAt.set(remote.name, [...(appliedAt.get(remote.name) ?? []), this.at]);
    }
    if (event === 'applied') this.onApplied(kind, code);
    if (made) this.ledger.entity(code).madeInward += 1;
    if ((made || event === 'linked') && remote !== undefined)
      this.ledger.entity(code).pairedAt.set(remote.name, this.at);
    if (key !== undefined) this.codes.set(`${kind}${key}`, code);
    const { at } = this;
    this.ledger.noteLater(code, () => {
      const detail = Object.entries(told).filter(([name]) => !['subscriber', 'key', 'remoteId'].includes(name));
      return `${at} ${event} ${subscriber} ${JSON.stringify(Object.fromEntries(detail))}`;
    });
  }
}
