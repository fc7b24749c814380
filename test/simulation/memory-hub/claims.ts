/** Twins of the statements that claim, read, lock and release links: src/store/links.ts, awaited.ts, circles.ts. */
import { isoText, momentOf, sqlText, type Moment } from './moment.js';
import { both, json, optional, slotsOf, text, type LinkRow, type RunRow, type Store, type Twins } from './store.js';
import type { Slot } from './table.js';
import { Mode, type Transaction } from './transaction.js';

/** What the columns of a claimed link look like to a driver. */
const shown = (link: LinkRow) => ({
  id: String(link.id),
  subscriber: link.subscriber,
  key: link.key,
  remote_id: link.remote_id,
  state: link.state,
  shadow: link.shadow,
  version: link.version,
  generation: String(link.generation),
  fence: String(link.fence),
  lane: link.lane,
  look: link.look,
  sight: link.sight,
  gone: link.gone_at !== null,
  deleted: link.deleted_at !== null,
  edited_at: isoText(link.edited_at),
  edited_by: link.edited_by,
  remote_edited_at: isoText(link.remote_edited_at),
  attempts: link.attempts,
  failing: link.last_error !== null,
  flips: link.flips,
  planned: link.planned,
  claims: link.claims,
  created_at: sqlText(link.created_at),
});

const ms = 1000;

export function claimTwins(store: Store): Twins {
  const busy = (tx: Transaction, link: LinkRow, now: Moment): boolean =>
    (link.lease_until !== null && link.lease_until > now) || store.intentOpen.find(tx, link.id).length > 0;

  return {
    'syncflow-claim-links': async (tx, [subscriberParam, limit, owner, leaseMs, mostLane]) => {
      const subscriber = text(subscriberParam);
      const now = store.now();
      if (isHeld(store, tx, subscriber, now)) return [];
      const isDue = (link: LinkRow): boolean =>
        link.lane <= Number(mostLane) &&
        link.due_at !== null &&
        link.due_at <= now &&
        (link.lease_until === null || link.lease_until < now) &&
        link.parked_code === null &&
        !link.paused;
      const ripe = store.link.where(tx, isDue, store.linkDue.slots.get(subscriber) ?? []);
      if (ripe.length === 0) return [];
      const due = store.link.where(tx, pairable(store, tx, subscriber), ripe);
      due.sort((a, b) => inOrderOfLanes(rowOf(tx, a), rowOf(tx, b)));
      const taken: Slot<LinkRow>[] = [];
      for (const slot of due) {
        if (taken.length >= Number(limit)) break;
        if (tx.tryLock(slot, Mode.update)) taken.push(slot);
      }
      const until = now + Number(leaseMs) * ms;
      const claimed = await store.link.update(tx, taken, (link) => ({
        ...link,
        lease_owner: optional(owner ?? null),
        lease_until: until,
        fence: link.fence + 1,
      }));
      return claimed.map(({ after }) => shown(after));
    },

    'syncflow-renew-leases': async (tx, [links, leaseMs]) => {
      const fences = fencesOf(links);
      const until = store.now() + Number(leaseMs) * ms;
      const renewed = await store.link.update(tx, slotsOf(tx, store.linkById, fences.keys()), (link) =>
        fences.get(link.id) === link.fence && link.lease_owner !== null ? { ...link, lease_until: until } : undefined,
      );
      return renewed.map(({ after }) => ({ id: String(after.id) }));
    },

    'syncflow-shorten-leases': async (tx, [leaseMs]) => {
      const until = store.now() + Number(leaseMs) * ms;
      const isLong = (link: LinkRow): boolean =>
        link.lease_owner !== null && link.lease_until !== null && link.lease_until > until;
      await store.link.update(tx, store.link.where(tx, isLong), (link) =>
        isLong(link) ? { ...link, lease_until: until } : undefined,
      );
      return [];
    },

    'syncflow-find-links': (tx, [wanted]) => {
      const now = store.now();
      const list = json<{ subscriber: string; key?: string; remoteId?: string }[]>(wanted);
      const slots = [
        ...list.flatMap((one) =>
          one.key === undefined ? [] : store.linkByKey.find(tx, both(one.subscriber, one.key)),
        ),
        ...list.flatMap((one) =>
          one.remoteId === undefined ? [] : store.linkByRemote.find(tx, both(one.subscriber, one.remoteId)),
        ),
      ];
      return slots.map((slot) => {
        const link = rowOf(tx, slot);
        return { ...shown(link), busy: busy(tx, link, now), leaving: isLeaving(store, tx, link) };
      });
    },

    'syncflow-lock-record-links': async (tx, [subscriber, keys]) => {
      const named = new Set(json<string[]>(keys).map((key) => both(text(subscriber), key)));
      const isNamed = (link: LinkRow): boolean => named.has(String(store.linkByKey.keyOf(link)));
      const rows = await lockInOrder(store, tx, slotsOf(tx, store.linkByKey, named), Mode.update, isNamed);
      return rows.map((link) => ({
        ...shown(link),
        busy: busy(tx, link, store.now()),
        parked_code: link.parked_code,
      }));
    },

    'syncflow-release-leases': async (tx, [links]) => {
      const fences = fencesOf(links);
      await store.link.update(tx, slotsOf(tx, store.linkById, fences.keys()), (link) =>
        fences.get(link.id) === link.fence
          ? { ...link, lease_owner: null, lease_until: null, fence: link.fence + 1 }
          : undefined,
      );
      return [];
    },

    ...lockTwins(store),
    ...waitTwins(store),
  };
}

