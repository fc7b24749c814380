/** Marks become due links of every subscriber of their catalog, in the transaction that removes them. */
import type { RecordKey } from '../catalog/key.js';
import type { Binding } from '../engine/binding.js';
import type { Database } from '../store/database.js';
import {
  claimMarks,
  holdTruncated,
  makeAllDue,
  makeDue,
  moveKeys,
  releaseKeys,
  type DueRow,
  type MarkRow,
} from '../store/marks.js';

/** Returns how many marks were routed, and the subscribers that have something to do now. */
export function routeMarks(
  db: Database,
  catalogs: readonly string[],
  bindings: readonly Binding[],
  limit: number,
): Promise<{ count: number; due: ReadonlySet<string> }> {
  return db.transaction(async (tx) => {
    const marks = await claimMarks(tx, catalogs, limit);
    if (marks.length === 0) return { count: 0, due: new Set<string>() };
    const byCatalog = new Map<string, string[]>();
    for (const binding of bindings) {
      const name = binding.catalog.definition.name;
      byCatalog.set(name, [...(byCatalog.get(name) ?? []), binding.id]);
    }
    for (const [catalog, subscribers] of byCatalog) {
      const own = marks.filter((mark) => mark.catalog === catalog);
      const cut = own.findLastIndex((mark) => mark.op === 'T');
      const truncated = own[cut];
      if (truncated !== undefined) {
        await holdTruncated(tx, subscribers, truncated.at);
        await releaseKeys(tx, subscribers, undefined);
      }
      // what was marked before the table was emptied speaks of rows that are gone
      const rest = own.slice(cut + 1);
      if (rest.some((mark) => mark.key === null)) await makeAllDue(tx, subscribers);
      await moveKeys(tx, subscribers, keyMoves(rest));
      await releaseKeys(tx, subscribers, deletedKeys(rest));
      await makeDue(tx, dueRows(rest, byCatalog));
    }
    return { count: marks.length, due: new Set(marks.flatMap((mark) => byCatalog.get(mark.catalog) ?? [])) };
  });
}

/** A record whose key changed twice moves once, from its first key to its last. Pure. */
export function keyMoves(marks: readonly MarkRow[]): { from: RecordKey; to: RecordKey }[] {
  const moves: { from: RecordKey; to: RecordKey }[] = [];
  for (const mark of marks) {
    if (mark.op !== 'K' || mark.old_key === null || mark.key === null) continue;
    const before = moves.findIndex((move) => move.to === mark.old_key);
    if (before === -1) moves.push({ from: mark.old_key, to: mark.key });
    else moves[before] = { from: moves[before]?.from ?? mark.old_key, to: mark.key };
  }
  return moves.filter((move) => move.from !== move.to);
}

/** Keys whose record was deleted, whether or not another took its place since. Pure. */
export function deletedKeys(marks: readonly MarkRow[]): RecordKey[] {
  return marks.flatMap((mark) => (mark.op === 'D' && mark.key !== null ? [mark.key] : []));
}

/** One due row per subscriber and key: the last mark of a key says whether it was deleted. Pure. */
export function dueRows(marks: readonly MarkRow[], byCatalog: ReadonlyMap<string, readonly string[]>): DueRow[] {
  const rows = new Map<string, DueRow>();
  for (const mark of marks) {
    if (mark.key === null) continue;
    const except = mark.except_subscribers === null ? [] : (JSON.parse(mark.except_subscribers) as string[]);
    for (const subscriber of byCatalog.get(mark.catalog) ?? []) {
      if (except.includes(subscriber)) continue;
      rows.set(JSON.stringify([subscriber, mark.key]), {
        subscriber,
        key: mark.key,
        lane: 0,
        at: mark.at,
        deleted: mark.op === 'D',
      });
    }
  }
  return [...rows.values()];
}
