/**
 * Sights of remotes come in by the dozen and by the thousand. Those that change the hub are applied by pages: read, judged, merged
 * and written in one transaction. What must be decided after another of its page, what somebody else has locked, and a page that
 * fails, is left to be done one by one.
 */
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { loadReferences } from '../engine/references.js';
import { emitResult, writeResults, type Result } from '../engine/result.js';
import { SyncflowError } from '../errors.js';
import { asLate } from '../inward/late.js';
import type { Merged } from '../merge/merge.js';
import type { Resolver } from '../merge/project.js';
import { isBraked } from '../outward/brake.js';
import { sqlState, type Queryable } from '../store/database.js';
import { holdLeases, type Link } from '../store/links.js';
import { announceWriter } from '../store/marks.js';
import { giveWay, refused, rulesOf, unseenCreatesOf, type Adopted, type Refused } from './adopt.js';
import {
  appliedResult,
  failure,
  keepsPair,
  mergeSeen,
  pairedOnly,
  prepareRow,
  Refusal,
  seenAt,
  type Observation,
} from './apply.js';
import { isReadable } from './candidates.js';
import { factsOf, sameness, type Stranger } from './facts.js';
import { judge } from './judge.js';
import { loadRows, saveRows, settlesOwn, type Loaded, type Saved, type Saving } from './save.js';

/** What was seen of a link's remote. */
export interface Sighting {
  readonly link: Link;
  readonly seen: Observation;
}

/**
 * Several rows are locked by a page, in an order that isn't a user's: it must give up long before the database, looking for deadlocks
 * (after a second), picks the user's transaction to end.
 */
const lockTimeoutMs = 250;

/** Applies a page; returns what is left. Those whose lease was lost are left as they are. */
export async function applyPage(
  env: Environment,
  binding: Binding,
  sightings: readonly Sighting[],
): Promise<readonly Sighting[]> {
  const page = sightings.filter((one) => canGoTogether(binding, one));
  if (page.length < 2) return sightings;
  const others = sightings.filter((one) => !page.includes(one));
  try {
    const { results, left } = await env.db.transaction((tx) => applyTogether(env, tx, binding, page), {
      byIndex: 'unordered',
      lockTimeoutMs,
    });
    for (const result of results) emitResult(env, result);
    return [...others, ...left];
  } catch (error) {
    if (!isOfOneRecord(error)) return sightings;
    const half = Math.ceil(page.length / 2);
    const first = await applyPage(env, binding, page.slice(0, half));
    return [...others, ...first, ...(await applyPage(env, binding, page.slice(half)))];
  }
}

/** Each update that is counted must see those before it; and whom a remote belongs to can't be told by values that its lens refuses. */
function canGoTogether(binding: Binding, { link, seen }: Sighting): boolean {
  return link.key === undefined ? isReadable(binding, seen.remote) : !isBraked(binding, link);
}

/** One record of the page is to blame: its constraint, its value, its trigger, or the user's own `save`. */
function isOfOneRecord(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return /^(22|23|P0)/.test(state);
  return !(error instanceof SyncflowError && error.code === 'database');
}

/** A sighting, and what is to become of it: it belongs to a record, or becomes one, or neither. */
interface Judged extends Sighting {
  /** As it was handed in: what is left goes back as that. */
  readonly given: Sighting;
  readonly fate: { readonly kind: 'known'; readonly key: RecordKey } | { readonly kind: 'create' } | Adopted | Refused;
}

interface Applied {
  readonly results: readonly Result[];
  readonly left: readonly Sighting[];
}

async function applyTogether(
  env: Environment,
  tx: Queryable,
  binding: Binding,
  sightings: readonly Sighting[],
): Promise<Applied> {
  const held = await holdLeases(
    tx,
    sightings.map(({ link }) => link),
  );
  const { judged, left } = await judgePage(
    tx,
    binding,
    sightings.filter(({ link }) => held.has(link.id)),
  );
  const { rows, resolver } = await readHub(tx, binding, judged);
  const unseen = await unseenCreatesOf(
    tx,
    judged.flatMap(({ fate }) => (fate.kind === 'adopt' ? fate : [])),
  );
  const nowMs = await announceWriter(tx, { origin: binding.id, editedAt: undefined });
  const merges: Merging[] = [];
  const results: Result[] = [];
  const adopted: Adopted[] = [];
  for (const one of judged) {
    const { fate } = one;
    if (isRefused(fate)) {
      results.push(refused(binding, one.link, one.seen, fate));
      continue;
    }
    const before = 'key' in fate ? rows.get(fate.key) : undefined;
    if ('key' in fate && before?.record === undefined) {
      left.push(one.given); // it was deleted just now, or somebody is at it
      continue;
    }
    const late = fate.kind === 'adopt' ? unseen.get(fate.own?.id ?? '') : undefined;
    const seen = asLate(binding, one.link, one.seen, late ?? []);
    const outcome = mergeOne(env, binding, { ...one, seen }, before, resolver, nowMs);
    if ('merged' in outcome) merges.push(outcome);
    else results.push(outcome.result);
    if (fate.kind === 'adopt' && ('merged' in outcome || outcome.paired)) adopted.push(fate);
  }
  results.push(...(await writePage(tx, binding, merges, { resolver, nowMs })));
  await giveWay(tx, adopted);
  const settled = await writeResults(tx, binding, results);
  return { results: results.filter(({ settlement }) => settled.has(settlement.link.id)), left };
}

