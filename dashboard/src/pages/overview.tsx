/** Is everything in sync? What flows, how fast, and what is stuck. */
import { CircleCheck, TriangleAlert } from 'lucide-react';
import { useMemo, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { Overview as OverviewModel, Point } from '../../../src/server/dashboard/contract.js';
import { count, decimal, duration, plural } from '../data/format.js';
import { useLive } from '../data/live.js';
import { Chart } from '../picture/chart.js';
import { Picture } from '../picture/picture.js';
import { Ago, Loading } from '../ui/parts.js';
import { Feed } from './feed.js';

export function Overview() {
  const overview = useLive((state) => state.overview);
  if (overview === undefined) return <Loading lines={8} />;
  return (
    <>
      <Headline overview={overview} />
      <Picture overview={overview} />
      <Charts overview={overview} />
      <section className="card" aria-labelledby="latest">
        <div className="card-head">
          <h2 id="latest" className="grow">
            Latest changes
          </h2>
          <Link href="/activity" className="small">
            All activity
          </Link>
        </div>
        <Feed limit={8} />
      </section>
    </>
  );
}

function Headline({ overview }: { readonly overview: OverviewModel }) {
  const latest = useLive((state) => state.activity[0]);
  const sum = (pick: (one: OverviewModel['subscribers'][number]) => number): number =>
    overview.subscribers.reduce((total, one) => total + pick(one), 0);
  const [agreed, waiting, parked, conflicts] = [
    sum((one) => one.inAgreement),
    sum((one) => one.waiting),
    sum((one) => one.parked),
    sum((one) => one.conflicts),
  ];
  const held = overview.subscribers.filter((one) => one.feed?.held === true || one.paused);
  const troubles: ReactNode[] = [
    ...(parked > 0
      ? [
          <Link key="parked" href="/parked">
            {plural(parked, 'record')} parked
          </Link>,
        ]
      : []),
    ...(conflicts > 0
      ? [
          <Link key="conflicts" href="/conflicts">
            {plural(conflicts, 'open conflict')}
          </Link>,
        ]
      : []),
    ...held.map((one) => (
      <Link key={one.subscriber} href={`/s/${one.subscriber}`}>
        {one.subscriber} {one.paused ? 'paused' : 'held'}
      </Link>
    )),
  ];
  const isGood = troubles.length === 0;
  const countAgeMs = Date.parse(overview.now) - Date.parse(overview.countedAt);
  return (
    <section className={`headline ${isGood ? 'good' : 'warn'}`} aria-live="polite">
      {isGood ? <CircleCheck aria-hidden="true" /> : <TriangleAlert aria-hidden="true" />}
      <div className="grow">
        <h1>
          {isGood
            ? waiting > 0
              ? `Syncing ${plural(waiting, 'record')}`
              : 'Everything is in agreement'
            : 'Something needs you'}
        </h1>
        <p className="soft">
          {!isGood && <>{joined(troubles)} · </>}
          {plural(agreed, 'pair')} in agreement
          {countAgeMs > 10_000 && ` (counted ${duration(countAgeMs)} before)`}
          {waiting > 0 && !isGood ? ` · ${count(waiting)} on their way` : ''}
          {latest !== undefined && (
            <>
              {' '}
              · last change <Ago at={latest.at} />
            </>
          )}
        </p>
      </div>
    </section>
  );
}

function joined(parts: readonly ReactNode[]): ReactNode {
  return parts.flatMap((part, index) => (index === 0 ? [part] : [', ', part]));
}

function Charts({ overview }: { readonly overview: OverviewModel }) {
  const points = useLive((state) => state.points);
  const filled = useMemo(() => fill(points), [points]);
  const times = useMemo(() => filled.map(({ at }) => at), [filled]);
  const quotas = overview.quotas;
  const since = useMemo(() => notedSince(points), [points]);
  const lines = useMemo(() => linesOf(filled), [filled]);
  return (
    <section className="charts" aria-label="The last quarter of an hour">
      <Chart
        title="Throughput"
        unit="changes a minute"
        times={times}
        show={count}
        lines={lines.throughput}
        empty="Nothing has changed yet."
        whole
      />
      <Chart
        title="Latency"
        unit="19 of 20 arrive within"
        times={times}
        show={duration}
        lines={lines.latency}
        empty="Measured with the first change whose time is known."
      />
      <Chart
        title="Stuck"
        unit="records"
        times={times}
        show={count}
        lines={lines.stuck}
        empty="Not looked at yet."
        since={since}
        whole
      />
      <Chart
        title="Quota"
        unit="requests a second"
        times={times}
        show={decimal}
        whole
        since={since}
        lines={quotas.map(({ account }, index) => ({
          name: account,
          color: index % 2 === 0 ? 'accent' : 'inward',
          values: filled.map(({ gauges }) => gauges?.requests[account] ?? null),
        }))}
        empty="No account here tells of a rate limit."
      />
    </section>
  );
}

/** Where states were noted for a part of the quarter of an hour only: since when. */
function notedSince(points: readonly Point[]): number | undefined {
  const first = points.find(({ gauges }) => gauges !== null)?.at;
  const end = points.at(-1)?.at;
  return first === undefined || end === undefined || end - first > 14 * 60_000 ? undefined : first;
}

function linesOf(points: readonly Point[]) {
  const perMinute = 60_000 / bucketMs;
  return {
    throughput: [
      { name: 'hub → remote', color: 'accent', values: points.map((one) => one.outward * perMinute) },
      { name: 'remote → hub', color: 'inward', values: points.map((one) => one.inward * perMinute) },
    ],
    latency: [
      { name: 'commit → remote', color: 'accent', values: points.map((one) => one.outwardMs?.p95 ?? null) },
      { name: 'remote → hub', color: 'inward', values: points.map((one) => one.inwardMs?.p95 ?? null) },
    ],
    stuck: [
      { name: 'parked', color: 'warn', values: points.map((one) => one.gauges?.parked ?? null) },
      { name: 'open conflicts', color: 'bad', values: points.map((one) => one.gauges?.conflicts ?? null) },
      { name: 'on their way', color: 'ink-3', values: points.map((one) => one.gauges?.waiting ?? null), dashed: true },
    ],
  } as const;
}

const bucketMs = 5_000;
const nothing = { outward: 0, inward: 0, parkings: 0, outwardMs: null, inwardMs: null };

/** A point for every bucket: where nothing happened nothing was counted, and things stood as before. */
function fill(points: readonly Point[]): Point[] {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return [];
  const byTime = new Map(points.map((point) => [point.at, point]));
  const filled: Point[] = [];
  let gauges: Point['gauges'] = null;
  for (let at = first.at; at <= last.at; at += bucketMs) {
    const point = byTime.get(at) ?? { at, ...nothing, gauges: null };
    gauges = point.gauges ?? gauges;
    filled.push({ ...point, gauges });
  }
  return filled;
}
