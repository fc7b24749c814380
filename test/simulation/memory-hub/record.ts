/** Twins of the statements on history, conflicts, runs, settings and sleepers: what the hub remembers beside its links. */
import { dueNotice } from '../../../src/store/marks.js';
import { rowOf } from './claims.js';
import { momentOf, sqlText, type Moment } from './moment.js';
import { json, jsonText, slotsOf, text, type LinkRow, type RunRow, type Store, type Twins } from './store.js';
import { Lockable, Mode, type Transaction } from './transaction.js';

const minuteMs = 60_000;
const dayMs = 86_400_000;

interface ConflictToLog {
  readonly link_id: string;
  readonly subscriber: string;
  readonly key?: string;
  readonly unit: string;
  readonly base: unknown;
  readonly hub: unknown;
  readonly remote: unknown;
  readonly winner: string;
  readonly rule: string;
}

export function recordTwins(store: Store): Twins {
  return {
    ...auditTwins(store),
    ...runTwins(store),
    ...settingTwins(store),
    ...sessionTwins(store),
    ...pruneTwins(store),
  };
}

function auditTwins(store: Store): Twins {
  return {
    'syncflow-insert-history': async (tx, [rows]) => {
      const list =
        json<{ subscriber: string; key?: string | null; remoteId?: string | null; event: string; detail?: unknown }[]>(
          rows,
        );
      for (const r of list)
        await store.history.insert(tx, {
          id: store.history.nextId(),
          at: store.now(),
          subscriber: r.subscriber,
          key: r.key ?? null,
          remote_id: r.remoteId ?? null,
          event: r.event,
          detail: jsonText(r.detail),
        });
      return [];
    },

    'syncflow-insert-conflicts': async (tx, [conflicts]) => {
      for (const r of json<ConflictToLog[]>(conflicts))
        await store.conflict.insert(tx, {
          id: store.conflict.nextId(),
          link_id: Number(r.link_id),
          subscriber: r.subscriber,
          key: r.key ?? null,
          unit: r.unit,
          base: jsonText(r.base),
          hub: jsonText(r.hub),
          remote: jsonText(r.remote),
          winner: r.winner,
          rule: r.rule,
          at: store.now(),
          resolved_at: null,
          resolved_by: null,
          resolution: null,
        });
      return [];
    },

    'syncflow-brake': (tx, [subscriber, event, windowSeconds, release, coming, code, look, deletes]) => {
      const now = store.now();
      const isComing = new Set(json<string[]>(coming));
      const until = store.settingByName.find(tx, text(release)).map((slot) => momentOf(rowOf(tx, slot).value));
      const since = Math.max(now - Number(windowSeconds) * 1_000_000, ...until);
      const nameOf = ({ key, remote_id }: { readonly key: string | null; readonly remote_id: string | null }) =>
        key ?? (remote_id === null ? null : `@${remote_id}`);
      const own = store.historyBySubscriber.slots.get(text(subscriber)) ?? [];
      const links = store.linkBySubscriber.slots.get(text(subscriber)) ?? [];
      const recent = store.history
        .rows(tx, (row) => row.event === event && row.at > since && laneOf(row.detail) < 2, own)
        .flatMap((row) => nameOf(row) ?? [])
        .filter((name) => !isComing.has(name));
      const isHeld = (link: LinkRow): boolean => link.parked_code === code && link.look === look;
      const isWaiting = (link: LinkRow): boolean =>
        deletes === true &&
        link.state === 'linked' &&
        link.key !== null &&
        (look === true ? link.gone_at : link.deleted_at) !== null &&
        link.due_at !== null &&
        link.parked_code === null &&
        !isComing.has(link.key);
      return [
        {
          recent: new Set(recent).size,
          held: store.link.rows(tx, isHeld, links).filter((link) => !isComing.has(nameOf(link) ?? '')).length,
          waiting: store.link.rows(tx, isWaiting, links).length,
          linked: store.link.rows(tx, (link) => link.state === 'linked', links).length,
          released: until.some((end) => end > now),
        },
      ];
    },
  };
}

const laneOf = (detail: string | null): number => (detail === null ? 0 : (json<{ lane?: number }>(detail).lane ?? 0));

