/** An intent whose outcome is unknown (crash, time-out) is resolved before anything else happens to its link. */
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { blockedResult, closed, parkResult, retryResult, type Result } from '../engine/result.js';
import { messageOf } from '../errors.js';
import { observe } from '../inward/observe.js';
import type { Intent } from '../store/intents.js';
import type { Link } from '../store/links.js';
import { answered } from './answer.js';
import { laneOf, operationOf, sentOf } from './operation.js';

/** How the outcome of an intent can be learnt. Pure. */
export function resolution(binding: Binding, intent: Intent): 'replay' | 'find' | 'look' | 'park' {
  const { capabilities, match } = binding.subscriber;
  const replayable = capabilities.idempotencyHours !== undefined && intent.ageMs < capabilities.idempotencyHours * 3_600_000 * 0.95;
  if (replayable && intent.kind !== 'delete') return 'replay';
  if (intent.kind !== 'create') return 'look';
  if (capabilities.chosenId) return 'replay'; // a second create of the same id is refused
  return capabilities.marker || match.length > 0 ? 'find' : 'park';
}

/** Returns the result to commit; undefined where it was committed already. */
export async function resolveIntent(env: Environment, binding: Binding, link: Link, intent: Intent, signal: AbortSignal): Promise<Result | undefined> {
  switch (resolution(binding, intent)) {
    case 'replay': {
      const [outcome] = await binding.subscriber.pushMany([operationOf(env, link, intent, signal)]);
      return outcome === undefined ? retryResult(env, link, 'pushMany gave no answer') : answered(env, binding, link, intent, outcome);
    }
    case 'find':
      return findCreated(env, binding, link, intent);
    case 'look':
      return lookAfter(env, binding, link, intent);
    case 'park':
      return parkResult(link, 'unknown-create', 'a create may have taken effect, and this system offers no way to look it up: check there, then retry');
  }
}

async function findCreated(env: Environment, binding: Binding, link: Link, intent: Intent): Promise<Result | undefined> {
  const { subscriber } = binding;
  const query = subscriber.capabilities.marker
    ? ({ by: 'key', key: intent.body.key } as const)
    : ({ by: 'match', values: intent.body.draft.values as never } as const);
  try {
    const found = await subscriber.find(query);
    const [remote] = found;
    if (found.length > 1) return parkResult(link, 'twin', `${found.length} remotes may be the one that was created`);
    if (remote === undefined) return { settlement: { link, dueInMs: 0 }, ...closed(intent, 'not applied') };
    return await answered(env, binding, link, intent, { kind: 'exists', remoteId: subscriber.identify(remote), remote });
  } catch (error) {
    return { ...retryResult(env, link, messageOf(error)), unknown: intent.id };
  }
}

async function lookAfter(env: Environment, binding: Binding, link: Link, intent: Intent): Promise<Result | undefined> {
  const remoteId = intent.body.remoteId ?? '';
  const sight = await binding.subscriber.look(remoteId, laneOf(link));
  switch (sight.kind) {
    case 'found':
      // an ordinary observation: where it differs from what was sent, it may be somebody's edit
      return observe(env, binding, link, { remote: sight.remote, remoteId, sent: sentOf(intent, false), intent });
    case 'gone':
      return answered(env, binding, link, intent, sight);
    case 'missing':
      return intent.kind === 'delete' && link.gone ? answered(env, binding, link, intent, { kind: 'gone' }) : answered(env, binding, link, intent, sight);
    case 'retry':
      return { ...retryResult(env, link, sight.reason, { afterMs: sight.afterMs }), unknown: intent.id };
    case 'blocked':
      return blockedResult(env, binding, link, sight.reason, sight.afterMs);
  }
}
