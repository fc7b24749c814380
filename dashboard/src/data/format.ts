/** Numbers, times and names for people. */
import type { HistoryEntry, HistoryEvent } from '../../../src/server/dashboard/contract.js';

const whole = new Intl.NumberFormat('en-GB');
const fine = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 1 });

export function count(value: number): string {
  return whole.format(Math.round(value));
}

export function decimal(value: number): string {
  return fine.format(value);
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `340 ms`, `2.1 s`, `4 min`, `3 h`, `2 d`. */
export function duration(ms: number): string {
  if (ms < 950) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${fine.format(ms / 1_000)} s`;
  if (ms < 90_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 5_400_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

export function ago(iso: string, now: number): string {
  const ms = now - Date.parse(iso);
  return ms < 2_000 ? 'now' : `${duration(ms)} ago`;
}

/** `14:03:07`, with the date where it isn't today. */
export function clock(iso: string): string {
  const date = new Date(iso);
  const time = date.toLocaleTimeString('en-GB');
  return date.toDateString() === new Date().toDateString()
    ? time
    : `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })}, ${time}`;
}

/** `["42"]` → `42`; `["acme", "7"]` → `acme / 7`. */
export function showKey(key: string | null): string {
  if (key === null) return '—';
  try {
    return (JSON.parse(key) as string[]).join(' / ');
  } catch {
    return key;
  }
}

/** A value as it is stored: texts in JSON lose their quotes, nothing is an em dash. */
export function showValue(value: unknown): string {
  if (value === null || value === undefined) return '—';
  if (typeof value === 'string') return value === '' ? '“”' : value;
  return JSON.stringify(value);
}

export function showJson(text: string | null): string {
  if (text === null) return '—';
  try {
    return showValue(JSON.parse(text));
  } catch {
    return text;
  }
}

/** `@postgres (psql)` → `postgres (psql) in the hub`. */
export function showWriter(editedBy: string | null): string | null {
  if (editedBy === null) return null;
  return editedBy.startsWith('@') ? `${editedBy.slice(1)} in the hub` : editedBy;
}

const deeds: Readonly<Record<HistoryEvent, string>> = {
  created: 'created there',
  updated: 'updated there',
  deleted: 'deleted there',
  linked: 'paired',
  unlinked: 'unlinked',
  'record-created': 'created here',
  'record-updated': 'updated here',
  'record-deleted': 'deleted here',
  conflict: 'conflict',
  parked: 'parked',
  released: 'held change released',
  discarded: 'held change taken back',
  overwritten: 'overwrote an unseen edit',
  operated: 'by hand',
};

export function deed(event: HistoryEvent): string {
  return deeds[event];
}

export type Flow = 'outward' | 'inward' | 'none';

const outward: ReadonlySet<HistoryEvent> = new Set<HistoryEvent>(['created', 'updated', 'deleted', 'overwritten']);
const inward: ReadonlySet<HistoryEvent> = new Set<HistoryEvent>(['record-created', 'record-updated', 'record-deleted']);

export function flowOf({ event }: Pick<HistoryEntry, 'event'>): Flow {
  if (outward.has(event)) return 'outward';
  return inward.has(event) ? 'inward' : 'none';
}
