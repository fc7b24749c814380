/** A record's timeline, out of history, conflicts and events; and from it, where each value came from. Pure. */
import type { Json } from '../catalog/values.js';
import type { ConflictReport, EventReport, HistoryReport } from '../store/audit.js';
import type { HistoryEvent } from '../store/history.js';
import type { TimelineEntry, UnitChange, ValueOrigin, Writer } from './explanation.js';

const outward: ReadonlySet<HistoryEvent> = new Set<HistoryEvent>(['created', 'updated', 'deleted', 'overwritten']);
const inward: ReadonlySet<HistoryEvent> = new Set<HistoryEvent>([
  'record-created',
  'record-updated',
  'record-deleted',
  'linked',
]);

/** `@role (application)`, or a subscriber. */
export function writerOf(origin: string | null | undefined): Writer {
  if (origin === null || origin === undefined) return { kind: 'hub', role: null };
  return origin.startsWith('@') ? { kind: 'hub', role: origin.slice(1) } : { kind: 'subscriber', subscriber: origin };
}

export interface Traces {
  readonly history: readonly HistoryReport[];
  readonly conflicts: readonly ConflictReport[];
  readonly events: readonly EventReport[];
  /** Idempotency keys among the events' causes that are ours. */
  readonly ours: ReadonlySet<string>;
}

