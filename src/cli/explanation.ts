/** An explanation for people: what holds, why, both sides, and what happened. */
import type { Json } from '../catalog/values.js';
import type {
  Explanation,
  SubscriberReport,
  TimelineEntry,
  UnitReport,
  ValueOrigin,
  Writer,
} from '../explain/explanation.js';
import { showRecordKey } from './context.js';
import { short, visible, type Output } from './output.js';

const labelWidth = 12;

export function showExplanation(output: Output, explanation: Explanation, all: boolean): void {
  showRecord(output, explanation);
  for (const subscriber of explanation.subscribers) showSubscriber(output, subscriber, explanation);
  showTimeline(output, explanation, all);
}

function showRecord(output: Output, explanation: Explanation): void {
  const { bold, dim, yellow } = output.colors;
  const { catalog, key, field, record, softDeleted, origins, unrouted } = explanation;
  const title = `${catalog} ${showRecordKey(key)}${field === null ? '' : ` · ${field}`}`;
  output.line(
    bold(visible(title)) +
      (record === null ? yellow('  no such row now') : softDeleted ? yellow('  soft-deleted') : ''),
  );
  const names = field === null ? Object.keys(record?.fields ?? {}) : namesOf(explanation, field);
  const width = widest(names);
  for (const name of names) {
    const value = record?.fields[name];
    if (value !== undefined) output.line(`  ${dim(name.padEnd(width))}  ${shown(value, valueWidth(output))}`);
  }
  for (const [name, rows] of Object.entries(record?.children ?? {}))
    if (field === null || field === name)
      output.line(`  ${dim(name.padEnd(width))}  ${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`);
  if (field !== null) for (const origin of Object.values(origins)) showWhy(output, origin);
  for (const { at, by } of unrouted)
    output.line(yellow(`  edited ${time(at)} by ${writer(by)}: no worker has seen that yet`));
}

/** The fields of the row that belong to what was asked for. */
function namesOf({ subscribers, record }: Explanation, field: string): string[] {
  const fields = subscribers.flatMap((one) => one.units.flatMap((unit) => unit.fields));
  return [...new Set([...(record?.fields[field] === undefined ? [] : [field]), ...fields])];
}

function showWhy(output: Output, { by, editedAt, at, rule, lost, events }: ValueOrigin): void {
  const { bold, dim } = output.colors;
  const when = editedAt ?? at;
  const found = at === null || at === when ? '' : `, synced ${time(at)}`;
  const asked = events.length === 0 ? '' : ` (event ${some(events)})`;
  output.line();
  output.line(
    `  ${bold('why')}  ${visible(writer(by))} set it${when === null ? '' : ` ${time(when)}`}${found}${visible(asked)}`,
  );
  output.line(`       ${dim('rule')} ${rule}`);
  if (lost !== undefined) {
    const whose = lost.side === 'hub' ? 'the hub’s' : `${lost.subscriber}’s`;
    output.line(`       ${dim('lost')} ${whose} ${shown(lost.value, valueWidth(output))}`);
  }
}

function showSubscriber(output: Output, one: SubscriberReport, { field }: Explanation): void {
  const { bold, cyan, dim, red } = output.colors;
  output.line();
  const remote = one.link?.remoteId ?? null;
  output.line(
    `${bold(cyan(one.subscriber))}${remote === null ? '' : dim(` ↔ ${visible(remote)}`)}  ${standing(output, one)}`,
  );
  if (one.because !== null) output.line(`  ${visible(one.because)}`);
  if (one.cure !== null) output.line(dim(`  ${one.cure}`));
  for (const { kind, since, unknownSince, id } of one.openIntents) {
    const lost =
      unknownSince === null ? 'no answer yet' : `its answer was lost ${time(unknownSince)}: it is looked up first`;
    output.line(
      red(`  ${kind === 'update' ? 'an' : 'a'} ${kind} is open since ${time(since)} (intent ${id}): ${lost}`),
    );
  }
  showFetched(output, one);
  if (one.units.length === 0 && field !== null && one.children[field] === undefined)
    output.line(dim(`  ${field} isn’t mapped here`));
  const width = widest(one.units.map((unit) => unit.unit));
  const values = one.units.map((unit) => remoteOf(output, unit));
  for (const [index, unit] of one.units.entries())
    showUnit(output, unit, { name: width, value: widest(values) }, values[index] ?? '');
  for (const [name, rows] of Object.entries(one.children))
    output.line(`  ${dim(name.padEnd(width))}  ${Object.keys(rows).length} agreed on`);
}

