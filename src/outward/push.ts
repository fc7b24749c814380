/** Sending: intents are durable, the batch goes out, every answer comes back as a result. */
import { own } from '../catalog/own.js';
import { overBrake } from './brake.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { closed, parkResult, type Result } from '../engine/result.js';
import type { Json } from '../catalog/values.js';
import { messageOf } from '../errors.js';
import { editsOverridden, type Basis } from '../inward/observe.js';
import type { Conflict } from '../merge/merge.js';
import { isEmpty } from '../merge/shadow.js';
import { insertIntents, type Intent } from '../store/intents.js';
import { findLinks, type Link } from '../store/links.js';
import { exists, retry, unknown, type Outcome } from '../subscriber/outcome.js';
import { writePath } from '../subscriber/path.js';
import { answered } from './answer.js';
import { freeze, laneOf, operationOf } from './operation.js';
import type { Plan } from './plan.js';

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
  /** Several remotes match: a person must choose. */
  readonly ambiguous?: string;
}

/** Deletes beyond the brake are held; the rest goes on. */
export async function brakeDeletes(
  env: Environment,
  binding: Binding,
  planned: readonly Planned[],
): Promise<{ go: Planned[]; held: Result[] }> {
  const deletes = planned.filter((one) => one.plan.kind === 'delete').length;
  const message = deletes === 0 ? undefined : await overBrake(env.db, binding, 'deleted', deletes);
  if (message === undefined) return { go: [...planned], held: [] };
  const held = planned.filter((one) => one.plan.kind === 'delete').map((one) => parkResult(one.link, 'brake', message));
  return { go: planned.filter((one) => one.plan.kind !== 'delete'), held };
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
  const batches: Going[][] = [];
  const size = Math.max(1, binding.subscriber.capabilities.batchSize);
  for (let at = 0; at < pairs.length; at += size) batches.push(pairs.slice(at, at + size));
  let held: Outcome | undefined;
  const sent = await inParallel(batches, binding.subscriber.capabilities.concurrency, async (batch) => {
    // credentials or quota: the rest of the batch would only meet the same
    if (held !== undefined) return batch.map((one): Sent => ({ ...one, check: {}, outcome: held as Outcome }));
    const answers = await sendBatch(env, binding, batch, signal);
    held = answers.find(({ outcome }) => outcome.kind === 'blocked')?.outcome;
    return answers;
  });
  return sent.flat();
}

async function sendBatch(
  env: Environment,
  binding: Binding,
  batch: readonly Going[],
  signal: AbortSignal,
): Promise<Sent[]> {
  const checked = await Promise.all(
    batch.map(async (one) => ({ ...one, check: await checkBefore(env, binding, one) })),
  );
  const going = checked.filter(({ check }) => check.outcome === undefined && check.ambiguous === undefined);
  const outcomes = await pushAll(
    binding,
    going.map(({ planned, intent }) => operationOf(env, planned.link, intent, signal)),
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
    if (going.intent.kind === 'delete') return await checkDelete(binding, going.planned.link);
    if (going.intent.kind === 'create' && binding.subscriber.match.length > 0)
      return await checkCreate(env, binding, going.intent);
    return {};
  } catch (error) {
    return { outcome: retry(messageOf(error)) };
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

/** What was sent of the match units, nested as the remote holds it; undefined where one of them is empty. */
export function matchValues({ subscriber, mapping }: Binding, intent: Intent): Record<string, Json> | undefined {
  const values: Record<string, Json> = {};
  for (const unit of mapping.units) {
    if (!subscriber.match.includes(unit.name)) continue;
    const r = own(intent.body.draft.sent, unit.name)?.r;
    if (isEmpty(r)) return undefined;
    writePath(values, unit.path, r ?? null);
  }
  return values;
}

/** First load: a remote that matches by the declared units is linked, not doubled. */
async function checkCreate(env: Environment, binding: Binding, intent: Intent): Promise<Check> {
  const { subscriber } = binding;
  const values = matchValues(binding, intent);
  if (values === undefined) return {};
  const found = await subscriber.find({ by: 'match', values: values });
  const linked = await findLinks(
    env.db,
    found.map((remote) => ({ subscriber: binding.id, remoteId: subscriber.identify(remote) })),
  );
  const taken = new Set(
    linked.filter((link) => link.key !== undefined || link.state === 'gone').map((link) => link.remoteId),
  );
  const free = found.filter((remote) => !taken.has(subscriber.identify(remote)));
  const [remote] = free;
  if (remote === undefined) return {};
  if (free.length > 1)
    return {
      ambiguous: `${free.length} remotes match it by ${subscriber.match.join(', ')}: ${free.map((one) => subscriber.identify(one)).join(', ')}`,
    };
  return { outcome: exists(subscriber.identify(remote), remote) };
}

/** Turns the answers into results. Those that changed the hub are committed already. */
export async function settleSent(env: Environment, binding: Binding, sent: readonly Sent[]): Promise<Result[]> {
  const results = await inParallel(sent, 4, async ({ planned, intent, outcome, check }) => {
    const { link, basis } = planned;
    if (check.ambiguous !== undefined)
      return { ...parkResult(link, 'ambiguous', check.ambiguous), ...closed(intent, 'ambiguous') };
    try {
      const result = await answered(env, binding, link, intent, outcome, basis);
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
