/** Sending: intents are durable, the batch goes out, every answer comes back as a result. */
import { freeRecords, freeRemotes, markerClaim } from '../apply/candidates.js';
import { ambiguity } from '../apply/judge.js';
import { brakeCode, isBraked, overBrake } from './brake.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { closed, parkResult, type Result } from '../engine/result.js';
import { editsOverridden, type Basis } from '../inward/observe.js';
import { own } from '../catalog/own.js';
import type { Conflict } from '../merge/merge.js';
import { showsUnseenEdit } from '../merge/seen.js';
import { insertIntents, type Intent } from '../store/intents.js';
import type { Link } from '../store/links.js';
import { claimants } from '../store/listed.js';
import { exists, retry, stale, unknown, type Outcome } from '../subscriber/outcome.js';
import { freeze, laneOf, matchValues, operationOf } from './operation.js';
import type { Plan } from './plan.js';
import { concluded } from './resolve.js';

export type Write = Extract<Plan, { kind: 'create' | 'update' | 'delete' }>;

export interface Planned {
  readonly link: Link;
  readonly plan: Write;
  /** What the plan was made from; the answer is merged with it. */
  readonly basis: Basis;
}

interface Going {
  readonly planned: Planned;
  readonly intent: Intent;
}

export interface Sent extends Going {
  readonly outcome: Outcome;
  readonly check: Check;
}

/** What a look before a write found. */
interface Check {
  /** Edits in the remote that a deletion overrides. */
  readonly conflicts?: readonly Conflict[];
  /** The write isn't needed, or can't be made now: this stands for its answer. */
  readonly outcome?: Outcome;
  /** Several remotes, or several records, could belong together: a person must choose. */
  readonly park?: { readonly code: 'ambiguous' | 'twin' | 'moved'; readonly reason: string };
}

/** Deletes and updates beyond the brake are held; the rest goes on. */
export async function brakeWrites(
  env: Environment,
  binding: Binding,
  planned: readonly Planned[],
): Promise<{ go: readonly Planned[]; held: Result[] }> {
  const held: Result[] = [];
  let go = planned;
  for (const operation of ['delete', 'update'] as const) {
    const counted = go.filter(
      ({ plan, link }) => plan.kind === operation && (operation === 'delete' || isBraked(binding, link)),
    );
    if (counted.length === 0) continue;
    const links = counted.map(({ link }) => link);
    const message = await overBrake(env.db, binding, { direction: 'outward', operation }, links);
    if (message === undefined) continue;
    held.push(...links.map((link) => parkResult(link, brakeCode[operation], message)));
    go = go.filter((one) => !counted.includes(one));
    env.emit('held', { subscriber: binding.id, direction: 'outward', operation, count: links.length, reason: message });
  }
  return { go, held };
}

/** Makes the writes durable, sends them and returns their answers in no particular order. Links that lost their lease are left out. */
export async function intendAndSend(
  env: Environment,
  binding: Binding,
  planned: readonly Planned[],
  signal: AbortSignal,
): Promise<Sent[]> {
  const intents = await insertIntents(
    env.db,
    planned.map(({ link, plan }) => freeze(env, binding, link, plan)),
  );
  const pairs = planned.flatMap((one): Going[] => {
    const intent = intents.get(one.link.id);
    return intent === undefined ? [] : [{ planned: one, intent }];
  });
  const claimed = await markedRemotes(env, binding, pairs);
  const batches: Going[][] = [];
  const size = Math.max(1, binding.subscriber.capabilities.batchSize);
  for (let at = 0; at < pairs.length; at += size) batches.push(pairs.slice(at, at + size));
  let held: Outcome | undefined;
  const send = async (batch: Going[]): Promise<Sent[]> => {
    // credentials or quota: the rest of the batch would only meet the same
    if (held !== undefined) return batch.map((one): Sent => ({ ...one, check: {}, outcome: held as Outcome }));
    const answers = await sendBatch(env, binding, batch, claimed, signal);
    held = answers.find(({ outcome }) => outcome.kind === 'blocked')?.outcome;
    return answers;
  };
  const sent = await binding.calls.all(batches, send, (batch) =>
    Math.min(...batch.map(({ planned }) => planned.link.lane)),
  );
  return sent.flat();
}

