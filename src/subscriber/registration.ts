/** The binding of a subscriber class to a main class. */
import type { Policies, Brake, VerifySchedule } from './policy.js';
import type { SubscriberBase, SubscriberContext } from './base.js';

/** A concrete subscriber class. */
export interface SubscriberClass {
  new (context: SubscriberContext<never>): SubscriberBase;
  /** The system's name: `stripe`. Also the default name of its account. */
  readonly system: string;
}

export interface RegisterOptions {
  /** Name of this registration within its catalog; the account's name unless given. */
  readonly as?: string;
  /** Which of Syncflow's `accounts` it uses; the class's `system` unless given. */
  readonly account?: string;
  /** Overrides the class's policies for this registration. */
  readonly policies?: Partial<Policies>;
  readonly brake?: Partial<Brake>;
  /** Overrides the `verify` of Syncflow's options; false: no comparison by the clock. */
  readonly verify?: VerifySchedule | false;
}

export interface Registration {
  readonly subscriber: SubscriberClass;
  readonly as: string;
  readonly account: string;
  readonly options: RegisterOptions;
}
