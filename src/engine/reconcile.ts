/**
 * One pass over the due links of a subscriber. Marks and events are only hints that a link may be out of agreement; here both
 * sides are read as they are now and made to agree: claim → resolve → look → plan → intend → send → settle.
 */
import type { AnyRecord } from '../catalog/catalog.js';
import { lookAt, type Basis } from '../inward/observe.js';
import { Sights } from '../inward/sights.js';
import { asMapped } from '../merge/mapped-shadow.js';
import type { Resolver, UnresolvedReference } from '../merge/project.js';
import { dispensable, plan, type Plan } from '../outward/plan.js';
import { deletesInOrder } from '../outward/deletion-order.js';
import { brakeWrites, intendAndSend, settleSent, type Planned } from '../outward/push.js';
import { resolveIntent } from '../outward/resolve.js';
import { openIntents, type Intent } from '../store/intents.js';
import { inCircle } from '../store/circles.js';
import { claimFromBacklog, isLeftAlone, releaseLeases, renewLeases, type Link } from '../store/links.js';
import type { Binding } from './binding.js';
import type { Environment } from './environment.js';
import { loadRecords, type Extracted } from './records.js';
import { loadReferences } from './references.js';
import {
  blockedResult,
  commitResults,
  errorResult,
  parkResult,
  retryResult,
  waiterOf,
  waitResult,
  type Result,
} from './result.js';

/** Takes due links under a lease; of the urgent ones alone, where that is said. */
export async function claimDue(env: Environment, binding: Binding, limit: number, which?: 'urgent'): Promise<Link[]> {
  const links = await claimFromBacklog(env.db, {
    subscriber: binding.id,
    limit,
    owner: env.worker,
    leaseMs: env.leaseMs,
    ...(which === undefined ? {} : { mostLane: 0 }),
  });
  return links.map((link) => ({ ...link, shadow: asMapped(binding.mapping, link.shadow) }));
}

/** Makes the two sides of claimed links agree. */
export async function reconcile(
  env: Environment,
  binding: Binding,
  links: readonly Link[],
  signal: AbortSignal,
): Promise<void> {
  env.spans.claimed(binding, links);
  try {
    await reconcileLinks(env, binding, links, signal);
  } catch (error) {
    // the database failed us in the middle: what has an intent is resolved later, the rest is simply due again
    await releaseLeases(env.db, links).catch(() => undefined);
    throw error;
  } finally {
    env.spans.released(links);
  }
}

async function reconcileLinks(
  env: Environment,
  binding: Binding,
  links: readonly Link[],
  signal: AbortSignal,
): Promise<void> {
  const intents = await openIntents(env.db, links);
  const unresolved = links.filter((link) => intents.has(link.id));
  const others = links.filter((link) => !intents.has(link.id));
  const results: Result[] = [];
  const plannedAt = env.clock.now();
  const { toLook, writes, decided } = await planLinks(env, binding, others);
  env.spans.made(
    others.filter(({ look }) => !look),
    'plan',
    plannedAt,
  );
  results.push(...decided);
  const { go: ordered, waiting } = await deletesInOrder(env, binding, writes);
  const { go, held } = await brakeWrites(env, binding, ordered);
  results.push(...waiting, ...held);
  const stop = new AbortController();
  const beat = keepLeases(env, links, stop.signal);
  try {
    const [sent, looked, resolved] = await Promise.all([
      intendAndSend(env, binding, go, signal),
      lookAtAll(env, binding, toLook),
      binding.calls.all(
        unresolved,
        (link) =>
          guarded(env, binding, link, () => resolveIntent(env, binding, link, intents.get(link.id) as Intent, signal)),
        ({ lane }) => lane,
      ),
    ]);
    results.push(...(await settleSent(env, binding, sent)), ...looked, ...resolved.flat());
  } finally {
    // as in Bell: without an error and its stack
    stop.abort(null);
    await beat;
  }
  await commitResults(env, binding, results);
}

async function lookAtAll(env: Environment, binding: Binding, links: readonly Link[]): Promise<Result[]> {
  const sights = new Sights(env, binding);
  const looked = await Promise.all(
    links.map((link) => guarded(env, binding, link, () => lookAt(env, binding, link, sights))),
  );
  return looked.flat();
}

/** Slow remotes may take longer than a lease. */
async function keepLeases(env: Environment, links: readonly Link[], stop: AbortSignal): Promise<void> {
  for (;;) {
    await env.clock.sleep(env.leaseMs / 3, stop);
    if (stop.aborted) return;
    await renewLeases(env.db, links, env.leaseMs).catch(() => undefined); // lost: the fence stops what we commit
  }
}

/** A pass over one link must not fail its batch. */
async function guarded(
  env: Environment,
  binding: Binding,
  link: Link,
  work: () => Promise<Result | undefined>,
): Promise<Result[]> {
  try {
    const result = await work();
    return result === undefined ? [] : [result];
  } catch (error) {
    const failure = binding.subscriber.readFailure(error);
    if (failure.kind === 'blocked') return [blockedResult(env, binding, link, failure.reason, failure.afterMs)];
    return [retryResult(env, link, failure.reason, { ...failure, look: true })];
  }
}

interface PlannedLinks {
  readonly toLook: Link[];
  readonly writes: Planned[];
  readonly decided: Result[];
  /** They wait for a reference. */
  readonly waiting: Waiting[];
}

