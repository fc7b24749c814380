/** Twins of the statements that settle links and remove them: src/store/links.ts, and decisions of src/store/overview.ts. */
import { claimTwins, fencesOf } from './claims.js';
import { isHeld } from './held.js';
import type { Moment } from './moment.js';
import { both, json, jsonText, newLink, slotsOf, text, type LinkRow, type Store, type Twins } from './store.js';
import { Mode } from './transaction.js';

/** As `settlementRow` in src/store/links.ts makes it. */
interface Settlement {
  readonly id: string;
  readonly fence: string;
  readonly generation: string;
  readonly state: string;
  readonly rekey: boolean;
  readonly key: string | null;
  readonly remote_id: string | null;
  readonly version: string | null;
  readonly shadow: unknown;
  readonly look: boolean;
  readonly proof: 'there' | 'deleted' | null;
  readonly flips: unknown;
  readonly claims: string | null;
  readonly undecided: boolean;
  readonly due_in: number | null;
  readonly waits_for: string | null;
  readonly parked_code: string | null;
  readonly parked_reason: string | null;
  readonly attempts: number;
  readonly underway: boolean;
  readonly last_error: string | null;
}

function settled(link: LinkRow, r: Settlement, now: Moment): LinkRow {
  const same = link.generation === Number(r.generation);
  const letsGo = r.rekey && r.key === null;
  const cameBack = letsGo && !same && link.deleted_at === null && link.key !== null;
  return {
    ...link,
    state: cameBack ? 'new' : r.state,
    former_key: letsGo && !cameBack ? (link.key ?? link.former_key) : link.former_key,
    key: r.rekey && !cameBack ? r.key : link.key,
    remote_id: cameBack ? null : r.remote_id,
    version: cameBack ? null : r.version,
    shadow: cameBack ? null : jsonText(r.shadow),
    flips: jsonText(r.flips),
    sight: null,
    claims: r.claims ?? link.claims,
    planned: r.undecided && (r.state === 'new' || r.state === 'excluded') ? link.planned : null,
    look: r.look || (!same && link.look),
    gone_at: goneAt(link, r, cameBack, same, now),
    due_at: dueAt(link, r, same, now),
    waits_for: same ? r.waits_for : null,
    parked_code: same ? r.parked_code : link.parked_code,
    parked_reason: same ? r.parked_reason : link.parked_reason,
    parked_at: same ? (r.parked_code === null ? null : now) : link.parked_at,
    attempts: r.attempts,
    last_error: r.underway ? link.last_error : r.last_error,
    lease_owner: null,
    lease_until: null,
    fence: link.fence + 1,
    settled_at: now,
  };
}

function goneAt(link: LinkRow, r: Settlement, cameBack: boolean, same: boolean, now: Moment): Moment | null {
  if (cameBack) return null;
  if (r.proof === 'deleted') return link.gone_at ?? now;
  return r.proof === 'there' && same ? null : link.gone_at;
}

function dueAt(link: LinkRow, r: Settlement, same: boolean, now: Moment): Moment | null {
  if (!same) return link.parked_code === null ? now : null;
  return r.due_in === null ? null : now + Math.round(r.due_in * 1000);
}

