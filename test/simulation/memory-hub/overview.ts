/** Twins of the questions about the whole: src/store/overview.ts. */
import { isoText } from './moment.js';
import { isParkedAs } from './settle.js';
import { json, text, type Store, type Twins } from './store.js';

export function overviewTwins(store: Store): Twins {
  return {
    'syncflow-pending': (tx, [subscribers, catalogs]) => {
      const known = new Set(json<string[]>(catalogs));
      const own = json<string[]>(subscribers);
      const isPending =
        store.mark.exists(tx, (mark) => known.has(mark.catalog)) ||
        own.some(
          (subscriber) =>
            store.inboxOpen.find(tx, subscriber).length > 0 ||
            (store.settingByName.find(tx, `pause:${subscriber}`).length === 0 &&
              store.link.exists(
                tx,
                (link) => link.due_at !== null && !link.paused && link.parked_code === null,
                store.linkDue.slots.get(subscriber) ?? [],
              )),
        );
      return [{ pending: isPending }];
    },

    'syncflow-list-parked': (tx, [subscriber, code, id, limit]) =>
      store.link
        .rows(tx, isParkedAs({ subscriber, code, id }))
        .sort((a, b) => (b.parked_at ?? 0) - (a.parked_at ?? 0))
        .slice(0, Number(limit))
        .map((link) => ({
          id: String(link.id),
          subscriber: link.subscriber,
          key: link.key,
          remoteId: link.remote_id,
          code: link.parked_code,
          reason: link.parked_reason,
          since: link.parked_at === null ? null : `${isoText(link.parked_at).slice(0, 19)}Z`,
        })),

    'syncflow-parked-keys': (tx, [subscriber]) =>
      store.link
        .rows(tx, (link) => link.parked_code !== null, store.linkBySubscriber.slots.get(text(subscriber)) ?? [])
        .map(({ key, remote_id }) => ({ key, remote_id })),

    'syncflow-list-conflicts': (tx, [subscriber, key, limit]) =>
      store.conflict
        .rows(tx, (row) => (subscriber === null || row.subscriber === subscriber) && (key === null || row.key === key))
        .sort((a, b) => b.id - a.id)
        .slice(0, Number(limit))
        .map(({ at, id: _id, link_id: _link, ...row }) => ({ ...row, at: `${isoText(at).slice(0, 23)}Z` })),
  };
}