/** What is known of a link when it is decided. */
interface Case {
  readonly link: Link;
  readonly record: AnyRecord | undefined;
  readonly softDeleted: boolean;
  readonly resolver: Resolver;
  /** Units that its create leaves out for now. */
  readonly without: ReadonlySet<string>;
}

interface Waiting extends Case {
  readonly reference: UnresolvedReference;
}

/** Of a link that has no key: there is no row. */
const nothing: Extracted = { record: undefined, softDeleted: false };

async function planLinks(env: Environment, binding: Binding, links: readonly Link[]): Promise<PlannedLinks> {
  const out: PlannedLinks = { toLook: [], writes: [], decided: [], waiting: [] };
  const planned = links.filter((link) => !link.look && !(link.key === undefined && link.state === 'new'));
  out.toLook.push(...links.filter((link) => !planned.includes(link)));
  const records = await loadRecords(
    env.db,
    binding.catalog,
    planned.flatMap((link) => link.key ?? []),
  );
  const problemOf = ({ key }: Link): string | undefined => (key === undefined ? undefined : records.problem(key));
  const cases = planned.flatMap((link) => {
    const problem = problemOf(link);
    if (problem === undefined) return { link, ...(link.key === undefined ? nothing : records.get(link.key)) };
    out.decided.push(parkResult(link, 'mapping', problem));
    return [];
  });
  const agreed = cases.flatMap(({ link: { shadow }, record }) => (record === undefined ? [] : { record, shadow }));
  const resolver = await loadReferences(env.db, binding, { records: records.all, agreed });
  for (const one of cases) decide(env, binding, { ...one, resolver, without: new Set() }, out);
  await settleWaiting(env, binding, out);
  return out;
}

/**
 * Whoever waits for a record that waits for it in its turn, and can do without it for a time, goes on without: its reference
 * stays owed, and is told when the other is there.
 */
async function settleWaiting(env: Environment, binding: Binding, out: PlannedLinks): Promise<void> {
  while (out.waiting.length > 0) {
    const waiting = out.waiting.splice(0);
    const results = waiting.map((one) => waitResult(binding, one.link, one.reference, false));
    const waiters = results.flatMap(({ settlement: { link }, awaits }) =>
      awaits === undefined ? [] : waiterOf(link, awaits),
    );
    const circular = await inCircle(env.db, waiters);
    for (const [index, one] of waiting.entries()) {
      const result = results[index] as Result;
      const units = circular.has(one.link.id) ? leftOut(binding, one) : [];
      if (units.length > 0) decide(env, binding, { ...one, without: new Set([...one.without, ...units]) }, out);
      else out.decided.push(circular.has(one.link.id) ? { ...result, circular: true } : result);
    }
  }
}

function leftOut(binding: Binding, { record, reference, without }: Waiting): string[] {
  if (record === undefined) return [];
  return dispensable(binding.mapping, record, reference).filter((name) => !without.has(name));
}

function decide(env: Environment, binding: Binding, one: Case, out: PlannedLinks): void {
  const { link, record, softDeleted, resolver, without } = one;
  if (record !== undefined && link.remoteId === undefined && isLeftAlone(link)) {
    out.decided.push({ settlement: { link, state: 'excluded' } });
    return;
  }
  try {
    const problems = record === undefined ? [] : binding.catalog.main.validate(record);
    if (problems.length > 0) {
      out.decided.push(
        parkResult(link, 'validation', problems.map(({ field, problem }) => `${field}: ${problem}`).join('; ')),
      );
      return;
    }
    const next = plan({
      link: { state: link.state, key: link.key, remoteId: link.remoteId, deleted: link.deleted, shadow: link.shadow },
      record,
      softDeleted,
      inScope: record !== undefined && binding.subscriber.where(record),
      policies: binding.policies,
      mapping: binding.mapping,
      resolver,
      without,
    });
    if (next.kind === 'wait') out.waiting.push({ ...one, reference: next.reference });
    else takePlan(binding, link, next, { record, resolver }, out);
  } catch (error) {
    out.decided.push(errorResult(env, link, error));
  }
}

function takePlan(
  binding: Binding,
  link: Link,
  next: Exclude<Plan, { kind: 'wait' }>,
  basis: Basis,
  out: PlannedLinks,
): void {
  switch (next.kind) {
    case 'nothing':
      out.decided.push({ settlement: { link, ...(next.shadow === undefined ? {} : { shadow: next.shadow }) } });
      return;
    case 'create':
    case 'update':
    case 'delete':
      out.writes.push({ link: next.kind === 'update' ? { ...link, shadow: next.shadow } : link, plan: next, basis });
      return;
    case 'look':
      out.toLook.push(link);
      return;
    case 'park':
      out.decided.push(parkResult(link, next.code, next.reason));
      return;
    case 'exclude':
      out.decided.push({ settlement: { link, state: 'excluded' } });
      return;
    case 'unlink':
      out.decided.push({
        settlement: { link, state: 'gone', key: null },
        history: [{ subscriber: binding.id, key: link.key, remoteId: link.remoteId, event: 'unlinked' }],
      });
      return;
    case 'forget':
      out.decided.push({ settlement: { link, forget: true } });
      return;
  }
}
