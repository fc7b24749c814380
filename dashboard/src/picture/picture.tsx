/** The living picture: the hub with its catalogs in the middle, the systems around it, and what flows between them. */
import { Database } from 'lucide-react';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Link } from 'wouter';
import type { HistoryEntry, Overview, SubscriberView } from '../../../src/server/dashboard/contract.js';
import { count, duration, flowOf } from '../data/format.js';
import { healthOf } from '../data/health.js';
import { live, useLive } from '../data/live.js';
import { useNow } from '../data/time.js';
import { Dot } from '../ui/parts.js';
import { Particles, type Lane } from './particles.js';
import { ratesOf, type Rate } from './rates.js';

interface SystemView {
  readonly account: string;
  readonly subscribers: readonly SubscriberView[];
}

export function Picture({ overview }: { readonly overview: Overview }) {
  const systems = useMemo(() => systemsOf(overview), [overview]);
  const left = systems.filter((_, index) => index % 2 === 1);
  const right = systems.filter((_, index) => index % 2 === 0);
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const edges = useEdges(frame, overview.subscribers);
  const lanes = useRef(new Map<string, Lane>());
  useParticles(canvas, lanes.current);
  const activity = useLive((state) => state.activity);
  const rates = ratesOf(activity, useNow());
  return (
    <section
      className={`picture card${left.length === 0 ? ' one-sided' : ''}`}
      ref={frame}
      aria-label="Hub and systems"
    >
      <svg className="edges" aria-hidden="true">
        {edges.map(({ id, outward, inward, stopped }) => (
          <g key={id} className={`edge ${stopped ? 'stopped' : ''}`}>
            <path className="outward" d={outward} ref={(path) => keep(lanes.current, id, 'outward', path)} />
            <path className="inward" d={inward} ref={(path) => keep(lanes.current, id, 'inward', path)} />
          </g>
        ))}
      </svg>
      <canvas ref={canvas} className="particles" aria-hidden="true" />
      {left.length > 0 && <Systems systems={left} rates={rates} />}
      <Hub overview={overview} />
      <Systems systems={right} rates={rates} />
    </section>
  );
}

