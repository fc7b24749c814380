/** Links that a person makes and undoes. */
import type { RecordKey } from '../catalog/key.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { SyncflowError } from '../errors.js';
import { noteDecisions } from '../store/decisions.js';
import { insertHistory } from '../store/history.js';
import { makeSighted } from '../store/inbox.js';
import { deleteLinks, findLinks, lockRecordLinks } from '../store/links.js';
import { makeDue } from '../store/marks.js';
import { settleLinks } from '../store/settle.js';
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

export async function linkByHand(env: Environment, binding: Binding, { key, remoteId }: LinkRequest): Promise<void> {
  await env.db.transaction(async (tx) => {
    if (!(await binding.catalog.rows.load(tx, [key])).has(key))
      throw new SyncflowError('usage', `there is no record ${key} in ${binding.catalog.definition.name}`, {
        hint: 'A key of several fields is written \'["acme", "7"]\'.',
      });
    const own = (await lockRecordLinks(tx, binding.id, [key])).get(key)?.link;
    const [there] = await findLinks(tx, [{ subscriber: binding.id, remoteId }]);
    if (there?.key === key && there.state === 'linked') return;
    if (own?.remoteId !== undefined && own.state !== 'gone')
      throw taken(binding, `record ${key} is linked to ${own.remoteId}`, key);
    if (there?.key !== undefined && there.state !== 'gone')
      throw taken(binding, `remote ${remoteId} is linked to record ${there.key}`, there.key);
    // what was let go before is taken up again
    await deleteLinks(tx, [...new Set([own, there].flatMap((link) => (link?.state === 'gone' ? [link.id] : [])))]);
    await announce(tx, binding, remoteId, { by: 'person', do: 'link', key });
  });
}

export async function unlinkByHand(env: Environment, binding: Binding, request: UnlinkRequest): Promise<void> {
  const { key, separate = false } = request;
  await env.db.transaction(async (tx) => {
    const own = (await lockRecordLinks(tx, binding.id, [key])).get(key);
    const remoteId = own?.link.remoteId;
    if (own === undefined || remoteId === undefined || own.link.state === 'gone')
      throw new SyncflowError('usage', `record ${key} has no remote in ${binding.id}`, {
        hint: `See: syncflow explain ${binding.catalog.definition.name} ${key}`,
      });
    if (own.busy)
      throw new SyncflowError('usage', `record ${key} is being synced with ${binding.id} at this moment`, {
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

function taken({ id }: Binding, what: string, key: RecordKey): SyncflowError {
  return new SyncflowError('usage', `${id}: ${what} already`, {
    hint: `Undo that first: syncflow unlink ${id.split('/')[0] ?? ''} ${key} ${id}`,
  });
}
