/** Twins of the statements that turn marks, events and listings into due links: src/store/marks.ts, inbox.ts, listed.ts. */
import { momentOf, sqlText } from './moment.js';
import {
  both,
  json,
  jsonText,
  newLink,
  slotsOf,
  text,
  type LinkRow,
  type MarkRow,
  type Store,
  type Twins,
} from './store.js';
import { bulkIds } from '../../../src/store/marks.js';
import { rowOf } from './claims.js';
import { Lockable, Mode, type Transaction } from './transaction.js';

const backfillLane = 2;

export function dueTwins(store: Store): Twins {
  return {
    ...markTwins(store),
    ...keyTwins(store),
    ...sightTwins(store),
    ...listingTwins(store),
    'syncflow-make-due': async (tx, [rows, tellsDeletion]) => {
      const once = new Set<never>();
      const list =
        json<
          { subscriber: string; key: string; lane: number; at: string | null; by: string | null; deleted?: boolean }[]
        >(rows);
      for (const r of inOrder(list, (one) => both(one.subscriber, one.key))) {
        const at = momentOf(r.at);
        const deletedAt = r.deleted === true ? at : null;
        const now = store.now();
        const row = newLink(store.link.nextId(), now, {
          subscriber: r.subscriber,
          key: r.key,
          generation: 1,
          due_at: now,
          lane: r.lane,
          edited_at: at,
          edited_by: r.by,
          deleted_at: deletedAt,
        });
        const tellsEdit = (link: LinkRow): boolean =>
          at !== null && (r.lane === 0 || link.edited_at === null || at > link.edited_at);
        const change = (link: LinkRow): LinkRow | undefined =>
          link.state === 'gone'
            ? undefined
            : {
                ...link,
                generation: link.generation + 1,
                due_at: store.now(),
                lane: link.due_at === null ? r.lane : Math.min(link.lane, r.lane),
                edited_at: tellsEdit(link) ? at : link.edited_at,
                edited_by: tellsEdit(link) ? r.by : link.edited_by,
                deleted_at: tellsDeletion === true ? deletedAt : link.deleted_at,
                parked_code: null,
                parked_reason: null,
                parked_at: null,
                waits_for: null,
                attempts: 0,
              };
        await store.link.upsert(tx, store.linkByKey, row, change, once);
      }
      return [];
    },
  };
}

const byRouting = (a: MarkRow, b: MarkRow): number => Number(a.bulk) - Number(b.bulk) || a.id - b.id;

const isTombstone = (link: LinkRow): boolean => link.state === 'gone' && link.key === null && link.gone_at !== null;

/** `order by` of two columns that were joined by `both`. */
function inOrder<T>(list: readonly T[], keyOf: (one: T) => string): T[] {
  return [...list].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
}

function markTwins(store: Store): Twins {
  const turn = new Lockable();
  return {
    'syncflow-route-turn': (tx) => [{ ours: tx.tryLock(turn, Mode.update) }],

    'syncflow-claim-marks': async (tx, [limit, catalogs, below]) => {
      const known = new Set(json<string[]>(catalogs));
      const isLive = below === bulkIds;
      const all = store.mark.where(tx, (mark) => known.has(mark.catalog) && !(isLive && mark.bulk));
      all.sort((a, b) => byRouting(rowOf(tx, a), rowOf(tx, b)));
      const slots = new Set(all.slice(0, Number(limit)));
      for (const slot of [...slots]) {
        const { statement } = rowOf(tx, slot);
        if (statement === null) continue;
        for (const other of store.markByStatement.find(tx, statement)) slots.add(other);
      }
      const claimed = await store.mark.delete(tx, [...slots]);
      return claimed
        .sort(byRouting)
        .map(({ id, bulk, catalog, key, op, old_key, statement, at, origin, except_subscribers }: MarkRow) => ({
          id: String(id),
          bulk,
          catalog,
          key,
          op,
          old_key,
          statement,
          at: sqlText(at),
          origin,
          except_subscribers,
        }));
    },

    'syncflow-forget-bulk-marks': async (tx, [catalog, id]) => {
      await store.mark.delete(
        tx,
        store.mark.where(tx, (mark) => mark.catalog === catalog && mark.bulk && mark.id < Number(id)),
      );
      return [];
    },

    'syncflow-make-all-due': async (tx, [subscribers, lane]) => {
      const matches = (link: LinkRow): boolean => link.state !== 'gone' && link.parked_code === null;
      await store.link.update(tx, ofSubscribers(store, tx, subscribers, matches), (link) =>
        matches(link)
          ? { ...link, generation: link.generation + 1, due_at: store.now(), lane: Math.max(link.lane, Number(lane)) }
          : undefined,
      );
      return [];
    },

    'syncflow-hold-truncated': async (tx, [subscribers, at]) => {
      const matches = (link: LinkRow): boolean =>
        (link.state === 'new' || link.state === 'linked') && link.key !== null;
      await store.link.update(tx, ofSubscribers(store, tx, subscribers, matches), (link) =>
        matches(link)
          ? {
              ...link,
              generation: link.generation + 1,
              deleted_at: momentOf(text(at)),
              due_at: null,
              waits_for: null,
              parked_code: 'truncate',
              parked_reason: 'the table was truncated: its deletes wait until released',
              parked_at: store.now(),
            }
          : undefined,
      );
      return [];
    },
  };
}

