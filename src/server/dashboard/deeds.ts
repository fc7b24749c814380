/** What all actions have in common: each stands in the audit with who did it, long ones go on by themselves, and what they came to is said. */
import { showKey, type RecordKey } from '../../catalog/key.js';
import { findBinding } from '../../engine/prepare.js';
import { messageOf, SyncflowError } from '../../errors.js';
import { linkSubject } from '../../store/dashboard.js';
import { insertHistory } from '../../store/history.js';
import type { Syncflow } from '../../syncflow.js';
import type { ActionAnswer, Notice, Outcome, Progress } from './contract.js';
import type { Live } from './live.js';

/** In the audit, of what concerns more than one subscriber. */
const everything = '*';
/** Outcomes that are remembered: one for each action and subscriber. */
const mostOutcomes = 500;

/** What the progress of an action is told as. */
const kinds: Readonly<Partial<Record<string, Progress['kind']>>> = {
  verify: 'verify',
  repair: 'verify',
  plan: 'plan',
  apply: 'apply',
};

export interface Deed {
  readonly action: string;
  readonly by: string;
  readonly subscriber?: string | undefined;
  readonly key?: string | undefined;
  readonly remoteId?: string | undefined;
}

export interface Subject {
  readonly subscriber: string;
  readonly key: RecordKey | null;
  readonly remoteId: string | null;
  /** As a person would call it. */
  readonly name: string;
}

type Came = Pick<Notice, 'tone' | 'text'>;

export class Deeds {
  readonly flow: Syncflow;
  readonly #live: Live;
  readonly #underWay = new Map<string, AbortController>();
  readonly #outcomes = new Map<string, Outcome>();

  constructor(flow: Syncflow, live: Live) {
    this.flow = flow;
    this.#live = live;
  }

  /** Notes it in the audit. `said`: what the page is told, where that is another sentence. */
  async done(
    { action, by, subscriber, key, remoteId }: Deed,
    reason: string,
    said = reason,
    more: Omit<ActionAnswer, 'said'> = {},
  ): Promise<ActionAnswer> {
    const { db } = await this.flow.inside();
    const detail = { code: action, reason: reason.slice(0, 500), editedBy: `@${by}` };
    await insertHistory(db, [{ subscriber: subscriber ?? everything, key, remoteId, event: 'operated', detail }]);
    this.#live.touch();
    return { said, ...more };
  }

  async forEach(ids: readonly string[], deed: Deed, said: string): Promise<ActionAnswer> {
    for (const subscriber of ids) await this.done({ ...deed, subscriber }, said);
    return { said };
  }

  /** Begins something long; what came of it is announced, and remembered for the page of its subscriber. */
  async begin(deed: Deed, said: string, work: (signal: AbortSignal) => Promise<Came>): Promise<ActionAnswer> {
    const id = idOf(deed);
    // a name that isn't there is refused at once, not after it stands in the audit
    if (deed.subscriber !== undefined) findBinding((await this.flow.inside()).bindings, deed.subscriber);
    if (this.#underWay.has(id)) return { said: `${said}: that is under way already` };
    const stop = new AbortController();
    this.#underWay.set(id, stop);
    let answer: ActionAnswer;
    try {
      answer = await this.done(deed, said);
    } catch (error) {
      this.#underWay.delete(id);
      throw error;
    }
    const kind = kinds[deed.action];
    if (kind !== undefined && deed.subscriber !== undefined) this.#live.begun(deed.subscriber, kind);
    void work(stop.signal)
      .then(
        (came): Came & Pick<Outcome, 'code'> => ({ ...came, code: null }),
        (error: unknown) =>
          stop.signal.aborted
            ? { tone: 'bad' as const, text: `${said}: stopped by hand`, code: 'stopped' }
            : { tone: 'bad' as const, text: messageOf(error), code: codeOf(error) },
      )
      .then(({ code, ...came }) => {
        const at = new Date().toISOString();
        this.#live.announce({ ...came, at });
        this.#remember(id, { ...came, at, code, action: deed.action });
      })
      .finally(() => {
        this.#underWay.delete(id);
        if (kind !== undefined && deed.subscriber !== undefined) this.#live.over(deed.subscriber, kind);
        this.#live.touch();
      });
    return answer;
  }

  /** Ends something long before it is done. */
  async stop(by: string, subscriber: string, action: string): Promise<ActionAnswer> {
    // a repair is told of as the comparison that it is
    const running = Object.keys(kinds)
      .filter((one) => one === action || kinds[one] === kinds[action])
      .flatMap((one) => this.#underWay.get(idOf({ action: one, subscriber })) ?? []);
    for (const one of running) one.abort();
    const said =
      running.length === 0
        ? `No ${action} of ${subscriber} is under way here`
        : `The ${action} of ${subscriber} is stopped`;
    return this.done({ action: 'stop', by, subscriber }, said);
  }

  isUnderWay(action: string, subscriber: string): boolean {
    return this.#underWay.has(idOf({ action, subscriber }));
  }

  /** What the last one of these came to, since this process began. */
  outcome(subscriber: string, actions: readonly string[]): Outcome | null {
    const all = actions.flatMap((action) => this.#outcomes.get(idOf({ action, subscriber })) ?? []);
    return all.sort((a, b) => (a.at < b.at ? 1 : -1))[0] ?? null;
  }

  async subject(link: string): Promise<Subject> {
    const { db } = await this.flow.inside();
    const subject = await linkSubject(db, link);
    if (subject === undefined)
      throw new SyncflowError('usage', 'this record is no longer known here', {
        hint: 'It was deleted, or its link let go. Load the page again.',
      });
    const { key, remoteId } = subject;
    return { ...subject, name: key === null ? (remoteId ?? 'it') : showKey(key) };
  }

  #remember(id: string, outcome: Outcome): void {
    this.#outcomes.delete(id);
    this.#outcomes.set(id, outcome);
    const [oldest] = this.#outcomes.keys();
    if (this.#outcomes.size > mostOutcomes && oldest !== undefined) this.#outcomes.delete(oldest);
  }
}

export function many(count: number, one = 'record'): string {
  return count === 1 ? `1 ${one}` : `${count} ${one}s`;
}

function idOf({ action, subscriber }: Pick<Deed, 'action' | 'subscriber'>): string {
  return `${action} ${subscriber ?? ''}`;
}

function codeOf(error: unknown): string | null {
  return error instanceof SyncflowError ? error.code : null;
}
