/**
 * The full comparison: every record against its remote, field by field, and what stands on one side only. It lists pages and reads
 * no single remote; what it keeps is a bit for each link, counts, and a bounded list of differences.
 */
import type { RecordKey } from '../catalog/key.js';
import { type Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { loadRecords } from '../engine/records.js';
import { loadReferences } from '../engine/references.js';
import { reading } from '../inward/reading.js';
import { hintsAbout, hubTime, linkStandings } from '../store/drift.js';
import { asMapped } from '../merge/mapped-shadow.js';
import { findLinks, type FoundLink } from '../store/links.js';
import { compareRecord, type Difference, type DriftCount, type FieldDrift } from './drift.js';
import { queueRepairs, tooManyUnlisted } from './repair.js';
import { Seen } from './seen.js';
import { Tally, type Totals } from './tally.js';

export interface VerifyReport {
  readonly subscriber: string;
  /** Records that were compared with their remote. */
  readonly compared: number;
  /** Of them, those that agree in every field. */
  readonly equal: number;
  /** Fields that differ only by what the remote makes of them (rounding, case), as agreed. */
  readonly normalised: number;
  /** Every difference, counted by field and cause; `(record)` is one that stands on one side only. */
  readonly table: readonly DriftCount[];
  /** The first 10,000. */
  readonly differences: readonly Difference[];
  /** How many more there are. */
  readonly moreDifferences: number;
  /** Records and remotes that a repair has queued: they are merged by their ordinary passes. */
  readonly repairing: number;
  /** Why a repair left what the listing didn't show alone. */
  readonly held: string | undefined;
  /** Why nothing was compared: the table isn't there, or isn't as the catalog says. */
  readonly refused?: string;
}

export interface VerifyOptions {
  /** Queue what differs for a merge by authority. False unless given. */
  readonly repair?: boolean;
  readonly signal?: AbortSignal;
}

/** Of a subscriber whose records can't be read. */
export const refusedReport = (subscriber: string, refused: string): VerifyReport => ({
  subscriber,
  compared: 0,
  equal: 0,
  normalised: 0,
  table: [],
  differences: [],
  moreDifferences: 0,
  repairing: 0,
  held: undefined,
  refused,
});

/** Where a sweep stands, to go on from there. */
export interface SweepProgress {
  readonly startedAt?: string;
  readonly listCursor?: string;
  readonly listDone?: boolean;
  readonly hubAfter?: RecordKey;
  readonly totals?: Totals;
  readonly seen?: Readonly<Record<string, string>>;
}

/** A comparison that is kept in the hub while it goes on. */
export interface Kept {
  /** Names the sweep: a page that is repeated after a crash queues nothing twice. */
  readonly id: string;
  readonly progress: SweepProgress;
  readonly save: (progress: SweepProgress) => Promise<void>;
}

const pageSize = 500;

/**
 * Compares one subscriber's catalog with its remotes.
 * @throws ReadFailure where the list can't be read to its end: nothing is said, and nothing done, about what it hadn't shown by then
 */
export function verify(
  env: Environment,
  binding: Binding,
  options: VerifyOptions = {},
  kept?: Kept,
): Promise<VerifyReport> {
  const attributes = { catalog: binding.catalog.definition.name, subscriber: binding.id };
  return env.tracing.during('verify', { attributes }, async (span) => {
    const report = await compare(env, binding, options, kept);
    const { compared, equal, repairing } = report;
    span?.set({ compared, equal, repairing, differences: report.differences.length + report.moreDifferences });
    return report;
  });
}

async function compare(
  env: Environment,
  binding: Binding,
  { repair = false, signal }: VerifyOptions,
  kept: Kept | undefined,
): Promise<VerifyReport> {
  const before = kept?.progress ?? {};
  const sweep: Sweep = {
    env,
    binding,
    id: kept?.id ?? env.newId(),
    repair,
    startedAt: before.startedAt ?? (await hubTime(env.db)),
    seen: Seen.of(before.seen),
    tally: new Tally(before.totals),
  };
  const save = async (where: Pick<SweepProgress, 'listCursor' | 'listDone' | 'hubAfter'>): Promise<void> =>
    kept?.save({ ...where, startedAt: sweep.startedAt, totals: sweep.tally.totals, seen: sweep.seen.toJSON() });
  let { listCursor } = before;
  for (let listed = before.listDone === true; !listed;) {
    signal?.throwIfAborted();
    listCursor = await comparePage(sweep, listCursor);
    listed = listCursor === undefined;
    await save(listCursor === undefined ? { listDone: true } : { listCursor });
  }
  let after = before.hubAfter;
  do {
    signal?.throwIfAborted();
    after = await findMissing(sweep, after);
    if (after !== undefined) await save({ listDone: true, hubAfter: after });
  } while (after !== undefined);
  const held = tooManyUnlisted(binding, sweep.tally.notListed, sweep.tally.compared);
  if (repair && held === undefined && sweep.tally.notListed > 0) await askForUnlisted(sweep, signal);
  return reportOf(sweep, repair ? held : undefined);
}

interface Sweep {
  readonly env: Environment;
  readonly binding: Binding;
  readonly id: string;
  readonly repair: boolean;
  readonly startedAt: string;
  /** Links whose remote was listed. */
  readonly seen: Seen;
  readonly tally: Tally;
}

function reportOf({ binding, tally }: Sweep, held: string | undefined): VerifyReport {
  const { compared, equal, repairing, table, differences } = tally;
  return {
    subscriber: binding.id,
    compared,
    equal,
    normalised: tally.countOf(['normalised']),
    table,
    differences,
    moreDifferences: tally.total - differences.length,
    repairing,
    held,
  };
}

/** Something that differs, with the link that it is about. */
interface Suspect {
  readonly link: FoundLink | undefined;
  readonly field: string;
  readonly difference: Omit<Difference, 'parked' | 'subscriber'>;
}

/** Returns the cursor of the next page; undefined after the last. */
async function comparePage(sweep: Sweep, cursor: string | undefined): Promise<string | undefined> {
  const { env, binding, tally } = sweep;
  const { subscriber, catalog } = binding;
  const since = await hubTime(env.db);
  const page = await reading(env, binding, 'its list', () => subscriber.list(cursor));
  const remotes = page.remotes
    .filter((remote) => subscriber.accepts(remote))
    .map((remote) => ({ remote, remoteId: subscriber.identify(remote), marked: subscriber.keyOf(remote) }));
  const links = await linksOf(sweep, remotes);
  const keys = remotes.flatMap(({ remoteId }) => links.get(`@${remoteId}`)?.key ?? []);
  const records = await loadRecords(env.db, catalog, keys);
  const resolver = await loadReferences(env.db, binding, {
    records: records.all,
    remotes: remotes.map(({ remote }) => remote),
  });
  const suspects = remotes.flatMap(({ remote, remoteId, marked }): Suspect[] => {
    const link = links.get(`@${remoteId}`);
    if (link !== undefined) sweep.seen.add(link.id);
    if (link?.state === 'gone' || link?.state === 'excluded') return [];
    if (link?.key === undefined) return stranger(binding, link, remoteId, marked, links);
    const problem = records.problem(link.key);
    if (problem !== undefined) return [unreadable(link, link.key, remoteId, problem)];
    const { record } = records.get(link.key);
    if (record === undefined) return [rowMissing(link, remoteId)];
    const { drifts, normalised } = compareRecord(binding, link, record, remote, resolver);
    tally.compared += 1;
    if (drifts.length === 0) tally.equal += 1;
    for (const field of normalised) tally.normalised(field);
    return drifts.map((drift) => fieldSuspect(link, remoteId, drift));
  });
  await conclude(sweep, suspects, since);
  env.emit('progress', { subscriber: binding.id, kind: 'verify', done: tally.compared, total: undefined });
  return page.cursor;
}

/** Links of listed remotes, as `@id`, and of the records that their markers name, by key. */
async function linksOf(
  { env, binding }: Sweep,
  remotes: readonly { readonly remoteId: string; readonly marked: RecordKey | undefined }[],
): Promise<ReadonlyMap<string, FoundLink>> {
  const found = await findLinks(
    env.db,
    remotes.flatMap(({ remoteId, marked }) => [
      { subscriber: binding.id, remoteId },
      ...(marked === undefined ? [] : [{ subscriber: binding.id, key: marked }]),
    ]),
  );
  const placed = (link: FoundLink): FoundLink => ({ ...link, shadow: asMapped(binding.mapping, link.shadow) });
  return new Map(
    found
      .map(placed)
      .flatMap((link): [string, FoundLink][] => [
        ...(link.key === undefined ? [] : [[link.key, link] as [string, FoundLink]]),
        ...(link.remoteId === undefined ? [] : [[`@${link.remoteId}`, link] as [string, FoundLink]]),
      ]),
  );
}

/** A remote that no record stands for. */
function stranger(
  { policies }: Binding,
  link: FoundLink | undefined,
  remoteId: string,
  marked: RecordKey | undefined,
  links: ReadonlyMap<string, FoundLink>,
): Suspect[] {
  const suspect = (difference: Pick<Difference, 'kind' | 'cause' | 'repair'>): Suspect[] => [
    { link, field: '(record)', difference: { key: marked, remoteId, ...difference } },
  ];
  const theirs = marked === undefined ? undefined : links.get(marked)?.remoteId;
  if (theirs !== undefined && theirs !== remoteId)
    return suspect({
      kind: 'twin',
      cause: 'twin',
      repair: { action: 'park', rule: `its record has the remote ${theirs}` },
    });
  if (marked === undefined && policies.createInward === 'ignore') return [];
  const repair =
    marked !== undefined
      ? ({ action: 'make-here', rule: 'it bears our marker: paired with its record, or parked' } as const)
      : policies.createInward === 'park'
        ? ({ action: 'park', rule: 'createInward is "park"' } as const)
        : ({ action: 'make-here', rule: 'nobody here knows it' } as const);
  return suspect({ kind: 'only-there', cause: 'unseen', repair });
}

/** Its row can't be read, or `extract` or `where` throws: nothing can be said of it, and its pass would park it. */
function unreadable(
  link: FoundLink | undefined,
  key: RecordKey,
  remoteId: string | undefined,
  problem: string,
): Suspect {
  const repair = { action: 'park', rule: `it can't be read: ${problem}` } as const;
  return { link, field: '(record)', difference: { key, remoteId, kind: 'field', cause: 'unreadable', repair } };
}

function rowMissing(link: FoundLink, remoteId: string): Suspect {
  const repair = { action: 'park', rule: 'no DELETE of its row was seen' } as const;
  return {
    link,
    field: '(record)',
    difference: { key: link.key, remoteId, kind: 'only-there', cause: 'row-missing', repair },
  };
}

function fieldSuspect(link: FoundLink, remoteId: string, { unit, field, cause, repair }: FieldDrift): Suspect {
  return { link, field, difference: { key: link.key, remoteId, kind: 'field', unit, cause, repair } };
}

/** What is known of a suspect decides whether it is drift: some are parked, or are being synced at this moment. */
async function judged(
  { env, binding }: Sweep,
  suspects: readonly Suspect[],
  since: string,
): Promise<{ readonly field: string; readonly difference: Difference }[]> {
  if (suspects.length === 0) return [];
  // in the order in which a hint becomes a due link: read the other way round, one that is routed in between is seen nowhere
  const hints = await hintsAbout(env.db, {
    catalog: binding.catalog.definition.name,
    subscriber: binding.id,
    keys: suspects.flatMap(({ difference: { key } }) => key ?? []),
    remoteIds: suspects.flatMap(({ difference: { remoteId } }) => remoteId ?? []),
  });
  const standings = await linkStandings(
    env.db,
    suspects.flatMap(({ link }) => link?.id ?? []),
    since,
  );
  return suspects.map(({ link, field, difference }) => {
    const standing = link === undefined ? undefined : standings.get(link.id);
    const { key = '', remoteId = '' } = difference;
    const isMoving = standing?.moving === true || link?.busy === true || hints.has(key) || hints.has(`@${remoteId}`);
    return { field, difference: concluded(binding, difference, standing?.parked, isMoving) };
  });
}

/** Counts what differs, and queues it where it is to be repaired. What a listing didn't show waits for its end. */
async function conclude(sweep: Sweep, suspects: readonly Suspect[], since: string): Promise<void> {
  const { env, binding, id, tally } = sweep;
  const known = await judged(sweep, suspects, since);
  for (const { field, difference } of known) {
    tally.add(difference, field);
    if (difference.cause === 'not-listed') tally.notListed += 1;
  }
  const listed = known.map(({ difference }) => difference).filter(({ cause }) => cause !== 'not-listed');
  if (sweep.repair) tally.repairing += await queueRepairs(env, binding, id, listed);
}

function concluded(
  binding: Binding,
  difference: Suspect['difference'],
  parked: string | undefined,
  isMoving: boolean,
): Difference {
  const base = { ...difference, subscriber: binding.id, parked: parked !== undefined };
  if (parked !== undefined)
    return { ...base, cause: 'parked', repair: { action: 'none', rule: `it is parked as ${parked}` } };
  if (isMoving) return { ...base, cause: 'waiting', repair: { action: 'none', rule: 'it is about to be synced' } };
  return base;
}

interface HubPage {
  readonly suspects: readonly Suspect[];
  /** Undefined: it was the last. */
  readonly after: RecordKey | undefined;
}

/** Records whose remote the listing didn't show. */
async function unlistedPage({ env, binding, seen }: Sweep, after: RecordKey | undefined): Promise<HubPage> {
  const { keys } = await binding.catalog.rows.page(env.db, after, pageSize);
  const found = await findLinks(
    env.db,
    keys.map((key) => ({ subscriber: binding.id, key })),
  );
  const links = new Map(found.map((link) => [link.key, link]));
  const unlisted = keys.filter((key) => {
    const link = links.get(key);
    return link === undefined || (!seen.has(link.id) && link.state !== 'excluded' && link.state !== 'gone');
  });
  const records = await loadRecords(env.db, binding.catalog, unlisted);
  const suspects = unlisted.flatMap((key): Suspect[] => {
    const link = links.get(key);
    const problem = records.problem(key);
    if (problem !== undefined) return [unreadable(link, key, link?.remoteId, problem)];
    const { record } = records.get(key);
    if (record === undefined || !binding.subscriber.where(record)) return [];
    if (link?.remoteId === undefined && binding.policies.createOutward !== 'propagate') return [];
    const difference =
      link?.remoteId === undefined
        ? ({ cause: 'unsent', repair: { action: 'make-there', rule: 'it has no remote' } } as const)
        : ({ cause: 'not-listed', repair: { action: 'ask', rule: 'only its own answer counts' } } as const);
    return [
      {
        link,
        field: '(record)',
        difference: { key, remoteId: link?.remoteId, kind: 'only-here', ...difference },
      },
    ];
  });
  return { suspects, after: keys.length < pageSize ? undefined : keys.at(-1) };
}

async function findMissing(sweep: Sweep, from: RecordKey | undefined): Promise<RecordKey | undefined> {
  const { suspects, after } = await unlistedPage(sweep, from);
  await conclude(sweep, suspects, sweep.startedAt);
  return after;
}

/** A second walk, once it is known that they are few: their remotes are read, and only `gone` or a deletion's event is proof. */
async function askForUnlisted(sweep: Sweep, signal: AbortSignal | undefined): Promise<void> {
  const { env, binding, id, tally } = sweep;
  let from: RecordKey | undefined;
  do {
    signal?.throwIfAborted();
    const { suspects, after } = await unlistedPage(sweep, from);
    const known = await judged(sweep, suspects, sweep.startedAt);
    const asked = known.map(({ difference }) => difference).filter(({ cause }) => cause === 'not-listed');
    tally.repairing += await queueRepairs(env, binding, id, asked);
    from = after;
  } while (from !== undefined);
}
