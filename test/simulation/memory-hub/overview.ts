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

    'syncflow-still-referred': (tx, [referring]) => {
      const asked = json<{ id: string; subscriber: string; unit: string; text: string | null }[]>(referring);
      const referred = asked.filter((one) =>
        store.link.exists(
          tx,
          (link) =>
            link.state === 'linked' &&
            link.due_at !== null &&
            link.parked_code === null &&
            !link.paused &&
            String(link.id) !== one.id &&
            one.text !== null &&
            shadowText(link.shadow, one.unit) === one.text,
          store.linkDue.slots.get(one.subscriber) ?? [],
        ),
      );
      return [...new Set(referred.map(({ id }) => id))].map((id) => ({ id }));
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

/** What a unit of a shadow holds in the hub. */
function shadowText(shadow: string | null, unit: string): string | null | undefined {
  const units =
    shadow === null ? undefined : (JSON.parse(shadow) as { units: Record<string, { h?: string | null }> }).units;
  return units !== undefined && Object.hasOwn(units, unit) ? units[unit]?.h : undefined;
}
