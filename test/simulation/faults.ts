/** What goes wrong in a world: each kind with a rate and a chance of its own, so that leaving one out doesn't shift the others. */
import { Chance } from './chance.js';
import { callerStep, type Step } from './steps.js';

const worker: readonly Step[] = [
  'route',
  'inbox',
  'claim',
  'plan',
  'intend',
  'check',
  'push',
  'resolve',
  'settle',
  'look',
  'apply',
  'poll',
  'list',
];
const statements: readonly Step[] = [
  'route',
  'inbox',
  'claim',
  'plan',
  'intend',
  'settle',
  'look',
  'apply',
  'poll',
  'list',
  'webhook',
];
const transactions: readonly Step[] = ['route', 'inbox', 'settle', 'apply', 'poll', 'list'];
const calls: readonly Step[] = ['check', 'push', 'resolve', 'look', 'poll', 'list'];
const writes: readonly Step[] = ['push', 'resolve'];

interface Kind {
  /** Probabilities per opportunity, of which a world picks one. */
  readonly rates: readonly number[];
  /** The steps of the road in which it can strike: the cells of the coverage table. */
  readonly steps: readonly Step[];
}

/** By name; beside it what goes wrong. */
export const faultKinds = {
  // a worker
  /** kill -9 between any two awaits; a supervisor starts another. */
  crash: { rates: [0.0004, 0.001, 0.002], steps: worker },
  /** SIGSTOP, or a long collection of garbage: often past the lease. What it was about to send goes out late. */
  pause: { rates: [0.0004, 0.001], steps: worker },
  /** The clock of a worker's machine leaps, by hours, either way. */
  clockJump: { rates: [0.05, 0.2], steps: ['worker'] },
  /** A copy of production is started under another name, against the same hub and the same remotes. */
  clone: { rates: [0.01, 0.03], steps: ['worker'] },
  /** The mapping of some record throws, for a time (a deploy that didn't know all values). */
  mappingThrows: { rates: [0.02, 0.05], steps: ['plan', 'look', 'apply'] },

  // the hub
  commitFails: { rates: [0.005, 0.015, 0.05], steps: transactions },
  /** COMMIT, or a single statement, took effect, and the connection broke before the answer. */
  commitAnswerLost: { rates: [0.006, 0.02, 0.06], steps: statements },
  statementFails: { rates: [0.002, 0.006, 0.018], steps: statements },
  /**
   * The table of customers is under row-level security for a while, and the engine's role sees a part of it. With `row_security = off` that is
   * an error of every statement that reads it, and without it rows that aren't there.
   */
  rowsHidden: { rates: [0.02, 0.06], steps: ['plan', 'look', 'apply', 'list'] },
  /** The database is restarted: for a while nobody gets through. */
  hubAway: { rates: [0.007, 0.025], steps: statements },

  // calls to a remote
  /** 429. */
  refuse: { rates: [0.015, 0.07, 0.14], steps: calls },
  /** 500 without effect, but who knows. */
  failBefore: { rates: [0.015, 0.05, 0.15], steps: calls },
  answerLost: { rates: [0.015, 0.05, 0.14], steps: writes },
  slow: { rates: [0.01, 0.03], steps: calls },
  /** 404 for something that is there. */
  missing: { rates: [0.015, 0.05, 0.15], steps: ['check', 'resolve', 'look'] },
  /** A permission is lost for a while: everything is 404, lists are empty. */
  forbidden: { rates: [0.006, 0.025], steps: ['check', 'push', 'resolve', 'look', 'list'] },
  /** Expired credentials or a daily quota: nothing works for a while, and it says so. */
  blocked: { rates: [0.006, 0.025], steps: calls },
  outage: { rates: [0.012, 0.035], steps: calls },
  /** A value is refused, this time. */
  rejects: { rates: [0.015, 0.04], steps: writes },
  /** A batch stops in the middle: some took effect, some didn't, answers in any order. */
  partialBatch: { rates: [0.1, 0.3], steps: ['push'] }, // what is resolved is sent alone
  /** The remote forgets idempotency keys within a minute. */
  keyExpires: { rates: [1], steps: writes },
  /** The change feed forgets where we were. */
  expire: { rates: [0.01, 0.03], steps: ['poll'] },
  /** What is listed shifts between two pages: something is left out, or shown twice. */
  pagesShift: { rates: [1], steps: ['list'] },

  // webhooks
  webhookLost: { rates: [0.03, 0.1, 0.5], steps: ['webhook'] },
  webhookTwice: { rates: [0.03, 0.1, 0.5], steps: ['webhook'] },
  webhookLate: { rates: [0.03, 0.1, 0.3], steps: ['webhook'] },
  webhookFirst: { rates: [0.1, 0.5], steps: ['webhook'] },
  /** A delivery from long ago is sent again. */
  webhookReplayed: { rates: [0.03, 0.1], steps: ['webhook'] },
  /** Somebody else sends one: that something is deleted, or has other values. */
  webhookForged: { rates: [0.03, 0.1], steps: ['webhook'] },

  // what people do
  reinsert: { rates: [0.02, 0.05], steps: ['capture'] },
  rekey: { rates: [0.02, 0.05], steps: ['capture'] },
  truncate: { rates: [0.004], steps: ['capture'] },
  bulk: { rates: [0.03, 0.06], steps: ['capture'] },
  /** A transaction stays open for longer than a lease; others commit after it began and before it ends. */
  longTransaction: { rates: [0.02, 0.04], steps: ['capture'] },
  rollback: { rates: [0.03, 0.1], steps: ['capture'] },
  /** Several edits of one record, here and there, at the same moment. */
  sameSecond: { rates: [0.05, 0.1], steps: ['capture'] },
  /** A value that the hub's validation refuses, entered in a remote or by SQL. */
  invalid: { rates: [0.02, 0.05], steps: ['capture'] },
  /** A value that no remote takes. */
  unwelcome: { rates: [0.02, 0.05], steps: ['capture'] },
  /** A value is entered in a remote that another record of the hub has, in a column where it may stand but once. */
  clash: { rates: [0.02, 0.05], steps: ['capture'] },
  /** Two objects of a remote are merged: one is gone, what referred to it refers to the other. */
  merged: { rates: [0.02, 0.05], steps: ['capture'] },
  /** Objects of a remote are edited by a file that somebody imports, and others come in with it: all at one moment. */
  imported: { rates: [0.03, 0.06], steps: ['capture'] },
  /** An order is told of before its customer. */
  childFirst: { rates: [0.02, 0.05], steps: ['capture'] },
  /** Somebody asks for a full listing while all go on editing. */
  rescan: { rates: [0.01, 0.03, 0.06], steps: ['list'] },
  /** Somebody looks at what has just arrived, here or there, and corrects it. */
  touchedUp: { rates: [0.02, 0.06], steps: ['capture'] },
  /** The same customer is entered on two sides at nearly the same moment, or twice on one. */
  enteredTwice: { rates: [0.05, 0.1], steps: ['capture'] },
  /** Two remotes each have a rule that sets a value back to what it must be there, whoever writes another. */
  undone: { rates: [0.03], steps: ['capture'] },
  /** The same, of a comparison, mostly with repair. */
  sweep: { rates: [0.01, 0.03], steps: ['list'] },
  /** Rows are edited and added with triggers off (a restore, a replica's session): nothing marks them. */
  unheard: { rates: [0.02, 0.05], steps: ['capture'] },
} as const satisfies Readonly<Record<string, Kind>>;

