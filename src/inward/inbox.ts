/** Events become due links: each is a hint that a remote should be looked at. Echoes of our own writes are told apart here. */
import { markerClaim } from '../apply/candidates.js';
import { own } from '../catalog/own.js';
import { asMapped } from '../merge/mapped-shadow.js';
import type { Json } from '../catalog/values.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import type { Conflict } from '../merge/merge.js';
import { remoteValue } from '../merge/project.js';
import { isEmpty, sameRemote } from '../merge/shadow.js';
import { insertConflicts, insertHistory } from '../store/history.js';
import {
  claimEvents,
  makeLooked,
  makeSighted,
  settleEvents,
  type InboxPayload,
  type InboxRow,
  type Sighted,
} from '../store/inbox.js';
import { intentKeyOf, intentsByCause, type CausingIntent } from '../store/intents.js';
import { findLinks, type FoundLink, type Link } from '../store/links.js';
import type { Trail } from '../tracing/trails.js';
import { readPath } from '../subscriber/path.js';

/** Returns how many events were routed, and the subscribers that have something to do now. */
export async function routeInbox(
  env: Environment,
  bindings: ReadonlyMap<string, Binding>,
  limit: number,
): Promise<{ count: number; due: ReadonlySet<string> }> {
  const due = new Set<string>();
  const traced: { event: InboxRow; key: string | undefined; trace: Trail }[] = [];
  const overwritten: { binding: Binding; link: Link; conflicts: Conflict[] }[] = [];
  const count = await env.db.transaction(async (tx) => {
    const events = await claimEvents(tx, [...bindings.keys()], limit);
    if (events.length === 0) return 0;
    const links = await findLinks(
      tx,
      events.map(({ subscriber, remoteId }) => ({ subscriber, remoteId })),
    );
    const linkOf = new Map(links.map((link) => [`${link.subscriber}@${link.remoteId ?? ''}`, link]));
    const ours = await intentsByCause(
      tx,
      events.flatMap((event) => event.payload.cause ?? []),
    );
    const sighted = new Map<string, Sighted>();
    const marked: { subscriber: string; key: string; event: InboxRow }[] = [];
    for (const event of events) {
      const binding = bindings.get(event.subscriber);
      if (binding === undefined) continue;
      const link = linkOf.get(`${event.subscriber}@${event.remoteId}`);
      const hint = read(
        binding,
        event,
        link,
        event.payload.cause === undefined ? undefined : ours.get(intentKeyOf(event.payload.cause)),
      );
      if (link !== undefined && hint.conflicts.length > 0)
        overwritten.push({ binding, link, conflicts: hint.conflicts });
      const { trace } = event.payload;
      if (trace !== undefined && hint.look) traced.push({ event, key: hint.key, trace });
      if (hint.key !== undefined) marked.push({ subscriber: event.subscriber, key: hint.key, event });
      else if (hint.look) merge(sighted, event, hint.later === true, hint.claims);
    }
    const looked = await makeLooked(
      tx,
      marked.map(({ subscriber, key }) => ({ subscriber, key })),
    );
    // the record isn't here, or is linked to another remote: this one is looked at itself. Else once its record has been looked at:
    // two requests of ours may have made two that bear its marker
    for (const { subscriber, key, event } of marked)
      merge(sighted, event, looked.has(JSON.stringify([subscriber, key])));
    await makeSighted(tx, [...sighted.values()]);
    for (const { subscriber } of [...sighted.values(), ...marked]) due.add(subscriber);
    for (const { link, conflicts } of overwritten) {
      await insertConflicts(tx, [{ link, key: link.key, conflicts }]);
      const subject = { subscriber: link.subscriber, key: link.key, remoteId: link.remoteId };
      await insertHistory(tx, [
        { ...subject, event: 'overwritten', detail: { units: conflicts.map((one) => one.unit) } },
      ]);
    }
    await settleEvents(tx, events);
    return events.length;
  });
  for (const { event, key, trace } of traced)
    env.tracing.heard(event.subscriber, { remoteId: event.remoteId, key }, trace);
  for (const { link, conflicts } of overwritten) {
    for (const { unit, winner, rule } of conflicts) {
      env.emit('conflict', { subscriber: link.subscriber, key: link.key, remoteId: link.remoteId, unit, winner, rule });
    }
  }
  return { count, due };
}

