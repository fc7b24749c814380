/** Long runs: first loads and comparisons, with how far they are and how long they still take. */
import type { Progress, RunEntry, SubscriberView } from '../../../src/server/dashboard/contract.js';
import { count, duration } from '../data/format.js';
import { useLive } from '../data/live.js';
import { useNow } from '../data/time.js';
import { Ago } from '../ui/parts.js';

const names: Readonly<Record<string, string>> = {
  backfill: 'First load',
  verify: 'Comparison',
  sweep: 'Sweep',
  plan: 'Plan',
};

/** A run that has said nothing for so long isn't shown as moving. */
const movingMs = 15_000;

export function Runs({ one }: { readonly one: SubscriberView }) {
  const progress = useLive((state) => state.progress);
  const moving = progress.filter(({ subscriber }) => subscriber === one.subscriber);
  const now = useNow();
  const shown = moving.filter(({ at }) => now - Date.parse(at) < movingMs);
  const rest = one.runs.filter((run) => !shown.some(({ kind }) => kind === run.kind));
  if (shown.length === 0 && rest.length === 0) return null;
  return (
    <section className="card" aria-label="Runs">
      <ul className="runs">
        {shown.map((run) => (
          <Moving key={run.kind} run={run} now={now} />
        ))}
        {rest.map((run) => (
          <Past key={run.kind} run={run} />
        ))}
      </ul>
    </section>
  );
}

function Moving({ run, now }: { readonly run: Progress; readonly now: number }) {
  const { kind, done, total, since } = run;
  const perMs = done / Math.max(1, now - Date.parse(since));
  const left = total === null || perMs === 0 ? undefined : (total - done) / perMs;
  return (
    <li>
      <span className="strong">{names[kind] ?? kind}</span>
      <progress
        className="grow"
        value={total === null ? undefined : done}
        max={total ?? undefined}
        aria-label={names[kind] ?? kind}
      />
      <span className="small soft">
        {count(done)}
        {total === null ? ' so far' : ` of ${count(total)}`}
        {left !== undefined && left > 0 && `, ${duration(left)} left`}
      </span>
    </li>
  );
}

function Past({ run }: { readonly run: RunEntry }) {
  return (
    <li>
      <span className="strong">{names[run.kind] ?? run.kind}</span>
      <span className="small soft grow">
        {count(run.done)} looked at
        {run.finishedAt === null
          ? '; not finished yet'
          : ` in ${duration(Date.parse(run.finishedAt) - Date.parse(run.startedAt))}`}
      </span>
      <span className="small muted">
        <Ago at={run.finishedAt ?? run.startedAt} />
      </span>
    </li>
  );
}
