/**
 * A load brings remotes by the thousand. Those that no record stands for are taken in by pages: read, judged, merged and written
 * in one transaction. What must be decided after another of its page, and a page that fails, is left to be done one by one.
 */
import type { Binding } from '../engine/binding.js';
import { extractRecord } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { loadReferences } from '../engine/references.js';
import { emitResult, writeResults, type Result } from '../engine/result.js';
import { SyncflowError } from '../errors.js';
import type { Merged } from '../merge/merge.js';
import type { Resolver } from '../merge/project.js';
import type { AnyRecord } from '../catalog/catalog.js';
import { sqlState, type Queryable } from '../store/database.js';
import { holdLeases, type Link } from '../store/links.js';
import { announceWriter } from '../store/marks.js';
import { giveWay, refused, rulesOf, type Adopted } from './adopt.js';
import {
  appliedResult,
  failure,
  keepsPair,
  mergeSeen,
  pairedOnly,
  prepareRow,
  Refusal,
  saveRow,
  seenAt,
  type Loaded,
  type Observation,
} from './apply.js';
import { isReadable } from './candidates.js';
import { factsOf, sameness, type Stranger } from './facts.js';
import { judge, type Verdict } from './judge.js';

/** Of a link whose listing showed a remote that nobody knows. */
export type Listed = Link & { readonly remoteId: string };

/** Whether a link can be taken in with its page: a listing has shown its remote, and whom it may belong to is known here. */
export function isListed(link: Link): link is Listed {
  return link.key === undefined && link.remoteId !== undefined && link.sight !== undefined && link.state === 'new';
}

/** Takes in a page; returns the links that are left. Those whose lease was lost are left as they are. */
export async function absorb(env: Environment, binding: Binding, links: readonly Listed[]): Promise<readonly Listed[]> {
  const page = links.filter((link) => isReadable(binding, link.sight));
  if (page.length < 2) return links;
  const unreadable = links.filter((link) => !page.includes(link));
  try {
    const { results, left } = await env.db.transaction((tx) => absorbInside(env, tx, binding, page));
    for (const result of results) emitResult(env, result);
    return [...unreadable, ...left];
  } catch (error) {
    if (!isOfOneRecord(error)) return links;
    const half = Math.ceil(page.length / 2);
    const first = await absorb(env, binding, page.slice(0, half));
    return [...unreadable, ...first, ...(await absorb(env, binding, page.slice(half)))];
  }
}

/** One record of the page is to blame: its constraint, its value, its trigger, or the user's own `save`. */
function isOfOneRecord(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return /^(22|23|P0)/.test(state);
  return !(error instanceof SyncflowError && error.code === 'database');
}

interface Judged {
  readonly link: Listed;
  readonly seen: Observation;
  readonly verdict: Verdict;
}

interface Absorbed {
  readonly results: readonly Result[];
  readonly left: readonly Listed[];
}

async function absorbInside(
  env: Environment,
  tx: Queryable,
  binding: Binding,
  links: readonly Listed[],
): Promise<Absorbed> {
  const held = await holdLeases(tx, links);
  const { judged, left } = await judgePage(
    tx,
    binding,
    links.filter((link) => held.has(link.id)),
  );
  const { rows, resolver } = await readHub(tx, binding, judged);
  const writer = new Writer(tx, binding);
  const adopted: Adopted[] = [];
  const results: Result[] = [];
  for (const one of judged) {
    const { verdict, link, seen } = one;
    if (verdict.kind !== 'adopt' && verdict.kind !== 'create') {
      results.push(refused(binding, link, seen, verdict));
      continue;
    }
    const before = verdict.kind === 'adopt' ? rows.get(verdict.key) : undefined;
    if (verdict.kind === 'adopt' && before?.record === undefined) {
      left.push(link); // it was deleted just now
      continue;
    }
    const outcome = await applyOne(env, writer, one, before, resolver);
    results.push(outcome.result);
    if (verdict.kind === 'adopt' && outcome.paired) adopted.push(verdict);
  }
  await giveWay(tx, adopted);
  const settled = await writeResults(tx, binding, results);
  return { results: results.filter(({ settlement }) => settled.has(settlement.link.id)), left };
}

