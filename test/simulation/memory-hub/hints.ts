/** Twins of the statements on intents, the inbox and cursors: src/store/intents.ts, inbox.ts. */
import { rowOf } from './claims.js';
import { momentOf } from './moment.js';
import { both, json, jsonText, slotsOf, text, type InboxRow, type IntentRow, type Store, type Twins } from './store.js';
import { Mode } from './transaction.js';

export function intentTwins(store: Store): Twins {
  return {
    'syncflow-insert-intents': async (tx, [intents]) => {
      const made: object[] = [];
      const list =
        json<{ link_id: string; fence: string; kind: string; idempotency_key: string; body: unknown }[]>(intents);
      const held = list.flatMap((r) => {
        const link = store.linkById.find(tx, Number(r.link_id))[0]?.seenBy(tx);
        return link === undefined || link.fence !== Number(r.fence) ? [] : [{ r, link }];
      });
      for (const { r, link } of held) {
        const now = store.now();
        const row: IntentRow = {
          id: store.intent.nextId(),
          link_id: link.id,
          subscriber: link.subscriber,
          kind: r.kind,
          idempotency_key: r.idempotency_key,
          body: jsonText(r.body) ?? 'null',
          steps: '[]',
          sent_at: now,
          unknown_at: null,
          missed: 0,
          closed_at: null,
          outcome: null,
          created_at: now,
        };
        await store.intent.insert(tx, row);
        made.push({ id: String(row.id), link_id: String(link.id) });
      }
      return made;
    },

    'syncflow-open-intents': (tx, [links]) => {
      const now = store.now();
      const rows = slotsOf(tx, store.intentOpen, json<string[]>(links).map(Number)).map((slot) => rowOf(tx, slot));
      return rows
        .sort((a, b) => a.id - b.id)
        .map(({ id, link_id, kind, idempotency_key, body, steps, created_at, missed }) => ({
          id: String(id),
          link_id: String(link_id),
          kind,
          idempotency_key,
          body,
          steps,
          age_ms: (now - created_at) / 1000,
          missed,
        }));
    },

    'syncflow-save-steps': async (tx, [id, fence, steps]) => {
      const isHeld = (intent: IntentRow): boolean =>
        store.linkById.find(tx, intent.link_id)[0]?.seenBy(tx)?.fence === Number(fence);
      const slots = store.intent.where(tx, isHeld, store.intentById.find(tx, Number(id)));
      return (await store.intent.update(tx, slots, (intent) => ({ ...intent, steps: text(steps) }))).map(() => ({}));
    },

    'syncflow-has-steps': (tx, [id]) =>
      store.intentById
        .find(tx, Number(id))
        .map((slot) => ({ steps: (JSON.parse(rowOf(tx, slot).steps) as unknown[]).length })),

    'syncflow-close-intents': async (tx, [closed]) => {
      const outcomes = new Map(
        json<{ id: string; outcome: string }[]>(closed).map((one) => [Number(one.id), one.outcome]),
      );
      await store.intent.update(tx, slotsOf(tx, store.intentById, outcomes.keys()), (intent) => ({
        ...intent,
        closed_at: store.now(),
        outcome: outcomes.get(intent.id) ?? null,
      }));
      return [];
    },

    'syncflow-mark-unknown': async (tx, [ids]) => {
      await store.intent.update(tx, slotsOf(tx, store.intentById, json<string[]>(ids).map(Number)), (intent) => ({
        ...intent,
        unknown_at: intent.unknown_at ?? store.now(),
      }));
      return [];
    },

    'syncflow-count-missed': async (tx, [ids]) => {
      await store.intent.update(tx, slotsOf(tx, store.intentById, json<string[]>(ids).map(Number)), (intent) => ({
        ...intent,
        missed: intent.missed + 1,
      }));
      return [];
    },

    'syncflow-open-create': (tx, [subscriber, before]) => {
      const until = before === null ? Infinity : momentOf(text(before));
      const isOpen = (intent: IntentRow): boolean =>
        intent.subscriber === subscriber &&
        intent.kind === 'create' &&
        intent.closed_at === null &&
        intent.created_at <= until;
      const creates = store.intent.rows(tx, isOpen).flatMap(({ link_id }) =>
        slotsOf(tx, store.linkById, [link_id]).map((slot) => {
          const { key, parked_code } = rowOf(tx, slot);
          return { key, parked: parked_code !== null };
        }),
      );
      const found = creates.find((one) => !one.parked) ?? creates[0];
      return found === undefined ? [] : [found];
    },

    'syncflow-unseen-writes': (tx, [ids, withinMs, kind]) =>
      [...new Set(json<string[]>(ids))]
        .flatMap((id) => store.intentUnseen.find(tx, Number(id)))
        .map((slot) => rowOf(tx, slot))
        .filter((intent) => intent.kind === kind && (intent.closed_at ?? 0) > store.now() - Number(withinMs) * 1_000)
        .sort((one, other) => other.id - one.id)
        .slice(0, 1_000)
        .map((intent) => ({ id: String(intent.id), link_id: String(intent.link_id), body: intent.body })),

    'syncflow-unseen-creates': (tx, [subscriber, withinMs]) =>
      store.intent
        .rows(
          tx,
          (intent) =>
            intent.subscriber === subscriber &&
            intent.kind === 'create' &&
            intent.outcome === 'not seen' &&
            (intent.closed_at ?? 0) > store.now() - Number(withinMs) * 1_000,
        )
        .sort((one, other) => other.id - one.id)
        .slice(0, 1_000)
        .map(({ body }) => ({ body })),

    'syncflow-intents-by-cause': (tx, [causes]) =>
      slotsOf(tx, store.intentByKey, json<string[]>(causes)).map((slot) => {
        const { idempotency_key, kind, body, closed_at, unknown_at, outcome } = rowOf(tx, slot);
        const doubtful = closed_at === null ? unknown_at !== null : outcome === 'not seen';
        return { idempotency_key, kind, body, closed: closed_at !== null, doubtful };
      }),

    'syncflow-conclude-intents': async (tx, [id, outcome]) => {
      await store.intent.update(tx, store.intentOpen.find(tx, Number(id)), (intent) =>
        intent.closed_at === null ? { ...intent, closed_at: store.now(), outcome: text(outcome) } : undefined,
      );
      return [];
    },
  };
}