function ofSubscribers(
  store: Store,
  tx: Transaction,
  subscribers: Parameters<typeof json>[0],
  matches: (link: LinkRow) => boolean,
) {
  return json<string[]>(subscribers).flatMap((subscriber) =>
    store.link.where(tx, matches, store.linkBySubscriber.slots.get(subscriber) ?? []),
  );
}

/** Records that change their keys, and keys that are let go. */
function keyTwins(store: Store): Twins {
  interface Move {
    readonly from: string;
    readonly to: string;
  }
  const named = (tx: Transaction, subscribers: Parameters<typeof json>[0], keys: readonly string[]) =>
    json<string[]>(subscribers).flatMap((subscriber) =>
      slotsOf(
        tx,
        store.linkByKey,
        keys.map((key) => both(subscriber, key)),
      ),
    );
  return {
    'syncflow-release-keys': async (tx, [subscribers, keys]) => {
      const only = keys === null ? undefined : new Set(json<string[]>(keys));
      const matches = (link: LinkRow): boolean =>
        link.state === 'gone' && link.key !== null && only?.has(link.key) !== false;
      await store.link.update(tx, ofSubscribers(store, tx, subscribers, matches), (link) =>
        matches(link) ? { ...link, former_key: link.key, key: null } : undefined,
      );
      return [];
    },

    'syncflow-move-keys-aside': async (tx, [subscribers, moves]) => {
      const to = new Map(json<Move[]>(moves).map((move) => [move.from, move.to]));
      await store.link.update(tx, named(tx, subscribers, [...to.keys()]), (link) => {
        const next = link.key === null ? undefined : to.get(link.key);
        return next === undefined ? undefined : { ...link, key: `moving:${next}`, former_key: link.key };
      });
      return [];
    },

    'syncflow-move-keys-away': async (tx, [subscribers, moves]) => {
      const taken = new Set(json<Move[]>(moves).map((move) => move.to));
      await store.link.update(tx, named(tx, subscribers, [...taken]), (link) =>
        link.key !== null && taken.has(link.key)
          ? {
              ...link,
              key: null,
              former_key: link.key,
              deleted_at: link.deleted_at ?? store.now(),
              generation: link.generation + 1,
              due_at: store.now(),
            }
          : undefined,
      );
      return [];
    },

    'syncflow-move-keys-in': async (tx, [subscribers]) => {
      const matches = (link: LinkRow): boolean => link.key?.startsWith('moving:') === true;
      await store.link.update(tx, ofSubscribers(store, tx, subscribers, matches), (link) =>
        link.key?.startsWith('moving:') === true
          ? {
              ...link,
              key: link.key.slice('moving:'.length),
              generation: link.generation + 1,
              due_at: store.now(),
              parked_code: null,
              parked_reason: null,
              parked_at: null,
              attempts: 0,
            }
          : undefined,
      );
      return [];
    },
  };
}

/** Deletes of remotes that wait for a release. */
const isHeld = (link: LinkRow): boolean =>
  link.parked_code === 'truncate' || (link.parked_code === 'brake' && !link.look);

function sightTwins(store: Store): Twins {
  return {
    'syncflow-make-sighted': async (tx, [rows, answerMs]) => {
      const once = new Set<never>();
      const list = json<SightedRow[]>(rows);
      for (const r of inOrder(list, (one) => both(one.subscriber, one.remoteId))) {
        const now = store.now();
        const at = momentOf(r.at);
        const goneAt = r.gone ? now : null;
        const row = newLink(store.link.nextId(), now, {
          subscriber: r.subscriber,
          remote_id: r.remoteId,
          generation: 1,
          due_at: r.later === true ? now + Number(answerMs) * 1000 : now,
          lane: r.lane,
          look: r.later !== true,
          gone_at: goneAt,
          remote_edited_at: at,
          claims: r.claims ?? null,
        });
        const change = (link: LinkRow): LinkRow | undefined => {
          const isAtRest = link.state === 'gone' && !(isTombstone(link) && (!r.gone || link.parked_code !== null));
          if (isAtRest || r.later === true) return undefined;
          const held = isHeld(link);
          return {
            ...link,
            generation: link.generation + 1,
            due_at: held ? null : store.now(),
            lane: link.due_at === null ? r.lane : Math.min(link.lane, r.lane),
            look: link.look || link.parked_code !== 'brake',
            sight: null,
            gone_at: goneAt ?? link.gone_at,
            remote_edited_at: later(at, link.remote_edited_at),
            claims: r.claims ?? link.claims,
            parked_code: held ? link.parked_code : null,
            parked_reason: held ? link.parked_reason : null,
            parked_at: held ? link.parked_at : null,
            attempts: 0,
          };
        };
        await store.link.upsert(tx, store.linkByRemote, row, change, once);
      }
      return [];
    },

    'syncflow-make-looked': async (tx, [rows]) => {
      const keys = json<{ subscriber: string; key: string }[]>(rows).map((one) => both(one.subscriber, one.key));
      const wanted = new Set<unknown>(keys);
      const matches = (link: LinkRow): boolean =>
        link.remote_id === null && link.state !== 'gone' && wanted.has(store.linkByKey.keyOf(link));
      const slots = store.link.where(tx, matches, slotsOf(tx, store.linkByKey, keys));
      const looked = await store.link.update(tx, slots, (link) =>
        matches(link)
          ? {
              ...link,
              look: true,
              generation: link.generation + 1,
              due_at: link.parked_code === null ? store.now() : null,
            }
          : undefined,
      );
      return looked.map(({ after: { subscriber, key } }) => ({ subscriber, key }));
    },
  };
}

