/** An intent whose outcome is unknown (crash, time-out) is resolved before anything else happens to its link. */
import { freeRemotes } from '../apply/candidates.js';
import { own } from '../catalog/own.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { againResult, blockedResult, closed, parkResult, retryResult, type Result } from '../engine/result.js';
import { observe, type Basis } from '../inward/observe.js';
import { showsUnseenEdit } from '../merge/seen.js';
import { hasSteps, notSeen, unseenWrites, type Intent } from '../store/intents.js';
import { exists, found, gone, type Outcome } from '../subscriber/outcome.js';
import type { Link } from '../store/links.js';
import { witnessesComing, pairedRemotes } from '../store/witnesses.js';
import { answered } from './answer.js';
import { laneOf, matchValues, operationOf } from './operation.js';
import { remoteValue } from '../merge/project.js';
import { pair } from '../merge/shadow.js';
import type { SentPairs } from '../merge/sent.js';
import { isWhole, recogniseText, sentByOneOf, writtenPart, writtenUnits } from '../merge/written.js';

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
      const [outcome] = await binding.subscriber.pushMany([operationOf(env, binding, link, intent, signal)]);
      return outcome === undefined
        ? retryResult(env, link, 'pushMany gave no answer')
        : concluded(env, binding, link, intent, outcome);
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

/**
 * What the answer to a write means. One that was refused after some of its calls took effect has written a part; that a replay is
 * refused says nothing of the request before it. What was written is looked for first, so that a create isn't made again and our
 * own values don't pass for somebody's edit.
 */
export async function concluded(
  env: Environment,
  binding: Binding,
  link: Link,
  intent: Intent,
  outcome: Outcome,
  basis?: Basis,
): Promise<Result | undefined> {
  if (outcome.kind === 'exists' && intent.kind === 'create') return paired(env, binding, link, intent, outcome, basis);
  if (outcome.kind !== 'rejected' || intent.kind === 'delete' || !(intent.resumed || (await hasSteps(env.db, intent))))
    return answered(env, binding, link, intent, outcome, basis);
  return intent.kind === 'create'
    ? findCreated(env, binding, link, intent, outcome)
    : lookAfter(env, binding, link, intent, outcome);
}

type Rejected = Extract<Outcome, { kind: 'rejected' }>;

/**
 * Looks for what a create may have made. Where that can't be known the intent stays open: as long as it is, no edit makes a second one.
 * @param refused the answer to a create that was refused after a part of it took effect
 */
async function findCreated(
  env: Environment,
  binding: Binding,
  link: Link,
  intent: Intent,
  refused?: Rejected,
): Promise<Result | undefined> {
  const { subscriber } = binding;
  try {
    const candidates = await candidatesOf(env, binding, intent);
    if (candidates === 'hidden')
      return {
        ...retryResult(env, link, 'a create may have taken effect, and the system shows nothing of what it has'),
        unknown: intent.id,
      };
    if (candidates === 'unproven')
      return {
        ...retryResult(env, link, 'a create may have taken effect, and nothing is known yet that the system must show'),
        unknown: intent.id,
        missed: intent.id,
      };
    if (candidates !== 'unknowable') env.contacts.heard(binding.id, env.clock.now());
    if (candidates === 'unknowable') {
      const why =
        refused === undefined
          ? 'a create may have taken effect'
          : `${refused.reason}; something may have taken effect before`;
      return parkResult(link, 'unknown-create', `${why}, and it can't be looked up: check there, then retry`);
    }
    const [remote] = candidates;
    if (candidates.length > 1)
      return parkResult(link, 'twin', `${candidates.length} remotes may be the one that was created`);
    if (remote === undefined) {
      return refused === undefined
        ? { ...againResult(env, link, 'its create had no effect', false), ...closed(intent, notSeen) }
        : await answered(env, binding, link, intent, refused);
    }
    // after a refusal: paired now, its remaining values are owed, and the next pass meets the refusal alone
    return await paired(env, binding, link, intent, {
      kind: 'exists',
      remoteId: subscriber.identify(remote),
      remote,
    });
  } catch (error) {
    const failure = subscriber.readFailure(error);
    if (failure.kind === 'blocked') return blockedResult(env, binding, link, failure.reason, failure.afterMs);
    return { ...retryResult(env, link, failure.reason, failure), unknown: intent.id };
  }
}

