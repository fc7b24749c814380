/** Long runs: first loads, plans and comparisons, with how far they are, how fast they go and how long they still take. */
import { Pause, Square } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import type { Progress, RunEntry, SubscriberView } from '../../../src/server/dashboard/contract.js';
import { count, duration, plural } from '../data/format.js';
import { useLive } from '../data/live.js';
import { useNow } from '../data/time.js';
import { ActButton } from '../ui/confirm.js';
import { Ago } from '../ui/parts.js';

const names: Readonly<Record<string, string>> = {
  backfill: 'First load',
  verify: 'Comparison',
  sweep: 'Sweep by the clock',
  plan: 'Plan',
  apply: 'Plan being applied',
};

const phases: Readonly<Record<NonNullable<Progress['phase']>, string>> = {
  listing: 'reading the remotes',
  comparing: 'judging the remotes',
  records: 'judging the records',
  queueing: 'queueing',
  applying: 'merging',
};

/** A run that has said nothing for so long isn't shown as moving. */
const movingMs = 15_000;
/** So many on their way are a load, and worth a bar. */
const manyWaiting = 50;

export function Runs({ one }: { readonly one: SubscriberView }) {
  const now = useNow();
  const moving = useMoving(one.subscriber).filter(
    ({ kind, since }) =>
      !(kind === 'backfill' && one.paused) &&
      !one.runs.some((run) => run.kind === kind && (run.finishedAt ?? '') > since),
  );
  const left = useLeft(one.waiting);
  const sweeps = (run: Progress): boolean =>
    run.kind === 'verify' &&
    !run.stops &&
    one.runs.some(({ kind, finishedAt }) => kind === 'sweep' && finishedAt === null);
  const shown = new Set<string>(moving.map((run) => (sweeps(run) ? 'sweep' : run.kind)));
  const rest = one.runs.filter(({ kind }) => !shown.has(kind));
  const isDraining = one.waiting >= manyWaiting && !moving.some(({ kind }) => kind === 'apply');
  if (moving.length === 0 && rest.length === 0 && !isDraining) return null;
  return (
    <section className="card" aria-label="Runs">
      <ul className="runs">
        {moving.map((run) => (
          <Moving
            key={run.kind}
            run={run}
            name={names[sweeps(run) ? 'sweep' : run.kind]}
            now={now}
            about={aboutTotal(run, one)}
          />
        ))}
        {isDraining && <Draining one={one} left={left} />}
        {rest.map((run) => (
          <Past key={run.kind} run={run} subscriber={one.subscriber} paused={one.paused} />
        ))}
      </ul>
    </section>
  );
}

/** What moves at this moment, of one subscriber. */
export function useMoving(subscriber: string): readonly Progress[] {
  const progress = useLive((state) => state.progress);
  const now = useNow();
  return progress.filter((one) => !one.over && one.subscriber === subscriber && now - Date.parse(one.at) < movingMs);
}

/** Pairs that a comparison will look at, where it doesn't tell: those that are known. */
function aboutTotal({ kind, total, done }: Progress, one: SubscriberView): number | null {
  if (total !== null || kind !== 'verify') return total;
  const known = one.inAgreement + one.waiting + one.parked;
  return known > done ? known : null;
}

interface MovingProps {
  readonly run: Progress;
  /** What it is called, if not by its kind: a sweep tells of itself as the comparison that it is. */
  readonly name?: string | undefined;
  readonly now: number;
  /** Of how many; null: nobody knows. */
  readonly about: number | null;
}

export function Moving({ run, name: called, now, about }: MovingProps) {
  const { kind, phase, done, since, subscriber, stops } = run;
  const ms = Math.max(1, now - Date.parse(since));
  const perSecond = (done / ms) * 1_000;
  const leftMs = about === null || perSecond === 0 || ms < 1_000 ? undefined : ((about - done) / perSecond) * 1_000;
  const name = called ?? names[kind] ?? kind;
  return (
    <li>
      <span className="strong nowrap">{name}</span>
      <progress className="grow" value={about === null ? undefined : done} max={about ?? undefined} aria-label={name} />
      <span className="small soft">
        {phase !== null && `${phases[phase]}: `}
        {count(done)}
        {about === null ? ' so far' : ` of ${count(about)}`}
        {ms >= 1_000 && perSecond >= 1 && `, ${count(perSecond)} a second`}
        {leftMs !== undefined && leftMs > 0 && `, ${duration(leftMs)} left`}
      </span>
      {stops && (
        <ActButton path="stop" body={{ subscriber, action: kind }} className="button plain">
          <Square aria-hidden="true" /> Stop
        </ActButton>
      )}
      {kind === 'backfill' && (
        <ActButton path="pause" body={{ subscriber }} className="button plain">
          <Pause aria-hidden="true" /> Pause
        </ActButton>
      )}
    </li>
  );
}

/** What was listed and queued, and is merged now. */
function Draining({ one, left }: { readonly one: SubscriberView; readonly left: number | undefined }) {
  const { waiting, inAgreement, parked, paused } = one;
  const total = waiting + inAgreement + parked;
  return (
    <li>
      <span className="strong nowrap">On their way</span>
      <progress className="grow" value={total - waiting} max={total} aria-label="On their way" />
      <span className="small soft">
        {count(total - waiting)} of {count(total)} done
        {paused ? ', paused' : left !== undefined && `, ${duration(left)} left`}
      </span>
    </li>
  );
}

/** In how many ms nothing waits any more, by how fast it became less lately. */
function useLeft(waiting: number): number | undefined {
  const samples = useRef<{ readonly at: number; readonly waiting: number }[]>([]);
  const [left, setLeft] = useState<number | undefined>(undefined);
  useEffect(() => {
    const at = performance.now();
    samples.current = [...samples.current.filter((one) => at - one.at < 20_000), { at, waiting }];
    const first = samples.current[0];
    const isLess = first !== undefined && first.waiting > waiting && at > first.at;
    setLeft(isLess ? (waiting / (first.waiting - waiting)) * (at - first.at) : undefined);
  }, [waiting]);
  return left;
}

interface PastProps {
  readonly run: RunEntry;
  readonly subscriber: string;
  readonly paused: boolean;
}

function Past({ run, subscriber, paused }: PastProps) {
  const { kind, done, finishedAt, startedAt, differing, awaitsPlan } = run;
  return (
    <li>
      <span className="strong nowrap">{names[kind] ?? kind}</span>
      <span className="small soft grow">
        {awaitsPlan ? (
          <>
            waits for a plan: <Link href={`/s/${subscriber}/plan`}>look at what it would do</Link>
          </>
        ) : (
          <>
            {count(done)} {kind === 'sweep' ? 'compared' : 'looked at'}
            {finishedAt === null
              ? `; not finished yet${paused ? ', goes on once resumed' : ''}`
              : ` in ${duration(Date.parse(finishedAt) - Date.parse(startedAt))}`}
            {differing !== null && (differing === 0 ? ', all equal' : `, ${plural(differing, 'difference')}`)}
          </>
        )}
      </span>
      <span className="small muted">
        <Ago at={finishedAt ?? startedAt} />
      </span>
    </li>
  );
}
