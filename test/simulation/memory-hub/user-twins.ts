/** Twins of what people do to the hub's tables: ../user-session.ts. */
import { formatKey } from '../../../src/catalog/key.js';
import { tellPredecessor } from '../catalogs.js';
import { userColumns, type UserTable } from '../user-session.js';
import type { CatalogTable, Texts } from './catalog-table.js';
import { rowOf } from './claims.js';
import { json, optional, type Store, type Twin } from './store.js';
import { Mode, type Transaction } from './transaction.js';

/** TRUNCATE takes along what refers to a table. */
const truncated: Readonly<Record<UserTable, readonly UserTable[]>> = {
  customer: ['customer', 'orders', 'order_line'],
  orders: ['orders', 'order_line'],
  order_line: ['order_line'],
};

/** @param tableOf the table with this name, once its catalog is prepared */
export function userTwins(store: Store, tableOf: (name: string) => CatalogTable): Map<string, Twin> {
  const twins = new Map<string, Twin>();
  for (const name of Object.keys(userColumns) as UserTable[]) addTable(twins, name, tableOf);
  twins.set(tellPredecessor, async (tx, [id, code]) => {
    const customers = tableOf('customer');
    await customers.enter(tx);
    const isBefore = (row: Texts): boolean => Number(row['id']) < Number(id);
    const slots = customers.inOrder(tx, customers.table.where(tx, isBefore)).slice(-1);
    const told = await customers.update(tx, slots, (row) =>
      row['follower'] === code ? undefined : { ...row, follower: optional(code) },
    );
    return told.map((row) => ({ code: row['code'] }));
  });
  twins.set('user-silence', (tx) => {
    tx.settings.set('silent', 'on');
    return [];
  });
  twins.set('user-links', (tx) =>
    store.link
      .rows(tx, () => true)
      .sort((a, b) => a.id - b.id)
      .map(({ id, subscriber, key, remote_id, state, parked_code, parked_reason, due_at, lease_owner, shadow }) => ({
        id: String(id),
        subscriber,
        key,
        remote_id,
        state,
        parked_code,
        parked_reason,
        due: due_at !== null,
        leased: lease_owner !== null,
        shadow,
      })),
  );
  twins.set('user-events', (tx) =>
    store.inbox
      .rows(tx, () => true)
      .map(({ subscriber, event_id, settled_at }) => ({ subscriber, event_id, settled: settled_at !== null })),
  );
  twins.set('user-cursors', (tx) =>
    store.cursor.rows(tx, ({ name }) => name === 'changes').map(({ subscriber, value }) => ({ subscriber, value })),
  );
  twins.set('user-open-intents', (tx) =>
    store.intent
      .rows(tx, ({ closed_at }) => closed_at === null)
      .map(({ link_id, kind }) => ({ link_id: String(link_id), kind })),
  );
  twins.set('user-planned', (tx) =>
    store.intent
      .rows(tx, () => true)
      .map(({ idempotency_key, created_at }) => ({ idempotency_key, at: created_at / 1_000 })),
  );
  twins.set('user-made', (tx) =>
    store.history
      .rows(tx, ({ event }) => event === 'record-created')
      .map(({ subscriber, key, remote_id }) => ({ subscriber, key, remote_id })),
  );
  twins.set('user-counts', (tx) => [
    {
      marks: store.mark.rows(tx, () => true).length,
      sleepers: store.sleeper.rows(tx, () => true).length,
      settings: store.setting.rows(tx, () => true).length,
      runs: store.run.rows(tx, ({ finished_at }) => finished_at === null).length,
    },
  ]);
  twins.set('user-conflicts', (tx) =>
    store.conflict
      .rows(tx, () => true)
      .map(({ link_id, subscriber, key, base, hub, remote }) => ({
        link_id: String(link_id),
        subscriber,
        key,
        base,
        hub,
        remote,
      })),
  );
  return twins;
}

