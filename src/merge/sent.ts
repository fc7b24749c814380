/** What a write of ours sent, and the shadow where nothing else is known. Pure. */
import type { ChildMapping, Mapping } from '../subscriber/compile.js';
import type { ChildShadow, Pair, Shadow } from './shadow.js';

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

/** The shadow where all that is known is what we sent. */
export function shadowOfSent(mapping: Mapping, shadow: Shadow, sent: Sent | undefined): Shadow {
  if (sent === undefined) return shadow;
  const units = { ...shadow.units, ...sent.units };
  if (mapping.children.length === 0) return { ...shadow, units };
  const children = Object.fromEntries(
    mapping.children.map((child) => [child.name, childShadowsOfSent(child, shadow, sent)]),
  );
  return { ...shadow, units, children: { ...shadow.children, ...children } };
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