interface SightedRow {
  readonly subscriber: string;
  readonly remoteId: string;
  readonly lane: number;
  readonly gone: boolean;
  readonly at: string | null;
  readonly later?: boolean;
  readonly claims?: string;
}

/** greatest(…): NULL only where both are. */
const later = (a: number | null, b: number | null): number | null => (a === null || (b !== null && b > a) ? b : a);

function listingTwins(store: Store): Twins {
  return {
    'syncflow-note-listed': async (tx, [rows, runParam]) => {
      const once = new Set<never>();
      const run = Number(runParam);
      const list =
        json<{ subscriber: string; remoteId: string; look: boolean; sight: unknown; claims: string | null }[]>(rows);
      for (const r of inOrder(list, (one) => both(one.subscriber, one.remoteId))) {
        const now = store.now();
        const row = newLink(store.link.nextId(), now, {
          subscriber: r.subscriber,
          remote_id: r.remoteId,
          generation: 1,
          due_at: now,
          lane: backfillLane,
          look: r.look,
          sight: jsonText(r.sight),
          claims: r.claims,
          listed_run: run,
        });
        const change = (link: LinkRow): LinkRow | undefined =>
          link.state === 'gone' && !isTombstone(link)
            ? undefined
            : {
                ...link,
                listed_run: run,
                claims: r.claims ?? link.claims,
                generation: link.generation + (r.look ? 1 : 0),
                lane: link.due_at === null ? backfillLane : link.lane,
                due_at: (r.look || isTombstone(link)) && link.parked_code === null ? store.now() : link.due_at,
                look: link.look || r.look || isTombstone(link),
                sight: r.look ? null : link.sight,
              };
        await store.link.upsert(tx, store.linkByRemote, row, change, once);
      }
      return [];
    },

    'syncflow-look-at-unlisted': async (tx, [subscriber, runParam]) => {
      const run = store.runById.find(tx, Number(runParam))[0]?.seenBy(tx);
      if (run === undefined) return [];
      const isBeingMade = (link: LinkRow): boolean =>
        link.state === 'new' &&
        link.remote_id === null &&
        store.intentOpen.find(tx, link.id).some((slot) => rowOf(tx, slot).kind === 'create');
      const isUnlisted = (link: LinkRow): boolean =>
        link.key !== null &&
        ((link.state === 'linked' && link.remote_id !== null) || isBeingMade(link)) &&
        link.parked_code === null &&
        link.listed_run !== run.id &&
        link.created_at < run.started_at;
      const slots = store.link.where(tx, isUnlisted, store.linkBySubscriber.slots.get(text(subscriber)) ?? []);
      slots.sort((a, b) => rowOf(tx, a).id - rowOf(tx, b).id);
      await store.link.update(
        tx,
        slots,
        (link) =>
          isUnlisted(link)
            ? {
                ...link,
                look: true,
                generation: link.generation + 1,
                lane: link.due_at === null ? backfillLane : link.lane,
                due_at: store.now(),
              }
            : undefined,
        Mode.update,
      );
      return [];
    },

    'syncflow-queue-records': async (tx, [rows, look, catalog]) => {
      const once = new Set<never>();
      const asks = look === true;
      const moves = store.mark.rows(tx, (mark) => mark.op === 'K' && mark.catalog === catalog);
      const moved = new Set(moves.map((mark) => mark.key));
      const given = json<{ subscriber: string; key: string }[]>(rows).filter((one) => !moved.has(one.key));
      for (const r of inOrder(given, (one) => both(one.subscriber, one.key))) {
        const now = store.now();
        const row = newLink(store.link.nextId(), now, {
          subscriber: r.subscriber,
          key: r.key,
          generation: 1,
          due_at: now,
          lane: backfillLane,
          look: asks,
        });
        const change = (link: LinkRow): LinkRow | undefined =>
          link.state === 'gone' || link.parked_code !== null
            ? undefined
            : {
                ...link,
                generation: link.generation + 1,
                lane: link.due_at === null ? backfillLane : link.lane,
                due_at: store.now(),
                look: link.look || (asks && link.remote_id === null),
              };
        await store.link.upsert(tx, store.linkByKey, row, change, once);
      }
      return [];
    },
  };
}
