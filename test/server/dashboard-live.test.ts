import { describe, expect, test } from 'vitest';
import type { Beat, HistoryEntry } from '../../src/server/dashboard/contract.js';
import { joined, Live } from '../../src/server/dashboard/live.js';
import { Reads } from '../../src/server/dashboard/reads.js';
import { bucketMs, GaugeLog, quantilesOf, Series } from '../../src/server/dashboard/series.js';
import { makeFlow } from './support.js';

const start = Date.parse('2026-01-01T12:00:00Z');
const entry = (id: number, event: HistoryEntry['event'], atMs = start, tookMs: number | null = null): HistoryEntry => ({
  id: String(id),
  at: new Date(atMs).toISOString(),
  subscriber: 'customer/memory',
  key: '["1"]',
  remoteId: null,
  event,
  link: null,
  label: null,
  units: [],
  editedBy: null,
  tookMs,
  code: null,
  reason: null,
});

describe('time series', () => {
  test('counts by direction, and measures how long changes took', () => {
    const series = new Series();
    for (const took of [100, 200, 300]) series.add(entry(1, 'updated', start, took));
    series.add(entry(2, 'record-created', start + 1_000, 50));
    series.add(entry(3, 'parked', start + 2_000));
    expect(series.all()).toEqual([
      {
        at: start,
        outward: 3,
        inward: 1,
        parkings: 1,
        outwardMs: { p50: 200, p95: 300 },
        inwardMs: { p50: 50, p95: 50 },
        gauges: null,
      },
    ]);
  });

  test('tells only what changed since it was last asked, in order of time', () => {
    const series = new Series();
    series.add(entry(1, 'updated', start + bucketMs));
    series.add(entry(2, 'updated', start));
    expect(series.changed().map(({ at }) => at)).toEqual([start, start + bucketMs]);
    expect(series.changed()).toEqual([]);
    series.add(entry(3, 'updated', start));
    expect(series.changed()).toMatchObject([{ at: start, outward: 2 }]);
    expect(series.all().map(({ at }) => at)).toEqual([start, start + bucketMs]);
  });

  test('keeps a quarter of an hour, however long it goes on and however late an entry comes', () => {
    const series = new Series();
    for (let step = 0; step < 1_000; step++) series.add(entry(step, 'updated', start + step * bucketMs));
    expect(series.all().length).toBe(180);
    series.add(entry(1_001, 'updated', start));
    expect(series.all().length).toBe(180);
    expect(series.all()[0]?.at).toBe(start + 820 * bucketMs);
  });

  test('a duration that a skewed clock made negative is none', () => {
    const series = new Series();
    series.add(entry(1, 'updated', start, -5));
    expect(series.all()[0]?.outwardMs).toBeNull();
    expect(quantilesOf([])).toBeNull();
    expect(quantilesOf(Array.from({ length: 100 }, (_, index) => index + 1))).toEqual({ p50: 50, p95: 95 });
  });
});

describe('frames for a page that reads slowly', () => {
  test('are joined to one of bounded size, and what is left out is counted', () => {
    let frame: Beat = {};
    for (let step = 0; step < 100; step++)
      frame = joined(frame, {
        activity: Array.from({ length: 50 }, (_, index) => entry(step * 50 + index, 'updated')),
      });
    expect(frame.activity?.length).toBe(200);
    expect(frame.activity?.at(-1)?.id).toBe('4999');
    expect(frame.skipped).toBe(4_800);
  });

  test('keep the newest of each point and of each progress', () => {
    const series = new Series();
    series.add(entry(1, 'updated'));
    const before = series.changed();
    series.add(entry(2, 'updated'));
    const progress = {
      subscriber: 'a/b',
      kind: 'backfill' as const,
      phase: null,
      done: 1,
      total: null,
      since: '',
      at: '',
      over: false,
      stops: false,
    };
    const frame = joined(
      { points: before, progress: [progress], trouble: 'away' },
      { points: series.changed(), progress: [{ ...progress, done: 2 }], trouble: null },
    );
    expect(frame.points).toMatchObject([{ outward: 2 }]);
    expect(frame.progress).toMatchObject([{ done: 2 }]);
    expect(frame.trouble).toBeNull();
  });
});

describe('what is noted while nobody watches', () => {
  const gauges = { waiting: 0, parked: 3, conflicts: 0, lagMs: 0, requests: {} };

  test('is kept for a quarter of an hour, and no longer', () => {
    const log = new GaugeLog();
    for (let step = 0; step < 1_000; step++) log.add(start + step * 15_000, { ...gauges, parked: step });
    expect(log.entries().length).toBe(60);
    expect(log.entries()[0]?.[1].parked).toBe(940);
  });

  test('stands in the chart of whoever comes later', async () => {
    const { flow } = makeFlow();
    let now = start + 60_000;
    let wake: (() => void) | undefined;
    const pause = () => new Promise<void>((resolve) => (wake = resolve));
    await flow.start();
    const live = new Live(flow, new Reads(flow), { pause, now: () => now });
    wake?.();
    // asleep again: it was noted
    const first = wake;
    await expect.poll(() => wake !== first).toBe(true);
    now += 600_000;
    const reader = live.watch(undefined)?.getReader();
    let text = '';
    while (!text.includes('"points":[{')) text += new TextDecoder().decode((await reader?.read())?.value);
    expect(text).toContain(`"at":${start + 60_000}`);
    await reader?.cancel();
    await flow.stop();
  });
});
