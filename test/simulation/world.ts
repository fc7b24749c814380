/** A world from one seed: a hub, workers, remotes of random characters, people who edit, and what goes wrong. */
import { createHash } from 'node:crypto';
import { Syncflow } from '../../src/syncflow.js';
import type { Database } from '../../src/store/database.js';
import { Chance } from './chance.js';
import { SimulatedHub, type SimulatedConnection } from './hub.js';
import { Ledger } from './ledger.js';
import { Connection, Remote, type Change, type Character, type RemoteFaults } from './remote.js';
import { makeCatalogs } from './subscribers.js';
import { VirtualTime } from './time.js';
import { User } from './user-session.js';

export interface Worker {
  readonly name: string;
  readonly flow: Syncflow;
  readonly connection: SimulatedConnection;
  alive: boolean;
}

/** What goes wrong in a world, by name, with its rate. */
export const faultKinds = [
  'refuse',
  'failBefore',
  'answerLost',
  'slow',
  'missing',
  'webhookLost',
  'webhookTwice',
  'webhookLate',
  'webhookFirst',
  'rejects',
  'expire',
  'outage',
  'crash',
  'pause',
  'commitFails',
  'commitAnswerLost',
  'statementFails',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export class World {
  readonly seed: number;
  readonly chance: Chance;
  readonly time = new VirtualTime(Date.UTC(2026, 0, 1));
  readonly ledger = new Ledger();
  readonly remotes: Remote[];
  readonly workers: Worker[] = [];
  readonly faults = new Map<FaultKind, number>();
  readonly hub: SimulatedHub;
  readonly user: User;
  readonly errors: string[] = [];
  readonly started: number;
  readonly #catalogs;
  readonly #trace = createHash('sha256');
  readonly #background: Promise<void>[] = [];
  #workers = 0;
  calm = false;

  constructor(seed: number, hubIn: (time: VirtualTime) => Database) {
    this.seed = seed;
    this.chance = new Chance(seed);
    this.hub = new SimulatedHub(hubIn(this.time), this.time);
    const count = this.chance.int(1, 2);
    this.remotes = Array.from({ length: count }, (_, index) => {
      const name = 'ab'[index] ?? 'x';
      return new Remote(name, randomCharacter(this.chance), this.time, this.chance.fork());
    });
    this.#catalogs = makeCatalogs(this.remotes.map((remote) => remote.name));
    this.user = new User(this.hub.connect(this.chance.fork(), { faulty: false }));
    for (const kind of this.chance.some(faultKinds, this.chance.int(3, 8)))
      this.faults.set(kind, this.chance.pick([0.01, 0.03, 0.1]));
    for (const remote of this.remotes) remote.onChange = (change) => this.#deliver(remote, change);
    this.started = this.time.ms;
  }

  /** Ms since the world began: what a person wants to read. */
  get at(): number {
    return this.time.ms - this.started;
  }

  trace(line: string): void {
    this.#trace.update(`${this.at} ${line}\n`);
  }
  traceHash(): string {
    return this.#trace.copy().digest('hex').slice(0, 16);
  }

  rate(kind: FaultKind): number {
    return this.calm ? 0 : (this.faults.get(kind) ?? 0);
  }

  /** Sets the faults going, or ends them. */
  setFaults(): void {
    for (const remote of this.remotes) {
      for (const name of Object.keys(remote.faults) as (keyof RemoteFaults)[]) remote.faults[name] = this.rate(name);
      if (this.calm) remote.outageUntil = 0;
    }
    this.hub.faults.commitFails = this.rate('commitFails') / 3;
    this.hub.faults.commitAnswerLost = this.rate('commitAnswerLost') / 3;
    this.hub.faults.statementFails = this.rate('statementFails') / 10;
  }

  startWorker(): Worker {
    const name = `w${++this.#workers}`;
    const chance = this.chance.fork();
    const connection = this.hub.connect(chance.fork(), { faulty: true });
    const accounts = Object.fromEntries(
      this.remotes.map((remote) => [
        remote.name,
        new Connection(
          remote,
          () => connection.dead,
          () => connection.pausedUntil,
        ),
      ]),
    );
    const flow = new Syncflow({
      database: connection,
      catalogs: [...this.#catalogs],
      accounts,
      clock: this.time,
      random: chance.float,
      newId: chance.id,
      batchSize: chance.pick([1, 3, 20]),
      wakeIntervalMs: 3_000,
      pollIntervalMs: 4_000,
      leaseMs: 20_000,
      retry: { maxMs: 20_000, maxAttempts: 40 },
    });
    const worker: Worker = { name, flow, connection, alive: true };
    flow.on('error', ({ where, error }) => this.errors.push(`${this.at} ${name} ${where}: ${String(error)}`));
    for (const event of ['pushed', 'applied', 'linked', 'parked', 'healed', 'conflict', 'retried'] as const) {
      flow.on(event, (told) => {
        this.trace(`${name} ${event} ${JSON.stringify(told)}`);
        this.#note(event, told);
      });
    }
    this.workers.push(worker);
    void this.background(this.#start(worker));
    return worker;
  }

  async #start(worker: Worker): Promise<void> {
    while (worker.alive) {
      try {
        await worker.flow.start();
        return;
      } catch (error) {
        // a supervisor starts it again
        this.errors.push(`${this.at} ${worker.name} start: ${String(error)}`);
        this.kill(worker);
        await this.time.sleep(1_000);
        this.startWorker();
      }
    }
  }

  kill(worker: Worker): void {
    if (!worker.alive) return;
    worker.alive = false;
    worker.connection.kill();
    void worker.flow.stop().catch(() => undefined);
    this.trace(`${worker.name} killed`);
  }

  living(): Worker[] {
    return this.workers.filter((worker) => worker.alive);
  }

  background(work: Promise<void>): Promise<void> {
    const noted = work.catch((error: unknown) => {
      this.errors.push(`${this.at} background: ${String(error)}`);
    });
    this.#background.push(noted);
    return noted;
  }

  /** The subscriber's key or remote id, put down in the life of its entity. */
  #note(event: string, told: object): void {
    const { subscriber, key, remoteId } = told as { subscriber: string; key?: string; remoteId?: string };
    const kind = subscriber.startsWith('order') ? 'order' : 'customer';
    const remote = this.remotes.find((one) => subscriber.endsWith(`/${one.name}`));
    const code =
      (key === undefined ? undefined : this.codes.get(`${kind}${key}`)) ??
      (remoteId === undefined ? undefined : (remote?.things[kind].get(remoteId)?.values['code'] as string | undefined));
    const detail = Object.entries(told).filter(([name]) => !['subscriber', 'key', 'remoteId'].includes(name));
    if (code !== undefined && key !== undefined) this.codes.set(`${kind}${key}`, code);
    if (code !== undefined)
      this.ledger.note(this.at, code, `${event} ${subscriber} ${JSON.stringify(Object.fromEntries(detail))}`);
  }
  /** Codes by kind and hub key. */
  readonly codes = new Map<string, string>();

  #deliver(remote: Remote, change: Change): void {
    this.trace(`${remote.name} ${change.what} ${change.remoteId}`);
    const code = remote.things[change.kind].get(change.remoteId)?.values['code'];
    if (typeof code === 'string') this.ledger.note(this.at, code, `  ${remote.name} shows ${change.remoteId} changed`);
    if (!remote.character.webhooks) return;
    const { chance, faults } = remote;
    if (chance.hits(faults.webhookLost)) return;
    const times = chance.hits(faults.webhookTwice) ? 2 : 1;
    for (let index = 0; index < times; index++) {
      const late = chance.hits(faults.webhookLate) ? chance.int(1_000, 30_000) : chance.int(20, 200);
      const delay = chance.hits(faults.webhookFirst) ? 0 : late;
      void this.background(this.#send(remote, change, delay));
    }
  }

  async #send(remote: Remote, change: Change, delay: number): Promise<void> {
    await this.time.sleep(delay);
    for (let attempt = 0; attempt < 8; attempt++) {
      const living = this.living();
      const worker = living.length === 0 ? undefined : this.chance.pick(living);
      const { snapshot, ...rest } = change;
      const body = new TextEncoder().encode(JSON.stringify(snapshot === undefined ? rest : { ...rest, snapshot }));
      const delivery = { headers: new Headers(), body, url: new URL('http://sim/'), receivedAt: this.time.now() };
      if (worker !== undefined) {
        const answered = worker.flow.receive(remote.name, delivery).then(
          () => true,
          () => false,
        );
        const timeout = this.time.sleep(10_000).then(() => false);
        if (await Promise.race([answered, timeout])) return;
      }
      await this.time.sleep(1_000 * 2 ** attempt);
    }
  }
}

function randomCharacter(chance: Chance): Character {
  const webhooks = chance.hits(0.6);
  return {
    idempotent: chance.hits(0.5),
    markers: chance.hits(0.6),
    chosenId: chance.hits(0.25),
    conditional: chance.hits(0.5),
    history: chance.hits(0.4),
    normalises: chance.hits(0.3),
    batches: chance.hits(0.3),
    webhooks,
    polling: !webhooks || chance.hits(0.8),
    tellsDeletions: chance.hits(0.8),
    remembersDeleted: chance.hits(0.8),
    wholeSeconds: chance.hits(0.5),
    snapshots: chance.hits(0.5),
  };
}
