/** The full comparison: every record against its remote, field by field, and what stands on one side only. */
import { own } from '../catalog/own.js';
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import { extractRecord, type Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { loadReferences } from '../engine/references.js';
import { reading } from '../inward/reading.js';
import { hubChildren } from '../merge/child-pairs.js';
import { childrenById, get, hubText, put, remoteValue, type Resolver } from '../merge/project.js';
import { sameRemote, type Pair, type Pairs } from '../merge/shadow.js';
import { findLinks, type Link } from '../store/links.js';
import { parkedKeys } from '../store/overview.js';
import type { ChildMapping, Unit } from '../subscriber/compile.js';

export interface Difference {
  readonly subscriber: string;
  readonly key: RecordKey | undefined;
  readonly remoteId: string | undefined;
  /** `field`: values differ · `only-here`, `only-there`: no counterpart · `twin`: a second remote of the same record. */
  readonly kind: 'field' | 'only-here' | 'only-there' | 'twin';
  readonly unit?: string;
  /** The record is parked, so that the difference is known and waits for a person. */
  readonly parked: boolean;
}

export interface VerifyReport {
  readonly subscriber: string;
  readonly compared: number;
  readonly equal: number;
  /** Fields that differ only by what the remote makes of them (rounding, case), as agreed. */
  readonly normalised: number;
  readonly differences: readonly Difference[];
}

const pageSize = 500;

/** Compares one subscriber's catalog with its remotes. Reads only. */
export async function verify(env: Environment, binding: Binding): Promise<VerifyReport> {
  const state: State = {
    compared: 0,
    equal: 0,
    normalised: 0,
    differences: [],
    seen: new Map(),
    parked: await parkedKeys(env.db, binding.id),
  };
  let cursor: string | undefined;
  do {
    const page = await reading(env, binding, 'its list', () => binding.subscriber.list(cursor));
    await comparePage(
      env,
      binding,
      page.remotes.filter((remote) => binding.subscriber.accepts(remote)),
      state,
    );
    cursor = page.cursor;
    env.emit('progress', { subscriber: binding.id, kind: 'verify', done: state.compared, total: undefined });
  } while (cursor !== undefined);
  await findMissing(env, binding, state);
  return {
    subscriber: binding.id,
    compared: state.compared,
    equal: state.equal,
    normalised: state.normalised,
    differences: state.differences,
  };
}

interface State {
  compared: number;
  equal: number;
  normalised: number;
  readonly differences: Difference[];
  /** Record keys whose remote was listed, with its id. */
  readonly seen: Map<RecordKey, string>;
  readonly parked: ReadonlySet<string>;
}

async function comparePage(
  env: Environment,
  binding: Binding,
  remotes: readonly unknown[],
  state: State,
): Promise<void> {
  const { subscriber, catalog } = binding;
  const ids = remotes.map((remote) => subscriber.identify(remote));
  const links = new Map(
    (
      await findLinks(
        env.db,
        ids.map((remoteId) => ({ subscriber: binding.id, remoteId })),
      )
    ).map((link) => [link.remoteId, link]),
  );
  const keys = [...links.values()].flatMap((link) => link.key ?? []);
  const rows = await catalog.rows.load(env.db, keys);
  const records = new Map(keys.map((key) => [key, extractRecord(catalog, rows.get(key)).record]));
  const resolver = await loadReferences(env.db, binding, {
    records: [...records.values()].filter((record) => record !== undefined),
    remotes,
  });
  for (const [index, remote] of remotes.entries()) {
    const remoteId = ids[index] ?? '';
    const link = links.get(remoteId);
    if (link?.state === 'gone' || link?.state === 'excluded') continue;
    const record = link?.key === undefined ? undefined : records.get(link.key);
    if (link?.key === undefined || record === undefined) {
      reportStranger(binding, remote, remoteId, state);
      continue;
    }
    if (state.seen.has(link.key)) add(state, { subscriber: binding.id, key: link.key, remoteId, kind: 'twin' });
    state.seen.set(link.key, remoteId);
    compareRecord(binding, link, link.key, record, remote, resolver, state);
  }
}

function reportStranger(binding: Binding, remote: unknown, remoteId: string, state: State): void {
  const marked = binding.subscriber.keyOf(remote);
  const twin = marked !== undefined && state.seen.has(marked);
  if (marked === undefined && binding.policies.createInward === 'ignore') return;
  add(state, { subscriber: binding.id, key: marked, remoteId, kind: twin ? 'twin' : 'only-there' });
}

function compareRecord(
  binding: Binding,
  link: Link,
  key: RecordKey,
  record: AnyRecord,
  remote: unknown,
  resolver: Resolver,
  state: State,
): void {
  state.compared += 1;
  const differing: string[] = [];
  let normalised = 0;
  const judge = (name: string, verdict: Verdict): void => {
    if (verdict === 'different') differing.push(name);
    if (verdict === 'normalised') normalised += 1;
  };
  for (const unit of binding.mapping.units)
    judge(unit.name, compareUnit(unit, link.shadow.units, record, remote, resolver));
  for (const child of binding.mapping.children) compareChildren(child, link, record, remote, resolver, judge);
  state.normalised += normalised;
  if (differing.length === 0) state.equal += 1;
  for (const unit of differing)
    add(state, { subscriber: binding.id, key, remoteId: link.remoteId, kind: 'field', unit });
}

type Verdict = 'equal' | 'normalised' | 'different';

function compareUnit(unit: Unit, pairs: Pairs, record: AnyRecord, remote: unknown, resolver: Resolver): Verdict {
  const h = hubText(unit, record);
  const r = remoteValue(unit, remote);
  if (equalExactly(unit, h, r, record, resolver)) return 'equal';
  const pair: Pair | undefined = own(pairs, unit.name);
  return pair?.h !== undefined && pair.h === h && sameRemote(pair.r, r) ? 'normalised' : 'different';
}

function equalExactly(
  unit: Unit,
  h: string | null,
  r: Json | undefined,
  record: AnyRecord,
  resolver: Resolver,
): boolean {
  try {
    if (h === null && (r === undefined || r === null)) return true;
    if (unit.direction !== 'inward') return sameRemote(put(unit, record, resolver), r);
    return hubText(unit, { ...record, ...get(unit, r, record, resolver) }) === h;
  } catch {
    return false; // a value that its lens refuses can't be in agreement
  }
}

function compareChildren(
  child: ChildMapping,
  link: Link,
  record: AnyRecord,
  remote: unknown,
  resolver: Resolver,
  judge: (name: string, verdict: Verdict) => void,
): void {
  const shadows = link.shadow.children?.[child.name] ?? {};
  const remotes = childrenById(child, remote);
  for (const [key, row] of hubChildren(child, record)) {
    const shadow = shadows[key];
    const value = shadow?.id === undefined ? undefined : remotes.get(shadow.id);
    if (shadow?.id === undefined || value === undefined) {
      judge(`${child.name}${key}`, 'different');
      continue;
    }
    remotes.delete(shadow.id);
    for (const unit of child.units)
      judge(`${child.name}${key}.${unit.name}`, compareUnit(unit, shadow.units, row, value, resolver));
  }
  if (child.direction !== 'outward') for (const id of remotes.keys()) judge(`${child.name} ${id}`, 'different');
}

/** Records whose remote the listing didn't show. */
async function findMissing(env: Environment, binding: Binding, state: State): Promise<void> {
  let after: RecordKey | undefined;
  for (;;) {
    const { keys } = await binding.catalog.rows.page(env.db, after, pageSize);
    if (keys.length === 0) return;
    after = keys.at(-1);
    const unseen = keys.filter((key) => !state.seen.has(key));
    if (unseen.length === 0) continue;
    const links = new Map(
      (
        await findLinks(
          env.db,
          unseen.map((key) => ({ subscriber: binding.id, key })),
        )
      ).map((link) => [link.key, link]),
    );
    const rows = await binding.catalog.rows.load(env.db, unseen);
    for (const key of unseen) {
      const link = links.get(key);
      if (link?.state === 'excluded' || link?.state === 'gone') continue;
      const { record } = extractRecord(binding.catalog, rows.get(key));
      if (record === undefined || !binding.subscriber.where(record)) continue;
      if (link?.remoteId === undefined && binding.policies.createOutward !== 'propagate') continue;
      add(state, { subscriber: binding.id, key, remoteId: link?.remoteId, kind: 'only-here' });
    }
  }
}

function add(state: State, difference: Omit<Difference, 'parked'>): void {
  const parked =
    (difference.key !== undefined && state.parked.has(difference.key)) ||
    (difference.remoteId !== undefined && state.parked.has(`@${difference.remoteId}`));
  state.differences.push({ ...difference, parked });
}
