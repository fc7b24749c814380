/** Which part of a write of ours a remote shows. Pure. */
import { own } from '../catalog/own.js';
import type { Mapping, Unit } from '../subscriber/compile.js';
import { remoteChildren } from './child-pairs.js';
import { childrenById, remoteValue } from './project.js';
import type { Sent, SentPairs } from './sent.js';
import type { Json } from '../catalog/values.js';
import { pair, sameRemote, type Shadow } from './shadow.js';

/** Whether a remote value is the one that was sent. */
export type Recognise = (shown: Json | undefined, sent: Json | undefined) => boolean;

/** So does a system that trims, pads, or changes case and form of letters: the same text, for whoever knows that we sent it. */
export const recogniseText: Recognise = (shown, sent) =>
  sameRemote(shown, sent) || (typeof shown === 'string' && typeof sent === 'string' && folded(shown) === folded(sent));

const folded = (text: string): string => text.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();

/** The pairs that a write states, as its intent holds them. */
interface Stated {
  readonly sent: SentPairs;
  readonly sentChildren: Sent['children'];
}

/**
 * Of what an update sent, the part that took effect: what the remote shows now. A unit that still shows what it showed before is
 * owed again. One that shows a third value was edited there, by somebody who may never have seen ours: a conflict, so that
 * neither is lost.
 */
export function writtenPart(
  mapping: Mapping,
  shadow: Shadow,
  { sent, sentChildren }: Stated,
  remote: unknown,
  recognise: Recognise = sameRemote,
): Sent {
  const children = Object.fromEntries(
    mapping.children.map((child) => {
      const seen = childrenById(child, remote);
      const shadows = shadow.children?.[child.name] ?? {};
      const rows = Object.entries(sentChildren[child.name] ?? {}).flatMap(([key, pairs]) => {
        const { id } = shadows[key] ?? {};
        if (id === undefined) return [[key, pairs] as const]; // added: found by its marker or values, or not at all
        return [[key, writtenUnits(child.units, pairs, seen.get(id), recognise)] as const];
      });
      return [child.name, Object.fromEntries(rows)];
    }),
  );
  return { units: writtenUnits(mapping.units, sent, remote, recognise), children, firstHand: false };
}

export function writtenUnits(
  units: readonly Unit[],
  sent: SentPairs,
  remote: unknown,
  recognise: Recognise = sameRemote,
): SentPairs {
  return Object.fromEntries(
    units.flatMap((unit) => {
      const ours = own(sent, unit.name);
      const shown = remoteValue(unit, remote);
      if (ours === undefined || !recognise(shown, ours.r)) return [];
      return [[unit.name, sameRemote(shown, ours.r) ? ours : pair(ours.h, shown)] as const];
    }),
  );
}

/**
 * What the creates of a record that may have made a remote have sent, as far as it can be known: of several that sent different
 * values the remote shows which it was. Where it shows none of them, somebody has edited it, and nobody knows what that one saw.
 * @param creates the latest first
 */
export function sentByOneOf(mapping: Mapping, creates: readonly Stated[], remote: unknown): Stated {
  const sentChildren = Object.fromEntries(
    mapping.children.map((child) => {
      const shown = new Map(remoteChildren(child, remote)?.map(({ key, value }) => [key, value]));
      const keys = new Set(creates.flatMap((one) => Object.keys(one.sentChildren[child.name] ?? {})));
      const rows = [...keys].map((key) => {
        const given = creates.map((one) => one.sentChildren[child.name]?.[key]);
        return [key, oneOf(child.units, given, shown.get(key))] as const;
      });
      return [child.name, Object.fromEntries(rows)];
    }),
  );
  const given = creates.map(({ sent }) => sent);
  return { sent: oneOf(mapping.units, given, remote), sentChildren };
}

function oneOf(units: readonly Unit[], creates: readonly (SentPairs | undefined)[], remote: unknown): SentPairs {
  return Object.fromEntries(
    units.flatMap((unit) => {
      const given = creates.map((sent) => own(sent ?? {}, unit.name));
      const shown = remoteValue(unit, remote);
      const [latest] = given;
      const pair = given.find((one) => one !== undefined && recogniseText(shown, one.r));
      const isSame = given.every((one) => one !== undefined && sameRemote(one.r, latest?.r));
      const known = pair ?? (isSame ? latest : undefined);
      return known === undefined ? [] : [[unit.name, known] as const];
    }),
  );
}

/** Whether all of a write is in the part that is shown. */
export function isWhole({ sent, sentChildren }: Stated, part: Sent): boolean {
  const size = (pairs: SentPairs | undefined): number => Object.keys(pairs ?? {}).length;
  return (
    size(part.units) === size(sent) &&
    Object.entries(sentChildren).every(([name, rows]) =>
      Object.entries(rows).every(([key, pairs]) => size(part.children[name]?.[key]) === size(pairs)),
    )
  );
}
