/** The loop breaker: two systems that undo each other's normalisation would go on for ever. */
import { own } from '../catalog/own.js';
import type { AnyRecord } from '../catalog/catalog.js';
import type { Merged } from '../merge/merge.js';
import { hubText } from '../merge/project.js';
import type { Flip, Flips, Link } from '../store/links.js';

/** Returns to an earlier value within the window, each after somebody had undone it, that are taken for a loop. */
const maxReturns = 6;
const remembered = 12;
const windowMs = 3_600_000;

/** A message when a unit keeps returning to values it had before; the record is then parked with its history. */
export function loopIn(
  link: Link,
  merged: Merged,
  before: AnyRecord | undefined,
  next: AnyRecord,
  nowMs: number,
): string | undefined {
  for (const { unit } of merged.applied) {
    const past = undone(own(link.flips, unit.name), before === undefined ? null : hubText(unit, before), nowMs);
    const values = [...past.map((one) => one.value), digest(hubText(unit, next))];
    const returns = values.filter((one, index) => values.indexOf(one) !== index).length;
    if (returns >= maxReturns)
      return `${unit.name} was set back and forth ${returns} times within an hour: two systems undo each other`;
  }
  return undefined;
}

/** The values to remember after this write. */
export function rememberValues(
  link: Link,
  merged: Merged,
  before: AnyRecord | undefined,
  after: AnyRecord,
  nowMs: number,
): Flips {
  if (merged.applied.length === 0) return link.flips;
  const flips: Record<string, readonly Flip[]> = { ...link.flips };
  for (const { unit } of merged.applied) {
    const past = undone(own(link.flips, unit.name), before === undefined ? null : hubText(unit, before), nowMs);
    flips[unit.name] = [...past, { value: digest(hubText(unit, after)), atMs: nowMs }].slice(-remembered);
  }
  return flips;
}

/**
 * What this link wrote within the window, as far as it may be a loop. Where the hub still holds what was written last, nobody has
 * undone it: somebody there goes on editing, and it begins anew.
 */
function undone(flips: readonly Flip[] = [], held: string | null, nowMs: number): readonly Flip[] {
  if (flips.at(-1)?.value === digest(held)) return [];
  return flips.filter((one) => nowMs - one.atMs < windowMs);
}

/** Short and not reversible: the link must not keep personal data that the row has dropped. */
function digest(text: string | null): string {
  let hash = 0x811c9dc5;
  for (const char of text ?? '\u0000') hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash.toString(36);
}