export function settleTwins(store: Store): Twins {
  return {
    'syncflow-settle-links': async (tx, [settlements]) => {
      const byId = new Map(json<Settlement[]>(settlements).map((one) => [Number(one.id), one]));
      const changed = await store.link.update(tx, slotsOf(tx, store.linkById, byId.keys()), (link) => {
        const r = byId.get(link.id);
        return r === undefined || Number(r.fence) !== link.fence ? undefined : settled(link, r, store.now());
      });
      for (const { before, after } of changed)
        for (const { key } of [before, after]) if (key !== null) tx.settled.add(key);
      return changed.map(({ after }) => ({ id: String(after.id) }));
    },

    'syncflow-absorb-twins': async (tx, [survivors]) => {
      const list = json<{ id: string; fence: string; subscriber: string; remoteId: string }[]>(survivors).filter(
        (one) => store.linkById.find(tx, Number(one.id))[0]?.seenBy(tx)?.fence === Number(one.fence),
      );
      const byRemote = new Map(list.map((one) => [both(one.subscriber, one.remoteId), Number(one.id)]));
      const survivorOf = (link: LinkRow): number | undefined => {
        const id = byRemote.get(String(store.linkByRemote.keyOf(link)));
        return id !== link.id && link.key === null && link.state !== 'linked' ? id : undefined;
      };
      const isTwin = (link: LinkRow): boolean => survivorOf(link) !== undefined;
      const twins = store.link.where(tx, isTwin, slotsOf(tx, store.linkByRemote, byRemote.keys()));
      const gone = await store.link.delete(tx, twins, isTwin);
      const heard = new Map(
        gone.flatMap((link) => {
          const isTombstone = link.state === 'gone';
          return link.look || isTombstone ? [[survivorOf(link) ?? 0, isTombstone ? null : link.gone_at]] : [];
        }),
      );
      await store.link.update(tx, slotsOf(tx, store.linkById, heard.keys()), (link) => ({
        ...link,
        look: true,
        gone_at: link.gone_at ?? heard.get(link.id) ?? null,
        generation: link.generation + 1,
        due_at: store.now(),
      }));
      return [];
    },

    'syncflow-forget-links': async (tx, [links]) => {
      const fences = fencesOf(links);
      const generations = new Map(
        json<{ id: string; generation: string }[]>(links).map((one) => [Number(one.id), Number(one.generation)]),
      );
      const matches = (link: LinkRow): boolean =>
        fences.get(link.id) === link.fence && generations.get(link.id) === link.generation;
      const slots = store.link.where(tx, matches, slotsOf(tx, store.linkById, fences.keys()));
      const forgotten = await store.link.delete(tx, slots, matches);
      for (const { key } of forgotten) if (key !== null) tx.settled.add(key);
      return forgotten.map((link) => ({ id: String(link.id) }));
    },

    'syncflow-delete-links': async (tx, [ids]) => {
      await store.link.delete(tx, slotsOf(tx, store.linkById, json<string[]>(ids).map(Number)));
      return [];
    },

    ...claimTwins(store),
    ...decisionTwins(store),
  };
}

interface ParkedFilter {
  readonly subscriber: unknown;
  readonly code: unknown;
  readonly id: unknown;
}

export const isParkedAs =
  ({ subscriber, code, id }: ParkedFilter) =>
  (link: LinkRow): boolean =>
    link.parked_code !== null &&
    (subscriber == null || link.subscriber === subscriber) &&
    (code == null || link.parked_code === code) &&
    (id == null || link.id === Number(id));

/** What people decide about parked and paused links. */
function decisionTwins(store: Store): Twins {
  return {
    'syncflow-retry-parked': async (tx, [subscriber, code, id, held, reasons]) => {
      const isParked = isParkedAs({ subscriber, code, id });
      const wanted = reasons === null ? undefined : new Set(json<string[]>(reasons));
      const matches = (link: LinkRow): boolean =>
        isParked(link) &&
        (wanted === undefined || wanted.has(link.parked_reason ?? '')) &&
        (held === true || !isHeld(link));
      return store.link.update(tx, store.link.where(tx, matches), (link) =>
        matches(link)
          ? {
              ...link,
              parked_code: null,
              parked_reason: null,
              parked_at: null,
              attempts: 0,
              flips: null,
              look: link.look || link.parked_code === 'loop',
              due_at: store.now(),
              generation: link.generation + 1,
            }
          : undefined,
      );
    },

    'syncflow-lock-decided': async (tx, [id]) => {
      const matches = (link: LinkRow): boolean =>
        link.key !== null &&
        (link.parked_code === 'unknown-create' ||
          link.parked_code === 'delete-conflict' ||
          (link.parked_code === 'brake' && link.look));
      const slots = store.link.where(tx, matches, store.linkById.find(tx, Number(id)));
      const rows = await store.link.lock(tx, slots, Mode.update, matches);
      return rows.map(({ subscriber, key, parked_code }) => ({
        subscriber,
        key,
        deleted: parked_code !== 'unknown-create',
      }));
    },

    'syncflow-create-again': async (tx, [id, deleted]) => {
      await store.link.update(tx, store.linkById.find(tx, Number(id)), (link) => ({
        ...link,
        parked_code: null,
        parked_reason: null,
        parked_at: null,
        last_error: null,
        attempts: 0,
        fence: link.fence + 1,
        generation: link.generation + 1,
        look: false,
        due_at: null,
        state: deleted === true ? 'gone' : link.state,
        former_key: deleted === true ? link.key : link.former_key,
        key: deleted === true ? null : link.key,
        settled_at: store.now(),
      }));
      return [];
    },

    'syncflow-set-paused': async (tx, [subscriber, key, isPaused]) => {
      const paused = isPaused === true;
      const row = newLink(store.link.nextId(), store.now(), { subscriber: text(subscriber), key: text(key), paused });
      const change = (link: LinkRow): LinkRow => ({
        ...link,
        paused,
        generation: link.generation + 1,
        due_at: paused || link.parked_code !== null ? link.due_at : store.now(),
      });
      await store.link.upsert(tx, store.linkByKey, row, change, new Set());
      return [];
    },
  };
}
