/** The loop breaker: two systems that undo each other's normalisation would go on for ever. */
import { own } from '../catalog/own.js';
import type { AnyRecord } from '../catalog/catalog.js';
import type { Merged } from '../merge/merge.js';
import { hubText } from '../merge/project.js';
import type { Flips, Link } from '../store/links.js';

/** Returns to an earlier value, within the remembered ones, that are taken for a loop. */
const maxReturns = 6;
const remembered = 12;

/** A message when a unit keeps returning to values it had before; the record is then parked with its history. */
export function loopIn(link: Link, merged: Merged, next: AnyRecord): string | undefined {
  for (const { unit } of merged.applied) {
    const past = own(link.flips, unit.name) ?? [];
    const value = digest(hubText(unit, next));
    const returns = past.filter((one, index) => past.indexOf(one) !== index).length + (past.includes(value) ? 1 : 0);
    if (returns >= maxReturns)
      return `${unit.name} was set back and forth ${returns} times: two systems undo each other`;
  }
  return undefined;
}

/** The values to remember after this write. */
export function rememberValues(link: Link, merged: Merged, record: AnyRecord): Flips {
  if (merged.applied.length === 0) return link.flips;
  const flips: Record<string, readonly string[]> = { ...link.flips };
  for (const { unit } of merged.applied)
    flips[unit.name] = [...(own(flips, unit.name) ?? []), digest(hubText(unit, record))].slice(-remembered);
  return flips;
}

/** Short and not reversible: the link must not keep personal data that the row has dropped. */
function digest(text: string | null): string {
  let hash = 0x811c9dc5;
  for (const char of text ?? '\u0000') hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash.toString(36);
}