/**
 * The remote of a create is there. Where the create has several calls, some of them may not have been made: what the remote doesn't
 * show of it is owed, and no edit, be it a value that the object was born with (a draft, that is to be paid).
 */
async function paired(
  env: Environment,
  binding: Binding,
  link: Link,
  intent: Intent,
  outcome: Extract<Outcome, { kind: 'exists' }>,
  basis?: Basis,
): Promise<Result | undefined> {
  if (!(await hasSteps(env.db, intent))) {
    const ours = await withEarlierCreates(env, binding, intent, outcome.remote);
    return answered(env, binding, link, ours, outcome, basis);
  }
  const { remoteId } = outcome;
  const sight =
    outcome.remote === undefined ? await binding.subscriber.look(remoteId, laneOf(link)) : found(outcome.remote);
  if (sight.kind === 'blocked') return blockedResult(env, binding, link, sight.reason, sight.afterMs);
  if (sight.kind !== 'found')
    return { ...retryResult(env, link, `${remoteId}, which it made in part, can't be read`), unknown: intent.id };
  const { remote } = sight;
  const { body } = intent;
  const { units } = binding.mapping;
  const sent = writtenUnits(units, body.draft.sent, remote);
  const owed = units.filter(({ name }) => own(body.draft.sent, name) !== undefined && own(sent, name) === undefined);
  const pairs = Object.fromEntries(owed.map((unit) => [unit.name, pair(undefined, remoteValue(unit, remote))]));
  const begun = { ...link, shadow: { ...link.shadow, units: { ...link.shadow.units, ...pairs } } };
  const ours = { ...intent, resumed: true, body: { ...body, draft: { ...body.draft, sent } } };
  return answered(env, binding, begun, ours, exists(remoteId, remote), basis);
}

/**
 * Somebody may have entered the same there. One that bears no marker, where ours do, is none of ours; nor is one that shows nothing of what
 * we sent but what it was found by: its values are no edits of ours then, and both are kept.
 */
function mayBeOurs(
  { subscriber, mapping }: Binding,
  creates: readonly { readonly sent: SentPairs }[],
  remote: unknown,
): boolean {
  if (subscriber.capabilities.chosenId) return true;
  if (subscriber.capabilities.marker) return subscriber.keyOf(remote) !== undefined;
  const told = mapping.units.filter(({ name }) => !subscriber.match.includes(name));
  const isTold = creates.some(({ sent }) => told.some(({ name }) => own(sent, name) !== undefined));
  return !isTold || creates.some(({ sent }) => Object.keys(writtenUnits(told, sent, remote, recogniseText)).length > 0);
}

/** An earlier create of the record, which was looked for and not seen, may have made the remote after all: with what it held then. */
async function withEarlierCreates(
  env: Environment,
  binding: Binding,
  intent: Intent,
  remote: unknown,
): Promise<Intent> {
  const unseen = await unseenWrites(env.db, [intent.linkId], 'create');
  const earlier = (unseen.get(intent.linkId) ?? []).map(({ body: { draft } }) => draft);
  const { body } = intent;
  // a create that wasn't sent yet has made nothing
  const creates = intent.resumed ? [body.draft, ...earlier] : earlier;
  if (creates.length === 0) return intent;
  if (remote !== undefined && !mayBeOurs(binding, creates, remote)) return { ...intent, resumed: false };
  if (earlier.length === 0) return intent;
  const draft = { ...body.draft, ...sentByOneOf(binding.mapping, creates, remote) };
  return { ...intent, resumed: true, body: { ...body, draft } };
}

/**
 * Remotes that a create may have made. `unknowable`: the system offers no way to look. `hidden`: it found nothing, and doesn't show
 * what must be there either (a permission is lost), so that finding nothing proves nothing. `unproven`: it found nothing, and nothing is known
 * that must be there, but soon will be.
 */
