/**
 * A worker that stood still for longer than its lease, or a slow network, may bring a write of ours after it was looked for in
 * vain and we went on. (What a remote shows that answers a later create is told apart in `outward/resolve.ts`.) A system that refuses it (conditional writes) or knows it (idempotency keys) is safe; in any other it looks
 * like somebody's edit, and an old value of ours would come back over a newer one.
 */
import type { Observation } from '../apply/apply.js';
import type { AnyRecord } from '../catalog/catalog.js';
import { own } from '../catalog/own.js';
import type { Binding } from '../engine/binding.js';
import { hubChildren } from '../merge/child-pairs.js';
import type { Conflict } from '../merge/merge.js';
import { hubText } from '../merge/project.js';
import { showsUnseenEdit } from '../merge/seen.js';
import { shadowOfSent, type Sent, type SentPairs } from '../merge/sent.js';
import { hubChanged, sameRemote, type Pairs, type Shadow } from '../merge/shadow.js';
import { recogniseText, writtenPart } from '../merge/written.js';
import type { Queryable } from '../store/database.js';
import { mayComeMs, unseenWrites, type UnseenWrite } from '../store/intents.js';
import type { Link } from '../store/links.js';
import type { Unit } from '../subscriber/compile.js';

/** The observation, with what it shows of updates of ours that hadn't been seen so far: values of ours, not edits. */
export async function withLate(db: Queryable, binding: Binding, link: Link, seen: Observation): Promise<Observation> {
  const { capabilities } = binding.subscriber;
  // its create came late, and is found by the marker; what answers a create has been compared with those before it
  if (link.remoteId === undefined)
    return seen.intent === undefined ? asLate(binding, link, seen, await unseenOf(db, link, 'create')) : seen;
  // one that remembers keys for as long as a request may take was asked again instead
  const remembersMs = (capabilities.idempotencyHours ?? 0) * 3_600_000;
  if (capabilities.conditional || remembersMs >= mayComeMs) return seen;
  const shadow = shadowOfSent(binding.mapping, link.shadow, seen.sent, seen);
  if (!showsUnseenEdit(binding.mapping, shadow, seen.remote)) return seen;
  return asLate(binding, link, seen, await unseenOf(db, link, 'update'));
}

async function unseenOf(db: Queryable, { id }: Link, kind: 'create' | 'update'): Promise<readonly UnseenWrite[]> {
  return (await unseenWrites(db, [id], kind)).get(id) ?? [];
}

/** The same, of these writes. */
export function asLate(binding: Binding, link: Link, seen: Observation, unseen: readonly UnseenWrite[]): Observation {
  if (unseen.length === 0) return seen;
  const shadow = shadowOfSent(binding.mapping, link.shadow, seen.sent, seen);
  for (const { body } of unseen) {
    const late = newPart(shadow, writtenPart(binding.mapping, shadow, body.draft, seen.remote, recogniseText));
    if (late !== undefined) return { ...seen, sent: together(late, seen.sent), late };
  }
  return seen;
}

function together(late: Sent, sent: Sent | undefined): Sent {
  if (sent === undefined) return late;
  const children = Object.fromEntries(
    Object.keys({ ...late.children, ...sent.children }).map((name) => [
      name,
      { ...late.children[name], ...sent.children[name] },
    ]),
  );
  return { ...sent, units: { ...late.units, ...sent.units }, children };
}

/** Of what is shown, what the shadow doesn't know. Rows that were added are strangers, and paired as such. */
function newPart(shadow: Shadow, part: Sent): Sent | undefined {
  const units = unknown(shadow.units, part.units);
  const children = Object.fromEntries(
    Object.entries(part.children).map(([name, rows]) => {
      const known = shadow.children?.[name] ?? {};
      const changed = Object.entries(rows).map(([key, pairs]) => {
        const { id, units: base } = known[key] ?? {};
        return [key, id === undefined || base === undefined ? {} : unknown(base, pairs)] as const;
      });
      return [name, Object.fromEntries(changed.filter(([, pairs]) => Object.keys(pairs).length > 0))];
    }),
  );
  const isEmpty = [units, ...Object.values(children)].every((one) => Object.keys(one).length === 0);
  return isEmpty ? undefined : { units, children, firstHand: false };
}

function unknown(base: Pairs, sent: SentPairs): SentPairs {
  return Object.fromEntries(Object.entries(sent).filter(([name, { r }]) => !sameRemote(own(base, name)?.r, r)));
}

const rule = 'sent by us, and came late';

/** The value that comes late gives way to what the hub holds by now. It is logged: somebody may have entered the same there. */
export function lateConflicts({ mapping }: Binding, { late }: Observation, record: AnyRecord): Conflict[] {
  if (late === undefined) return [];
  const children = mapping.children.flatMap((child) => {
    const rows = hubChildren(child, record);
    return Object.entries(late.children[child.name] ?? {}).flatMap(([key, pairs]) => {
      const row = rows.get(key);
      return row === undefined ? [] : overwritten(child.units, pairs, row, `${child.name}${key}.`);
    });
  });
  return [...overwritten(mapping.units, late.units, record, ''), ...children];
}

function overwritten(units: readonly Unit[], late: SentPairs, record: AnyRecord, prefix: string): Conflict[] {
  return units.flatMap((unit): Conflict[] => {
    const ours = own(late, unit.name);
    const h = hubText(unit, record);
    if (ours === undefined || unit.direction === 'outward' || !hubChanged(ours, h)) return [];
    return [{ unit: prefix + unit.name, base: ours.h ?? null, hub: h, remote: ours.r ?? null, winner: 'hub', rule }];
  });
}