function showFetched(output: Output, { fetched }: SubscriberReport): void {
  const { green, red, yellow } = output.colors;
  if (fetched === undefined) return;
  if (fetched.kind !== 'found')
    output.line(
      yellow(`  read just now: ${fetched.kind}${fetched.reason === null ? '' : `, ${visible(fetched.reason)}`}`),
    );
  else if (fetched.differing.length === 0) output.line(green('  read just now: it shows the same'));
  else
    output.line(
      red(`  read just now: ${fetched.differing.join(', ')} ${fetched.differing.length === 1 ? 'differs' : 'differ'}`),
    );
}

/** What the remote last showed. */
function remoteOf(output: Output, { shadow }: UnitReport): string {
  if (shadow === null) return '-';
  return 'remote' in shadow ? shown(shadow.remote ?? null, valueWidth(output)) : 'nothing';
}

function showUnit(
  output: Output,
  unit: UnitReport,
  width: { readonly name: number; readonly value: number },
  remote: string,
): void {
  const { dim, green, red, yellow } = output.colors;
  const arrow = unit.direction === 'both' ? '↔' : unit.direction === 'outward' ? '→' : '←';
  const authority = unit.authority === 'function' ? 'a function' : unit.authority;
  const rule = unit.direction === 'both' ? `, ${authority} decides` : '';
  const mapping = dim(`${arrow} ${unit.remote}${rule}${unit.group === null ? '' : `, group ${unit.group}`}`);
  const state = {
    agreed: green('agreed'),
    owed: yellow('owed to the remote'),
    'inward-only': yellow('the remote’s will be taken'),
    'not-compared': yellow('not compared yet'),
  }[unit.state];
  const name = visible(unit.unit).padEnd(width.name);
  output.line(`  ${dim(name)}  ${remote.padEnd(width.value)}  ${state}  ${mapping}`);
  if (unit.live?.differs === true)
    output.line(red(`  ${''.padEnd(width.name)}  ${shown(unit.live.remote, valueWidth(output))}  is there now`));
}

function standing({ colors: { dim, green, red, yellow } }: Output, { standing: at }: SubscriberReport): string {
  const words = at.replaceAll('-', ' ');
  if (at === 'in-agreement') return green(words);
  if (at === 'parked' || at === 'held') return red(words);
  return at === 'tombstone' || at === 'left-alone' || at === 'unknown' ? dim(words) : yellow(words);
}

function showTimeline(output: Output, { timeline, truncated }: Explanation, all: boolean): void {
  const { bold, dim } = output.colors;
  const entries = all ? timeline : timeline.filter((one) => one.event !== 'event');
  output.line();
  if (entries.length === 0) {
    output.line(dim('Nothing has happened to it that is still known.'));
    return;
  }
  output.line(bold('timeline') + dim(' (UTC)'));
  if (truncated) output.line(dim('  … older entries are left out'));
  let day = '';
  for (const entry of entries) {
    const next = entry.at.slice(0, 10);
    if (next !== day) output.line(dim(`  ${next}`));
    day = next;
    showEntry(output, entry);
  }
  const quiet = timeline.length - entries.length;
  if (quiet > 0) output.note(`${quiet} ${quiet === 1 ? 'event' : 'events'} changed nothing: --all lists them`);
}