async function candidatesOf(
  env: Environment,
  binding: Binding,
  intent: Intent,
): Promise<readonly unknown[] | 'unknowable' | 'hidden' | 'unproven'> {
  const { subscriber } = binding;
  const values = matchValues(binding, intent);
  if (!subscriber.capabilities.marker && (subscriber.match.length === 0 || values === undefined)) return 'unknowable';
  const look = (): Promise<readonly unknown[]> =>
    subscriber.find(
      subscriber.capabilities.marker ? { by: 'key', key: intent.body.key } : { by: 'match', values: values as never },
    );
  let found = await look();
  if (found.length === 0) {
    const shows = await showsPaired(env, binding);
    if (shows === false) return 'hidden';
    if (
      shows === undefined &&
      intent.missed + 1 < looksUnproven &&
      (await witnessesComing(env.db, binding.id, intent.linkId))
    )
      return 'unproven';
    found = await look(); // it may have been hidden a moment ago
  }
  // the key it was made under: the record may have another by now
  return freeRemotes(env.db, binding, intent.body.key, found);
}

/** How many paired remotes are asked for before a system counts as one that hides what it has: some may have been deleted there. */
const witnesses = 3;

/** So many looks that find nothing, while others are about to become witnesses and don't, are taken for the truth. */
const looksUnproven = 8;

/** Whether the system shows a remote that must be there. Undefined where none is known. */
async function showsPaired(env: Environment, { id, subscriber }: Binding): Promise<boolean | undefined> {
  const remoteIds = await pairedRemotes(env.db, id, witnesses);
  for (const remoteId of remoteIds) if ((await subscriber.look(remoteId, 'live')).kind === 'found') return true;
  return remoteIds.length === 0 ? undefined : false;
}

/** Reads what an update or a delete has left. @param refused the answer to an update of which a part may have taken effect */
async function lookAfter(
  env: Environment,
  binding: Binding,
  link: Link,
  intent: Intent,
  refused?: Rejected,
): Promise<Result | undefined> {
  const remoteId = intent.body.remoteId ?? '';
  const sight = await binding.subscriber.look(remoteId, laneOf(link));
  switch (sight.kind) {
    case 'found':
      // no part did: the refusal stands
      if (refused !== undefined && !showsUnseenEdit(binding.mapping, link.shadow, sight.remote))
        return answered(env, binding, link, intent, refused);
      return observeAfter(env, binding, link, intent, sight.remote);
    case 'gone':
      return answered(env, binding, link, intent, sight);
    case 'missing':
      if (intent.kind === 'delete') return missedAfterDelete(env, binding, link, intent, sight.reason);
      // the intent stays open: what it sent is still ours when the remote shows again
      return { ...parkResult(link, 'remote-missing', sight.reason), unknown: intent.id };
    case 'retry':
      return { ...retryResult(env, link, sight.reason, sight), unknown: intent.id };
    case 'blocked':
      return blockedResult(env, binding, link, sight.reason, sight.afterMs);
  }
}

/** An ordinary observation: where it differs from what was sent, it may be somebody's edit. */
function observeAfter(
  env: Environment,
  binding: Binding,
  link: Link,
  intent: Intent,
  remote: unknown,
): Promise<Result | undefined> {
  const { draft, remoteId = '' } = intent.body;
  const sent = writtenPart(binding.mapping, link.shadow, draft, remote);
  const came = isWhole(draft, sent);
  return observe(env, binding, link, { remote, remoteId, sent, intent, ...(came ? {} : { outcome: notSeen }) });
}

/** So many looks that find nothing after a deletion of ours, with growing waits between them, are proof. */
const looksAfterDelete = 6;

/**
 * We asked for its deletion, the answer was lost, and now it isn't found: that is a told deletion together with a 404. A permission
 * that is lost for a moment looks the same, and would leave it standing there: so it is looked for more than once, and only
 * counts where the system shows others.
 */
async function missedAfterDelete(
  env: Environment,
  binding: Binding,
  link: Link,
  intent: Intent,
  reason: string,
): Promise<Result | undefined> {
  if (link.gone) return answered(env, binding, link, intent, gone());
  const again: Result = { ...retryResult(env, link, reason), unknown: intent.id };
  if ((await showsPaired(env, binding)) === false) return again;
  return intent.missed + 1 >= looksAfterDelete
    ? answered(env, binding, link, intent, gone())
    : { ...again, missed: intent.id };
}