export type FaultKind = keyof typeof faultKinds;
export const faultNames = Object.keys(faultKinds) as FaultKind[];

/** What people do anywhere: each now and then in many worlds, beside what goes wrong. */
const doings: readonly FaultKind[] = [
  'reinsert',
  'rekey',
  'bulk',
  'longTransaction',
  'rollback',
  'sameSecond',
  'imported',
  'merged',
  'touchedUp',
  'enteredTwice',
  'undone',
];
const usual = 0.3;

/** What does its worst in company: many worlds have all of one, often. */
const companies: readonly (readonly FaultKind[])[] = [
  ['answerLost', 'failBefore', 'forbidden'],
  ['answerLost', 'failBefore', 'missing'],
  ['answerLost', 'touchedUp', 'webhookFirst'],
  ['pause', 'touchedUp', 'imported'],
  ['slow', 'touchedUp'],
  ['slow', 'crash', 'enteredTwice'],
  ['commitAnswerLost', 'sameSecond', 'touchedUp'],
  ['expire', 'pagesShift', 'rescan'],
  ['webhookLost', 'webhookTwice', 'webhookLate', 'webhookReplayed'],
  ['rekey', 'reinsert', 'bulk'],
  ['longTransaction', 'rollback', 'unheard'],
  ['imported', 'merged', 'clash', 'enteredTwice'],
  ['rejects', 'partialBatch', 'refuse', 'keyExpires'],
];

