/** Marks become due links of every subscriber of their catalog, in the transaction that removes them. */
import type { RecordKey } from '../catalog/key.js';
import type { Binding } from '../engine/binding.js';
import type { Database } from '../store/database.js';
import { mappingSetting, settingsUnder } from '../store/settings.js';
import {
  claimMarks,
  forgetBulkMarks,
  holdTruncated,
  makeAllDue,
  makeDue,
  moveKeys,
  releaseKeys,
  type DueRow,
  type MarkRow,
} from '../store/marks.js';

const byIndex = { byIndex: 'unordered' } as const;

/**
 * Returns how many marks were routed, and the subscribers that have something to do now.
 * @param which `live`: none that a mass UPDATE has made
 */
export async function routeMarks(
  db: Database,
  catalogs: readonly string[],
  bindings: readonly Binding[],
  limit: number,
  which?: 'live',
): Promise<{ count: number; due: ReadonlySet<string> }> {
  return await db.transaction(async (tx) => {
    const marks = await claimMarks(tx, catalogs, limit, which);
    if (marks.length === 0) return { count: 0, due: new Set<string>() };
    const byCatalog = subscribersByCatalog(
      catalogs,
      bindings,
      [...(await settingsUnder(tx, mappingSetting('')))].map(([id]) => id),
    );
    for (const [catalog, subscribers] of byCatalog) {
      const own = marks.filter((mark) => mark.catalog === catalog);
      const cut = own.findLastIndex((mark) => mark.op === 'T');
      const truncated = own[cut];
      if (truncated !== undefined) {
        await holdTruncated(tx, subscribers, truncated.at);
        await releaseKeys(tx, subscribers, undefined);
        await forgetBulkMarks(tx, catalog, truncated.id);
      }
      // what was marked before the table was emptied speaks of rows that are gone
      const rest = own
        .slice(cut + 1)
        .filter((mark) => truncated === undefined || !mark.bulk || BigInt(mark.id) > BigInt(truncated.id));
      if (rest.some((mark) => mark.key === null)) await makeAllDue(tx, subscribers);
      for (const [movers, marked] of whoMoves(subscribers, rest))
        for (const moves of keyMoves(marked)) await moveKeys(tx, movers, moves);
      await releaseKeys(tx, subscribers, deletedKeys(rest));
      await makeDue(tx, dueRows(rest, byCatalog));
    }
    return { count: marks.length, due: new Set(marks.flatMap((mark) => byCatalog.get(mark.catalog) ?? [])) };
  }, byIndex);
}

/**
 * All who are to be told: those of this process, and those that others serve (two programs on one hub; a deploy under way that adds
 * one). What is marked is told once.
 */
function subscribersByCatalog(
  catalogs: readonly string[],
  bindings: readonly Binding[],
  started: readonly string[],
): Map<string, string[]> {
  const ids = [...new Set([...bindings.map(({ id }) => id), ...started])];
  return new Map(
    catalogs.flatMap((name): [string, string[]][] => {
      const own = ids.filter((id) => id.startsWith(`${name}/`) && !id.slice(name.length + 1).includes('/'));
      return own.length === 0 ? [] : [[name, own]];
    }),
  );
}

/**
 * Who must follow which changes of key. A subscriber that has changed one itself, since its remote did, has moved its link with it.
 */
function whoMoves(subscribers: readonly string[], marks: readonly MarkRow[]): [string[], readonly MarkRow[]][] {
  const changes = marks.filter(({ op }) => op === 'K');
  const own = new Set(changes.flatMap(({ origin }) => (origin !== null && subscribers.includes(origin) ? origin : [])));
  const others = subscribers.filter((one) => !own.has(one));
  const isOwn = (mark: MarkRow, one: string): boolean =>
    mark.op === 'K' && mark.origin === one && exceptOf(mark).includes(one);
  return [
    [others, marks],
    ...[...own].map((one): [string[], readonly MarkRow[]] => [[one], marks.filter((mark) => !isOwn(mark, one))]),
  ];
}

function exceptOf({ except_subscribers: except }: MarkRow): string[] {
  return except === null ? [] : (JSON.parse(except) as string[]);
}

interface Move {
  readonly from: RecordKey;
  readonly to: RecordKey;
}

/**
 * Moves of links, in rounds: those of a round happen at once. A record whose key changed twice moves once, from its first key to
 * its last; the rows of one statement change their keys at the same moment. A new round begins where a key has a second record:
 * the first was deleted there, or came after the one that moved away. Pure.
 */
export function keyMoves(marks: readonly MarkRow[]): Move[][] {
  const rounds: Move[][] = [];
  let round: Move[] = [];
  for (const statement of rekeyings(marks)) {
    const next = follow(round, statement);
    if (unambiguous(next)) {
      round = next;
      continue;
    }
    rounds.push(round);
    round = statement;
  }
  return [...rounds, round]
    .map((moves) => moves.filter(({ from, to }) => from !== to))
    .filter(({ length }) => length > 0);
}

/** The changes of key of each statement. */
function rekeyings(marks: readonly MarkRow[]): Move[][] {
  const statements = new Map<string, Move[]>();
  for (const [index, { op, old_key: from, key: to, statement }] of marks.entries()) {
    if (op !== 'K' || from === null || to === null) continue;
    const name = statement ?? `mark ${index}`;
    const moves = statements.get(name);
    if (moves === undefined) statements.set(name, [{ from, to }]);
    else moves.push({ from, to });
  }
  return [...statements.values()];
}

function follow(round: readonly Move[], statement: readonly Move[]): Move[] {
  const at = new Map(round.map(({ to }, index) => [to, index]));
  const next = [...round];
  for (const move of statement) {
    const index = at.get(move.from);
    if (index === undefined) next.push(move);
    else next[index] = { from: round[index]?.from ?? move.from, to: move.to };
  }
  return next;
}

function unambiguous(moves: readonly Move[]): boolean {
  const { size } = new Set(moves.map(({ from }) => from));
  return size === moves.length && new Set(moves.map(({ to }) => to)).size === moves.length;
}

/** Keys whose record was deleted, whether or not another took its place since. Pure. */
export function deletedKeys(marks: readonly MarkRow[]): RecordKey[] {
  return marks.flatMap((mark) => (mark.op === 'D' && mark.key !== null ? [mark.key] : []));
}

/**
 * One due row per subscriber and key. The last mark that speaks of the row itself says whether it was deleted; an update doesn't:
 * that of a line which its order took along comes after the deletion of the order. Pure.
 */
export function dueRows(marks: readonly MarkRow[], byCatalog: ReadonlyMap<string, readonly string[]>): DueRow[] {
  const rows = new Map<string, DueRow>();
  for (const mark of marks) {
    if (mark.key === null) continue;
    const except = exceptOf(mark);
    for (const subscriber of byCatalog.get(mark.catalog) ?? []) {
      if (except.includes(subscriber)) continue;
      const id = JSON.stringify([subscriber, mark.key]);
      const deleted = mark.op === 'U' ? rows.get(id)?.deleted : mark.op === 'D';
      const before = rows.get(id);
      // told late: what else was marked tells of a later edit
      if (mark.bulk && before?.lane === 0) continue;
      rows.set(id, { subscriber, key: mark.key, lane: mark.bulk ? 1 : 0, at: mark.at, by: mark.origin, deleted });
    }
  }
  return [...rows.values()];
}