async function sendBatch(
  env: Environment,
  binding: Binding,
  batch: readonly Going[],
  claimed: ReadonlyMap<string, Check>,
  signal: AbortSignal,
): Promise<Sent[]> {
  const checked = await Promise.all(
    batch.map(async (one) => ({
      ...one,
      check: claimed.get(one.planned.link.id) ?? (await checkBefore(env, binding, one)),
    })),
  );
  const going = checked.filter(({ check }) => check.outcome === undefined && check.park === undefined);
  const outcomes = await env.spans.together(
    going.map(({ planned }) => planned.link),
    (index) => ({ subscriber: binding.id, operation: going[index]?.intent.kind }),
    () =>
      pushAll(
        binding,
        going.map(({ planned, intent }) => operationOf(env, binding, planned.link, intent, signal)),
      ),
    ({ kind }) => ({ outcome: kind, failed: kind !== 'done' && kind !== 'exists' }),
  );
  return checked.map((one) => {
    const index = going.indexOf(one);
    return { ...one, outcome: one.check.outcome ?? outcomes[index] ?? unknown('pushMany gave no answer') };
  });
}

async function pushAll(
  binding: Binding,
  operations: readonly ReturnType<typeof operationOf>[],
): Promise<readonly Outcome[]> {
  if (operations.length === 0) return [];
  try {
    return await binding.subscriber.pushMany(operations);
  } catch (error) {
    return operations.map(() => binding.subscriber.outcomeOf(error));
  }
}

async function checkBefore(env: Environment, binding: Binding, going: Going): Promise<Check> {
  try {
    const { link } = going.planned;
    switch (going.intent.kind) {
      case 'delete':
        return await checkDelete(binding, link);
      case 'update':
        return await checkUpdate(binding, link, going.intent);
      case 'create':
        // a person who said so has looked already
        return binding.subscriber.match.length > 0 && link.planned?.by !== 'person'
          ? await checkCreate(env, binding, link, going.intent)
          : {};
    }
  } catch (error) {
    return { outcome: binding.subscriber.readFailure(error) };
  }
}

/**
 * A blind delete would wipe an edit that nobody here has seen: read once more, and log what is lost. A conditional delete
 * is refused instead.
 */
async function checkDelete(binding: Binding, link: Link): Promise<Check> {
  const { capabilities } = binding.subscriber;
  if (link.remoteId === undefined || (capabilities.conditional && link.version !== undefined)) return {};
  const sight = await binding.subscriber.look(link.remoteId, laneOf(link));
  return sight.kind === 'found'
    ? { conflicts: editsOverridden(binding, link.shadow, sight.remote).conflicts }
    : { outcome: sight };
}

/**
 * A blind update would wipe an edit that nobody here has seen, without a trace: where the system neither refuses a write that
 * was made against an older version nor tells afterwards what it overwrote, it is read once more. A history tells of the
 * remote's own keys, not of its lines; and what it tells comes too late where the remote's value is the one that counts.
 */
async function checkUpdate({ subscriber, mapping }: Binding, link: Link, { body }: Intent): Promise<Check> {
  const { conditional, history } = subscriber.capabilities;
  const lines = Object.values(body.draft.children).some(({ update, remove }) => update.length + remove.length > 0);
  if (
    link.remoteId === undefined ||
    (history && !lines && !asksRemote(mapping, body)) ||
    (conditional && link.version !== undefined)
  )
    return {};
  const sight = await subscriber.look(link.remoteId, laneOf(link));
  if (sight.kind !== 'found') return { outcome: sight };
  return showsUnseenEdit(mapping, link.shadow, sight.remote) ? { outcome: stale(sight.remote) } : {};
}

