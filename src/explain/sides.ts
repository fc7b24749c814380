/** Where a record stands with one subscriber: its link, each unit on both sides, what is under way. */
import type { AnyRecord } from '../catalog/catalog.js';
import { keyArgument, type RecordKey } from '../catalog/key.js';
import { own } from '../catalog/own.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { loadReferences } from '../engine/references.js';
import { hubText, put, remoteValue, type Resolver } from '../merge/project.js';
import { hubChanged, sameRemote, type Shadow } from '../merge/shadow.js';
import { laneNames } from '../outward/operation.js';
import type { IntentReport, LinkReport } from '../store/audit.js';
import type { Unit } from '../subscriber/compile.js';
import type { Sight } from '../subscriber/outcome.js';
import { cureOf } from './cures.js';
import type { FetchReport, LinkSummary, OpenIntent, Standing, SubscriberReport, UnitReport } from './explanation.js';
import { isAbout } from './subject.js';
import { writerOf } from './timeline.js';

interface Side {
  readonly links: readonly LinkReport[];
  readonly intents: readonly IntentReport[];
  readonly key: RecordKey;
  readonly record: AnyRecord | undefined;
  readonly field: string | undefined;
}

export function reportOf(binding: Binding, { links, intents, key, record, field }: Side): SubscriberReport {
  const link = links.find((one) => one.key === key);
  const units = binding.mapping.units.filter(
    (unit) => field === undefined || isAbout(binding.mapping, field)(unit.name),
  );
  const shadow: Shadow = link?.shadow ?? { units: {} };
  const children = Object.entries(shadow.children ?? {}).filter(([name]) => field === undefined || name === field);
  return {
    subscriber: binding.id,
    ...standingOf(link),
    link: link === undefined ? null : summary(link),
    former: links.filter((one) => one.key !== key).map(summary),
    units: units.map((unit) => unitReport(unit, shadow, record)),
    children: Object.fromEntries(children),
    openIntents: intents.map(openIntent),
  };
}

function standingOf(link: LinkReport | undefined): {
  readonly standing: Standing;
  readonly because: string | null;
  readonly cure: string | null;
} {
  const is = (standing: Standing, because: string | null = null, cure: string | null = null) => ({
    standing,
    because,
    cure,
  });
  if (link === undefined) return is('unknown', 'it has no link: never synced, or left alone before it had one');
  if (link.subscriberPaused)
    return is('paused', 'the whole subscriber is paused', `syncflow resume ${link.subscriber}`);
  if (link.paused)
    return is(
      'paused',
      'this record is paused',
      `syncflow resume ${link.subscriber} --key ${link.key === null ? '' : keyArgument(link.key)}`,
    );
  if (link.parkedCode !== null) {
    return is('parked', `${link.parkedCode}: ${link.parkedReason ?? ''}`, curedFor(link));
  }
  if (link.state === 'gone') return is('tombstone', 'its remote was deleted, or it was unlinked');
  if (link.state === 'excluded' && link.dueAt === null)
    return is('left-alone', 'it is outside of the subscriber’s `where`, not accepted, or left out by a policy');
  if (link.dueAt === null) return is('in-agreement');
  if (link.waitsFor !== null)
    return is('awaiting-reference', link.lastError, `See what it waits for: ${shownWait(link.waitsFor)}`);
  if (link.heldUntil !== null)
    return is(
      'held',
      `credentials or quota, until ${link.heldUntil}`,
      'Mend the credentials, then: syncflow parked retry',
    );
  if (link.attempts > 0)
    return is(
      'retrying',
      `${link.lastError ?? 'an attempt failed'} (attempt ${link.attempts}); again at ${link.dueAt}`,
    );
  return is('waiting', link.look ? 'its remote is to be read' : 'a change is to be synced');
}

function curedFor(link: LinkReport): string {
  return cureOf(link.parkedCode ?? '')
    .replaceAll('<id>', link.id)
    .replaceAll('<subscriber>', link.subscriber);
}

/** `customer/stripe:["7"]` → `syncflow explain customer 7`. */
function shownWait(waitsFor: string): string {
  const [, catalog = '', key = ''] = /^([^/]+)\/[^:@]+[:@](.*)$/.exec(waitsFor) ?? [];
  if (catalog === '') return waitsFor;
  // of a remote that nobody knows yet there is only the id
  return `syncflow explain ${catalog} ${key.startsWith('["') ? keyArgument(key) : key}`;
}

