/** Links that a person makes and undoes. */
import { givenKey } from '../catalog/given-key.js';
import { keyArgument, showKey, type RecordKey } from '../catalog/key.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { SyncflowError } from '../errors.js';
import { findDecided, noteDecisions, type DecidedLink } from '../store/decisions.js';
import { insertHistory } from '../store/history.js';
import { makeSighted } from '../store/inbox.js';
import { deleteLinks, findLinks, lockRecordLinks } from '../store/links.js';
import { makeDue } from '../store/marks.js';
import { settleLinks } from '../store/settle.js';
import { takeTurns } from '../store/turns.js';
import type { Queryable } from '../store/database.js';

export interface LinkRequest {
  /** `customer/stripe` */
  readonly subscriber: string;
  /** The record's key as text: `["42"]`. */
  readonly key: RecordKey;
  readonly remoteId: string;
}

export interface UnlinkRequest {
  readonly subscriber: string;
  readonly key: RecordKey;
  /** Each side gets a partner of its own; else both stay as they are, and apart. */
  readonly separate?: boolean;
}

/** What a record was parted from. */
export interface Unlinked {
  readonly remoteId: string;
}

export async function linkByHand(env: Environment, binding: Binding, request: LinkRequest): Promise<void> {
  const { remoteId } = request;
  const key = givenKey(binding.catalog.definition, request.key);
  await refuseUnseen(binding, remoteId);
  await env.db.transaction(async (tx) => {
    await takeTurns(tx, [`link ${binding.id} ${key}`, `link ${binding.id} to ${remoteId}`]);
    if (!(await binding.catalog.rows.load(tx, [key])).has(key))
      throw new SyncflowError('usage', `there is no record ${showKey(key)} in ${binding.catalog.definition.name}`, {
        hint: 'Nothing was linked. Insert the record first, or give the key of one that is there.',
      });
    const own = (await lockRecordLinks(tx, binding.id, [key])).get(key)?.link;
    const [there] = await findLinks(tx, [{ subscriber: binding.id, remoteId }]);
    if (there?.key === key && there.state === 'linked') return;
    if (own?.remoteId !== undefined && own.state !== 'gone')
      throw taken(binding, `record ${showKey(key)} is linked to ${own.remoteId}`, key);
    if (there?.key !== undefined && there.state !== 'gone')
      throw taken(binding, `remote ${remoteId} is linked to record ${showKey(there.key)}`, there.key);
    const [decided] = await findDecided(tx, binding.id, { key, remoteId });
    if (decided !== undefined && (decided.key !== key || decided.remoteId !== remoteId))
      throw promised(binding, decided, remoteId);
    // what was let go before is taken up again; the record's former remote stays let go, and becomes no record of its own
    if (there?.state === 'gone') await deleteLinks(tx, [there.id]);
    if (own?.state === 'gone' && own.id !== there?.id) await settleLinks(tx, [{ link: own, state: 'gone', key: null }]);
    await announce(tx, binding, remoteId, { by: 'person', do: 'link', key });
  });
}

export async function unlinkByHand(env: Environment, binding: Binding, request: UnlinkRequest): Promise<Unlinked> {
  const { separate = false } = request;
  const key = givenKey(binding.catalog.definition, request.key);
  return env.db.transaction(async (tx) => {
    const own = (await lockRecordLinks(tx, binding.id, [key])).get(key);
    const remoteId = own?.link.remoteId;
    if (own === undefined || remoteId === undefined || own.link.state === 'gone')
      throw new SyncflowError('usage', `record ${showKey(key)} has no remote in ${binding.id}`, {
        hint: `What is known of it: syncflow explain ${binding.catalog.definition.name} ${keyArgument(key)}`,
      });
    if (own.busy)
      throw new SyncflowError('usage', `record ${showKey(key)} is being synced with ${binding.id} at this moment`, {
        hint: 'Try again when it is done: see syncflow status.',
      });
    if (separate) {
      await deleteLinks(tx, [own.link.id]);
      await announce(tx, binding, remoteId, { by: 'person', do: 'create' });
      await makeDue(tx, [{ subscriber: binding.id, key, lane: 0, at: null, by: null, deleted: undefined }]);
      await noteDecisions(tx, [{ subscriber: binding.id, key, planned: { by: 'person', do: 'create' } }]);
    } else {
      await settleLinks(tx, [{ link: own.link, state: 'gone' }]);
    }
    await insertHistory(tx, [{ subscriber: binding.id, key, remoteId, event: 'unlinked' }]);
    return { remoteId };
  });
}

/** A remote that nobody has can't be linked: a mistyped id would come to nothing, without a word. */
async function refuseUnseen({ id, subscriber }: Binding, remoteId: string): Promise<void> {
  const sight = await subscriber.look(remoteId, 'live').catch((error: unknown) => subscriber.readFailure(error));
  if (sight.kind === 'found') return;
  if (sight.kind === 'gone' || sight.kind === 'missing')
    throw new SyncflowError('usage', `${id}: there is no remote ${remoteId}`, {
      hint: 'Nothing was linked. Its id is what the system itself calls it; `syncflow parked list` and `syncflow plan` show those that are in question.',
    });
  throw new SyncflowError('subscriber', `${id}: remote ${remoteId} can't be read now: ${sight.reason}`, {
    hint: 'Nothing was linked. Try again when the system answers.',
  });
}

async function announce(
  tx: Queryable,
  { id }: Binding,
  remoteId: string,
  planned: Parameters<typeof noteDecisions>[1][number]['planned'],
): Promise<void> {
  await makeSighted(tx, [{ subscriber: id, remoteId, lane: 0, gone: false, at: null }]);
  await noteDecisions(tx, [{ subscriber: id, remoteId, planned }]);
}

/** What was said before and not done yet would be forgotten, without a word. */
function promised({ id }: Binding, decided: DecidedLink, remoteId: string): SyncflowError {
  const { key } = decided;
  const what =
    decided.remoteId === remoteId
      ? `remote ${remoteId} is to be linked to record ${showKey(key)}`
      : `record ${showKey(key)} is to be linked to ${decided.remoteId}`;
  return new SyncflowError('usage', `${id}: ${what} already; nothing was linked`, {
    hint: `That was decided, and its next pass does it (syncflow sync). If it was a mistake, undo it then: syncflow unlink ${id.split('/')[0] ?? ''} ${keyArgument(key)} ${id}`,
  });
}

function taken({ id }: Binding, what: string, key: RecordKey): SyncflowError {
  return new SyncflowError('usage', `${id}: ${what} already`, {
    hint: `Undo that first: syncflow unlink ${id.split('/')[0] ?? ''} ${keyArgument(key)} ${id}`,
  });
}
