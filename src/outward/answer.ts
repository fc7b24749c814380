/** What the answer to a remote write means for its link. One branch per outcome; the list is closed. */
import type { Observation } from '../apply/apply.js';
import { detailOfSent, laneDetail } from '../apply/audit.js';
import { tombstone } from '../apply/deletion.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import {
  againResult,
  blockedResult,
  closed,
  parkResult,
  retryResult,
  type Emission,
  type Result,
} from '../engine/result.js';
import { observe, type Basis } from '../inward/observe.js';
import { shadowOfSent } from '../merge/sent.js';
import type { HistoryRow } from '../store/history.js';
import { notSeen, type Intent } from '../store/intents.js';
import type { Link } from '../store/links.js';
import type { Outcome } from '../subscriber/outcome.js';
import { sentOf } from './operation.js';

/** Returns the result to commit; undefined where it was committed already (the answer changed the hub). */
export async function answered(
  env: Environment,
  binding: Binding,
  link: Link,
  intent: Intent,
  outcome: Outcome,
  basis?: Basis,
): Promise<Result | undefined> {
  if (isWord(outcome)) env.contacts.heard(binding.id, env.clock.now());
  switch (outcome.kind) {
    case 'done':
      return intent.kind === 'delete'
        ? deleted(binding, link, intent)
        : written(env, binding, link, intent, outcome, !intent.resumed, basis);
    case 'exists':
      return written(env, binding, link, intent, outcome, false, basis);
    case 'gone':
      if (intent.kind === 'delete') return deleted(binding, link, intent);
      // its deletion is applied by the next pass, which reads it again
      return { ...againResult(env, link, 'it was deleted there', true), ...closed(intent, 'gone') };
    case 'missing':
      return {
        ...parkResult(link, 'remote-missing', outcome.reason),
        // the attempt before this one may have taken effect
        ...(intent.resumed && intent.kind !== 'delete' ? { unknown: intent.id } : closed(intent, 'missing')),
      };
    case 'rejected':
      return { ...parkResult(link, 'rejected', outcome.reason), ...closed(intent, 'rejected') };
    case 'retry': {
      const again = retryResult(env, link, outcome.reason, outcome);
      // that this request took no effect says nothing of the one before it
      return intent.resumed ? { ...again, unknown: intent.id } : { ...again, ...closed(intent, 'not applied') };
    }
    case 'stale':
      // whatever it shows, the remote is read again before the next write
      return { ...againResult(env, link, 'it was changed there meanwhile', true), ...closed(intent, 'stale') };
    case 'blocked':
      return blockedResult(env, binding, link, outcome.reason, outcome.afterMs, intent.resumed ? undefined : intent);
    case 'unknown':
      return { ...retryResult(env, link, outcome.reason), unknown: intent.id };
  }
}

/** Whether the system itself has said something about the record. */
const isWord = ({ kind }: Outcome): boolean => kind !== 'retry' && kind !== 'unknown' && kind !== 'blocked';

async function written(
  env: Environment,
  binding: Binding,
  link: Link,
  intent: Intent,
  outcome: Extract<Outcome, { kind: 'done' | 'exists' }>,
  firstHand: boolean,
  basis: Basis | undefined,
): Promise<Result | undefined> {
  const existed = outcome.kind === 'exists';
  const subject = { subscriber: binding.id, key: link.key, remoteId: outcome.remoteId };
  const units = [...Object.keys(intent.body.draft.sent), ...Object.keys(intent.body.draft.children)];
  const event = existed ? 'linked' : intent.kind === 'create' ? 'created' : 'updated';
  const history: HistoryRow[] = [{ ...subject, event, detail: { ...detailOfSent(intent), ...laneDetail(link) } }];
  const emit: Emission[] = existed
    ? [{ name: 'linked', event: subject }]
    : [{ name: 'pushed', event: { ...subject, operation: intent.kind, units } }];
  const sent = sentOf(binding, intent, { firstHand, certain: !existed });
  if (outcome.remote === undefined) {
    // children that were added got ids there, which only a look can tell
    const added = Object.values(intent.body.draft.children).some(({ add }) => add.length > 0);
    return {
      settlement: {
        link,
        state: 'linked',
        remoteId: outcome.remoteId,
        proof: 'there',
        shadow: shadowOfSent(binding.mapping, link.shadow, sent),
        ...(existed || added ? { look: true, dueInMs: 0 } : {}),
      },
      history,
      emit,
      ...closed(intent, existed ? 'exists' : 'done'),
    };
  }
  const seen: Observation = {
    remote: outcome.remote,
    remoteId: outcome.remoteId,
    // what existed before we came was not sent by us
    ...(existed && !intent.resumed ? {} : { sent }),
    intent,
    history,
    emit,
    look: intent.resumed,
    ...(mayBeTwo(binding, intent, existed) ? { outcome: notSeen } : {}),
  };
  return observe(env, binding, link, seen, basis);
}

/**
 * A create that was sent again, to a system that had forgotten its key by then (the request was late), has made two. The other one bears
 * nothing that says so: as of a create that wasn't seen, its match values are remembered.
 */
function mayBeTwo({ subscriber: { capabilities } }: Binding, intent: Intent, existed: boolean): boolean {
  return intent.kind === 'create' && intent.resumed && !existed && !capabilities.marker && !capabilities.chosenId;
}

function deleted(binding: Binding, link: Link, intent: Intent): Result {
  const subject = { subscriber: binding.id, key: link.key, remoteId: link.remoteId };
  return {
    ...tombstone(link),
    // its answer was lost: the row may have come back under its key before anybody knew what became of it
    ...(intent.resumed && link.key !== undefined ? { anew: link.key } : {}),
    history: [{ ...subject, event: 'deleted', detail: detailOfSent(intent) }],
    emit: [{ name: 'pushed', event: { ...subject, operation: 'delete', units: [] } }],
    ...closed(intent, 'done'),
  };
}