/** Two that may be one record's are not judged together: the second must see what became of the first. */
async function judgePage(
  tx: Queryable,
  binding: Binding,
  links: readonly Listed[],
): Promise<{ judged: Judged[]; left: Listed[] }> {
  const strangers = links.map((link): Stranger => ({ link, remote: link.sight, remoteId: link.remoteId }));
  const facts = await factsOf(tx, binding, strangers);
  const rules = rulesOf(binding);
  const judged: Judged[] = [];
  const left: Listed[] = [];
  const taken = new Set<string>();
  for (const [index, link] of links.entries()) {
    const known = facts[index];
    if (known === undefined) continue;
    const verdict = judge(known, rules);
    const seen = { remote: link.sight, remoteId: link.remoteId };
    // what is set aside takes nothing from anybody
    const same = verdict.kind === 'adopt' || verdict.kind === 'create' ? sameness(binding, known, link.sight) : [];
    const isAlone = !same.some((name) => taken.has(name));
    for (const name of same) taken.add(name);
    if (isAlone) judged.push({ link, seen, verdict });
    else left.push(link);
  }
  return { judged, left };
}

async function readHub(
  tx: Queryable,
  binding: Binding,
  judged: readonly Judged[],
): Promise<{ rows: Map<string, Loaded>; resolver: Resolver }> {
  const keys = judged.flatMap(({ verdict }) => (verdict.kind === 'adopt' ? [verdict.key] : []));
  const found = await binding.catalog.rows.load(tx, keys, { lock: true });
  const rows = new Map<string, Loaded>();
  for (const [key, row] of found) rows.set(key, { row, record: recordOf(binding, row) });
  const resolver = await loadReferences(tx, binding, {
    records: [...rows.values()].map(({ record }) => record).filter((record) => record !== undefined),
    remotes: judged.map(({ seen }) => seen.remote),
  });
  return { rows, resolver };
}

function recordOf(binding: Binding, row: AnyRecord): AnyRecord | undefined {
  return extractRecord(binding.catalog, row).record;
}

/** `paired`: the record belongs to the remote from now on. */
async function applyOne(
  env: Environment,
  writer: Writer,
  { link, seen, verdict }: Judged,
  before: Loaded | undefined,
  resolver: Resolver,
): Promise<{ result: Result; paired: boolean }> {
  const { binding } = writer;
  const key = verdict.kind === 'adopt' ? verdict.key : undefined;
  let merged: Merged;
  let next: AnyRecord | undefined;
  let nowMs = 0;
  try {
    merged = mergeSeen(binding, link, seen, { record: before?.record, resolver });
    if (merged.changesHub || before === undefined) {
      nowMs = await writer.announce(seenAt(binding, link, seen));
      next = prepareRow(binding, link, merged, before, nowMs);
    }
  } catch (error) {
    if (sqlState(error) !== undefined) throw error;
    const result = failure(env, binding, link, seen, error);
    if (key === undefined || error instanceof Refusal || !keepsPair(result)) return { result, paired: false };
    return { result: pairedOnly(binding, result, key, seen), paired: true };
  }
  const written = next === undefined ? undefined : await saveRow(writer.tx, binding, next, before);
  const result = appliedResult(binding, link, seen, {
    merged,
    before: before?.record,
    after: written?.record ?? before?.record ?? {},
    key: written?.key ?? key,
    created: before === undefined,
    adopted: key !== undefined,
    nowMs,
  });
  return { result, paired: key !== undefined };
}

/** Who writes in this transaction, and when what it carries over was edited: announced as often as that changes. */
class Writer {
  readonly tx: Queryable;
  readonly binding: Binding;
  #announced: { readonly editedAt: string | undefined; readonly nowMs: number } | undefined;

  constructor(tx: Queryable, binding: Binding) {
    this.tx = tx;
    this.binding = binding;
  }

  async announce(editedAt: string | undefined): Promise<number> {
    if (this.#announced === undefined || this.#announced.editedAt !== editedAt) {
      const nowMs = await announceWriter(this.tx, this.binding.id, editedAt);
      this.#announced = { editedAt, nowMs };
    }
    return this.#announced.nowMs;
  }
}