/** `order by l.id for …` */
async function lockInOrder(
  store: Store,
  tx: Transaction,
  slots: Slot<LinkRow>[],
  mode: Mode,
  matches: (link: LinkRow) => boolean,
): Promise<LinkRow[]> {
  const ordered = [...new Set(slots)].sort((a, b) => rowOf(tx, a).id - rowOf(tx, b).id);
  return store.link.lock(tx, ordered, mode, matches);
}

function lockTwins(store: Store): Twins {
  const inOrder = (tx: Transaction, slots: Slot<LinkRow>[], mode: Mode, matches: (link: LinkRow) => boolean) =>
    lockInOrder(store, tx, slots, mode, matches);
  const ids = (links: readonly LinkRow[]): object[] => links.map(({ id }) => ({ id: String(id) }));
  return {
    'syncflow-lock-links-by-lease': async (tx, [links]) => {
      const fences = fencesOf(links);
      const has = (link: LinkRow): boolean => fences.get(link.id) === link.fence;
      const slots = store.link.where(tx, has, slotsOf(tx, store.linkById, fences.keys()));
      return ids(await inOrder(tx, slots, Mode.update, has));
    },
    'syncflow-lock-links-by-key': async (tx, [links]) => {
      const keys = new Set(
        json<{ subscriber: string; key: string }[]>(links).map((one) => both(one.subscriber, one.key)),
      );
      const isNamed = (link: LinkRow): boolean => keys.has(String(store.linkByKey.keyOf(link)));
      return ids(await inOrder(tx, slotsOf(tx, store.linkByKey, keys), Mode.update, isNamed));
    },
    'syncflow-lock-links-by-remote': async (tx, [links]) => {
      const remotes = json<{ subscriber: string; remoteId: string }[]>(links);
      const keys = new Set(remotes.map((one) => both(one.subscriber, one.remoteId)));
      const isNamed = (link: LinkRow): boolean => keys.has(String(store.linkByRemote.keyOf(link)));
      return ids(await inOrder(tx, slotsOf(tx, store.linkByRemote, keys), Mode.update, isNamed));
    },
    'syncflow-lock-awaited': async (tx, [awaited]) => {
      const names = new Map<string, string[]>();
      for (const one of json<{ name: string; subscriber: string; key?: string; remoteId?: string }[]>(awaited)) {
        const place =
          one.key !== undefined ? `k${both(one.subscriber, one.key)}` : `r${both(one.subscriber, one.remoteId ?? '')}`;
        names.set(place, [...(names.get(place) ?? []), one.name]);
      }
      const slots = [...names.keys()].flatMap((place) =>
        (place.startsWith('k') ? store.linkByKey : store.linkByRemote).find(tx, place.slice(1)),
      );
      const namesOf = (link: LinkRow): string[] => [
        ...(names.get(`k${store.linkByKey.keyOf(link) ?? ''}`) ?? []),
        ...(names.get(`r${store.linkByRemote.keyOf(link) ?? ''}`) ?? []),
      ];
      const rows = await inOrder(tx, slots, Mode.share, (link) => namesOf(link).length > 0);
      return rows.flatMap((link) => {
        const standing = standingOf(link, isLeaving(store, tx, link));
        return namesOf(link).map((name) => ({ name, standing }));
      });
    },
  };
}

/** A deletion of its remote is under way, and has no answer yet. */
function isLeaving(store: Store, tx: Transaction, link: LinkRow): boolean {
  return store.intentOpen.find(tx, link.id).some((slot) => rowOf(tx, slot).kind === 'delete');
}

function standingOf(link: LinkRow, leaving: boolean): 'ready' | 'stuck' | 'coming' {
  if (link.state === 'linked' && link.remote_id !== null && link.key !== null && !leaving) return 'ready';
  return link.parked_code !== null || link.state === 'gone' || link.state === 'excluded' ? 'stuck' : 'coming';
}

/** Longer circles are left to their time-outs. */
const longestCircle = 50;