function showEntry(output: Output, entry: TimelineEntry): void {
  const { dim } = output.colors;
  output.line(`  ${dim(entry.at.slice(11, 23))}  ${road(output, entry)}  ${headline(output, entry)}`);
  const indent = ' '.repeat(labelWidth + 4);
  const width = Math.max(16, Math.floor((output.width - 60) / 2));
  // a new remote has nothing, and is told of nothing
  const changes = entry.changes.filter((one) => one.from !== null || one.to !== null);
  const unit = widest(changes.map((one) => one.unit));
  for (const change of changes) {
    const rule = entry.direction === 'inward' ? dim(`  ${change.rule}`) : '';
    output.line(
      `${indent}${visible(change.unit).padEnd(unit)}  ${shown(change.from, width)} → ${shown(change.to, width)}${rule}`,
    );
  }
  if (entry.conflict === undefined) return;
  const { hub, remote, winner, resolved } = entry.conflict;
  const marked = (side: 'hub' | 'remote'): string => (winner === 'merged' ? '' : winner === side ? ' won' : ' lost');
  output.line(`${indent}hub     ${shown(hub, width)}${marked('hub')}`);
  output.line(`${indent}remote  ${shown(remote, width)}${marked('remote')}`);
  if (resolved !== null)
    output.line(`${indent}${dim(visible(`resolved ${time(resolved.at)} by ${resolved.by}: ${resolved.taken} taken`))}`);
}

function road({ colors: { cyan } }: Output, { direction, subscriber }: TimelineEntry): string {
  if (direction === 'outward') return `hub → ${cyan(subscriber)}`;
  return direction === 'inward' ? `${cyan(subscriber)} → hub` : cyan(subscriber);
}

function headline({ colors, width }: Output, entry: TimelineEntry): string {
  const { bold, dim, red, yellow } = colors;
  const { conflict, parked, changes } = entry;
  if (conflict !== undefined)
    return `${yellow('both had changed')} ${bold(visible(conflict.unit))}${dim(` · ${conflict.rule}`)}`;
  if (parked !== undefined)
    return `${red(`parked: ${parked.code}`)}${parked.reason === '' ? '' : dim(` · ${short(parked.reason, Math.max(90, width - 60))}`)}`;
  const others = entry.units.filter((unit) => !changes.some((one) => one.unit === unit));
  const what = words[entry.event] ?? entry.event;
  return `${what}${others.length === 0 ? '' : ` ${visible(others.join(', '))}`}${dim(circumstances(entry))}`;
}

const words: Readonly<Partial<Record<TimelineEntry['event'], string>>> = {
  created: 'created there',
  updated: 'updated',
  deleted: 'deleted there',
  overwritten: 'overwrote an edit there that was not seen:',
  linked: 'paired',
  unlinked: 'unlinked: the sides go their own ways',
  'record-created': 'record created',
  'record-updated': 'changed there',
  'record-deleted': 'record deleted, as its remote was',
  operated: 'by hand',
};

function circumstances({ at, by, editedAt, events, intent, remoteId, event, note }: TimelineEntry): string {
  // on the day of the entry the clock time says enough
  const when = editedAt === null ? '' : ` ${time(editedAt).replace(`${at.slice(0, 10)} `, '')}`;
  const parts = [
    ...(event === 'created' && remoteId !== null ? [`as ${remoteId}`] : []),
    ...(by === null ? [] : [`edited${when} by ${writer(by)}`]),
    ...(events.length === 0 ? [] : [`event ${some(events)}`]),
    ...(intent === null ? [] : [`intent ${intent}`]),
    ...(note === undefined ? [] : [note]),
  ];
  return parts.map((part) => visible(` · ${part}`)).join('');
}

function writer(by: Writer): string {
  if (by.kind === 'subscriber') return by.subscriber;
  return by.role === null ? 'the hub' : `${by.role} in the hub`;
}

function some(ids: readonly string[]): string {
  const rest = ids.length - 2;
  return `${ids.slice(0, 2).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** With its day where that isn't today's is for JSON: here the clock time and the date, to the second. */
function time(at: string): string {
  return at.replace('T', ' ').replace(/(\.\d+)?(Z|\+00:00)$/, '');
}

function shown(value: Json, width: number): string {
  if (value === null) return 'null';
  return short(typeof value === 'string' && value !== '' ? value : JSON.stringify(value), width);
}

function valueWidth(output: Output): number {
  return Math.max(24, output.width - 60);
}

function widest(names: readonly string[]): number {
  return Math.max(0, ...names.map((name) => name.length));
}
