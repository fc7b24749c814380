/** Twins of the statements about who is paired and who claims to be: src/store/listed.ts, witnesses.ts. */
import type { SqlValue } from '../../../src/store/database.js';
import type { Planned } from '../../../src/store/links.js';
import { both, json, jsonText, slotsOf, text, type LinkRow, type Store, type Twins } from './store.js';
import { Lockable, Mode, type Transaction } from './transaction.js';

const inOrder = (links: readonly LinkRow[]): LinkRow[] =>
  [...links].sort((a, b) => ((a.remote_id ?? '') < (b.remote_id ?? '') ? -1 : 1));

export function pairedTwins(store: Store): Twins {
  const turns = new Map<string, Lockable>();
  const turnOf = (name: string): Lockable => {
    const turn = turns.get(name) ?? new Lockable();
    turns.set(name, turn);
    return turn;
  };
  const noteDecisions = async (tx: Transaction, decisions: SqlValue | undefined, by: 'remote' | 'key') => {
    const index = by === 'remote' ? store.linkByRemote : store.linkByKey;
    const list = json<{ subscriber: string; remoteId?: string; key?: string; planned: unknown }[]>(decisions);
    for (const r of list) {
      const isAlone = (link: LinkRow): boolean =>
        (by === 'remote' ? link.key : link.remote_id) === null && (link.state === 'new' || link.state === 'excluded');
      const name = both(r.subscriber, (by === 'remote' ? r.remoteId : r.key) ?? '');
      await store.link.update(tx, store.link.where(tx, isAlone, slotsOf(tx, index, [name])), (link) =>
        isAlone(link) ? { ...link, planned: jsonText(r.planned), state: 'new' } : undefined,
      );
    }
    return [];
  };
  return {
    'syncflow-claimants': (tx, [subscriber, claims]) => {
      const wanted = new Set(json<string[]>(claims));
      const links = store.link.rows(
        tx,
        (link) =>
          link.key === null &&
          link.state === 'new' &&
          link.remote_id !== null &&
          link.claims !== null &&
          wanted.has(link.claims),
        store.linkBySubscriber.slots.get(text(subscriber)) ?? [],
      );
      return inOrder(links).map((link) => ({
        remoteId: link.remote_id,
        claims: link.claims,
        parked: link.parked_code !== null,
      }));
    },

    'syncflow-note-decisions-by-remote': (tx, [decisions]) => noteDecisions(tx, decisions, 'remote'),
    'syncflow-note-decisions-by-key': (tx, [decisions]) => noteDecisions(tx, decisions, 'key'),

    'syncflow-find-decided': (tx, [subscriber, key, remoteId]) => {
      const strangers = store.link.rows(
        tx,
        (link) => link.key === null && link.state === 'new' && link.remote_id !== null && link.planned !== null,
        store.linkBySubscriber.slots.get(text(subscriber)) ?? [],
      );
      return inOrder(strangers).flatMap((link) => {
        const planned = json<Planned>(link.planned);
        const isMeant =
          planned.by === 'person' && planned.do === 'link' && (planned.key === key || link.remote_id === remoteId);
        return isMeant ? [{ remoteId: link.remote_id, key: planned.key ?? null }] : [];
      });
    },

    'syncflow-paired-remotes': (tx, [subscriber, limit]) => {
      const links = store.link.rows(
        tx,
        (link) =>
          link.remote_id !== null &&
          link.key !== null &&
          link.state === 'linked' &&
          link.parked_code === null &&
          link.gone_at === null &&
          link.deleted_at === null,
        store.linkBySubscriber.slots.get(text(subscriber)) ?? [],
      );
      return inOrder(links)
        .slice(0, Number(limit))
        .map((link) => ({ remoteId: link.remote_id }));
    },

    'syncflow-witnesses-coming': (tx, [subscriber, id]) =>
      store.link
        .rows(
          tx,
          (link) =>
            link.id !== Number(id) &&
            link.key !== null &&
            ((link.remote_id === null &&
              link.state === 'new' &&
              link.due_at !== null &&
              link.parked_code === null &&
              !link.paused &&
              link.waits_for === null) ||
              (link.state === 'linked' && link.parked_code === 'remote-missing')),
          store.linkBySubscriber.slots.get(text(subscriber)) ?? [],
        )
        .slice(0, 1)
        .map(() => ({})),

    'syncflow-take-turns': async (tx, [names]) => {
      for (const name of [...new Set(json<string[]>(names))].sort()) await tx.lock(turnOf(name), Mode.update);
      return [];
    },
  };
}