function Hub({ overview }: { readonly overview: Overview }) {
  return (
    <div className="hub">
      <div className="hub-head">
        <Database aria-hidden="true" />
        <div className="grow">
          <h2>Hub</h2>
          <p className="tiny muted clip">{overview.hub}</p>
        </div>
      </div>
      <ul>
        {overview.catalogs.map((catalog) => {
          const own = overview.subscribers.filter((one) => one.catalog === catalog);
          const records = Math.max(0, ...own.map((one) => one.inAgreement + one.waiting + one.parked));
          return (
            <li key={catalog} data-catalog={catalog}>
              <span className="strong clip grow">{catalog}</span>
              <span className="muted small">{count(records)}</span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Systems({
  systems,
  rates,
}: {
  readonly systems: readonly SystemView[];
  readonly rates: ReadonlyMap<string, Rate>;
}) {
  return (
    <div className="systems">
      {systems.map(({ account, subscribers }) => (
        <div key={account} className="system">
          <h2>{account}</h2>
          <ul>
            {subscribers.map((one) => (
              <SubscriberRow key={one.subscriber} one={one} rate={rates.get(one.subscriber)} />
            ))}
          </ul>
        </div>
      ))}
    </div>
  );
}

function SubscriberRow({ one, rate }: { readonly one: SubscriberView; readonly rate: Rate | undefined }) {
  const { tone, word } = healthOf(one);
  return (
    <li data-subscriber={one.subscriber}>
      <Link href={`/s/${one.subscriber}`} className="subscriber-row">
        <span className="row">
          <Dot tone={tone} live={one.waiting > 0} />
          <span className="strong clip grow">{one.catalog}</span>
          <span className="rates small">
            <span title="hub → remote, last minute">
              <span aria-hidden="true">→</span> {count(rate?.outward ?? 0)}
              <span className="sr"> outward a minute</span>
            </span>
            <span title="remote → hub, last minute">
              <span aria-hidden="true">←</span> {count(rate?.inward ?? 0)}
              <span className="sr"> inward a minute</span>
            </span>
          </span>
        </span>
        <span className="row small muted">
          <span className={`clip grow ${tone === 'good' ? '' : `word-${tone}`}`}>{word}</span>
          <span className="nowrap">{one.lagMs < 1_000 ? 'no lag' : `lag ${duration(one.lagMs)}`}</span>
        </span>
      </Link>
    </li>
  );
}

function systemsOf({ subscribers }: Overview): SystemView[] {
  const accounts = new Map<string, SubscriberView[]>();
  for (const one of subscribers) accounts.set(one.account, [...(accounts.get(one.account) ?? []), one]);
  return [...accounts]
    .map(([account, own]) => ({ account, subscribers: own }))
    .sort((a, b) => b.subscribers.length - a.subscribers.length || a.account.localeCompare(b.account));
}

interface Edge {
  readonly id: string;
  readonly outward: string;
  readonly inward: string;
  readonly stopped: boolean;
}

/** Lines from each catalog's row to its subscribers', measured where they stand. */
function useEdges(
  frame: React.RefObject<HTMLDivElement | null>,
  subscribers: readonly SubscriberView[],
): readonly Edge[] {
  const [edges, setEdges] = useState<readonly Edge[]>([]);
  const wanted = subscribers.map((one) => `${one.subscriber}${stopped(one) ? '!' : ''}`).join(' ');
  useLayoutEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const measure = (): void => setEdges(measured(element, subscribers));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
    // `wanted` says all that the lines depend on
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [frame, wanted]);
  return edges;
}

function stopped(one: SubscriberView): boolean {
  return one.paused || one.feed?.held === true || one.feed?.deaf != null;
}

function measured(frame: HTMLElement, subscribers: readonly SubscriberView[]): Edge[] {
  const origin = frame.getBoundingClientRect();
  return subscribers.flatMap((one): Edge[] => {
    const here = frame.querySelector(`[data-catalog="${CSS.escape(one.catalog)}"]`)?.getBoundingClientRect();
    const there = frame.querySelector(`[data-subscriber="${CSS.escape(one.subscriber)}"]`)?.getBoundingClientRect();
    if (here === undefined || there === undefined) return [];
    const toRight = there.left >= here.right;
    if (!toRight && there.right > here.left) return []; // stacked, on a phone: no lines
    const from = { x: (toRight ? here.right : here.left) - origin.left, y: here.top + here.height / 2 - origin.top };
    const to = { x: (toRight ? there.left : there.right) - origin.left, y: there.top + there.height / 2 - origin.top };
    return [{ id: one.subscriber, outward: curve(from, to, -4), inward: curve(to, from, 4), stopped: stopped(one) }];
  });
}

interface Spot {
  readonly x: number;
  readonly y: number;
}

function curve(from: Spot, to: Spot, shift: number): string {
  const middle = (from.x + to.x) / 2;
  const [a, b] = [from.y + shift, to.y + shift];
  return `M${from.x} ${a}C${middle} ${a} ${middle} ${b} ${to.x} ${b}`;
}

function keep(lanes: Map<string, Lane>, id: string, side: keyof Lane, path: SVGPathElement | null): void {
  if (path === null) return;
  lanes.set(id, { ...(lanes.get(id) ?? { outward: path, inward: path }), [side]: path });
}

function useParticles(canvas: React.RefObject<HTMLCanvasElement | null>, lanes: ReadonlyMap<string, Lane>): void {
  useEffect(() => {
    const element = canvas.current;
    if (element === null || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    const style = getComputedStyle(document.documentElement);
    const particles = new Particles(element, () => ({
      outward: style.getPropertyValue('--accent'),
      inward: style.getPropertyValue('--inward'),
    }));
    const stop = live.onArrival((entries) => {
      for (const [id, flows] of byLane(entries))
        for (const flow of ['outward', 'inward'] as const) {
          const lane = lanes.get(id);
          if (lane !== undefined && flows[flow] > 0) particles.send(lane, flow, flows[flow]);
        }
    });
    return () => {
      stop();
      particles.stop();
    };
  }, [canvas, lanes]);
}

function byLane(entries: readonly HistoryEntry[]): Map<string, Rate> {
  const lanes = new Map<string, Rate>();
  for (const entry of entries) {
    const flow = flowOf(entry);
    if (flow === 'none') continue;
    const known = lanes.get(entry.subscriber) ?? { outward: 0, inward: 0 };
    lanes.set(entry.subscriber, { ...known, [flow]: known[flow] + 1 });
  }
  return lanes;
}
