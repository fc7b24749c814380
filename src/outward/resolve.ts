/** An intent whose outcome is unknown (crash, time-out) is resolved before anything else happens to its link. */
import { own } from '../catalog/own.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { blockedResult, closed, parkResult, retryResult, type Result } from '../engine/result.js';
import { messageOf } from '../errors.js';
import { observe } from '../inward/observe.js';
import type { Intent } from '../store/intents.js';
import { findLinks, type Link } from '../store/links.js';
import { matchValues } from './push.js';
import { answered } from './answer.js';
import { laneOf, operationOf, sentOf } from './operation.js';
import { childrenById, remoteValue } from '../merge/project.js';
import type { Sent, SentPairs } from '../merge/sent.js';
import { isEmpty, sameRemote, type Pairs } from '../merge/shadow.js';
import type { Unit } from '../subscriber/compile.js';

/** How the outcome of an intent can be learnt. Pure. */
export function resolution(binding: Binding, intent: Intent): 'replay' | 'find' | 'look' | 'park' {
  const { capabilities, match } = binding.subscriber;
  const replayable =
    capabilities.idempotencyHours !== undefined && intent.ageMs < capabilities.idempotencyHours * 3_600_000 * 0.95;
  if (replayable && intent.kind !== 'delete') return 'replay';
  if (intent.kind !== 'create') return 'look';
  if (capabilities.chosenId) return 'replay'; // a second create of the same id is refused
  return capabilities.marker || match.length > 0 ? 'find' : 'park';
}

/** Returns the result to commit; undefined where it was committed already. */
export async function resolveIntent(
  env: Environment,
  binding: Binding,
  link: Link,
  intent: Intent,
  signal: AbortSignal,
): Promise<Result | undefined> {
  switch (resolution(binding, intent)) {
    case 'replay': {
      const [outcome] = await binding.subscriber.pushMany([operationOf(env, link, intent, signal)]);
      return outcome === undefined
        ? retryResult(env, link, 'pushMany gave no answer')
        : answered(env, binding, link, intent, outcome);
    }
    case 'find':
      return findCreated(env, binding, link, intent);
    case 'look':
      return lookAfter(env, binding, link, intent);
    case 'park':
      return parkResult(
        link,
        'unknown-create',
        'a create may have taken effect, and this system offers no way to look it up: check there, then retry',
      );
  }
}

async function findCreated(
  env: Environment,
  binding: Binding,
  link: Link,
  intent: Intent,
): Promise<Result | undefined> {
  const { subscriber } = binding;
  const matching = matchValues(binding, intent);
  if (!subscriber.capabilities.marker && matching === undefined) {
    return parkResult(
      link,
      'unknown-create',
      'a create may have taken effect, and its match units are empty: check there, then retry',
    );
  }
  const query = subscriber.capabilities.marker
    ? ({ by: 'key', key: intent.body.key } as const)
    : ({ by: 'match', values: matching as never } as const);
  try {
    const candidates = await subscriber.find(query);
    const links = await findLinks(
      env.db,
      candidates.map((one) => ({ subscriber: binding.id, remoteId: subscriber.identify(one) })),
    );
    const taken = new Set(
      links.filter((one) => one.id !== link.id && one.key !== undefined).map((one) => one.remoteId),
    );
    const found = candidates.filter((one) => !taken.has(subscriber.identify(one)));
    const [remote] = found;
    if (found.length > 1) return parkResult(link, 'twin', `${found.length} remotes may be the one that was created`);
    if (remote === undefined) return { settlement: { link, dueInMs: 0 }, ...closed(intent, 'not applied') };
    return await answered(env, binding, link, intent, {
      kind: 'exists',
      remoteId: subscriber.identify(remote),
      remote,
    });
  } catch (error) {
    return { ...retryResult(env, link, messageOf(error)), unknown: intent.id };
  }
}

/**
 * Of what an update sent, the part that may have taken effect: a unit that still shows what it showed before was not written,
 * and is owed again. (Taken as written, its old value would pass for an edit made there.)
 */
function appliedPart(binding: Binding, link: Link, intent: Intent, remote: unknown): Sent {
  const sent = sentOf(intent, { firstHand: false });
  const children = Object.fromEntries(
    binding.mapping.children.map((child) => {
      const seen = childrenById(child, remote);
      const shadows = link.shadow.children?.[child.name] ?? {};
      const rows = Object.entries(sent.children[child.name] ?? {}).flatMap(([key, pairs]) => {
        const shadow = shadows[key];
        if (shadow?.id === undefined) return [[key, pairs] as const]; // added: found by its marker or values, or not at all
        return [[key, writtenUnits(child.units, shadow.units, pairs, seen.get(shadow.id))] as const];
      });
      return [child.name, Object.fromEntries(rows)];
    }),
  );
  return {
    units: writtenUnits(binding.mapping.units, link.shadow.units, sent.units, remote),
    children,
    firstHand: false,
  };
}

function writtenUnits(units: readonly Unit[], base: Pairs, sent: SentPairs, remote: unknown): SentPairs {
  return Object.fromEntries(
    units.flatMap((unit) => {
      const ours = own(sent, unit.name);
      if (ours === undefined) return [];
      const r = remoteValue(unit, remote);
      const before = own(base, unit.name)?.r;
      const unwritten = !sameRemote(r, ours.r) && (sameRemote(r, before) || (isEmpty(r) && isEmpty(before)));
      return unwritten ? [] : [[unit.name, ours] as const];
    }),
  );
}

async function lookAfter(env: Environment, binding: Binding, link: Link, intent: Intent): Promise<Result | undefined> {
  const remoteId = intent.body.remoteId ?? '';
  const sight = await binding.subscriber.look(remoteId, laneOf(link));
  switch (sight.kind) {
    case 'found':
      // an ordinary observation: where it differs from what was sent, it may be somebody's edit
      return observe(env, binding, link, {
        remote: sight.remote,
        remoteId,
        sent: appliedPart(binding, link, intent, sight.remote),
        intent,
      });
    case 'gone':
      return answered(env, binding, link, intent, sight);
    case 'missing':
      return intent.kind === 'delete' && link.gone
        ? answered(env, binding, link, intent, { kind: 'gone' })
        : answered(env, binding, link, intent, sight);
    case 'retry':
      return { ...retryResult(env, link, sight.reason, { afterMs: sight.afterMs }), unknown: intent.id };
    case 'blocked':
      return blockedResult(env, binding, link, sight.reason, sight.afterMs);
  }
}