function summary(link: LinkReport): LinkSummary {
  const { parkedCode, parkedReason, parkedAt, leaseOwner, leaseUntil, editedBy } = link;
  return {
    id: link.id,
    remoteId: link.remoteId,
    state: link.state,
    version: link.version,
    lane: laneNames[link.lane] ?? 'live',
    dueAt: link.dueAt,
    look: link.look,
    paused: link.paused,
    parked: parkedCode === null ? null : { code: parkedCode, reason: parkedReason ?? '', since: parkedAt },
    waitsFor: link.waitsFor,
    attempts: link.attempts,
    lastError: link.lastError,
    editedAt: link.editedAt,
    editedBy: link.editedAt === null ? null : writerOf(editedBy),
    remoteEditedAt: link.remoteEditedAt,
    deletedAt: link.deletedAt,
    goneAt: link.goneAt,
    settledAt: link.settledAt,
    lease: leaseOwner === null || leaseUntil === null ? null : { owner: leaseOwner, until: leaseUntil },
  };
}

function unitReport(unit: Unit, shadow: Shadow, record: AnyRecord | undefined): UnitReport {
  const pair = own(shadow.units, unit.name);
  const hub = record === undefined ? null : hubText(unit, record);
  return {
    unit: unit.name,
    fields: unit.fields.map((field) => field.name),
    remote: unit.path.join('.'),
    direction: unit.direction,
    authority: typeof unit.authority === 'function' ? 'function' : unit.authority,
    group: unit.group ?? null,
    hub,
    shadow:
      pair === undefined
        ? null
        : {
            ...(pair.h === undefined ? {} : { hub: pair.h }),
            ...(pair.r === undefined ? {} : { remote: pair.r }),
          },
    state:
      pair === undefined
        ? 'not-compared'
        : !hubChanged(pair, hub)
          ? 'agreed'
          : unit.direction === 'inward'
            ? 'inward-only'
            : 'owed',
  };
}

function openIntent({ id, kind, idempotencyKey, createdAt, unknownAt, body, steps }: IntentReport): OpenIntent {
  return {
    id,
    kind,
    idempotencyKey,
    since: createdAt,
    unknownSince: unknownAt,
    units: [...Object.keys(body.draft.sent), ...Object.keys(body.draft.children)],
    steps,
  };
}

/** The same with what the remote shows now. */
export async function fetchRemote(
  env: Environment,
  binding: Binding,
  report: SubscriberReport,
  record: AnyRecord | undefined,
): Promise<SubscriberReport> {
  const remoteId = report.link?.remoteId ?? null;
  if (remoteId === null) return report;
  const sight = await binding.subscriber.look(remoteId, 'live');
  if (sight.kind !== 'found') return { ...report, fetched: { ...unseen(sight), differing: [] } };
  const resolver = await loadReferences(env.db, binding, {
    records: record === undefined ? [] : [record],
    remotes: [sight.remote],
  });
  const units = report.units.map((one): UnitReport => {
    const unit = binding.mapping.units.find((other) => other.name === one.unit);
    if (unit === undefined) return one;
    const remote = remoteValue(unit, sight.remote);
    const differs = record !== undefined && !stands(unit, one, remote, record, resolver);
    return { ...one, live: { remote: remote ?? null, differs } };
  });
  const differing = units.filter((one) => one.live?.differs === true).map((one) => one.unit);
  return { ...report, units, fetched: { kind: 'found', reason: null, differing } };
}

function unseen(sight: Exclude<Sight, { kind: 'found' }>): Pick<FetchReport, 'kind' | 'reason'> {
  return { kind: sight.kind, reason: 'reason' in sight ? sight.reason : null };
}

/** Whether what the remote shows stands for the hub's value: as it was agreed on, or as it would be sent. */
function stands(
  unit: Unit,
  report: UnitReport,
  remote: ReturnType<typeof remoteValue>,
  record: AnyRecord,
  resolver: Resolver,
): boolean {
  if (report.state === 'agreed' && report.shadow !== null && sameRemote(report.shadow.remote, remote)) return true;
  if (report.hub === null && (remote === undefined || remote === null)) return true;
  try {
    return sameRemote(put(unit, record, resolver), remote);
  } catch {
    return false; // a reference that isn't linked yet, or a lens that refuses the value
  }
}