function runTwins(store: Store): Twins {
  const turn = new Lockable();
  const add = (tx: Transaction, subscriber: string, kind: string, progress: string) =>
    store.run.insert(tx, {
      id: store.run.nextId(),
      subscriber,
      kind,
      progress,
      started_at: store.now(),
      finished_at: null,
    });
  const ofKind = (tx: Transaction, subscriber: unknown, kind: unknown): RunRow[] =>
    store.run
      .rows(tx, (run) => run.kind === kind, store.runBySubscriber.slots.get(String(subscriber)) ?? [])
      .sort((a, b) => b.id - a.id);
  return {
    'syncflow-run-turn': async (tx) => {
      await tx.lock(turn, Mode.update);
      return [];
    },
    'syncflow-open-first-runs': async (tx, [subscribers, kind, progress]) => {
      const fresh = json<string[]>(subscribers).filter((subscriber) => ofKind(tx, subscriber, kind).length === 0);
      for (const subscriber of fresh) await add(tx, subscriber, text(kind), text(progress));
      return [];
    },
    'syncflow-last-run': (tx, [subscriber, kind]) =>
      ofKind(tx, subscriber, kind)
        .slice(0, 1)
        .map((run) => ({ id: String(run.id), progress: run.progress, finished: run.finished_at !== null })),
    'syncflow-run-standing': (tx, [subscriber, kind]) =>
      ofKind(tx, subscriber, kind)
        .slice(0, 1)
        .map((run) => ({ finished: run.finished_at !== null })),
    'syncflow-begin-run': async (tx, [subscriber, kind]) => {
      const slot = await add(tx, text(subscriber), text(kind), '{}');
      return [{ id: String(rowOf(tx, slot).id) }];
    },
    'syncflow-drop-open-run': async (tx, [subscriber, kind]) => {
      const isOpen = (run: RunRow): boolean => run.kind === kind && run.finished_at === null;
      const slots = store.run.where(tx, isOpen, store.runBySubscriber.slots.get(text(subscriber)) ?? []);
      await store.run.delete(tx, slots, isOpen);
      return [];
    },
    'syncflow-end-wait-for-plans': async (tx, [subscribers, initial]) => {
      const awaits = (run: RunRow): boolean =>
        run.kind === 'backfill' &&
        run.finished_at === null &&
        (JSON.parse(run.progress) as { awaits?: string }).awaits === 'plan';
      for (const subscriber of json<string[]>(subscribers)) {
        const slots = store.run.where(tx, awaits, store.runBySubscriber.slots.get(subscriber) ?? []);
        await store.run.update(tx, slots, (run) => ({ ...run, progress: text(initial) }));
      }
      return [];
    },
    'syncflow-save-run': async (tx, [id, progress]) => {
      const slots = store.runById.find(tx, Number(id));
      await store.run.update(tx, slots, (run) => ({ ...run, progress: text(progress) }));
      return [];
    },
    'syncflow-finish-run': async (tx, [id]) => {
      const slots = store.runById.find(tx, Number(id));
      await store.run.update(tx, slots, (run) => ({ ...run, finished_at: store.now() }));
      return [];
    },
  };
}

function settingTwins(store: Store): Twins {
  const write = async (tx: Transaction, name: string, value: string): Promise<object[]> => {
    await store.setting.upsert(tx, store.settingByName, { name, value }, (row) => ({ ...row, value }), new Set());
    return [];
  };
  const drop = async (tx: Transaction, names: readonly string[]): Promise<object[]> =>
    (await store.setting.delete(tx, slotsOf(tx, store.settingByName, names))).map(({ name }) => ({ name }));
  const under = (prefix: string, subscribers: Parameters<typeof json>[0]): string[] =>
    json<string[]>(subscribers).map((one) => prefix + one);
  return {
    'syncflow-read-setting': (tx, [name]) =>
      store.settingByName.find(tx, text(name)).map((slot) => ({ value: rowOf(tx, slot).value })),
    'syncflow-write-setting': (tx, [name, value]) => write(tx, text(name), text(value)),
    'syncflow-drop-setting': (tx, [name]) => drop(tx, [text(name)]),
    'syncflow-settings-under': (tx, [prefix]) =>
      store.setting.rows(tx, (row) => row.name.startsWith(text(prefix))).map((row) => ({ ...row })),
    'syncflow-write-end': (tx, [name, ms]) =>
      write(tx, text(name), sqlText(store.now() + Math.round(Number(ms) * 1000))),
    'syncflow-lift-deaf': (tx, [subscribers]) => drop(tx, under('deaf:', subscribers)),
    'syncflow-lift-hold': (tx, [subscribers]) => drop(tx, under('hold:', subscribers)),
    'syncflow-lift-hold-links': async (tx, [subscribers]) => {
      const now = store.now();
      const isLater = (link: { readonly due_at: Moment | null }): boolean => link.due_at !== null && link.due_at > now;
      for (const subscriber of json<string[]>(subscribers)) {
        const slots = store.link.where(tx, isLater, store.linkDue.slots.get(subscriber) ?? []);
        await store.link.update(tx, slots, (link) => (isLater(link) ? { ...link, due_at: now } : undefined));
      }
      return [];
    },
  };
}