function addTable(twins: Map<string, Twin>, name: UserTable, tableOf: (name: string) => CatalogTable): void {
  const columns: Readonly<Record<string, string>> = userColumns[name];
  const names = Object.keys(columns);
  const entered = async (tx: Transaction): Promise<CatalogTable> => {
    const table = tableOf(name);
    await table.enter(tx);
    return table;
  };
  const shown = (row: Texts): object => ({
    id: Number(row['id']),
    ...Object.fromEntries(
      names.map((column) => [column, columns[column] === 'bigint' ? Number(row[column]) : (row[column] ?? null)]),
    ),
  });
  const idOf = (row: Texts): number => Number(row['id']);

  twins.set(`user-rows-${name}`, async (tx) => {
    const table = await entered(tx);
    return table
      .inOrder(
        tx,
        table.table.where(tx, () => true),
      )
      .map((slot) => shown(rowOf(tx, slot)));
  });
  twins.set(`user-lock-${name}`, async (tx) => {
    const table = await entered(tx);
    const slots = table.inOrder(
      tx,
      table.table.where(tx, () => true),
    );
    return (await table.table.lock(tx, slots, Mode.update)).map(shown);
  });
  for (const [what, given] of [
    ['insert', names],
    ['reinsert', [...names, 'id']],
  ] as const) {
    twins.set(`user-${what}-${name}`, async (tx, params) => {
      const table = await entered(tx);
      const texts = Object.fromEntries(given.map((column, index) => [column, optional(params[index])]));
      return (await table.insert(tx, [texts])).map((row) => ({ id: idOf(row) }));
    });
  }
  for (const column of names) {
    twins.set(`user-set-${name}-${column}`, async (tx, [list]) => {
      const table = await entered(tx);
      const values = new Map(
        json<{ id: number; value: string | number | null }[]>(list).map((one) => [one.id, one.value]),
      );
      const slots = [...values.keys()].flatMap((id) => table.byKey.find(tx, formatKey([String(id)])));
      await table.update(tx, slots, (row) => {
        const value = values.get(idOf(row));
        return value === undefined ? undefined : { ...row, [column]: optional(value) };
      });
      return [];
    });
  }
  twins.set(`user-rekey-${name}`, async (tx, [from, to]) => {
    const table = await entered(tx);
    const slots = table.byKey.find(tx, formatKey([String(from)]));
    await table.update(
      tx,
      slots,
      (row) => (idOf(row) === Number(from) ? { ...row, id: String(to) } : undefined),
      Mode.update,
    );
    return [];
  });
  twins.set(`user-rekey-all-${name}`, async (tx, [list]) => {
    const table = await entered(tx);
    const moves = new Map(json<{ from: number; to: number }[]>(list).map(({ from, to }) => [from, String(to)]));
    const slots = [...moves.keys()].flatMap((from) => table.byKey.find(tx, formatKey([String(from)])));
    const next = (row: Texts): Texts | undefined => {
      const to = moves.get(idOf(row));
      return to === undefined ? undefined : { ...row, id: to };
    };
    await table.update(tx, slots, next, Mode.update, 'afterwards');
    return [];
  });
  twins.set(`user-delete-${name}`, async (tx, [list]) => {
    const table = await entered(tx);
    const ids = new Set(json<number[]>(list));
    const slots = [...ids].flatMap((id) => table.byKey.find(tx, formatKey([String(id)])));
    await table.delete(tx, slots, (row) => ids.has(idOf(row)));
    return [];
  });
  twins.set(`user-lock-whole-${name}`, async (tx) => {
    for (const table of truncated[name].map(tableOf)) await table.lockWhole(tx);
    return [];
  });
  twins.set(`user-truncate-${name}`, async (tx) => {
    const tables = truncated[name].map(tableOf);
    for (const table of tables) await table.lockWhole(tx);
    for (const table of tables) await table.truncate(tx);
    return [];
  });
}