/** It sends a unit about which the remote may have the last word. */
function asksRemote({ units }: Binding['mapping'], { draft }: Intent['body']): boolean {
  return units.some(
    ({ name, authority }) =>
      (authority === 'remote' || typeof authority === 'function') && own(draft.sent, name) !== undefined,
  );
}

/**
 * Creates of records whose marker a remote bears that we know of: it is theirs, so that none is made. It will be paired by its
 * own pass, or is parked and waits for a person. By link id.
 */
async function markedRemotes(
  env: Environment,
  binding: Binding,
  pairs: readonly Going[],
): Promise<ReadonlyMap<string, Check>> {
  const creates = pairs.filter(({ intent }) => intent.kind === 'create');
  const keyed = new Map(creates.map(({ planned, intent }) => [markerClaim(intent.body.key), planned.link.id]));
  const checks = new Map<string, Check>();
  if (!binding.subscriber.capabilities.marker) return checks;
  const found = await claimants(env.db, binding.id, [...keyed.keys()]);
  for (const [claim, id] of keyed) {
    const theirs = found.filter((one) => one.claims === claim);
    const ids = theirs.map((one) => one.remoteId).join(', ');
    if (theirs.length === 0) continue;
    checks.set(
      id,
      theirs.every((one) => one.parked)
        ? { park: { code: 'twin', reason: `no remote is made, for its marker is borne already, by ${ids}` } }
        : // longer than that one waits for us, so that one of us finds the other idle
          { outcome: retry(`its marker is borne already, by ${ids}`, 1_000) },
    );
  }
  return checks;
}

/** A remote that matches by the declared units is linked, not doubled, and never guessed. */
async function checkCreate(env: Environment, binding: Binding, link: Link, intent: Intent): Promise<Check> {
  const { subscriber } = binding;
  const values = matchValues(binding, intent);
  if (values === undefined || link.key === undefined) return {};
  const found = await subscriber.find({ by: 'match', values });
  const free = await freeRemotes(env.db, binding, link.key, found);
  const [remote] = free;
  if (remote === undefined) return {};
  const marked = subscriber.keyOf(remote) !== undefined;
  const keys = marked ? [link.key] : [link.key, ...(await freeRecords(env.db, binding, remote))];
  if (free.length > 1 || new Set(keys).size > 1) {
    const ids = free.map((one) => subscriber.identify(one));
    return { park: { code: 'ambiguous', reason: ambiguity(subscriber.match, keys, ids) } };
  }
  const remoteId = subscriber.identify(remote);
  if (link.planned !== undefined && !marked) {
    const by = subscriber.match.join(', ');
    const reason = `the applied plan said that it would get a new remote; by now ${remoteId} matches by ${by}`;
    return { park: { code: 'moved', reason } };
  }
  return { outcome: exists(remoteId, remote) };
}

/** Turns the answers into results. Those that changed the hub are committed already. */
export async function settleSent(env: Environment, binding: Binding, sent: readonly Sent[]): Promise<Result[]> {
  const results = await inParallel(sent, 4, async ({ planned, intent, outcome, check }) => {
    const { link, basis } = planned;
    if (check.park !== undefined)
      return { ...parkResult(link, check.park.code, check.park.reason), ...closed(intent, check.park.code) };
    try {
      const result = await concluded(env, binding, link, intent, outcome, basis);
      if (result === undefined || check.conflicts === undefined) return result;
      return { ...result, conflicts: [...check.conflicts, ...(result.conflicts ?? [])] };
    } catch (error) {
      env.emit('error', { where: `${binding.id}: the answer for ${link.key ?? link.id}`, error });
      return undefined; // the intent stays open: it is resolved when the lease has run out
    }
  });
  return results.flatMap((result) => result ?? []);
}

/** Runs `work` over the items, at most `limit` at once. */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array<R>(items.length);
  let next = 0;
  const runner = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runner));
  return results;
}