/** One fault that struck. */
export interface Strike {
  readonly at: number;
  readonly kind: FaultKind;
  readonly step: Step;
  readonly what: string;
}

/** How often a lasting fault (an outage) is put down per world: it is met at every call. */
const noted = 40;

export class Faults {
  readonly rates = new Map<FaultKind, number>();
  readonly strikes: Strike[] = [];
  /** `kind step` → how often. */
  readonly cells = new Map<string, number>();
  calm = true;
  readonly #chances = new Map<FaultKind, Chance>();
  readonly #met = new Map<FaultKind, number>();
  readonly #at: () => number;

  constructor(chance: Chance, without: ReadonlySet<FaultKind>, at: () => number) {
    this.#at = at;
    for (const kind of faultNames) this.#chances.set(kind, chance.fork());
    for (const kind of chance.some(faultNames, chance.int(3, 10))) {
      const rate = chance.pick<number>(faultKinds[kind].rates);
      if (!without.has(kind)) this.rates.set(kind, rate);
    }
    for (const kind of doings) {
      const isUsual = chance.hits(usual);
      if (isUsual && !this.rates.has(kind) && !without.has(kind))
        this.rates.set(kind, Math.min(...faultKinds[kind].rates));
    }
    const company = chance.hits(0.5) ? chance.pick(companies) : [];
    for (const kind of company) if (!without.has(kind)) this.rates.set(kind, Math.max(...faultKinds[kind].rates));
  }

  has(kind: FaultKind): boolean {
    return this.rates.has(kind);
  }

  /** Chance of its own, for the details of a fault. */
  chance(kind: FaultKind): Chance {
    return this.#chances.get(kind) as Chance;
  }

  /** Whether it strikes now. Without a step, the step is the one that the code under way is in. */
  hits(kind: FaultKind, what: string, step?: Step): boolean {
    if (!this.begins(kind)) return false;
    this.struck(kind, what, step);
    return true;
  }

  /** It struck: where that is known only after it began. */
  struck(kind: FaultKind, what: string, step?: Step): void {
    this.#put(kind, step ?? callerStep(), what);
  }

  /** Whether a lasting fault begins: it strikes whoever meets it. */
  begins(kind: FaultKind): boolean {
    const rate = this.calm ? undefined : this.rates.get(kind);
    return rate !== undefined && this.chance(kind).hits(rate);
  }

  /** A lasting fault was met. */
  met(kind: FaultKind, what: string): void {
    const count = (this.#met.get(kind) ?? 0) + 1;
    this.#met.set(kind, count);
    if (count <= noted) this.#put(kind, callerStep(), what);
  }

  #put(kind: FaultKind, step: Step, what: string): void {
    this.strikes.push({ at: this.#at(), kind, step, what });
    const cell = `${kind} ${step}`;
    this.cells.set(cell, (this.cells.get(cell) ?? 0) + 1);
  }
}
