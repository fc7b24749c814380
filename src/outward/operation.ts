/** From a plan to a frozen intent, and from an intent to the operation that a subscriber is handed. */
import { own } from '../catalog/own.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { SyncflowError } from '../errors.js';
import type { Json } from '../catalog/values.js';
import type { Sent } from '../merge/sent.js';
import { isEmpty, type Pair, type Shadow } from '../merge/shadow.js';
import { saveSteps, stepKey, type Intent, type IntentBody, type NewIntent, type StepRecord } from '../store/intents.js';
import type { Link } from '../store/links.js';
import type { AnyOperation, Lane } from '../subscriber/base.js';
import { readPath, writePath } from '../subscriber/path.js';
import type { Draft, Plan } from './plan.js';

export const laneNames: readonly Lane[] = ['live', 'repair', 'backfill'];
export const laneOf = (link: Link): Lane => laneNames[link.lane] ?? 'live';

const emptyDraft: Draft = { values: {}, changed: {}, children: {}, sent: {}, sentChildren: {} };

/** Freezes a planned write. */
export function freeze(
  env: Environment,
  binding: Binding,
  link: Link,
  plan: Extract<Plan, { kind: 'create' | 'update' | 'delete' }>,
): NewIntent {
  const draft = plan.kind === 'delete' ? emptyDraft : plan.draft;
  const body: IntentBody = {
    key: link.key ?? '[]',
    ...(link.remoteId === undefined ? {} : { remoteId: link.remoteId }),
    ...(link.version === undefined ? {} : { version: link.version }),
    known: knownOf(binding, link.shadow),
    draft,
    base: Object.fromEntries(Object.keys(draft.sent).map((unit) => [unit, own(link.shadow.units, unit)?.r ?? null])),
    ...(link.editedAt === undefined ? {} : { editedAt: link.editedAt }),
    ...(link.editedBy === undefined ? {} : { editedBy: link.editedBy }),
  };
  return { link, kind: plan.kind, idempotencyKey: `syncflow-${env.newId()}`, body };
}

/** What the remote last showed of the mapped keys, nested as it shows them. */
export function knownOf(binding: Binding, shadow: Shadow): Record<string, Json> {
  const known: Record<string, Json> = {};
  for (const unit of binding.mapping.units) {
    const r = own(shadow.units, unit.name)?.r;
    if (r !== undefined) writePath(known, unit.path, r);
  }
  return known;
}

/** What an intent sent, as merge takes it. A field that is mapped to another place since was not sent there. */
export function sentOf(
  { mapping }: Binding,
  { body: { draft } }: Intent,
  trust: Pick<Sent, 'firstHand' | 'certain'>,
): Sent {
  const units = mapping.units.flatMap((unit): [string, Pair][] => {
    const sent = own(draft.sent, unit.name);
    return sent !== undefined && readPath(draft.values, unit.path) !== undefined ? [[unit.name, sent]] : [];
  });
  return { units: Object.fromEntries(units), children: draft.sentChildren, ...trust };
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

/** The operation of an intent. Its steps are saved as they go; a lost lease ends it with a `fenced` error. */
export function operationOf(
  env: Environment,
  binding: Binding,
  link: Link,
  intent: Intent,
  signal: AbortSignal,
): AnyOperation<unknown> {
  const { body } = intent;
  const common = {
    key: body.key,
    idempotencyKey: intent.idempotencyKey,
    lane: laneOf(link),
    signal,
    values: body.draft.values as never,
    children: body.draft.children,
    resumed: intent.resumed,
    step: stepper(env, binding, link, intent),
  };
  if (intent.kind === 'create') return { kind: 'create', ...common };
  const remote = { remoteId: body.remoteId ?? '', version: body.version, known: body.known as never };
  if (intent.kind === 'update') return { kind: 'update', ...common, ...remote, changed: body.draft.changed };
  return { kind: 'delete', key: body.key, idempotencyKey: intent.idempotencyKey, lane: common.lane, signal, ...remote };
}

/**
 * Saves each step before it is sent, and its result before the next one begins. Where a request that is sent again under its
 * key is answered from memory, the result goes along with the next step's beginning: one write less for each step.
 */
function stepper(env: Environment, binding: Binding, link: Link, intent: Intent) {
  const replays = binding.subscriber.capabilities.idempotencyHours !== undefined;
  let steps: StepRecord[] = [...intent.steps];
  const note = (step: StepRecord): void => {
    steps = [...steps.filter((one) => one.name !== step.name), step];
  };
  const save = async (): Promise<void> => {
    if (!(await saveSteps(env.db, intent, link, steps))) {
      throw new SyncflowError('fenced', `the lease of link ${link.id} was taken over`);
    }
  };
  return async <Body extends Json, Result extends Json>(
    name: string,
    body: Body,
    send: (body: Body, idempotencyKey: string) => Promise<Result>,
  ): Promise<Result> => {
    const known = steps.find((one) => one.name === name);
    if (known?.done === true) return known.result as Result;
    const step: StepRecord = known ?? {
      name,
      key: stepKey(intent.idempotencyKey, name),
      body,
      done: false,
      result: null,
    };
    if (known === undefined) {
      note(step);
      await save();
    }
    const result = await send(step.body as Body, step.key);
    note({ ...step, done: true, result });
    if (!replays) await save();
    return result;
  };
}
