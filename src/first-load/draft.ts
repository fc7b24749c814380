/**
 * Drafts a plan: both sides are read, and judged by the same rules as a load, but nothing is written to either, nor to their
 * links. Page by page, so that memory is bounded: the plan stands in tables of its own.
 */
import { newRecord } from '../apply/save.js';
import { claimOf, freeRemotes, isReadable, markerClaim, matchingRecords } from '../apply/candidates.js';
import { rulesOf } from '../apply/adopt.js';
import { judge, type Facts } from '../apply/judge.js';
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import { extractRecord, type Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { loadReferences } from '../engine/references.js';
import { messageOf, SyncflowError } from '../errors.js';
import { shows } from '../inward/inbox.js';
import { reading } from '../inward/reading.js';
import { merge } from '../merge/merge.js';
import { noReferences, put, UnresolvedReference, type Resolver } from '../merge/project.js';
import { emptyShadow } from '../merge/shadow.js';
import { inParallel } from '../outward/push.js';
import { findLinks, type FoundLink } from '../store/links.js';
import {
  claimsInPlan,
  insertItems,
  insertListed,
  itemsAfter,
  pairsInPlans,
  recordsInPlan,
  saveJudged,
  type JudgedItem,
  type NewItem,
  type PlanItem,
} from '../store/plans.js';
import { writePath } from '../subscriber/path.js';
import { differences, judgementOf, saysOf, type Detail, type Judgement } from './item.js';
import type { Pace } from './pace.js';

const pageSize = 500;

interface Draft {
  readonly env: Environment;
  readonly binding: Binding;
  readonly plan: string;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

/** Reads and judges everything of a subscriber into an empty plan. */
export async function draftPlan(draft: Draft): Promise<void> {
  const { binding, signal } = draft;
  const listed = binding.subscriber.capabilities.listing ? await noteRemotes(draft) : 0;
  signal.throwIfAborted();
  await judgeRemotes(draft, listed);
  await judgeRecords(draft);
}

async function noteRemotes({ env, binding, plan, pace, signal }: Draft): Promise<number> {
  const { subscriber } = binding;
  let cursor: string | undefined;
  let done = 0;
  do {
    signal.throwIfAborted();
    const from = cursor;
    const page = await reading(env, binding, 'its list', () => subscriber.list(from));
    const accepted = page.remotes.filter((remote) => subscriber.accepts(remote));
    const byId = new Map(accepted.map((remote) => [subscriber.identify(remote), remote]));
    await insertListed(
      env.db,
      plan,
      [...byId].map(([remoteId, sight]) => ({ remoteId, sight, claims: claimOf(binding, sight) ?? null })),
    );
    done += byId.size;
    pace.tell('listing', done, undefined);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return done;
}

async function judgeRemotes(draft: Draft, total: number): Promise<void> {
  const { env, plan, pace, signal } = draft;
  let after = '0';
  let done = 0;
  for (;;) {
    signal.throwIfAborted();
    const items = await itemsAfter(env.db, plan, after, pageSize, { kind: 'listed' });
    const last = items.at(-1);
    if (last === undefined) return;
    await saveJudged(env.db, await judgePage(draft, items));
    after = last.id;
    done += items.length;
    pace.tell('comparing', done, total);
  }
}

type Listed = PlanItem & { readonly remoteId: string };

async function judgePage(draft: Draft, items: readonly PlanItem[]): Promise<JudgedItem[]> {
  const { env, binding } = draft;
  const listed = items.filter((item): item is Listed => item.remoteId !== null);
  const links = await findLinks(
    env.db,
    listed.map(({ remoteId }) => ({ subscriber: binding.id, remoteId })),
  );
  const linkOf = new Map(links.map((link) => [link.remoteId, link]));
  const known = listed.filter(({ remoteId }) => isSettled(linkOf.get(remoteId)));
  const strangers = listed.filter(({ remoteId }) => !isSettled(linkOf.get(remoteId)));
  const facts = await factsOf(draft, strangers);
  const rules = rulesOf(binding);
  const judged = strangers.map((item, index): { item: Listed; judgement: Judgement } => {
    const one = facts[index];
    if (one === undefined) return { item, judgement: unreadable };
    return { item, judgement: judgementOf(judge(one, rules), one) };
  });
  return [
    ...known.map((item) => judgedItem(item, settled(binding, linkOf.get(item.remoteId), item.sight))),
    ...(await withProblems(draft, await withDifferences(draft, judged))).map(({ item, judgement }) =>
      judgedItem(item, judgement),
    ),
  ];
}

const unreadable: Judgement = { kind: 'ambiguous', key: null, detail: { note: 'its match values can’t be read' } };

/** It has a partner, or was decided about: no plan changes that. */
function isSettled(link: FoundLink | undefined): boolean {
  return link !== undefined && (link.key !== undefined || link.state !== 'new');
}

function settled(binding: Binding, link: FoundLink | undefined, sight: unknown): Judgement {
  const differs = link?.state === 'linked' && !shows(binding, link, sight);
  return { kind: 'linked', key: link?.key ?? null, detail: differs ? { note: 'edited there since' } : {} };
}

function judgedItem({ id }: { readonly id: string }, judgement: Judgement): JudgedItem {
  return { id, ...judgement, says: judgement.kind === 'linked' ? 'linked' : saysOf(judgement) };
}

/** As `apply/facts.ts` reads them in a load; here the remotes without a record stand in the plan, and nothing is locked. */
async function factsOf({ env, binding, plan }: Draft, items: readonly Listed[]): Promise<(Facts | undefined)[]> {
  const { subscriber, catalog } = binding;
  const readable = items.filter(({ sight }) => isReadable(binding, sight));
  const markedBy = new Map(readable.map(({ remoteId, sight }) => [remoteId, subscriber.keyOf(sight)]));
  const unmarked = readable.filter(({ remoteId }) => markedBy.get(remoteId) === undefined);
  const found = await matchingRecords(
    env.db,
    binding,
    unmarked.map(({ sight }) => sight),
  );
  const matching = new Map(unmarked.map(({ remoteId }, index) => [remoteId, found[index]]));
  const matched = found.flatMap(({ free }) => free);
  const claims = [...new Set([...readable.flatMap((item) => item.claims ?? []), ...matched.map(markerClaim)])];
  const claimed = new Map<string, string[]>();
  for (const { claims: claim, remoteId } of await claimsInPlan(env.db, plan, claims))
    claimed.set(claim, [...(claimed.get(claim) ?? []), remoteId]);
  const marked = [...new Set([...markedBy.values()])].filter((key) => key !== undefined);
  const present = await catalog.rows.load(env.db, marked);
  const own = await findLinks(
    env.db,
    [...new Set([...marked, ...matched])].map((key) => ({ subscriber: binding.id, key })),
  );
  const ownOf = new Map(own.map((link) => [link.key, link]));
  return items.map((item): Facts | undefined => {
    if (!markedBy.has(item.remoteId)) return undefined;
    const key = markedBy.get(item.remoteId);
    const { free, taken } = matching.get(item.remoteId) ?? { free: [], taken: [] };
    return {
      remoteId: item.remoteId,
      accepted: true,
      marked: key,
      isPresent: key !== undefined && present.has(key),
      free: free.filter((one) => !claimed.has(markerClaim(one))),
      taken,
      rivals: (claimed.get(item.claims ?? '') ?? []).filter((other) => other !== item.remoteId),
      create: undefined,
      late: undefined,
      own: (one) => {
        const link = ownOf.get(one);
        return link === undefined
          ? undefined
          : { id: link.id, remoteId: link.remoteId, busy: link.busy, parked: undefined };
      },
    };
  });
}

/** Remotes that would become records are merged into an empty one for a try: what can't be a record is parked when the plan is applied. */
async function withProblems(
  { env, binding }: Draft,
  judged: readonly { item: Listed; judgement: Judgement }[],
): Promise<{ item: Listed; judgement: Judgement }[]> {
  const news = judged.filter(({ judgement }) => judgement.kind === 'there');
  if (news.length === 0) return [...judged];
  const resolver = await loadReferences(
    env.db,
    binding,
    { records: [], remotes: news.map(({ item }) => item.sight) },
    (wanted) => pairsInPlans(env.db, wanted),
  );
  return judged.map(({ item, judgement }) => {
    if (judgement.kind !== 'there') return { item, judgement };
    return { item, judgement: { ...judgement, detail: problemOf(binding, item.sight, resolver) } };
  });
}

function problemOf(binding: Binding, remote: unknown, resolver: Resolver): Detail {
  try {
    const merged = merge({ mapping: binding.mapping, shadow: emptyShadow, record: undefined, remote, resolver });
    const record = newRecord(binding.catalog, merged.patch);
    if (!binding.subscriber.where(record))
      return { stops: 'outside', note: 'outside of the subscriber’s where: it would be left alone' };
    const problems = binding.catalog.main.validate(record).map(({ field, problem }) => `${field}: ${problem}`);
    return problems.length === 0 ? {} : parks(problems.join('; '));
  } catch (error) {
    return stoppedBy(error);
  }
}

function parks(why: string): Detail {
  return { stops: 'parked', note: `it would be parked: ${why}` };
}

function stoppedBy(error: unknown): Detail {
  if (error instanceof UnresolvedReference) return { stops: 'waiting', note: `${error.message}: it waits for that` };
  return parks(messageOf(error));
}

/** Pairs are merged for a try: in which fields do the two differ, and whose value would stay? */
async function withDifferences<T extends Pick<PlanItem, 'sight'>>(
  { env, binding }: Draft,
  judged: readonly { item: T; judgement: Judgement }[],
): Promise<{ item: T; judgement: Judgement }[]> {
  const pairs = judged.filter(({ judgement }) => judgement.kind === 'match' || judgement.kind === 'marker');
  const rows = await binding.catalog.rows.load(
    env.db,
    pairs.flatMap(({ judgement }) => judgement.key ?? []),
  );
  const records = new Map<RecordKey, AnyRecord>();
  for (const [key, row] of rows) {
    const { record } = extractRecord(binding.catalog, row);
    if (record !== undefined) records.set(key, record);
  }
  const resolver = await loadReferences(
    env.db,
    binding,
    { records: [...records.values()], remotes: pairs.map(({ item }) => item.sight) },
    (wanted) => pairsInPlans(env.db, wanted),
  );
  return judged.map(({ item, judgement }) => {
    const record = judgement.key === null ? undefined : records.get(judgement.key);
    if (record === undefined || (judgement.kind !== 'match' && judgement.kind !== 'marker')) return { item, judgement };
    return { item, judgement: { ...judgement, detail: { ...judgement.detail, ...compared(record, item.sight) } } };
  });

  function compared(record: AnyRecord, remote: unknown): Detail {
    try {
      const merged = merge({
        mapping: binding.mapping,
        shadow: emptyShadow,
        record,
        remote,
        resolver,
        hubEditedAt: undefined,
        remoteEditedAt: binding.subscriber.editedAt(remote),
      });
      const differ = differences(binding.mapping, record, merged);
      return differ.length === 0 ? {} : { differ };
    } catch (error) {
      return stoppedBy(error);
    }
  }
}

async function judgeRecords(draft: Draft): Promise<void> {
  const { env, binding, plan, pace, signal } = draft;
  const total = await binding.catalog.rows.count(env.db);
  let after: RecordKey | undefined;
  let done = 0;
  for (;;) {
    signal.throwIfAborted();
    const { keys } = await binding.catalog.rows.page(env.db, after, pageSize);
    if (keys.length === 0) return;
    await insertItems(env.db, plan, await judgeRecordPage(draft, keys));
    after = keys.at(-1);
    done += keys.length;
    pace.tell('records', done, total);
  }
}

async function judgeRecordPage(draft: Draft, keys: readonly RecordKey[]): Promise<NewItem[]> {
  const { env, binding, plan } = draft;
  const links = await findLinks(
    env.db,
    keys.map((key) => ({ subscriber: binding.id, key })),
  );
  const settledKeys = new Set(
    links.filter((link) => link.remoteId !== undefined || link.state !== 'new').map((link) => link.key),
  );
  const spoken = await recordsInPlan(env.db, plan, keys);
  const paired = new Set(spoken.filter((one) => one.candidateOf === null).map((one) => one.key));
  const candidates = new Map<RecordKey, string[]>();
  for (const { key, candidateOf } of spoken)
    if (candidateOf !== null) candidates.set(key, [...(candidates.get(key) ?? []), candidateOf]);
  const left = keys.filter((key) => !settledKeys.has(key) && !paired.has(key));
  const rows = await binding.catalog.rows.load(env.db, left);
  const { capabilities, match } = binding.subscriber;
  const asks = !capabilities.listing && (capabilities.marker || match.length > 0);
  const judged = await inParallel(left, asks ? capabilities.concurrency : left.length, async (key) => {
    const row = rows.get(key);
    if (row === undefined) return undefined; // deleted meanwhile
    const { record, softDeleted } = extractRecord(binding.catalog, row);
    if (record === undefined || softDeleted) return undefined;
    const remotes = candidates.get(key);
    const judgement = remotes === undefined ? judgeRecord(binding, key, record) : mayBe(key, remotes);
    if (!asks || judgement.kind !== 'here') return { item: { sight: undefined }, judgement, remoteId: null };
    return askFor(draft, key, record, judgement);
  });
  const some = judged.filter((one) => one !== undefined);
  return (await withDifferences(draft, some)).map(({ judgement }, index) => ({
    ...judgement,
    remoteId: some[index]?.remoteId ?? null,
    sight: some[index]?.item.sight ?? null,
    says: saysOf(judgement),
  }));
}

/** A record that stands alone. */
function judgeRecord({ subscriber, policies, catalog }: Binding, key: RecordKey, record: AnyRecord): Judgement {
  if (!subscriber.where(record)) return { kind: 'left', key, detail: { note: 'outside of the subscriber’s where' } };
  if (policies.createOutward !== 'propagate')
    return { kind: 'left', key, detail: { note: `the policy createOutward is "${policies.createOutward}"` } };
  const problems = catalog.main.validate(record).map(({ field, problem }) => `${field}: ${problem}`);
  return {
    kind: 'here',
    key,
    detail: problems.length === 0 ? {} : parks(problems.join('; ')),
  };
}

/** Remotes that a note names. */
const namedRemotes = 5;

/** A record that ambiguous remotes could belong to. */
function mayBe(key: RecordKey, remotes: readonly string[]): Judgement {
  const named = remotes.slice(0, namedRemotes);
  const more = remotes.length > named.length ? ` and ${remotes.length - named.length} more` : '';
  return { kind: 'ambiguous', key, detail: { remotes: named, note: `${named.join(', ')}${more} may be its` } };
}

interface Asked {
  readonly item: { readonly sight: unknown };
  readonly judgement: Judgement;
  readonly remoteId: string | null;
}

/** A system that can't list what it has is asked for each record. */
async function askFor(draft: Draft, key: RecordKey, record: AnyRecord, alone: Judgement): Promise<Asked> {
  const { env, binding } = draft;
  const { subscriber } = binding;
  const ask = async (query: Parameters<typeof subscriber.find>[0]): Promise<unknown[]> =>
    freeRemotes(env.db, binding, key, await reading(env, binding, 'what matches', () => subscriber.find(query)));
  const values = matchValues(binding, record);
  const byKey = subscriber.capabilities.marker ? await ask({ by: 'key', key }) : [];
  const found = byKey.length > 0 || values === undefined ? byKey : await ask({ by: 'match', values });
  const ids = found.map((remote) => subscriber.identify(remote));
  const [remote] = found;
  if (remote === undefined) return { item: { sight: undefined }, judgement: alone, remoteId: null };
  const isMarked = byKey.length > 0;
  const records = isMarked ? [key] : ((await matchingRecords(env.db, binding, [remote]))[0]?.free ?? [key]);
  if (found.length > 1 || records.length > 1) {
    const note = `${found.length} remotes and ${records.length} records could belong together`;
    return {
      item: { sight: undefined },
      judgement: { kind: 'ambiguous', key, detail: { records, remotes: ids, note } },
      remoteId: null,
    };
  }
  return {
    item: { sight: remote },
    judgement: { kind: isMarked ? 'marker' : 'match', key, detail: {} },
    remoteId: ids[0] ?? null,
  };
}

function matchValues({ subscriber, mapping }: Binding, record: AnyRecord): Record<string, Json> | undefined {
  const units = mapping.units.filter((unit) => subscriber.match.includes(unit.name));
  const values: Record<string, Json> = {};
  for (const unit of units) {
    const value = put(unit, record, noReferences);
    if (value === null || value === '') return undefined;
    writePath(values, unit.path, value);
  }
  return units.length === 0 ? undefined : values;
}

/** @throws SyncflowError `usage` where there is nothing to read of the other side */
export function assertPlannable({ id, subscriber }: Binding): void {
  const { listing, marker } = subscriber.capabilities;
  if (listing || marker || subscriber.match.length > 0) return;
  throw new SyncflowError('usage', `${id}: its system can neither list what it has, nor find by marker or match`, {
    hint: 'Every record would get a new remote. Declare `match` units, or switch it on without a plan if that is meant.',
  });
}
