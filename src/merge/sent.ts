/** What a write of ours sent, and the shadow where nothing else is known. Pure. */
import { own } from '../catalog/own.js';
import type { ChildMapping, Mapping, Unit } from '../subscriber/compile.js';
import { remoteValue } from './project.js';
import { pair, type ChildShadow, type Pair, type Pairs, type Shadow } from './shadow.js';

/** What we last wrote, as it was frozen in the intent: hub text and remote value by unit. */
export type SentPairs = Readonly<Record<string, Pair>>;

export interface Sent {
  readonly units: SentPairs;
  readonly children: Readonly<Record<string, Readonly<Record<string, SentPairs>>>>;
  /**
   * The answer is first received for this request: the remote's form of what we sent is what it shows. Otherwise (a replay, a
   * look-up) a difference may be somebody's edit.
   */
  readonly firstHand: boolean;
  /** It took effect for certain, though the answer may be a repeated one. After a look-up that isn't known. */
  readonly certain?: boolean;
}

/**
 * The shadow where no merge tells more than what we sent.
 * @param answer what the remote showed in answer to it: its form of our values, where it is first-hand
 */
export function shadowOfSent(
  mapping: Mapping,
  shadow: Shadow,
  sent: Sent | undefined,
  answer?: { readonly remote: unknown },
): Shadow {
  if (sent === undefined) return shadow;
  const units = rebase(mapping.units, shadow.units, sent.units, {
    remote: answer?.remote,
    firstHand: sent.firstHand && answer !== undefined,
  });
  if (mapping.children.length === 0) return { ...shadow, units };
  const children = Object.fromEntries(
    mapping.children.map((child) => [child.name, childShadowsOfSent(child, shadow, sent)]),
  );
  return { ...shadow, units, children: { ...shadow.children, ...children } };
}

/** The base that holds once our own write is taken into account. */
export function rebase(
  units: readonly Unit[],
  base: Pairs,
  sent: SentPairs | undefined,
  seen: { readonly remote: unknown; readonly firstHand: boolean },
): Pairs {
  if (sent === undefined) return base;
  const pairs: Record<string, Pair> = { ...base };
  for (const unit of units) {
    const ours = own(sent, unit.name);
    if (ours === undefined) continue;
    pairs[unit.name] = pair(ours.h, seen.firstHand ? remoteValue(unit, seen.remote) : ours.r);
  }
  return pairs;
}

/** A child that was added has no id there yet: it is remembered, so that it isn't sent again before it was looked for. */
export function childShadowsOfSent(
  child: ChildMapping,
  shadow: Shadow,
  sent: Sent | undefined,
): Readonly<Record<string, ChildShadow>> {
  const base = shadow.children?.[child.name] ?? {};
  const shadows: Record<string, ChildShadow> = { ...base };
  for (const [key, pairs] of Object.entries(sent?.children[child.name] ?? {}))
    shadows[key] = { ...base[key], units: { ...base[key]?.units, ...pairs } };
  return shadows;
}