/** What a session tells the triggers, and who sleeps. */
function sessionTwins(store: Store): Twins {
  const brakes = new Map<string, Lockable>();
  return {
    'syncflow-ready': () => [{ ready: 1 }],
    'syncflow-lock-brake': async (tx, [subscriber]) => {
      const name = text(subscriber);
      let brake = brakes.get(name);
      if (brake === undefined) brakes.set(name, (brake = new Lockable()));
      await tx.lock(brake, Mode.update);
      return [];
    },
    'syncflow-announce-writer': (tx, [origin, editedAt, settles, keys, rows]) => {
      tx.settings.set('origin', text(origin)).set('edited_at', text(editedAt));
      tx.settings.set('settles', text(settles)).set('settled_keys', text(keys)).set('settled_rows', text(rows));
      return [{ now_ms: store.now() / 1000 }];
    },
    'syncflow-except-subscribers': (tx, [except]) => {
      tx.settings.set('except', text(except));
      return [];
    },
    'syncflow-announce-sleep': async (tx, [worker]) => {
      const row = { worker: text(worker), since: store.now() };
      await store.sleeper.upsert(
        tx,
        store.sleeperByWorker,
        row,
        (there) => ({ ...there, since: store.now() }),
        new Set(),
      );
      return [];
    },
    'syncflow-ring-workers': (tx) => {
      tx.notifies = dueNotice;
      return [];
    },

    'syncflow-announce-awake': async (tx, [worker]) => {
      const oldest = store.now() - minuteMs * 1000;
      const matches = (row: { readonly worker: string; readonly since: Moment }): boolean =>
        row.worker === worker || row.since < oldest;
      await store.sleeper.delete(tx, store.sleeper.where(tx, matches), matches);
      return [];
    },
  };
}

function pruneTwins(store: Store): Twins {
  const before = (days: unknown): Moment => store.now() - Number(days) * dayMs * 1000;
  const isOld = (at: Moment | null, days: unknown): boolean => at !== null && at < before(days);
  return {
    'syncflow-prune-inbox': async (tx, [days, limit]) =>
      idsOf(
        await store.inbox.delete(
          tx,
          store.inbox.where(tx, (row) => isOld(row.settled_at, days)).slice(0, Number(limit)),
        ),
      ),
    'syncflow-prune-intent': async (tx, [days, limit]) =>
      idsOf(
        await store.intent.delete(
          tx,
          store.intent.where(tx, (row) => isOld(row.closed_at, days)).slice(0, Number(limit)),
        ),
      ),
    'syncflow-prune-history': async (tx, [days, limit]) =>
      idsOf(
        await store.history.delete(tx, store.history.where(tx, (row) => isOld(row.at, days)).slice(0, Number(limit))),
      ),
    'syncflow-prune-conflict': async (tx, [days, limit]) =>
      idsOf(
        await store.conflict.delete(tx, store.conflict.where(tx, (row) => isOld(row.at, days)).slice(0, Number(limit))),
      ),
    'syncflow-prune-link': async (tx, [days, limit]) => {
      const isTombstone = store.link.where(
        tx,
        (row) =>
          row.state === 'gone' &&
          row.key === null &&
          row.gone_at !== null &&
          row.due_at === null &&
          row.parked_code === null &&
          isOld(row.settled_at, days),
      );
      return idsOf(await store.link.delete(tx, isTombstone.slice(0, Number(limit))));
    },
  };
}

function idsOf(rows: readonly { readonly id: number }[]): { id: string }[] {
  return rows.map(({ id }) => ({ id: String(id) }));
}