export function inboxTwins(store: Store): Twins {
  return {
    'syncflow-insert-events': async (tx, [events]) => {
      const inserted: object[] = [];
      const list =
        json<
          { subscriber: string; event_id: string; remote_id: string; kind: string; payload: unknown; lane: number }[]
        >(events);
      for (const { subscriber, event_id, remote_id, kind, payload, lane } of list) {
        const row: InboxRow = {
          id: store.inbox.nextId(),
          subscriber,
          event_id,
          remote_id,
          kind,
          payload: jsonText(payload) ?? 'null',
          lane,
          received_at: store.now(),
          settled_at: null,
        };
        if (await store.inbox.insertNew(tx, store.inboxByEvent, row)) inserted.push({ subscriber, event_id });
      }
      return inserted;
    },

    'syncflow-hints-to-route': (tx, [catalogs, subscribers]) => {
      const known = new Set(json<string[]>(catalogs));
      return [
        {
          marks: store.mark.exists(tx, (mark) => known.has(mark.catalog)),
          bulk: store.mark.exists(tx, (mark) => mark.bulk),
          events: json<string[]>(subscribers).some((one) => store.inboxOpen.find(tx, one).length > 0),
        },
      ];
    },

    'syncflow-known-events': (tx, [subscriber, ids]) =>
      slotsOf(
        tx,
        store.inboxByEvent,
        json<string[]>(ids).map((id) => both(text(subscriber), id)),
      ).map((slot) => ({ event_id: rowOf(tx, slot).event_id })),

    'syncflow-claim-events': async (tx, [limit, subscribers]) => {
      const open = slotsOf(tx, store.inboxOpen, json<string[]>(subscribers));
      open.sort((a, b) => rowOf(tx, a).id - rowOf(tx, b).id);
      const claimed: InboxRow[] = [];
      for (const slot of open) {
        if (claimed.length >= Number(limit)) break;
        if (tx.tryLock(slot, Mode.update)) claimed.push(rowOf(tx, slot));
      }
      return claimed.map(({ id, subscriber, remote_id, kind, lane, payload }) => ({
        id: String(id),
        subscriber,
        remote_id,
        kind,
        lane,
        payload,
      }));
    },

    'syncflow-settle-events': async (tx, [events]) => {
      const payloads = new Map(
        json<{ id: string; payload: unknown }[]>(events).map((one) => [Number(one.id), one.payload]),
      );
      await store.inbox.update(tx, slotsOf(tx, store.inboxById, payloads.keys()), (event) => ({
        ...event,
        settled_at: store.now(),
        payload: jsonText(payloads.get(event.id)) ?? '{}',
      }));
      return [];
    },

    'syncflow-read-cursor': (tx, [subscriber, name]) =>
      store.cursorByName.find(tx, both(text(subscriber), text(name))).map((slot) => ({ value: rowOf(tx, slot).value })),

    'syncflow-write-cursor': async (tx, [subscriberParam, nameParam, valueParam]) => {
      const value = text(valueParam);
      const row = { subscriber: text(subscriberParam), name: text(nameParam), value, updated_at: store.now() };
      const change = (cursor: typeof row) => ({ ...cursor, value, updated_at: store.now() });
      await store.cursor.upsert(tx, store.cursorByName, row, change, new Set());
      return [];
    },

    'syncflow-drop-cursor': async (tx, [subscriber, name, value]) => {
      const matches = (cursor: { readonly value: string }): boolean => cursor.value === value;
      const slots = store.cursor.where(tx, matches, store.cursorByName.find(tx, both(text(subscriber), text(name))));
      return (await store.cursor.delete(tx, slots, matches)).map(() => ({}));
    },
  };
}