interface Hint {
  readonly look: boolean;
  /** The marker of a remote that no link knows: its record's link is the one to look. */
  readonly key?: string;
  /** Only if nothing else tells of it meanwhile. */
  readonly later?: boolean;
  /** Our own create made it: whose it is, where it bears no marker. */
  readonly claims?: string;
  readonly conflicts: Conflict[];
}

/** What one event says. Pure. */
function read(binding: Binding, event: InboxRow, link: FoundLink | undefined, own: CausingIntent | undefined): Hint {
  // our own request caused it: its answer tells more, unless there was none. Else only what it overwrote is news.
  const isStray = own?.kind === 'create' && (link === undefined || (link.key === undefined && link.state === 'new'));
  if (own !== undefined && !isStray) return { look: own.doubtful, conflicts: edits(binding, own, event.payload, link) };
  // a request that came late may have made it, after another worker had made another: then no answer will tell
  const made = isStray ? { claims: markerClaim(own.body.key) } : {};
  if (isStray && !own.closed) return { look: true, later: true, conflicts: [], ...made };
  if (event.kind === 'deleted') return { look: true, conflicts: [] };
  const { snapshot } = event.payload;
  if (link === undefined) {
    const key = snapshot === undefined ? undefined : binding.subscriber.keyOf(snapshot);
    return { look: true, conflicts: [], ...made, ...(key === undefined ? {} : { key }) };
  }
  if (snapshot !== undefined && link.state === 'linked' && shows(binding, link, snapshot))
    return { look: false, conflicts: [] };
  return { look: true, conflicts: [] };
}

/** The snapshot shows just what both sides agreed on: an echo, or a change that has been taken back since. */
export function shows(binding: Binding, link: FoundLink, snapshot: unknown): boolean {
  // during a write of ours it may be an undo of what we are writing: it equals a shadow that is about to move
  if (binding.mapping.children.length > 0 || link.look || link.busy) return false;
  const shadow = asMapped(binding.mapping, link.shadow);
  return binding.mapping.units.every((unit) => {
    const base = own(shadow.units, unit.name);
    return base !== undefined && sameRemote(base.r, remoteValue(unit, snapshot));
  });
}

/** The remote's history of our own write names a value that we had never seen: somebody's edit was overwritten. */
function edits(
  binding: Binding,
  { kind, body }: CausingIntent,
  { previous, cause }: InboxPayload,
  link: FoundLink | undefined,
): Conflict[] {
  // a step of several shows what the step before it wrote: that is no edit
  if (previous === undefined || kind !== 'update' || cause !== intentKeyOf(cause ?? '')) return [];
  const names = Object.keys(body.draft.sent);
  const roots = new Set(binding.mapping.units.filter(({ name }) => names.includes(name)).map(({ path }) => path[0]));
  return binding.mapping.units.flatMap((unit): Conflict[] => {
    const sent = own(body.draft.sent, unit.name);
    // what stands beside it in the remote may have gone along: some systems replace an object as a whole
    if (sent === undefined && !roots.has(unit.path[0])) return [];
    const before: Json | undefined = readPath(previous, unit.path);
    const base = sent === undefined ? (readPath(body.known, unit.path) ?? null) : own(body.base, unit.name);
    if (base === undefined || before === undefined) return [];
    if (sameRemote(before, base) || (isEmpty(before) && isEmpty(base))) return [];
    const { h = null } = sent ?? own(link?.shadow.units ?? {}, unit.name) ?? {};
    return [
      {
        unit: unit.name,
        base,
        hub: h,
        remote: before,
        winner: 'hub',
        rule: 'our write overwrote an edit that we had not seen',
      },
    ];
  });
}

function merge(sighted: Map<string, Sighted>, event: InboxRow, later: boolean, claims?: string): void {
  const id = JSON.stringify([event.subscriber, event.remoteId]);
  const before = sighted.get(id);
  const at = event.payload.at ?? null;
  sighted.set(id, {
    subscriber: event.subscriber,
    remoteId: event.remoteId,
    lane: Math.min(event.lane, before?.lane ?? event.lane),
    gone: event.kind === 'deleted' || before?.gone === true,
    at: before?.at != null && (at === null || before.at > at) ? before.at : at,
    later: later && before?.later !== false,
    claims: claims ?? before?.claims,
  });
}