function waitTwins(store: Store): Twins {
  /** Names met from each waiter on, where its wait leads back to itself. */
  const circles = (tx: Transaction, waiters: unknown): Map<string, string[]> => {
    const found = new Map<string, string[]>();
    for (const { id, own, awaited } of waiters as { id: string; own: string; awaited: string }[]) {
      const path = [awaited];
      for (let name = awaited; name !== own && path.length < longestCircle;) {
        const link = linkNamed(store, tx, name);
        if (link?.waits_for == null || path.includes(link.waits_for)) break;
        name = link.waits_for;
        path.push(name);
      }
      if (path.at(-1) === own) found.set(id, path);
    }
    return found;
  };
  return {
    'syncflow-in-circle': (tx, [waiters]) => [...circles(tx, json(waiters)).keys()].map((id) => ({ id })),

    'syncflow-wake-circles': async (tx, [waiters]) => {
      const own = new Map(json<{ id: string; own: string }[]>(waiters).map((one) => [one.id, one.own]));
      const members = new Set<string>();
      for (const [id, path] of circles(tx, json(waiters)))
        for (const name of path) if (name !== own.get(id)) members.add(name);
      const matches = (link: LinkRow): boolean =>
        link.waits_for !== null && link.parked_code === null && link.state === 'new';
      const slots = [...members].flatMap((name) => {
        const cut = name.indexOf(':[');
        return cut < 0 ? [] : store.linkByKey.find(tx, both(name.slice(0, cut), name.slice(cut + 1)));
      });
      await store.link.update(tx, store.link.where(tx, matches, slots), (link) =>
        matches(link) ? { ...link, due_at: store.now(), generation: link.generation + 1 } : undefined,
      );
      return [];
    },

    'syncflow-wake-waiting': async (tx, [names]) => {
      const awaited = new Set(json<string[]>(names));
      await store.link.update(tx, slotsOf(tx, store.linkWaits, awaited), (link) =>
        link.waits_for !== null && awaited.has(link.waits_for)
          ? {
              ...link,
              due_at: store.now(),
              waits_for: null,
              parked_code: null,
              parked_reason: null,
              parked_at: null,
              generation: link.generation + 1,
            }
          : undefined,
      );
      return [];
    },
  };
}

function linkNamed(store: Store, tx: Transaction, name: string): LinkRow | undefined {
  const cut = name.indexOf(':[');
  if (cut < 0) return undefined;
  return store.linkByKey.find(tx, both(name.slice(0, cut), name.slice(cut + 1)))[0]?.seenBy(tx);
}

export function rowOf<R>(tx: Transaction, slot: Slot<R>): R {
  const row = slot.seenBy(tx);
  if (row === undefined) throw new Error('the row is not visible');
  return row;
}

/** Fences by id. */
export const fencesOf = (links: Parameters<typeof json>[0]): Map<number, number> =>
  new Map(json<{ id: string; fence: string }[]>(links).map((one) => [Number(one.id), Number(one.fence)]));

const inOrderOfLanes = (a: LinkRow, b: LinkRow): number => a.lane - b.lane || (a.due_at ?? 0) - (b.due_at ?? 0);

function isHeld(store: Store, tx: Transaction, subscriber: string, now: Moment): boolean {
  if (store.settingByName.find(tx, `pause:${subscriber}`).length > 0) return true;
  const [hold] = store.settingByName.find(tx, `hold:${subscriber}`);
  return hold !== undefined && momentOf(rowOf(tx, hold).value) > now;
}

/** Who may be paired now: see `pairable` in src/store/links.ts. */
function pairable(store: Store, tx: Transaction, subscriber: string): (link: LinkRow) => boolean {
  const loads = store.run.rows(
    tx,
    (run: RunRow) => run.kind === 'backfill',
    store.runBySubscriber.slots.get(subscriber) ?? [],
  );
  if (loads.length === 0) return () => true;
  const first = Math.min(...loads.map((run) => run.id));
  const isLoading = loads.some((run) => run.finished_at === null);
  const isFirstLoading = loads.some((run) => run.id === first && run.finished_at === null);
  const finished = loads.flatMap((run) => run.finished_at ?? []);
  let waiting: boolean | undefined;
  const strangers = (until: Moment): boolean =>
    store.link.exists(
      tx,
      (link) =>
        link.key === null &&
        link.state === 'new' &&
        link.due_at !== null &&
        link.parked_code === null &&
        !link.paused &&
        link.waits_for === null &&
        link.attempts < 3 &&
        link.created_at <= until,
      store.linkDue.slots.get(subscriber) ?? [],
    );
  return (link) => {
    if (link.state !== 'new' || store.intentOpen.find(tx, link.id).length > 0) return true;
    if (isFirstLoading || (link.lane >= 2 && isLoading)) return false;
    if (link.key === null) return true;
    waiting ??= finished.length > 0 && strangers(Math.max(...finished));
    return !waiting;
  };
}