/** Everything that happened, oldest first. */
export function timelineOf(traces: Traces): TimelineEntry[] {
  const { claimed, rest } = attribute(traces);
  const entries = [
    ...traces.conflicts.map(ofConflict),
    ...traces.history.map((row) => ofHistory(row, claimed.get(row) ?? [])),
    ...rest.map((event) => ofEvent(event, traces.ours)),
  ];
  // a conflict is written before what came of it
  return entries.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** Each inward entry takes the events about its remote that came since the one before: they asked for the look. */
function attribute({ history, events, ours }: Traces): {
  readonly claimed: ReadonlyMap<HistoryReport, readonly string[]>;
  readonly rest: readonly EventReport[];
} {
  const free = new Set(events.filter((one) => one.routedAt !== null && !isEcho(one, ours)));
  const claimed = new Map<HistoryReport, readonly string[]>();
  for (const row of history) {
    if (!inward.has(row.event) || row.detail.intent !== undefined) continue;
    const asked = [...free].filter(
      (one) => one.subscriber === row.subscriber && one.remoteId === row.remoteId && (one.routedAt ?? '') <= row.at,
    );
    for (const one of asked) free.delete(one);
    // the one that tells of just this edit, where times tell it; else whatever had asked for a look since
    const exact = asked.filter((one) => isSameTime(one.at, row.detail.editedAt));
    claimed.set(
      row,
      (exact.length > 0 ? exact : asked).map((one) => one.id),
    );
  }
  return { claimed, rest: events.filter((one) => free.has(one) || one.routedAt === null || isEcho(one, ours)) };
}

function isEcho({ cause }: EventReport, ours: ReadonlySet<string>): boolean {
  return cause !== null && ours.has(cause);
}

function isSameTime(a: string | null, b: string | undefined): boolean {
  return a !== null && b !== undefined && Date.parse(a) === Date.parse(b);
}

function ofHistory(row: HistoryReport, events: readonly string[]): TimelineEntry {
  const { detail } = row;
  const isInward = inward.has(row.event);
  const changes = Object.entries(detail.changes ?? {}).map(
    ([unit, { rule = 'the hub had changed it', ...change }]): UnitChange => ({ unit, ...change, rule }),
  );
  return {
    at: row.at,
    subscriber: row.subscriber,
    event: row.event,
    direction: outward.has(row.event) ? 'outward' : isInward ? 'inward' : 'none',
    remoteId: row.remoteId,
    by: byOf(row, isInward),
    editedAt: detail.editedAt ?? null,
    changes,
    units: detail.units ?? [],
    intent: detail.intent ?? null,
    events,
    ...(row.event === 'operated' ? { note: `${detail.code ?? ''}: ${detail.reason ?? ''}` } : {}),
    ...(row.event === 'parked' ? { parked: { code: detail.code ?? '', reason: detail.reason ?? '' } } : {}),
  };
}

function byOf({ subscriber, detail, event }: HistoryReport, isInward: boolean): Writer | null {
  if (detail.intent !== undefined || event === 'operated') return writerOf(detail.editedBy);
  if (!isInward || event === 'linked') return null;
  return { kind: 'subscriber', subscriber };
}

function ofConflict(row: ConflictReport): TimelineEntry {
  const { id, at, subscriber, unit, base, hub, remote, winner, rule, resolvedAt, resolvedBy, taken } = row;
  const resolved = resolvedAt === null ? null : { at: resolvedAt, by: resolvedBy ?? '', taken: taken ?? '' };
  const conflict = { id, unit, base, hub, remote, winner, rule, resolved };
  return { ...bare(at, subscriber, 'conflict'), conflict, units: [unit] };
}

function ofEvent(event: EventReport, ours: ReadonlySet<string>): TimelineEntry {
  const note = isEcho(event, ours)
    ? 'an echo of our own write'
    : event.routedAt === null
      ? 'not looked into yet'
      : 'nothing was changed for it';
  return {
    ...bare(event.receivedAt, event.subscriber, 'event'),
    direction: 'inward',
    remoteId: event.remoteId,
    editedAt: event.at,
    events: [event.id],
    note: event.kind === 'deleted' ? `told of a deletion; ${note}` : note,
  };
}

function bare(at: string, subscriber: string, event: TimelineEntry['event']): TimelineEntry {
  return {
    at,
    subscriber,
    event,
    direction: 'none',
    remoteId: null,
    by: null,
    editedAt: null,
    changes: [],
    units: [],
    intent: null,
    events: [],
  };
}

/** The entries that concern a field, and those that concern the record as a whole. */
export function aboutField(entries: readonly TimelineEntry[], isAbout: (unit: string) => boolean): TimelineEntry[] {
  return entries.flatMap((entry): TimelineEntry[] => {
    if (entry.event === 'event') return [];
    if (entry.conflict !== undefined) return isAbout(entry.conflict.unit) ? [entry] : [];
    const units = entry.units.filter(isAbout);
    const changes = entry.changes.filter((one) => isAbout(one.unit));
    const isWhole = entry.units.length === 0 && entry.changes.length === 0;
    return isWhole || units.length > 0 || changes.length > 0 ? [{ ...entry, units, changes }] : [];
  });
}

/** The newest edit of the row that is known, sent or not. */
export interface LastEdit {
  readonly at: string;
  readonly by: Writer;
}

/** What is known beside the history. */
export interface Known {
  readonly edit: LastEdit | undefined;
  /** Subscribers whose remote has the same value. */
  readonly agreedWith: readonly string[];
  /** The one of them that alone sets it: it is mapped inward only. */
  readonly decidedBy?: string | undefined;
}

/** Where the hub's present value of a unit came from; undefined where nothing tells. */
export function originOf(
  unit: string,
  value: string | null,
  entries: readonly TimelineEntry[],
  { edit: lastEdit, agreedWith, decidedBy }: Known,
): ValueOrigin | undefined {
  let origin: ValueOrigin | undefined;
  let lost: ValueOrigin['lost'];
  for (const entry of entries) {
    const { conflict } = entry;
    if (conflict?.unit === unit) {
      lost = lostIn(entry.subscriber, conflict);
      // the hub's value stood: whoever had put it there is its origin, and has prevailed
      if (conflict.winner === 'hub') {
        const stood = origin?.value === conflict.hub ? origin : undefined;
        const base = { value: conflict.hub as string | null, by: hubWriter, editedAt: null, at: entry.at, events: [] };
        origin = { ...base, ...stood, rule: conflict.rule, ...(lost === undefined ? {} : { lost }) };
      }
      continue;
    }
    const change = entry.changes.find((one) => one.unit === unit);
    if (change === undefined) continue;
    origin = entry.direction === 'inward' ? taken(entry, change, lost) : carried(entry, change, origin);
    lost = undefined;
  }
  if (origin?.value === value) return origin;
  if (decidedBy !== undefined)
    return {
      value,
      by: { kind: 'subscriber', subscriber: decidedBy },
      editedAt: null,
      at: null,
      rule: 'mapped inward only: what it shows there is what stands here',
      events: [],
    };
  const paired = entries.find(({ event, subscriber }) => event === 'linked' && agreedWith.includes(subscriber));
  if (paired !== undefined)
    return {
      value,
      by: hubWriter,
      editedAt: null,
      at: paired.at,
      rule: `${paired.subscriber} had the same when the two were paired`,
      events: [],
    };
  if (agreedWith.length > 0)
    return {
      value,
      by: hubWriter,
      editedAt: null,
      at: null,
      rule: `${agreedWith.join(', ')} ${agreedWith.length === 1 ? 'has' : 'have'} the same; when it was set isn't known any more`,
      events: [],
    };
  if (lastEdit === undefined) return undefined;
  return {
    value,
    by: lastEdit.by,
    editedAt: lastEdit.at,
    at: lastEdit.at,
    rule: 'the last edit here; no subscriber has it yet',
    events: [],
  };
}

const hubWriter: Writer = { kind: 'hub', role: null };

function lostIn(
  subscriber: string,
  { winner, hub, remote }: NonNullable<TimelineEntry['conflict']>,
): ValueOrigin['lost'] {
  if (winner === 'merged') return undefined;
  return winner === 'hub' ? { side: 'remote', value: remote, subscriber } : { side: 'hub', value: hub, subscriber };
}

function taken(entry: TimelineEntry, change: UnitChange, lost: ValueOrigin['lost']): ValueOrigin {
  return {
    value: textOf(change.to),
    by: { kind: 'subscriber', subscriber: entry.subscriber },
    editedAt: entry.editedAt,
    at: entry.at,
    rule: change.rule,
    events: entry.events,
    ...(lost === undefined ? {} : { lost }),
  };
}

/** A write of ours tells of an edit here, unless it carries on what is known already. */
function carried(entry: TimelineEntry, change: UnitChange, before: ValueOrigin | undefined): ValueOrigin | undefined {
  const value = textOf(change.hub ?? null);
  if (change.hub === undefined) return before;
  if (before?.value === value) {
    // what stood in a conflict: this tells whose it was
    const isNamed = before.by !== hubWriter || entry.by === null;
    return isNamed ? before : { ...before, by: entry.by, editedAt: entry.editedAt };
  }
  return {
    value,
    by: entry.by ?? hubWriter,
    editedAt: entry.editedAt,
    at: entry.at,
    rule: entry.event === 'created' ? 'the record had it when its remote was made' : 'edited here',
    events: [],
  };
}

function textOf(value: Json): string | null {
  return typeof value === 'string' || value === null ? value : JSON.stringify(value);
}
