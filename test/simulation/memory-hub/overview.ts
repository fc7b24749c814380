/** Twins of the questions about the whole: src/store/overview.ts. */
import { rowOf } from './claims.js';
import { isoText, momentOf, sqlText } from './moment.js';
import { isParkedAs } from './settle.js';
import { both, json, text, type LinkRow, type Store, type Twins } from './store.js';
import { Mode, type Transaction } from './transaction.js';

export function overviewTwins(store: Store): Twins {
  return {
    'syncflow-pending': (tx, [subscribers, catalogs]) => {
      const known = new Set(json<string[]>(catalogs));
      const own = json<string[]>(subscribers);
      const awaitsPlan = (subscriber: string): boolean =>
        store.run.exists(
          tx,
          (run) =>
            run.kind === 'backfill' &&
            run.finished_at === null &&
            (JSON.parse(run.progress) as { awaits?: string }).awaits === 'plan',
          store.runBySubscriber.slots.get(subscriber) ?? [],
        );
      const isPending =
        store.mark.exists(tx, (mark) => known.has(mark.catalog)) ||
        own.some(
          (subscriber) =>
            store.inboxOpen.find(tx, subscriber).length > 0 ||
            (store.settingByName.find(tx, `pause:${subscriber}`).length === 0 &&
              store.link.exists(
                tx,
                (link) =>
                  link.due_at !== null &&
                  !link.paused &&
                  link.parked_code === null &&
                  (link.state !== 'new' || !awaitsPlan(subscriber)),
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
            unitsOf(link.shadow).some((units) => textOf(units, one.unit) === one.text),
          store.linkDue.slots.get(one.subscriber) ?? [],
        ),
      );
      return [...new Set(referred.map(({ id }) => id))].map((id) => ({ id }));
    },

    'syncflow-find-renewed': (tx, [linked]) =>
      json<{ at: number; own: string; key: string; remoteId: string }[]>(linked).flatMap(
        ({ at, own, key, remoteId }) =>
          store.history.exists(
            tx,
            (row) => row.key === key && row.remote_id !== null && row.remote_id !== remoteId,
            store.historyBySubscriber.slots.get(own) ?? [],
          )
            ? [{ at }]
            : [],
      ),

    'syncflow-wake-referrers': async (tx, [referring]) => {
      const asked = json<{ subscriber: string; unit: string; child?: string; text: string | null }[]>(referring);
      const matches = (link: LinkRow): boolean =>
        link.state === 'linked' &&
        link.parked_code === null &&
        asked.some(
          (one) =>
            one.subscriber === link.subscriber &&
            one.text !== null &&
            unitsOf(link.shadow, one.child).some((units) => textOf(units, one.unit) === one.text),
        );
      const subscribers = new Set(asked.map(({ subscriber }) => subscriber));
      const slots = [...subscribers].flatMap((one) => [...(store.linkBySubscriber.slots.get(one) ?? [])]);
      await store.link.update(tx, store.link.where(tx, matches, slots), (link) =>
        matches(link) ? { ...link, due_at: store.now(), generation: link.generation + 1 } : undefined,
      );
      return [];
    },

    'syncflow-subscriber-status': (tx, [subscribers]) =>
      [...new Set(json<string[]>(subscribers))].sort().map((subscriber) => statusOf(store, tx, subscriber)),

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

    'syncflow-cursor-age': (tx, [subscriber, name]) =>
      store.cursorByName
        .find(tx, both(text(subscriber), text(name)))
        .map((slot) => ({ age_ms: (store.now() - rowOf(tx, slot).updated_at) / 1000 })),

    'syncflow-touch-cursor': async (tx, [subscriber, name]) => {
      const oldest = store.now() - 60_000_000;
      await store.cursor.update(tx, store.cursorByName.find(tx, both(text(subscriber), text(name))), (row) =>
        row.updated_at < oldest ? { ...row, updated_at: store.now() } : undefined,
      );
      return [];
    },

    'syncflow-hub-time': () => [{ now: sqlText(store.now()) }],

    'syncflow-link-standings': (tx, [ids, since]) => {
      const now = store.now();
      const from = momentOf(text(since));
      return json<string[]>(ids).flatMap((id) =>
        store.linkById.find(tx, Number(id)).map((slot) => {
          const link = rowOf(tx, slot);
          const isLeased = link.lease_until !== null && link.lease_until > now;
          const isFresh = (link.settled_at !== null && link.settled_at >= from) || link.created_at >= from;
          return { id, parked_code: link.parked_code, moving: link.due_at !== null || isLeased || isFresh };
        }),
      );
    },

    'syncflow-hints-about': (tx, [catalog, subscriber, keys, remoteIds]) => {
      const marked = new Set(json<string[]>(keys));
      const told = new Set(json<string[]>(remoteIds).map((id) => `@${id}`));
      const about = [
        ...store.mark.rows(tx, (mark) => mark.catalog === catalog).flatMap(({ key }) => key ?? []),
        ...store.inboxOpen.find(tx, text(subscriber)).map((slot) => `@${rowOf(tx, slot).remote_id}`),
      ];
      return [...new Set(about.filter((one) => marked.has(one) || told.has(one)))].map((one) => ({ about: one }));
    },

    'syncflow-list-conflicts': (tx, [subscriber, key, limit]) =>
      store.conflict
        .rows(tx, (row) => (subscriber === null || row.subscriber === subscriber) && (key === null || row.key === key))
        .sort((a, b) => b.id - a.id)
        .slice(0, Number(limit))
        .map(({ at, id, link_id: _link, resolved_at, resolved_by, resolution, ...row }) => ({
          id: String(id),
          ...row,
          at: `${isoText(at).slice(0, 23)}Z`,
          resolvedAt: resolved_at === null ? null : `${isoText(resolved_at).slice(0, 23)}Z`,
          resolvedBy: resolved_by,
          taken: resolution === null ? null : (JSON.parse(resolution) as { taken: string }).taken,
        })),

    'syncflow-lock-conflict': async (tx, [id]) => {
      const slots = store.conflict.where(tx, (row) => row.id === Number(id));
      for (const slot of slots) await tx.lock(slot, Mode.update);
      return slots.map((slot) => {
        const { subscriber, key, unit, hub, remote, resolved_by } = rowOf(tx, slot);
        return { id: text(id), subscriber, key, unit, hub, remote, resolvedBy: resolved_by };
      });
    },

    'syncflow-mark-resolved': async (tx, [id, by, resolution]) => {
      const slots = store.conflict.where(tx, (row) => row.id === Number(id));
      await store.conflict.update(tx, slots, (row) => ({
        ...row,
        resolved_at: store.now(),
        resolved_by: text(by),
        resolution: text(resolution),
      }));
      return [];
    },
  };
}

type UnitPairs = Readonly<Record<string, { readonly h?: string | null }>>;

/** The units of a shadow, or those of each line of a collection. */
function unitsOf(shadow: string | null, child?: string): UnitPairs[] {
  if (shadow === null) return [];
  const { units, children = {} } = JSON.parse(shadow) as {
    readonly units: UnitPairs;
    readonly children?: Readonly<Record<string, Readonly<Record<string, { readonly units: UnitPairs }>>>>;
  };
  if (child === undefined) return [units];
  return Object.hasOwn(children, child) ? Object.values(children[child] ?? {}).map((line) => line.units) : [];
}

/** What a unit holds in the hub. */
function textOf(units: UnitPairs, unit: string): string | null | undefined {
  return Object.hasOwn(units, unit) ? units[unit]?.h : undefined;
}

function statusOf(store: Store, tx: Transaction, subscriber: string): object {
  const now = store.now();
  const links = store.link.rows(tx, () => true, store.linkBySubscriber.slots.get(subscriber) ?? []);
  const count = (matches: (link: LinkRow) => boolean): number => links.filter(matches).length;
  const due = links.flatMap((link) => (link.due_at !== null && link.due_at <= now ? [link.due_at] : []));
  return {
    subscriber,
    inAgreement: count((link) => link.state === 'linked' && link.due_at === null && link.parked_code === null),
    waiting: count((link) => link.due_at !== null && link.parked_code === null),
    parked: count((link) => link.parked_code !== null),
    excluded: count((link) => link.state === 'excluded'),
    tombstones: count((link) => link.state === 'gone'),
    lagMs: due.length === 0 ? 0 : (now - Math.min(...due)) / 1000,
    lastError: heldBecause(store, tx, subscriber) ?? lastErrorOf(links),
    paused: store.settingByName.find(tx, `pause:${subscriber}`).length > 0,
    conflicts: store.conflict.rows(tx, (row) => row.subscriber === subscriber && row.resolved_at === null).length,
  };
}

function heldBecause(store: Store, tx: Transaction, subscriber: string): string | undefined {
  const valueOf = (name: string): string | undefined =>
    store.settingByName.find(tx, `${name}:${subscriber}`).map((slot) => rowOf(tx, slot).value)[0];
  const hold = momentOf(valueOf('hold'));
  const reasons = [
    ...(hold !== null && hold > store.now()
      ? [`blocked (credentials or quota) until ${isoText(hold).slice(11, 19)}Z`]
      : []),
    ...[valueOf('deaf') ?? ''].filter((reason) => reason !== ''),
  ];
  return reasons.length === 0 ? undefined : reasons.join('; ');
}

/** Of the link that was settled last; one that never was comes first, as NULL does. */
function lastErrorOf(links: readonly LinkRow[]): string | null {
  const failed = links.filter((link) => link.last_error !== null);
  const when = (link: LinkRow): number => link.settled_at ?? Infinity;
  failed.sort((a, b) => (when(a) === when(b) ? 0 : when(b) - when(a)));
  return failed[0]?.last_error ?? null;
}
