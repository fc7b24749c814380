/** Twins of the statements about what the brake or a TRUNCATE holds: src/store/held.ts. */
import { slotsOf, text, type LinkRow, type Store, type Twins } from './store.js';
import { rowOf } from './claims.js';
import { Mode } from './transaction.js';

const codes: ReadonlySet<string | null> = new Set(['brake', 'brake-updates', 'truncate']);

export const isHeld = (link: LinkRow): boolean => codes.has(link.parked_code);

/** What a change is, as its link tells. */
const changeOf = (link: LinkRow) => ({
  id: String(link.id),
  subscriber: link.subscriber,
  key: link.key,
  remoteId: link.remote_id,
  direction: link.look && link.parked_code !== 'truncate' ? 'inward' : 'outward',
  operation: link.parked_code === 'brake-updates' ? 'update' : 'delete',
});

const free = { parked_code: null, parked_reason: null, parked_at: null, attempts: 0 } as const;

export function heldTwins(store: Store): Twins {
  return {
    'syncflow-release-held': async (tx, [subscriber, by]) => {
      const matches = (link: LinkRow): boolean => isHeld(link) && link.subscriber === subscriber;
      const slots = store.link.where(tx, matches).sort((a, b) => rowOf(tx, a).id - rowOf(tx, b).id);
      const mine = await store.link.lock(tx, slots, Mode.update, matches);
      for (const { id, subscriber: of, key, remote_id, parked_code } of mine) {
        await store.link.update(tx, slotsOf(tx, store.linkById, [id]), (link) => ({
          ...link,
          ...free,
          due_at: store.now(),
          generation: link.generation + 1,
        }));
        await store.history.insert(tx, {
          id: store.history.nextId(),
          at: store.now(),
          subscriber: of,
          key,
          remote_id,
          event: 'released',
          // as json_build_object writes it
          detail: `{"code" : ${JSON.stringify(parked_code)}, "editedBy" : ${JSON.stringify(by)}}`,
        });
      }
      return mine.map(() => ({}));
    },

    'syncflow-lock-held': async (tx, [id]) => {
      const matches = (link: LinkRow): boolean =>
        isHeld(link) && (link.lease_until === null || link.lease_until < store.now());
      const rows = await store.link.lock(tx, store.linkById.find(tx, Number(id)), Mode.update, matches);
      return rows.map((link) => {
        const { direction, operation, ...change } = changeOf(link);
        return { ...change, shadow: link.shadow, direction, operation }; // columns in the order of the statement
      });
    },

    'syncflow-settle-held': async (tx, [id, shadow, look, excluded]) => {
      await store.link.update(tx, store.linkById.find(tx, Number(id)), (link) => ({
        ...link,
        ...free,
        shadow: text(shadow),
        look: look === true,
        state: excluded === true ? 'excluded' : link.state,
        deleted_at: null,
        due_at: excluded === true ? null : store.now(),
        generation: link.generation + 1,
        fence: link.fence + 1,
        lane: 2,
      }));
      return [];
    },
  };
}
