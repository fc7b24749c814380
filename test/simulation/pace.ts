/**
 * How long things last in a simulated world, in virtual ms. What counts is how they stand to each other: a pause, a slow call or an
 * open transaction often outlasts a lease, and everything is over before it is asked whether all agree. Statements and calls take as
 * long as they do in life; all the rest is as short as that leaves it, since a world costs what happens in it.
 */
export interface Span {
  readonly from: number;
  readonly to: number;
}
const span = (from: number, to: number): Span => ({ from, to });

export const pace = {
  /** One way of a call. */
  near: span(1, 20),
  farAway: span(100, 900),
  /** While people act and things go wrong. */
  busyMs: 12_000,
  /** Until somebody acts for the first time. */
  firstEdit: span(200, 1_500),
  leaseMs: 2_000,
  /** A worker that stands still, or a request that is slow: in most cases longer than a lease. */
  pause: span(200, 6_000),
  slow: span(200, 6_000),
  longTransaction: span(500, 4_000),
  /** Between two looks of fate. */
  misfortune: span(60, 400),
  /** Until somebody corrects what has just arrived, or enters a second time what was entered. */
  touchedUp: span(0, 250),
  enteredTwice: span(0, 200),
  /** Until a rule sets back what it doesn't like. */
  undone: span(0, 150),
  outage: span(100, 3_000),
  blocked: span(100, 4_000),
  hubAway: span(50, 1_500),
  /** Until another worker stands where one has died. */
  replaced: span(10, 500),
  refusedFor: span(20, 300),
  blockedForMs: 200,
  retry: { baseMs: 100, maxMs: 2_000, maxAttempts: 40 },

  webhook: { delay: span(20, 200), late: span(100, 8_000), twice: span(20, 2_000), timeoutMs: 1_500, againMs: 250 },
  /** What lists and feeds lag behind, where they do. */
  lagsMs: [100, 500, 1_500],
  /** How long a remote that forgets keys remembers them: less than a lease and a pause. */
  keysForgottenMs: 4_000,

  /** Longer than whatever may still be under way once the faults have ended: a slow request, a lease. */
  fadeMs: 7_000,
  /** How long it is watched that nothing is written any more. */
  quietMs: 20_000,
  /** Longer than a delivery takes that nothing goes wrong with, and than any list lags. */
  echoMs: 2_500,
} as const;