function isRefused(fate: Judged['fate']): fate is Refused {
  return fate.kind !== 'known' && fate.kind !== 'create' && fate.kind !== 'adopt';
}

/** Two that may be one record's are not judged together: the second must see what became of the first. */
async function judgePage(
  tx: Queryable,
  binding: Binding,
  sightings: readonly Sighting[],
): Promise<{ judged: Judged[]; left: Sighting[] }> {
  const strangers = sightings.filter(({ link }) => link.key === undefined);
  const facts = await factsOf(
    tx,
    binding,
    strangers.map(({ link, seen }): Stranger => ({ link, ...seen })),
  );
  const rules = rulesOf(binding);
  const judged: Judged[] = [];
  const left: Sighting[] = [];
  const taken = new Set<string>();
  for (const one of sightings)
    if (one.link.key !== undefined) judged.push({ ...one, given: one, fate: { kind: 'known', key: one.link.key } });
  for (const [index, one] of strangers.entries()) {
    const known = facts[index];
    if (known === undefined) continue;
    const fate = judge(known, rules);
    // what is set aside takes nothing from anybody
    const same = isRefused(fate) ? [] : sameness(binding, known, one.seen.remote);
    const isAlone = !same.some((name) => taken.has(name));
    for (const name of same) taken.add(name);
    if (isAlone) judged.push({ ...one, given: one, fate });
    else left.push(one);
  }
  return { judged, left };
}

async function readHub(
  tx: Queryable,
  binding: Binding,
  judged: readonly Judged[],
): Promise<{ rows: Map<RecordKey, Loaded>; resolver: Resolver }> {
  const keys = judged.flatMap(({ fate }) => ('key' in fate && !isRefused(fate) ? [fate.key] : []));
  const rows = await loadRows(tx, binding.catalog, keys, 'free');
  const resolver = await loadReferences(tx, binding, {
    records: [...rows.values()].map(({ record }) => record).filter((record) => record !== undefined),
    remotes: judged.map(({ seen }) => seen.remote),
  });
  return { rows, resolver };
}

/** A sighting that was merged, and what of it is to be written. */
interface Merging extends Judged {
  readonly merged: Merged;
  readonly before: Loaded | undefined;
  readonly next: AnyRecord | undefined;
}

/** `paired`: the record belongs to the remote from now on. */
interface Failed {
  readonly result: Result;
  readonly paired: boolean;
}

function mergeOne(
  env: Environment,
  binding: Binding,
  one: Judged,
  before: Loaded | undefined,
  resolver: Resolver,
  nowMs: number,
): Merging | Failed {
  const { link, seen, fate } = one;
  try {
    const merged = mergeSeen(binding, link, seen, { record: before?.record, resolver });
    const writes = merged.changesHub || before === undefined;
    return { ...one, merged, before, next: writes ? prepareRow(binding, link, merged, before, nowMs) : undefined };
  } catch (error) {
    const result = failure(env, binding, link, seen, error);
    if (fate.kind !== 'adopt' || error instanceof Refusal || !keepsPair(result)) return { result, paired: false };
    return { result: pairedOnly(binding, result, fate.key, seen), paired: true };
  }
}

/** Writes the rows of a page. When what it carries over was edited is announced as often as that changes. */
async function writePage(
  tx: Queryable,
  binding: Binding,
  merges: readonly Merging[],
  at: { readonly resolver: Resolver; readonly nowMs: number },
): Promise<Result[]> {
  const saved = new Map<Merging, Saved>();
  const groups = new Map<string | undefined, (Merging & Saving)[]>();
  for (const one of merges) {
    if (!isToBeSaved(one)) continue;
    const editedAt = seenAt(binding, one.link, one.seen);
    groups.set(editedAt, [...(groups.get(editedAt) ?? []), one]);
  }
  for (const [editedAt, group] of groups) {
    const keys = group.flatMap(({ fate }) => ('key' in fate ? fate.key : []));
    await announceWriter(tx, { origin: binding.id, editedAt, settles: settlesOwn(binding, keys) });
    const written = await saveRows(tx, binding, group);
    for (const [index, one] of group.entries()) {
      const row = written[index];
      if (row !== undefined) saved.set(one, row);
    }
  }
  return merges.map((one) => {
    const { link, seen, fate, merged, before } = one;
    const row = saved.get(one);
    return appliedResult(binding, link, seen, {
      ...at,
      merged,
      before: before?.record,
      saved: row?.record,
      key: row?.key ?? ('key' in fate ? fate.key : undefined),
      adopted: fate.kind === 'adopt',
    });
  });
}

function isToBeSaved(one: Merging): one is Merging & Saving {
  return one.next !== undefined;
}
