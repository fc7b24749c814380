/** The fewest calls that bring edits over, where only so many are allowed a second. */

export interface TimedEdit {
  readonly record: number;
  /** When it was made, in ms. */
  readonly atMs: number;
}

/**
 * Of a sender who learns of edits at once and loses no time, but can't see into the future: at every turn it sends what was edited least
 * lately, as it stands at that moment, and never idles while something is to be sent. (One that idled until all edits are made would
 * need a call per record, but nothing would arrive meanwhile.)
 */
export function fewestCalls(edits: readonly TimedEdit[], perSecond: number): number {
  const inOrder = [...edits].sort((a, b) => a.atMs - b.atMs);
  // in the order of their last edits
  const dirty = new Map<number, true>();
  let calls = 0;
  let next = 0;
  for (let now = inOrder[0]?.atMs ?? 0; next < inOrder.length || dirty.size > 0; now += 1_000 / perSecond) {
    for (let one = inOrder[next]; one !== undefined && one.atMs <= now; one = inOrder[++next]) {
      dirty.delete(one.record);
      dirty.set(one.record, true);
    }
    const [quietest] = dirty.keys();
    if (quietest === undefined) continue;
    dirty.delete(quietest);
    calls += 1;
  }
  return calls;
}
