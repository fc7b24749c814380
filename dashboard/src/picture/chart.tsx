/** One chart over the last quarter of an hour: real axes, a unit, a legend with what holds now, and its numbers as text for screen readers. */
import { useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import { useShownTheme } from '../data/theme.js';

export interface ChartLine {
  readonly name: string;
  readonly color: 'accent' | 'inward' | 'warn' | 'bad' | 'ink-3';
  /** Null: nothing was measured. */
  readonly values: readonly (number | null)[];
  readonly dashed?: boolean;
}

interface Props {
  readonly title: string;
  readonly unit: string;
  /** Ms since 1970. */
  readonly times: readonly number[];
  readonly lines: readonly ChartLine[];
  readonly show: (value: number) => string;
  /** Said where nothing was measured yet. */
  readonly empty: string;
  /** Nothing was noted before: ms since 1970. */
  readonly since?: number | undefined;
  /** Values are whole: no ticks between. */
  readonly whole?: boolean;
}

const height = 168;

export function Chart(props: Props) {
  const { title, unit, times, lines, show, empty, since } = props;
  const isEmpty = lines.every(({ values }) => values.every((value) => value === null));
  return (
    <figure className="chart card">
      <figcaption className="chart-head">
        <h2>{title}</h2>
        <span className="tiny muted">
          {unit}
          {since !== undefined &&
            `, noted since ${new Date(since).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })}`}
        </span>
      </figcaption>
      {isEmpty ? <p className="chart-empty muted small">{empty}</p> : <Canvas {...props} />}
      <ul className="legend small">
        {lines.map(({ name, color, values, dashed }) => {
          const last = values.findLast((value) => value !== null);
          return (
            <li key={name}>
              <span className={`swatch ${color}${dashed === true ? ' dashed' : ''}`} aria-hidden="true" />
              <span className="soft">{name}</span>
              <span className="strong">{typeof last === 'number' ? show(last) : '—'}</span>
            </li>
          );
        })}
      </ul>
      <p className="sr">{summary(times, lines, show)}</p>
    </figure>
  );
}

function Canvas({ times, lines, show, whole }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const theme = useShownTheme();
  const shape = lines.map(({ name, color, dashed }) => `${name}${color}${String(dashed)}`).join();
  const data = useMemo(
    (): uPlot.AlignedData => [times.map((time) => time / 1_000), ...lines.map(({ values }) => [...values])],
    [times, lines],
  );
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const made = new uPlot(optionsOf(element.clientWidth, lines, show, whole === true), latest.current, element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
    // drawn anew only for another theme or other lines; what they show comes below
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [theme, shape]);
  useEffect(() => plot.current?.setData(data), [data]);
  return <div ref={place} className="chart-canvas" aria-hidden="true" />;
}

function optionsOf(
  width: number,
  lines: readonly ChartLine[],
  show: (value: number) => string,
  whole: boolean,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const font = `11px ${style.getPropertyValue('--font')}`;
  const axis = { stroke: color('ink-3'), font, ticks: { show: false }, grid: { stroke: color('line'), width: 1 } };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    scales: {
      // at least five minutes, so that a beginning doesn't look like an eternity
      x: { range: (_self, first, last) => [Math.min(first, last - 300), last] },
      y: { range: (_self, _low, high) => [0, niceTop(high, whole)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 70,
        size: 28,
        values: (_self, ticks) =>
          ticks.map((tick) =>
            new Date(tick * 1_000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' }),
          ),
      },
      {
        ...axis,
        size: 56,
        space: 30,
        ...(whole ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000] } : {}),
        values: (_self, ticks) => ticks.map(show),
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.name,
        stroke: color(line.color),
        width: 1.75,
        spanGaps: true,
        points: { show: false },
        ...(line.dashed === true
          ? { dash: [4, 4] }
          : { fill: `color-mix(in srgb, ${color(line.color)} 12%, transparent)` }),
      })),
    ],
  };
}

/** A little air above the highest value; an empty chart has an axis, too. */
function niceTop(high: number | null, whole: boolean): number {
  if (high === null || high <= 0) return whole ? 4 : 1;
  return whole ? Math.max(4, Math.ceil(high * 1.15)) : high * 1.15;
}

function summary(times: readonly number[], lines: readonly ChartLine[], show: (value: number) => string): string {
  const minutes = times.length < 2 ? 0 : Math.round(((times.at(-1) ?? 0) - (times[0] ?? 0)) / 60_000);
  const parts = lines.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${name}: nothing measured`;
    return `${name}: now ${show(known.at(-1) ?? 0)}, highest ${show(Math.max(...known))}`;
  });
  return `Over the last ${minutes} minutes. ${parts.join('. ')}.`;
}
